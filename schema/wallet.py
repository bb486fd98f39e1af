"""The wallet in the API: looking, opening, unlocking, sending."""

from collections.abc import AsyncIterator, Awaitable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Final

import strawberry

from domain.wallet import Limits
from resolvers import favourite as favourites
from resolvers import hold as holds
from resolvers import schedule as schedules
from resolvers import wallet as wallets
from resolvers.changes import wallet_changes
from resolvers.context import Context
from resolvers.home.views import Histories
from resolvers.paging import PageRequest
from resolvers.statement import Holding, balance_at
from schema import problem
from schema.account import NOTHING_READY, Entry, history
from schema.context import Info
from schema.favourite import Favourite, wrap_favourite
from schema.hold import Hold, wrap_hold
from schema.money import Money, money_or_none
from schema.offer import edition_of
from schema.receipt import Receipt
from schema.relay import After, Before, Connection, First, Last, Node, connection, to_global_id
from schema.schedule import ScheduledPayment, wrap_scheduled_payment
from schema.statement import (
    AskedFile,
    Filter,
    Instant,
    MonthsFirst,
    MonthSummary,
    MonthsUntil,
    StatementFileResult,
    month_summaries,
    statement_file,
)
from schema.wallet_state import CLOSED, ClosedBecause, Redemption, WalletBlock, wrap_redemption


@strawberry.enum(description="Whether the holder is identified. New values may come: tolerate unknown ones.")
class WalletLevel(Enum):
    LIGHT = strawberry.enum_value("light", description="Not identified; top-ups and balance have limits (W-4.5.1).")
    PREMIUM = strawberry.enum_value("premium", description="Identified by staff with a document (W-4.2.1).")


@strawberry.enum(description="Whether the wallet can be used. New values may come: tolerate unknown ones.")
class WalletStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="In use.")
    BLOCKED = strawberry.enum_value("blocked", description="Frozen: no operation is carried out (W-4.6).")
    CLOSED = strawberry.enum_value("closed", description="Closed.")


# By what is stored: both enumerations have the same values.
_LEVELS: Final = {str(level.value): level for level in WalletLevel}
_STATUSES: Final = {str(status.value): status for status in WalletStatus}


@strawberry.type(description="A wallet's limits. Null means without limit (W-4.5).")
class WalletLimits:
    limits: strawberry.Private[Limits]

    @strawberry.field(description="The most that may come in within 30 calendar days.")
    def top_up_limit(self) -> Money | None:
        return money_or_none(self.limits.top_up_limit)

    @strawberry.field(description="How much of it is left.")
    def top_up_left(self) -> Money | None:
        return money_or_none(self.limits.top_up_left)

    @strawberry.field(description="The most that the wallet may hold.")
    def balance_limit(self) -> Money | None:
        return money_or_none(self.limits.balance_limit)

    @strawberry.field(description="When used room begins to come back; null when none is used.")
    def resets_at(self) -> datetime | None:
        return self.limits.resets_at


