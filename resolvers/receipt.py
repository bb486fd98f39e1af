"""Receipts (W-2.19): as data, as a paper, and as a public page that proves one without telling whose it is.

A receipt's check code is its number with a short signature, printed on the paper and behind its QR code. It lasts as
long as the installation's secret key. Who has no receipt cannot make one up, nor walk along the numbers.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.clock import from_micros
from domain.database import fetch_row
from domain.fiscal import FiscalReceipt, of_transfers, record
from domain.language import Language
from domain.money import Money
from domain.policy import Operator
from domain.refusal import NotFound
from resolvers.account import ReceiptView, receipt_number, receipts
from resolvers.context import Context, SystemActor, the_partner, the_staff
from resolvers.links import Download, link, opened
from resolvers.texts import translator

PURPOSE: Final = "receipt"
SIGNATURE_CHARACTERS: Final = 10
_CODE: Final = re.compile(rf"([0-9]{{10,18}}-[0-9])-([A-Z2-7]{{{SIGNATURE_CHARACTERS}}})", re.ASCII)


def N_(text: str) -> str:  # gettext's own name for a text that is translated elsewhere
    return text


PURPOSES: Final = {
    "transfer": N_("Transfer between wallets"),
    "top_up": N_("Top-up"),
    "payment": N_("Payment"),
    "subscription": N_("Subscription"),
    "refund": N_("Refund"),
    "reversal": N_("Taken back"),
    "redemption": N_("Paid out"),
    "forfeiture": N_("Forfeited"),
    "adjustment": N_("Adjustment"),
}


def purpose_text(purpose: str, language: Language) -> str:
    """What a movement was for, by the kind of transfer that it is."""
    return translator(language).gettext(PURPOSES.get(purpose, purpose))


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """What anybody may know of a receipt: that it is genuine and about how much; not who paid whom.

    `put_right_at`: when another movement corrected this one or took it back.
    """

    number: str
    at: datetime
    purpose: str
    amount: Money
    commission: Money
    total: Money
    put_right_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptPaper:
    """All that a receipt on paper says, in the language in which it was asked for."""

    receipt: ReceiptView
    fiscal: FiscalReceipt | None
    operator: Operator
    check_url: str
    language: Language


def check_code(ctx: Context, number: str) -> str:
    """The receipt's number with its signature."""
    digest = hmac.digest(ctx.secrets.derive("receipt-check"), number.encode(), "sha256")
    return f"{number}-{base64.b32encode(digest).decode()[:SIGNATURE_CHARACTERS]}"


def check_url(ctx: Context, number: str) -> str:
    """Where anybody can see that the receipt is genuine; it does not change."""
    return f"{ctx.policy.public_url}/check/{check_code(ctx, number)}"


async def checked(ctx: Context, code: str) -> CheckedReceipt:
    """The receipt of a check code, for anybody. Raises NotFound alike for a wrong signature and an unknown number."""
    found = _CODE.fullmatch(code.upper())
    # The signature first: a made-up code costs no look into the database.
    if found is None or not hmac.compare_digest(check_code(ctx, found[1]), found[0]):
        raise NotFound
    transfer_id = int(found[1].partition("-")[0])
    [receipt] = await receipts(ctx, [transfer_id])
    if receipt is None:
        raise NotFound
    row = await fetch_row("SELECT MIN(at) AS at FROM ledger_transfer WHERE corrects_id = $1", transfer_id)
    put_right = row["at"] if row else None
    return CheckedReceipt(
        number=receipt.number,
        at=receipt.at,
        purpose=receipt.purpose,
        amount=receipt.amount,
        commission=receipt.commission,
        total=receipt.total,
        put_right_at=None if put_right is None else from_micros(put_right),
    )


async def receipt_by_number(ctx: Context, number: str) -> tuple[ReceiptView, FiscalReceipt | None]:
    """A receipt by its number, for staff. Raises NotFound."""
    the_staff(ctx)
    transfer_id = transfer_of(number)
    [receipt] = await receipts(ctx, [transfer_id]) if transfer_id is not None else [None]
    if receipt is None:
        raise NotFound
    return receipt, await fiscal_of(receipt)


def receipt_link(ctx: Context, transfer_id: int, language: Language | None = None) -> Download:
    """The receipt as a PDF. The movement must come from a look that was scoped to the caller."""
    return link(ctx, PURPOSE, {"transfer": transfer_id, "language": str(language or ctx.language)})


async def receipt_paper(ctx: Context, token: str) -> ReceiptPaper:
    """What such an address opens. Raises LinkOver, and NotFound when there is no such movement."""
    facts = opened(ctx, PURPOSE, token)
    [receipt] = await receipts(ctx, [facts["transfer"]])
    if receipt is None:
        raise NotFound
    fiscal = await of_transfers([receipt.transfer_id])
    return ReceiptPaper(
        receipt=receipt,
        fiscal=fiscal.get(receipt.transfer_id),
        operator=ctx.policy.operator,
        check_url=check_url(ctx, receipt.number),
        language=Language(facts["language"]),
    )


async def record_fiscal(ctx: Context, *, number: str, receipt: FiscalReceipt) -> FiscalReceipt:
    """Keeps what the tax office's module registered of a movement, told by the partner whose module it is.

    `number` is the movement's receipt number. The same again changes nothing: it needs no key. Raises InvalidInput,
    NotFound, FiscalReceiptExists; Forbidden without the scope `fiscal:write`.
    """
    if not isinstance(ctx.actor, SystemActor):
        the_partner(ctx, "fiscal:write")
    transfer_id = transfer_of(number)
    if transfer_id is None:
        raise NotFound(path=("input", "receipt"))
    await record(transfer_id, receipt)
    return receipt


async def fiscal_of(receipt: ReceiptView) -> FiscalReceipt | None:
    """What the tax office's module registered of one movement."""
    return (await of_transfers([receipt.transfer_id])).get(receipt.transfer_id)


def transfer_of(number: str) -> int | None:
    """The movement with this receipt number; None for a number that no receipt has."""
    digits = number.partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and 10 <= len(digits) <= 18):
        return None
    return int(digits) if receipt_number(int(digits)) == number else None
