"""Looking at money: accounts, their entries, and the receipt of each movement."""

import asyncio
import json
from bisect import bisect_left
from collections.abc import Awaitable
from dataclasses import field
from datetime import datetime
from typing import Any, Final

from domain.account import Billing, check_digit
from domain.clock import from_micros
from domain.database import Row, fetch, fetch_row
from domain.fiscal import FiscalReceipt, of_transfers
from domain.ledger import EntryKind
from domain.money import ZERO, Money
from domain.statement import EVERYTHING, EntryFilter
from domain.view import view
from resolvers.context import Context, StaffActor, SubscriberActor, the_staff, the_subscriber
from resolvers.paging import Page, PageRequest, page


@view
class AccountView:
    """A personal account. `floor` is the lowest balance; None for a postpaid one."""

    id: int
    number: str
    ledger_account_id: int
    balance: Money
    billing: Billing
    floor: Money | None
    held: Money = ZERO

    @property
    def available(self) -> Money | None:
        """What may be spent: down to the floor, less what is held; None when there is no end to it."""
        return None if self.floor is None else self.balance - self.floor - self.held


@view
class EntryView:
    """One line of an account's history. `memo` says what it was for, so that every charge explains itself."""

    id: int
    transfer_id: int
    at: datetime
    kind: EntryKind
    amount: Money
    balance_after: Money
    memo: dict[str, Any] = field(default_factory=dict)


@view
class ReceiptView:
    """The proof of one movement (W-2.19). `adjusted_for`: why staff adjusted a balance, an AdjustmentReason."""

    transfer_id: int
    number: str
    at: datetime
    payer: str
    recipient: str
    amount: Money
    commission: Money
    total: Money
    purpose: str
    adjusted_for: str | None = None


_ACCOUNT: Final = """SELECT p.id, p.number, p.ledger_account_id, a.balance, a.held, p.billing, a.floor,
       p.opened_at AS cursor_order, p.id AS cursor_id
FROM personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id
WHERE p.subscriber_id = $1"""

ENTRY_COLUMNS: Final = "e.id, e.transfer_id, e.account_id, e.at, e.kind, e.amount, e.balance_after, t.memo"
_ENTRIES: Final = f"""SELECT {ENTRY_COLUMNS}, e.seq AS cursor_order, e.id AS cursor_id
FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
WHERE e.account_id = $1"""


# By what is stored: an enumeration takes much longer to find its members by their values.
ENTRY_KINDS: Final = {kind.value: kind for kind in EntryKind}
_BILLING: Final = {billing.value: billing for billing in Billing}


def account_view(row: Row) -> AccountView:
    return AccountView(
        id=row["id"],
        number=row["number"],
        ledger_account_id=row["ledger_account_id"],
        balance=Money(row["balance"]),
        billing=_BILLING[row["billing"]],
        floor=None if row["floor"] is None else Money(row["floor"]),
        held=Money(row["held"]),
    )


def entry_view(row: Row) -> EntryView:
    return EntryView(
        id=row["id"],
        transfer_id=row["transfer_id"],
        at=from_micros(row["at"]),
        kind=ENTRY_KINDS[row["kind"]],
        amount=Money(row["amount"]),
        balance_after=Money(row["balance_after"]),
        memo=json.loads(row["memo"]),
    )


async def accounts(ctx: Context, request: PageRequest) -> Page[AccountView]:
    """The signed-in subscriber's personal accounts, oldest first."""
    actor = the_subscriber(ctx)
    return await _accounts(actor.subscriber_id, request)


async def accounts_of(ctx: Context, subscriber_id: int, request: PageRequest) -> Page[AccountView]:
    """A subscriber's personal accounts, for staff."""
    the_staff(ctx)
    return await _accounts(subscriber_id, request)


async def _accounts(subscriber_id: int, request: PageRequest) -> Page[AccountView]:
    return await page(_ACCOUNT, [subscriber_id], request, account_view, order="p.opened_at", id_="p.id", ascending=True)


async def account(ctx: Context, account_id: int) -> AccountView | None:
    """One account: the caller's own, or any for staff; None otherwise."""
    owner = "AND p.subscriber_id = $2" if isinstance(ctx.actor, SubscriberActor) else ""
    values = [account_id, *_owner(ctx)]
    row = await fetch_row(
        f"""SELECT p.id, p.number, p.ledger_account_id, a.balance, a.held, p.billing, a.floor
            FROM personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id
            WHERE p.id = $1 {owner}""",
        *values,
    )
    return account_view(row) if row else None


def _owner(ctx: Context) -> list[int]:
    """The subscriber that a look is limited to; nothing for staff, who may look at all."""
    if isinstance(ctx.actor, StaffActor):
        return []
    return [the_subscriber(ctx).subscriber_id]