@strawberry.type(description="An electronic wallet: electronic money, apart from the telecom balance.")
class Wallet(Node):
    view: strawberry.Private[wallets.WalletView]
    ready_limits: strawberry.Private[Limits | None]
    ready: strawberry.Private[Histories]

    @strawberry.field(description="The wallet's number: sixteen digits.")
    def number(self) -> str:
        return self.view.number

    @strawberry.field(description="Whether its holder is identified.")
    def level(self) -> WalletLevel:
        return _LEVELS[self.view.level]

    @strawberry.field(description="Whether it can be used.")
    def status(self) -> WalletStatus:
        return _STATUSES[self.view.status]

    @strawberry.field(description="What is in it now (W-4.4.1).")
    def balance(self) -> Money:
        return Money(value=self.view.balance)

    @strawberry.field(description="The part of the balance that holds reserve.")
    def held(self) -> Money:
        return Money(value=self.view.held)

    @strawberry.field(description="What may be spent now: the balance less what is held.")
    def available(self) -> Money:
        return Money(value=self.view.balance - self.view.held)

    @strawberry.field(description="What blocks it now, the oldest first; empty when nothing does (W-4.6).")
    async def blocks(self, info: Info) -> list[WalletBlock]:
        found = await wallets.life(info.context, self.view)
        return [WalletBlock(view=block) for block in found.blocks]

    @strawberry.field(description="Why it is closed; null while it is not.")
    async def closed_because(self, info: Info) -> ClosedBecause | None:
        found = await wallets.life(info.context, self.view)
        return CLOSED[found.closed_because] if found.closed_because else None

    @strawberry.field(description="Until when the rest of a wallet that was given up can be claimed (W-4.6.2).")
    async def rest_until(self, info: Info) -> datetime | None:
        return (await wallets.life(info.context, self.view)).rest_until

    @strawberry.field(description="The last requests to be paid out, newest first (W-5.4.2).")
    async def redemptions(self, info: Info) -> list[Redemption]:
        return [wrap_redemption(view) for view in await wallets.redemptions(info.context, self.view.id)]

    @strawberry.field(description="When it was opened.")
    def opened_at(self) -> datetime:
        return self.view.opened_at

    @strawberry.field(description="Its limits, and how much of them is left.", graphql_type=WalletLimits)
    def limits(self, info: Info) -> WalletLimits | Awaitable[WalletLimits]:
        return WalletLimits(limits=self.ready_limits) if self.ready_limits else self._limits(info.context)

    async def _limits(self, ctx: Context) -> WalletLimits:
        return WalletLimits(limits=await wallets.limits(ctx, self.view))

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
        holding = Holding("wallet", self.view.id, self.view.ledger_account_id)
        return await statement_file(info.context, holding, input)

    @strawberry.field(description="What is or was reserved of it for purchases, newest first.")
    async def holds(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Hold]:
        page = await holds.holds(info.context, self.view.id, PageRequest.of(first, after, last, before))
        return connection(page, wrap_hold)

    @strawberry.field(description="What its holder pays or sends again and again, the newest first.")
    async def favourites(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Favourite]:
        request = PageRequest.of(first, after, last, before)
        return connection(await favourites.favourites(info.context, self.view.id, request), wrap_favourite)

    @strawberry.field(description="What its holder has ordered for later, also what is over, the newest first.")
    async def scheduled_payments(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ScheduledPayment]:
        request = PageRequest.of(first, after, last, before)
        found = await schedules.scheduled_payments(info.context, self.view.id, request)
        return connection(found, wrap_scheduled_payment)


def wrap_wallet(
    view: wallets.WalletView, ready_limits: Limits | None = None, ready: Histories = NOTHING_READY
) -> Wallet:
    return Wallet(id=to_global_id("Wallet", view.id), view=view, ready_limits=ready_limits, ready=ready)


