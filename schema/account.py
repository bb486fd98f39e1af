"""Personal accounts, entries and receipts."""

from collections.abc import Awaitable
from datetime import datetime
from enum import Enum
from typing import Final

import strawberry

from resolvers import account as accounts
from resolvers.context import Context
from resolvers.home.views import Histories
from resolvers.paging import Page, PageRequest
from resolvers.statement import Holding, balance_at
from schema.context import Info
from schema.entry_kind import KINDS
from schema.entry_kind import EntryKind as EntryKind
from schema.money import Money, money_or_none
from schema.receipt import Receipt as Receipt
from schema.relay import After, Before, Connection, First, Last, Node, connection, to_global_id
from schema.statement import (
    AskedFile,
    Filter,
    Instant,
    MonthsFirst,
    MonthSummary,
    MonthsUntil,
    StatementFileResult,
    filter_of,
    month_summaries,
    statement_file,
)

NOTHING_READY: Final[Histories] = {}


@strawberry.enum(name="Billing", description="When a personal account pays. Tolerate unknown values.")
class Billing(Enum):
    PREPAID = strawberry.enum_value("prepaid", description="In advance: never below zero by itself (A-6.12).")
    POSTPAID = strawberry.enum_value("postpaid", description="By invoice after the period (A-6.6.1).")


# By what is stored: both enumerations have the same values.
_BILLING: Final = {str(billing.value): billing for billing in Billing}


@strawberry.type(description="One line of an account's history.")
class Entry(Node):
    view: strawberry.Private[accounts.EntryView]
    receipts: strawberry.Private[accounts.ReceiptsOfPage]

    @strawberry.field(description="When it was written.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What it is.")
    def kind(self) -> EntryKind:
        return KINDS[self.view.kind]

    @strawberry.field(description="Plus came in, minus went out.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The account's balance right after it.")
    def balance_after(self) -> Money:
        return Money(value=self.view.balance_after)

    @strawberry.field(description="The receipt of the movement that it belongs to.", graphql_type=Receipt | None)
    def receipt(self, info: Info) -> Receipt | Awaitable[Receipt | None] | None:
        found = self.receipts.of(info.context, self.view)
        if found is None or isinstance(found, accounts.ReceiptView):
            return self._wrap(found)
        return self._later(found)

    def _wrap(self, view: accounts.ReceiptView | None) -> Receipt | None:
        return Receipt(view=view, page=self.receipts) if view else None

    async def _later(self, view: Awaitable[accounts.ReceiptView | None]) -> Receipt | None:
        return self._wrap(await view)


def wrap_entry(view: accounts.EntryView, receipts: accounts.ReceiptsOfPage | None = None) -> Entry:
    return Entry(id=to_global_id("Entry", view.id), view=view, receipts=receipts or accounts.ReceiptsOfPage([view]))


def entry_connection(
    page: Page[accounts.EntryView], ready: dict[int, accounts.ReceiptView] | None = None
) -> Connection[Entry]:
    """The entries share their page's receipts, so that asking each for its own is one statement, or none (`ready`)."""
    receipts = accounts.ReceiptsOfPage(page.items, ready)
    return connection(page, lambda view: wrap_entry(view, receipts))


def history(
    ctx: Context, ledger_account_id: int, request: PageRequest, ready: Histories, wanted: Filter = None
) -> Connection[Entry] | Awaitable[Connection[Entry]]:
    """A page of an account's entries: what is ready, else by a statement of its own, as with a filter always."""
    found = ready.get(request) if wanted is None else None
    return entry_connection(found.page, found.receipts) if found else _history(ctx, ledger_account_id, request, wanted)


async def _history(ctx: Context, ledger_account_id: int, request: PageRequest, wanted: Filter) -> Connection[Entry]:
    return entry_connection(await accounts.entries(ctx, ledger_account_id, request, filter_of(wanted)))


@strawberry.type(description="A personal account: the telecom balance. An agreement may have several.")
class Account(Node):
    view: strawberry.Private[accounts.AccountView]
    ready: strawberry.Private[Histories]

    @strawberry.field(description="The account's number, which its owner pays by.")
    def number(self) -> str:
        return self.view.number

    @strawberry.field(description="What is on it now; a postpaid one may be below zero.")
    def balance(self) -> Money:
        return Money(value=self.view.balance)

    @strawberry.field(description="The part of it that is reserved.")
    def held(self) -> Money:
        return Money(value=self.view.held)

    @strawberry.field(description="What may be spent now; null for a postpaid one, which has no such end.")
    def available(self) -> Money | None:
        return money_or_none(self.view.available)

    @strawberry.field(description="When it pays.")
    def billing(self) -> Billing:
        return _BILLING[self.view.billing]

    @strawberry.field(description="Its history, newest first.", graphql_type=Connection[Entry])
    def entries(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Filter = None,
    ) -> Connection[Entry] | Awaitable[Connection[Entry]]:
        request = PageRequest.of(first, after, last, before)
        return history(info.context, self.view.ledger_account_id, request, self.ready, filter)

    @strawberry.field(description="The balance after the last entry at or before this instant; zero before the first.")
    async def balance_at(self, info: Info, at: Instant) -> Money:
        return Money(value=await balance_at(info.context, self.view.ledger_account_id, at))

    @strawberry.field(description="Calendar months in Tashkent, the newest first, with what came and went by kind.")
    async def months(self, info: Info, first: MonthsFirst = 12, until: MonthsUntil = None) -> list[MonthSummary]:
        return await month_summaries(info.context, self.view.ledger_account_id, first, until)

    @strawberry.field(description="Its history as a file: an address that opens it for ten minutes.")
    async def statement_file(self, info: Info, input: AskedFile) -> StatementFileResult:
        holding = Holding("account", self.view.id, self.view.ledger_account_id)
        return await statement_file(info.context, holding, input)


def wrap_account(view: accounts.AccountView, ready: Histories = NOTHING_READY) -> Account:
    return Account(id=to_global_id("Account", view.id), view=view, ready=ready)
