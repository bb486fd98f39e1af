"""Fiscal receipts: what the tax office's module has registered of a movement, kept as it came and never changed.

A receipt names its terminal, its number there, when it was registered and its fiscal sign; the link that is shown as a
QR code leads to the tax office's own page. Its items carry MXIK codes. Amounts are tiyin and include VAT.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from tortoise.exceptions import IntegrityError

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.refusal import InvalidInput, NotFound, Refusal
from domain.view import view

MOST_ITEMS: Final = 100
LONGEST_NAME: Final = 63
LONGEST_URL: Final = 500
_MXIK: Final = re.compile(r"[0-9]{17}", re.ASCII)
_PACKAGE: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_TAXPAYER: Final = re.compile(r"[0-9]{9}|[0-9]{14}", re.ASCII)
_MARK: Final = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)


@dataclass(eq=False, kw_only=True)
class FiscalReceiptExists(Refusal):
    """The movement has another fiscal receipt already."""

    code: ClassVar[str] = "FISCAL_RECEIPT_EXISTS"
    text: ClassVar[str] = "This movement has another fiscal receipt already."


@view
class FiscalItem:
    """`units` of one thing sold, at `price` each; `agent` is the commission agent's STIR or PINFL, if one sold it."""

    name: str
    mxik: str
    package_code: str
    units: int
    price: Money
    amount: Money
    vat_percent: int
    vat: Money
    agent: str | None = None


@view
class FiscalReceipt:
    """What was registered. `items` is empty where the module's answer told none."""

    terminal: str
    receipt_number: str
    at: datetime
    sign: str
    qr_url: str
    items: tuple[FiscalItem, ...] = ()


def require_form(receipt: FiscalReceipt) -> None:
    """Raises InvalidInput, with the path, for what no fiscal receipt can have."""
    _require(_MARK.fullmatch(receipt.terminal), "terminal")
    _require(_MARK.fullmatch(receipt.receipt_number), "receiptNumber")
    _require(_MARK.fullmatch(receipt.sign), "sign")
    _require(len(receipt.qr_url) <= LONGEST_URL and _leads_somewhere(receipt.qr_url), "qrUrl")
    _require(1970 < receipt.at.year < 9000, "at")
    _require(len(receipt.items) <= MOST_ITEMS, "items")
    for number, item in enumerate(receipt.items):
        _require_item(item, ("items", str(number)))


def _require_item(item: FiscalItem, where: tuple[str, ...]) -> None:
    _require(item.name.strip() and len(item.name) <= LONGEST_NAME and item.name.isprintable(), *where, "name")
    _require(_MXIK.fullmatch(item.mxik), *where, "mxik")
    _require(_PACKAGE.fullmatch(item.package_code), *where, "packageCode")
    _require(0 < item.units <= 10**9, *where, "units")
    _require(0 <= item.price.tiyin <= 10**15, *where, "price")
    _require(0 <= item.amount.tiyin <= 10**15, *where, "amount")
    _require(0 <= item.vat_percent <= 100, *where, "vatPercent")
    _require(0 <= item.vat.tiyin <= item.amount.tiyin, *where, "vat")
    _require(item.agent is None or _TAXPAYER.fullmatch(item.agent), *where, "agent")


def _require(holds: object, *path: str) -> None:
    if not holds:
        raise InvalidInput(path=("input", *path))


def _leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isascii() and url.isprintable()


@in_transaction
async def record(transfer_id: int, receipt: FiscalReceipt) -> None:
    """Keeps a movement's fiscal receipt; the same one again changes nothing.

    Raises InvalidInput, NotFound for no movement, and FiscalReceiptExists when the movement has another one or the
    receipt belongs to another movement.
    """
    require_form(receipt)
    # The movement's row: the same receipt told twice at once is written by the first and found by the second.
    if not await fetch_row("SELECT 1 FROM ledger_transfer WHERE id = $1 FOR NO KEY UPDATE", transfer_id):
        raise NotFound
    known = (await of_transfers([transfer_id])).get(transfer_id)
    if known == receipt:
        return
    if known is not None or await _number_is_taken(receipt):
        raise FiscalReceiptExists
    try:
        await _insert(transfer_id, receipt)
    except IntegrityError as error:  # told of another movement at this very moment
        raise FiscalReceiptExists from error


async def _insert(transfer_id: int, receipt: FiscalReceipt) -> None:
    await execute(
        """INSERT INTO fiscal_receipt (transfer_id, terminal, receipt_number, at, sign, qr_url, items)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        transfer_id,
        receipt.terminal,
        receipt.receipt_number,
        to_micros(receipt.at),
        receipt.sign,
        receipt.qr_url,
        json.dumps([_plain(item) for item in receipt.items], ensure_ascii=False),
    )


async def _number_is_taken(receipt: FiscalReceipt) -> bool:
    text = "SELECT 1 FROM fiscal_receipt WHERE terminal = $1 AND receipt_number = $2"
    return await fetch_row(text, receipt.terminal, receipt.receipt_number) is not None


def _plain(item: FiscalItem) -> dict[str, Any]:
    return asdict(item) | {"price": item.price.tiyin, "amount": item.amount.tiyin, "vat": item.vat.tiyin}


async def of_transfers(transfer_ids: Sequence[int]) -> dict[int, FiscalReceipt]:
    """The fiscal receipts of these movements, by movement, in one statement."""
    if not transfer_ids:
        return {}
    places = ", ".join(f"${n}" for n in range(1, len(transfer_ids) + 1))
    rows = await fetch(f"SELECT * FROM fiscal_receipt WHERE transfer_id IN ({places})", *transfer_ids)
    return {row["transfer_id"]: _receipt(row) for row in rows}


def _receipt(row: Row) -> FiscalReceipt:
    return FiscalReceipt(
        terminal=row["terminal"],
        receipt_number=row["receipt_number"],
        at=from_micros(row["at"]),
        sign=row["sign"],
        qr_url=row["qr_url"],
        items=tuple(map(_item, json.loads(row["items"]))),
    )


def _item(plain: dict[str, Any]) -> FiscalItem:
    money = {name: Money(plain[name]) for name in ("price", "amount", "vat")}
    return FiscalItem(**(plain | money))