async def entries(
    ctx: Context, ledger_account_id: int, request: PageRequest, wanted: EntryFilter = EVERYTHING
) -> Page[EntryView]:
    """What a filter keeps of an account's history, newest first.

    The account must come from a look that was scoped to the caller.
    """
    where, values = wanted.where(2)
    return await page(_ENTRIES + where, [ledger_account_id, *values], request, entry_view, order="e.seq", id_="e.id")


async def entry(ctx: Context, entry_id: int) -> EntryView | None:
    """One entry of the caller's own accounts or wallets (any customer's for staff); None otherwise."""
    scope = """AND EXISTS (
        SELECT 1 FROM personal_account p WHERE p.ledger_account_id = e.account_id AND p.subscriber_id = $2
        UNION ALL SELECT 1 FROM wallet w WHERE w.ledger_account_id = e.account_id AND w.subscriber_id = $2)"""
    owner = _owner(ctx)
    row = await fetch_row(
        f"""SELECT {ENTRY_COLUMNS} FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
            WHERE e.id = $1 AND e.seq IS NOT NULL {scope if owner else ""}""",
        entry_id,
        *owner,
    )
    return entry_view(row) if row else None


async def receipts(ctx: Context, transfer_ids: list[int]) -> list[ReceiptView | None]:
    """The receipts of movements, in one statement; the ids must come from looks that were scoped to the caller."""
    places = ", ".join(f"${n}" for n in range(1, len(transfer_ids) + 1))
    rows = await fetch(
        f"""SELECT t.id, t.kind, t.at, t.memo,
                   SUM(CASE WHEN e.amount > 0 AND e.kind <> 'commission' THEN e.amount ELSE 0 END) AS amount,
                   SUM(CASE WHEN e.amount > 0 AND e.kind = 'commission' THEN e.amount ELSE 0 END) AS commission
            FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
            WHERE t.id IN ({places}) GROUP BY t.id, t.kind, t.at, t.memo""",
        *transfer_ids,
    )
    found = {row["id"]: receipt_view(row) for row in rows}
    return [found.get(id_) for id_ in transfer_ids]


class ReceiptsOfPage:
    """The receipts of a page's entries: `ready` ones by movement, or loaded in one statement with the first."""

    def __init__(self, entries: list[EntryView], ready: dict[int, ReceiptView] | None = None) -> None:
        self._entries = entries
        self._ready = ready
        self._ids: list[int] = []
        self._loading: asyncio.Task[list[ReceiptView | None]] | None = None
        self._fiscal: asyncio.Task[dict[int, FiscalReceipt]] | None = None

    async def fiscal_of(self, transfer_id: int) -> FiscalReceipt | None:
        """What the tax office's module registered of a movement on this page; all of the page's in one statement."""
        if self._fiscal is None:
            self._fiscal = asyncio.create_task(of_transfers(sorted({each.transfer_id for each in self._entries})))
        return (await asyncio.shield(self._fiscal)).get(transfer_id)

    def of(self, ctx: Context, entry: EntryView) -> ReceiptView | Awaitable[ReceiptView | None] | None:
        return self._ready.get(entry.transfer_id) if self._ready is not None else self._load(ctx, entry)

    async def _load(self, ctx: Context, entry: EntryView) -> ReceiptView | None:
        if self._loading is None:
            self._ids = sorted({each.transfer_id for each in self._entries})
            self._loading = asyncio.create_task(receipts(ctx, self._ids))
        loaded = await asyncio.shield(self._loading)
        return loaded[bisect_left(self._ids, entry.transfer_id)]


_PARTS: Final = ("_phone", "_stir", "_reference")


def receipt_view(row: Row) -> ReceiptView:
    memo = json.loads(row["memo"])
    amount, commission = Money(int(row["amount"])), Money(int(row["commission"] or 0))
    return ReceiptView(
        transfer_id=row["id"],
        number=receipt_number(row["id"]),
        at=from_micros(row["at"]),
        payer=party(memo, "payer"),
        recipient=party(memo, "recipient"),
        amount=amount,
        commission=commission,
        total=amount + (commission or ZERO),
        purpose=row["kind"],
        adjusted_for=memo.get("reason") if row["kind"] == "adjustment" else None,
    )


def party(memo: dict[str, Any], side: str) -> str:
    """A wallet or account by its number and masked phone; a supplier by its name, STIR and the payer's contract."""
    return " ".join(filter(None, (memo.get(side, ""), *(memo.get(f"{side}{part}", "") for part in _PARTS))))


def receipt_number(transfer_id: int) -> str:
    """Ten digits and a check digit: people read receipts' numbers to each other."""
    digits = f"{transfer_id:010d}"
    return f"{digits}-{check_digit(digits)}"
