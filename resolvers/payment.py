"""Money coming in: what payment systems and agents may do, and staff see (W-4.3.1).

A payment system is a `ProviderActor` that its own door has let in; an agent or a bank is a partner with the scope
`topup:write`. What has been begun may be ended: a way that is switched off takes no new payments, and performs those
that it took before.
"""

import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from domain.clock import TASHKENT, to_micros
from domain.database import Row, after_commit, fetch, fetch_row, in_transaction
from domain.fiscal import FiscalReceipt, FiscalReceiptExists, record
from domain.money import LARGEST_SOM, TIYIN_PER_SOM, ZERO, Money
from domain.payment import (
    PARTNER,
    Payee,
    PayeeNotFound,
    PaymentDiffers,
    PaymentLapsed,
    PaymentNotFound,
    PaymentOver,
    PaymentStatus,
    PaymentView,
    cancel,
    capture,
    create,
    find,
    hold_payment,
    is_over_time,
    keep_fiscal,
    payee_by_number,
    payee_by_phone,
    payment_view,
    require_room,
    switch_of,
)
from domain.refusal import InvalidAmount, InvalidInput
from domain.switch import require_way
from resolvers.context import Context, ProviderActor, the_provider, the_staff
from resolvers.paging import Page, PageRequest, page

LAPSED: Final = "4"  # Payme's word for a payment whose time was over, and so ours
MOST: Final = Money(LARGEST_SOM * TIYIN_PER_SOM)
LONGEST_ID: Final = 100
STATEMENT_MOST: Final = 100_000
# Digits, grouped as people group them; anything else may mean somebody else.
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()-]{0,38}", re.ASCII)


def require_amount(amount: Money) -> None:
    """Raises InvalidAmount for nothing, less, and more than there is money."""
    if not ZERO < amount <= MOST:
        raise InvalidAmount(path=("amount",))


async def check_payment(ctx: Context, payee: Payee, amount: Money) -> None:
    """Whether a payment could be made now.

    Raises InvalidAmount, WayClosed, WalletNotActive, TopUpLimitReached and BalanceLimitReached.
    """
    provider = the_provider(ctx)
    require_amount(amount)
    await require_way(switch_of(provider))
    await require_room(payee, amount, ctx.clock.now())


@in_transaction
async def create_payment(
    ctx: Context,
    find_payee: Callable[[], Awaitable[Payee]],
    amount: Money,
    *,
    external_id: str,
    named: str,
    provider_at: datetime | None = None,
    lifetime: timedelta | None = None,
) -> PaymentView:
    """A pending payment; the same asked again gives the one that is there, whatever has become of the payee.

    `named` is the payee in the provider's words, `lifetime` counts from the provider's time, the first one that it
    told. Raises what `find_payee` and `check_payment` raise; PaymentDiffers for a known id with another amount (then
    its path says so) or payee; PaymentOver for one that is cancelled; PaymentLapsed when its time is over.
    """
    provider, now = the_provider(ctx), ctx.clock.now()
    expires_at = provider_at + lifetime if provider_at and lifetime else None
    if await find(provider, external_id) is None:
        payee = await find_payee()
        await check_payment(ctx, payee, amount)
        made = await create(
            provider, external_id, payee, amount, named=named, at=now, provider_at=provider_at, expires_at=expires_at
        )
        if made is not None:
            await _end_lapsed(made, now)
            return made
    known = await hold_payment(provider, external_id)
    if known.amount != amount:
        raise PaymentDiffers(path=("amount",))
    if known.named != named and known.account_id != (await find_payee()).account_id:
        raise PaymentDiffers
    await _end_lapsed(known, now)
    if known.status in (PaymentStatus.CANCELLED, PaymentStatus.REFUNDED):
        raise PaymentOver(status=known.status)
    return known


async def _end_lapsed(payment: PaymentView, now: datetime) -> None:
    if is_over_time(payment, now):
        await cancel(payment, at=now, reason=LAPSED)
        raise PaymentLapsed


