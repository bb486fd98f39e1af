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
from resolvers.texts import translator
from schema.context import Info
from schema.money import Money, money_or_none
from schema.relay import After, Before, Connection, First, Last, Node, connection, to_global_id

NOTHING_READY: Final[Histories] = {}


@strawberry.enum(description="What an entry is, seen from its account. New values may come: tolerate unknown ones.")
class EntryKind(Enum):
    TOP_UP = strawberry.enum_value("top_up", description="Money came in from outside.")
    TRANSFER_IN = strawberry.enum_value("transfer_in", description="Money came from another wallet.")
    TRANSFER_OUT = strawberry.enum_value("transfer_out", description="Money went to another wallet.")
    PAYMENT = strawberry.enum_value("payment", description="A payment to a supplier.")
    COMMISSION = strawberry.enum_value("commission", description="A commission.")
    SUBSCRIPTION = strawberry.enum_value("subscription", description="The price of a digital subscription.")
    REFUND = strawberry.enum_value("refund", description="Money given back.")
    REVERSAL = strawberry.enum_value("reversal", description="A top-up that the payment system took back.")
    REDEMPTION = strawberry.enum_value("redemption", description="The balance was paid out to its holder (W-5.4.2).")
    FORFEITURE = strawberry.enum_value(
        "forfeiture", description="A rest that nobody claimed in three years became the operator's (W-4.6.5)."
    )
    ADJUSTMENT = strawberry.enum_value("adjustment", description="A correction by staff.")


@strawberry.enum(name="Billing", description="When a personal account pays. Tolerate unknown values.")
class Billing(Enum):
    PREPAID = strawberry.enum_value("prepaid", description="In advance: never below zero by itself (A-6.12).")
    POSTPAID = strawberry.enum_value("postpaid", description="By invoice after the period (A-6.6.1).")


# By what is stored: both enumerations have the same values.
_KINDS: Final = {str(kind.value): kind for kind in EntryKind}
_BILLING: Final = {str(billing.value): billing for billing in Billing}


@strawberry.type(description="The proof of one movement of money (W-2.19).")
class Receipt:
    view: strawberry.Private[accounts.ReceiptView]

    @strawberry.field(description="The receipt's number, to be read to staff.")
    def number(self) -> str:
        return self.view.number

    @strawberry.field(description="When the movement was carried out.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="Who paid: number and masked phone; empty when the money came from outside.")
    def payer(self) -> str:
        return self.view.payer

    @strawberry.field(description="Who received: number and masked phone.")
    def recipient(self) -> str:
        return self.view.recipient

    @strawberry.field(description="The amount itself.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The commission on top of it.")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="Amount and commission.")
    def total(self) -> Money:
        return Money(value=self.view.total)

    @strawberry.field(description="What it was for, in the caller's language.")
    def purpose(self, info: Info) -> str:
        return translator(info.context.language).gettext(PURPOSES.get(self.view.purpose, self.view.purpose))


def N_(text: str) -> str:  # gettext's own name for a text that is translated elsewhere
    return text


PURPOSES = {
    "transfer": N_("Transfer between wallets"),
    "top_up": N_("Top-up"),
    "subscription": N_("Subscription"),
}


@strawberry.type(description="One line of an account's history.")
class Entry(Node):
    view: strawberry.Private[accounts.EntryView]
    receipts: strawberry.Private[accounts.ReceiptsOfPage]

    @strawberry.field(description="When it was written.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What it is.")
    def kind(self) -> EntryKind:
        return _KINDS[self.view.kind]

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
            return _wrap_receipt(found)
        return _receipt_later(found)


def _wrap_receipt(view: accounts.ReceiptView | None) -> Receipt | None:
    return Receipt(view=view) if view else None


async def _receipt_later(view: Awaitable[accounts.ReceiptView | None]) -> Receipt | None:
    return _wrap_receipt(await view)


def wrap_entry(view: accounts.EntryView, receipts: accounts.ReceiptsOfPage | None = None) -> Entry:
    return Entry(id=to_global_id("Entry", view.id), view=view, receipts=receipts or accounts.ReceiptsOfPage([view]))


def entry_connection(
    page: Page[accounts.EntryView], ready: dict[int, accounts.ReceiptView] | None = None
) -> Connection[Entry]:
    """The entries share their page's receipts, so that asking each for its own is one statement, or none (`ready`)."""
    receipts = accounts.ReceiptsOfPage(page.items, ready)
    return connection(page, lambda view: wrap_entry(view, receipts))


def history(
    ctx: Context, ledger_account_id: int, request: PageRequest, ready: Histories
) -> Connection[Entry] | Awaitable[Connection[Entry]]:
    """A page of an account's entries: what is ready, else by a statement of its own."""
    found = ready.get(request)
    return entry_connection(found.page, found.receipts) if found else _history(ctx, ledger_account_id, request)


async def _history(ctx: Context, ledger_account_id: int, request: PageRequest) -> Connection[Entry]:
    return entry_connection(await accounts.entries(ctx, ledger_account_id, request))


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
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Entry] | Awaitable[Connection[Entry]]:
        request = PageRequest.of(first, after, last, before)
        return history(info.context, self.view.ledger_account_id, request, self.ready)


def wrap_account(view: accounts.AccountView, ready: Histories = NOTHING_READY) -> Account:
    return Account(id=to_global_id("Account", view.id), view=view, ready=ready)