@strawberry.type(description="A movement out of the caller's wallet that has been carried out (W-4.4.7).")
class Transfer:
    view: strawberry.Private[wallets.TransferView]

    @strawberry.field(description="The movement's id.")
    def id(self) -> strawberry.ID:
        return to_global_id("Transfer", self.view.id)

    @strawberry.field(description="When it was carried out.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What was sent.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="Its receipt (W-2.19).")
    def receipt(self) -> Receipt:
        return Receipt(view=self.view.receipt)

    @strawberry.field(description="The caller's wallet as it stands now.")
    def wallet(self) -> Wallet:
        return wrap_wallet(self.view.wallet)


@strawberry.type(description="Whom a transfer would reach, masked: show it before confirming (W-4.4.5).")
class Recipient:
    view: strawberry.Private[wallets.RecipientView]

    @strawberry.field(description="The wallet's number, its middle hidden.")
    def number(self) -> str:
        return self.view.number

    @strawberry.field(description="The phone, its middle hidden.")
    def phone(self) -> str:
        return self.view.phone

    @strawberry.field(description="The first name and the first letter of the last.")
    def name(self) -> str:
        return self.view.name


@strawberry.type(description="The wallet is unlocked for this session.")
class WalletUnlocked:
    until: datetime = strawberry.field(description="Until when money can be moved without the PIN.")


@strawberry.input(description="What a wallet is opened with (W-4.1.1).")
class OpenWalletInput:
    birth_date: date | None = strawberry.field(default=None, description="The holder's date of birth.")
    pin: str | None = strawberry.field(
        default=None, description="Four to six digits; left out when the holder has a PIN already."
    )
    offer_edition: strawberry.ID = strawberry.field(
        description="The edition of the offer `wallet` that the holder read."
    )


@strawberry.input(description="The holder's PIN.")
class UnlockWalletInput:
    pin: str = strawberry.field(description="Four to six digits.")


@strawberry.input(description="A transfer to another wallet.")
class TransferInput:
    to: strawberry.ID = strawberry.field(description="The recipient's wallet number or phone number.")
    amount: Decimal = strawberry.field(description="So'm, at most two decimals.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended transfer: sending it again never pays twice."
    )


OpenWalletResult = Annotated[
    Wallet
    | problem.WalletExists
    | problem.WalletNotForYou
    | problem.BirthDateWrong
    | problem.BirthDateLocked
    | problem.InvalidInput
    | problem.OfferOutdated
    | problem.WrongPin
    | problem.PinLocked,
    strawberry.union("OpenWalletResult", description="The new wallet, or why there is none."),
]
UnlockWalletResult = Annotated[
    WalletUnlocked | problem.WalletMissing | problem.InvalidInput | problem.WrongPin | problem.PinLocked,
    strawberry.union("UnlockWalletResult", description="Until when the wallet is unlocked, or why it is not."),
]
TransferResult = Annotated[
    Transfer
    | problem.InvalidAmount
    | problem.WalletMissing
    | problem.WalletLocked
    | problem.RecipientNotFound
    | problem.SameWallet
    | problem.WalletNotActive
    | problem.NotToppedUpYet
    | problem.WayClosed
    | problem.InsufficientFunds
    | problem.TopUpLimitReached
    | problem.BalanceLimitReached
    | problem.IdempotencyKeyReused
    | problem.InvalidInput,
    strawberry.union("TransferResult", description="The transfer, or why nothing was moved."),
]
RecipientResult = Annotated[
    Recipient | problem.RecipientNotFound,
    strawberry.union("RecipientResult", description="The recipient, or that there is none."),
]


@strawberry.type
class WalletQueries:
    @strawberry.field(description="Whom a transfer to this wallet number or phone would reach (W-4.4.5).")
    async def recipient(
        self, info: Info, to: Annotated[strawberry.ID, strawberry.argument(description="A wallet number or a phone.")]
    ) -> RecipientResult:
        return Recipient(view=await wallets.recipient(info.context, to=to))


@strawberry.type
class WalletMutations:
    @strawberry.mutation(description="Opens a wallet for the number that the caller signed in with (W-4.1.1).")
    async def open_wallet(self, info: Info, input: OpenWalletInput) -> OpenWalletResult:
        view = await wallets.open_wallet(
            info.context, birth_date=input.birth_date, pin=input.pin, offer_edition=edition_of(input.offer_edition)
        )
        return wrap_wallet(view)

    @strawberry.mutation(description="Lets this session move money for a while.")
    async def unlock_wallet(self, info: Info, input: UnlockWalletInput) -> UnlockWalletResult:
        return WalletUnlocked(until=await wallets.unlock_wallet(info.context, pin=input.pin))

    @strawberry.mutation(description="Sends money from the caller's wallet to another, at once and finally (W-4.4.4).")
    async def transfer(self, info: Info, input: TransferInput) -> TransferResult:
        view = await wallets.transfer(info.context, to=input.to, amount=input.amount, key=input.idempotency_key)
        return Transfer(view=view)


@strawberry.type
class WalletSubscriptions:
    @strawberry.subscription(description="The caller's wallet, each time something happens to it.")
    async def wallet_changed(self, info: Info) -> AsyncIterator[Wallet]:
        async for view in wallet_changes(info.context):
            yield wrap_wallet(view)