@in_transaction
async def perform_payment(ctx: Context, *, external_id: str) -> PaymentView:
    """The money is on the balance; performed again, the answer is the same.

    Raises PaymentNotFound, PaymentOver, PaymentLapsed, WalletNotActive, TopUpLimitReached, BalanceLimitReached.
    """
    provider, now = the_provider(ctx), ctx.clock.now()
    payment = await hold_payment(provider, external_id)
    if payment.status is PaymentStatus.CAPTURED:
        return payment
    await _end_lapsed(payment, now)
    return await take_in(ctx, payment, now)


async def take_in(ctx: Context, payment: PaymentView, now: datetime, **told: str) -> PaymentView:
    """Captures a pending payment, inside the caller's transaction; `told` is written beside what all movements tell.

    Raises what `domain.payment.capture` raises.
    """
    memo = {"way": payment.provider, "payment": payment.id, "recipient": await _number(payment)} | told
    captured = await capture(payment, at=now, memo=memo)
    _announce(ctx, captured)
    return captured


async def _number(payment: PaymentView) -> str:
    table = "personal_account" if payment.wallet_id is None else "wallet"
    row = await fetch_row(f"SELECT number FROM {table} WHERE ledger_account_id = $1", payment.account_id)
    assert row is not None, "a payment tops something up"
    return str(row["number"])


def _announce(ctx: Context, payment: PaymentView) -> None:
    if payment.wallet_id is not None:
        after_commit(lambda: ctx.announce(f"wallet:{payment.wallet_id}"))


@in_transaction
async def cancel_payment(ctx: Context, *, external_id: str, reason: str) -> PaymentView:
    """Ends a pending payment or takes a performed one's money back; cancelled again, the answer is the same.

    Raises PaymentNotFound; InsufficientFunds and WalletNotActive when the money is gone or frozen.
    """
    provider = the_provider(ctx)
    payment = await hold_payment(provider, external_id)
    if payment.status in (PaymentStatus.CANCELLED, PaymentStatus.REFUNDED):
        return payment
    cancelled = await cancel(payment, at=ctx.clock.now(), reason=reason)
    _announce(ctx, cancelled)
    return cancelled


@in_transaction
async def cancel_pending(ctx: Context, *, external_id: str, reason: str) -> PaymentView:
    """Ends a payment that has not been performed; never takes money back. Raises PaymentNotFound and PaymentOver."""
    payment = await hold_payment(the_provider(ctx), external_id)
    if payment.status is PaymentStatus.CANCELLED:
        return payment
    if payment.status is not PaymentStatus.PENDING:
        raise PaymentOver(status=payment.status)
    return await cancel(payment, at=ctx.clock.now(), reason=reason)


@in_transaction
async def look_at_payment(ctx: Context, *, external_id: str) -> PaymentView:
    """A provider's own payment; one whose time is over is cancelled by looking. Raises PaymentNotFound."""
    provider = the_provider(ctx)
    payment = await find(provider, external_id)
    if payment is None:
        raise PaymentNotFound
    if not is_over_time(payment, ctx.clock.now()):
        return payment
    payment = await hold_payment(provider, external_id)
    if is_over_time(payment, ctx.clock.now()):
        payment = await cancel(payment, at=ctx.clock.now(), reason=LAPSED)
    return payment


async def payments_between(ctx: Context, begin: datetime, end: datetime) -> list[PaymentView]:
    """A provider's own payments by its own time, both ends included, the oldest first; at most 100,000."""
    rows = await fetch(
        """SELECT * FROM payment WHERE provider = $1 AND provider_at BETWEEN $2 AND $3
           ORDER BY provider_at, id LIMIT $4""",
        the_provider(ctx),
        to_micros(begin),
        to_micros(end),
        STATEMENT_MOST,
    )
    return [payment_view(row) for row in rows]


@in_transaction
async def keep_fiscal_data(ctx: Context, *, external_id: str, kind: str, data: dict[str, Any]) -> None:
    """Keeps what the provider's tax module registered of performing or cancelling (`kind`), as it came.

    What was registered of performing is the fiscal receipt of the movement, if it has the form of one. Raises
    PaymentNotFound.
    """
    payment = await hold_payment(the_provider(ctx), external_id)
    kept = json.loads(payment.fiscal) if payment.fiscal else {}
    await keep_fiscal(payment, json.dumps(kept | {kind: data}, ensure_ascii=False, sort_keys=True))
    receipt = _registered(data) if kind == "PERFORM" else None
    if receipt is not None and payment.transfer_id is not None:
        with contextlib.suppress(InvalidInput, FiscalReceiptExists):
            await record(payment.transfer_id, receipt)


def _registered(data: dict[str, Any]) -> FiscalReceipt | None:
    try:
        return FiscalReceipt(
            terminal=str(data["terminal_id"]),
            receipt_number=str(data["receipt_id"]),
            at=datetime.strptime(str(data["date"]), "%Y%m%d%H%M%S").replace(tzinfo=TASHKENT),
            sign=str(data["fiscal_sign"]),
            qr_url=str(data["qr_code_url"]),
        )
    except (KeyError, ValueError):
        return None


async def lapse_payments(ctx: Context, *, batch: int) -> int:
    """Cancels pending payments whose time is over; gives how many there were."""
    due = await fetch(
        "SELECT provider, external_id FROM payment WHERE status = 'pending' AND expires_at <= $1 LIMIT $2",
        to_micros(ctx.clock.now()),
        batch,
    )
    for row in due:
        actor = ProviderActor(row["provider"])
        await look_at_payment(ctx.acting_as(actor), external_id=row["external_id"])
    return len(due)


async def payee_named(to: str, *, path: tuple[str, ...] = ()) -> Payee:
    """Whom a text means: a phone in any usual form, or an account's or wallet's number. Raises PayeeNotFound."""
    digits = "".join(character for character in to if character in "0123456789")
    try:
        if not _NUMBER.fullmatch(to):
            raise PayeeNotFound
        if len(digits) == 9 or (len(digits) == 12 and digits.startswith("998")):
            return await payee_by_phone(digits[-9:])
        return await payee_by_number(digits)
    except PayeeNotFound:
        raise PayeeNotFound(path=path) from None


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment as staff see it; `number` is of the account or wallet that it tops up, `owner_id` its own id."""

    payment: PaymentView
    number: str
    owner_id: int


_LISTED: Final = """SELECT x.*, COALESCE(w.number, a.number) AS number, COALESCE(w.id, a.id) AS owner_id,
       x.created_at AS cursor_order, x.id AS cursor_id
FROM payment x LEFT JOIN wallet w ON w.id = x.wallet_id
LEFT JOIN personal_account a ON x.wallet_id IS NULL AND a.ledger_account_id = x.account_id
WHERE 1 = 1"""


async def payments(
    ctx: Context, request: PageRequest, *, provider: str = "", status: str = "", number: str = ""
) -> Page[ListedPayment]:
    """Payments for staff, the newest first; filters that are empty leave nothing out."""
    the_staff(ctx)
    values: list[Any] = []
    where = ""
    for column, value in (("x.provider", provider), ("x.status", status), ("COALESCE(w.number, a.number)", number)):
        if value:
            values.append(value)
            where += f" AND {column} = ${len(values)}"
    return await page(_LISTED + where, values, request, _listed, order="x.created_at", id_="x.id")


async def providers(ctx: Context) -> list[str]:
    """The providers that have made payments, by name; for a filter."""
    the_staff(ctx)
    partners = await fetch("SELECT code FROM partner ORDER BY code LIMIT 200")
    return ["payme", "click", *(f"{PARTNER}{row['code']}" for row in partners)]


async def payment(ctx: Context, payment_id: int) -> ListedPayment | None:
    """One payment, for staff."""
    the_staff(ctx)
    row = await fetch_row(f"{_LISTED} AND x.id = $1", payment_id)
    return _listed(row) if row else None


def _listed(row: Row) -> ListedPayment:
    return ListedPayment(payment_view(row), row["number"], row["owner_id"])
