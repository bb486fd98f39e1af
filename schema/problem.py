"""Refusals as members of result unions: the one place where an exception of the domain becomes a type of the API.

`@refusal_of(X)` ties a type to the refusal that it shows; `HANDLERS` gives Strawberry the whole table.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, TypeVar

import strawberry

from domain import (
    access,
    favourite,
    fiscal,
    hold,
    ledger,
    offer,
    order,
    partner,
    payment,
    refusal,
    subscription,
    supplier,
    switch,
    tariff,
    wallet,
)
from domain.wallet import life, refusals
from resolvers import statement
from resolvers.texts import problem_text
from resolvers.wallet import my_blocks
from schema.context import Info
from schema.hold_status import HOLD_STATUSES, HoldStatus
from schema.money import Money, money_or_none
from schema.relay import to_global_id
from schema.wallet_state import WalletBlock

R = TypeVar("R", bound=refusal.Refusal)
P = TypeVar("P", bound="Problem")


@strawberry.enum(description="Why a request was refused. New codes may come: show `message` for those you do not know.")
class ProblemCode(Enum):
    ACCOUNT_NOT_FOUND = strawberry.enum_value(
        "ACCOUNT_NOT_FOUND", description="The phone and the account number do not belong together."
    )
    ALREADY_SUBSCRIBED = strawberry.enum_value(
        "ALREADY_SUBSCRIBED", description="The phone has this product already: extend it."
    )
    BALANCE_LIMIT_REACHED = strawberry.enum_value(
        "BALANCE_LIMIT_REACHED", description="A Light wallet would hold more than 5 BHM."
    )
    BIRTH_DATE_WRONG = strawberry.enum_value(
        "BIRTH_DATE_WRONG", description="The date of birth is missing, impossible, or not the one in the agreement."
    )
    CODE_EXPIRED = strawberry.enum_value(
        "CODE_EXPIRED", description="The code is too old, used, or dead after wrong tries."
    )
    FISCAL_RECEIPT_EXISTS = strawberry.enum_value(
        "FISCAL_RECEIPT_EXISTS", description="The movement has another fiscal receipt already."
    )
    HOLD_CLOSED = strawberry.enum_value("HOLD_CLOSED", description="Nothing is reserved by this hold any more.")
    HOLD_EXCEEDED = strawberry.enum_value("HOLD_EXCEEDED", description="The hold has less left than was to be taken.")
    HOLDS_NOT_TAKEN = strawberry.enum_value(
        "HOLDS_NOT_TAKEN", description="Nothing can be reserved for this supplier: pay it at once."
    )
    IDEMPOTENCY_KEY_REUSED = strawberry.enum_value(
        "IDEMPOTENCY_KEY_REUSED", description="The key was used for another request."
    )
    INSUFFICIENT_FUNDS = strawberry.enum_value("INSUFFICIENT_FUNDS", description="There is not enough money.")
    INVALID_AMOUNT = strawberry.enum_value(
        "INVALID_AMOUNT", description="The amount is not above zero, has more than two decimals, or is too large."
    )
    INVALID_INPUT = strawberry.enum_value(
        "INVALID_INPUT", description="A value is not of the right form; `path` says which."
    )
    INVALID_PHONE = strawberry.enum_value("INVALID_PHONE", description="The text is not a phone number of Uzbekistan.")
    MISSING_INPUT = strawberry.enum_value(
        "MISSING_INPUT", description="A required value was left out; `path` says which."
    )
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such thing for this caller.")
    NOT_TOPPED_UP_YET = strawberry.enum_value(
        "NOT_TOPPED_UP_YET", description="A new wallet can send only after its first top-up."
    )
    OFFER_OUTDATED = strawberry.enum_value(
        "OFFER_OUTDATED", description="Another edition of the offer is in force now."
    )
    ORDER_CLOSED = strawberry.enum_value("ORDER_CLOSED", description="The order waits for no code any more.")
    PARTNER_LIMIT_REACHED = strawberry.enum_value(
        "PARTNER_LIMIT_REACHED", description="The partner may not bring in so much, at once or today."
    )
    PAYEE_NOT_FOUND = strawberry.enum_value(
        "PAYEE_NOT_FOUND", description="There is no account and no wallet with this number or phone."
    )
    PAYMENT_DIFFERS = strawberry.enum_value(
        "PAYMENT_DIFFERS", description="There is another payment with this external id."
    )
    PIN_LOCKED = strawberry.enum_value("PIN_LOCKED", description="Too many wrong PINs.")
    PRICE_CHANGED = strawberry.enum_value("PRICE_CHANGED", description="The price is not what was ordered any more.")
    RECIPIENT_NOT_FOUND = strawberry.enum_value(
        "RECIPIENT_NOT_FOUND", description="There is no wallet with this number or phone."
    )
    RESEND_TOO_SOON = strawberry.enum_value("RESEND_TOO_SOON", description="A code was sent a moment ago.")
    SAME_WALLET = strawberry.enum_value("SAME_WALLET", description="Payer and recipient are the same wallet.")
    SESSION_ENDED = strawberry.enum_value("SESSION_ENDED", description="The session is over: sign in again.")
    STATEMENT_TOO_LONG = strawberry.enum_value(
        "STATEMENT_TOO_LONG", description="There are more entries than this kind of file takes."
    )
    SUBSCRIPTION_OVER = strawberry.enum_value(
        "SUBSCRIPTION_OVER", description="The subscription has ended: order it anew."
    )
    SUPPLIER_NOT_FOUND = strawberry.enum_value(
        "SUPPLIER_NOT_FOUND", description="There is no such supplier, or it cannot be paid now."
    )
    TARIFF_ARCHIVED = strawberry.enum_value("TARIFF_ARCHIVED", description="Nobody can join this tariff any more.")
    TOO_MANY_CODES = strawberry.enum_value("TOO_MANY_CODES", description="A limit on sending codes is reached.")
    TOO_MANY_HOLDS = strawberry.enum_value("TOO_MANY_HOLDS", description="The wallet has as many open holds as it may.")
    TOO_MANY_SAVED = strawberry.enum_value("TOO_MANY_SAVED", description="The list is full: remove something first.")
    TOP_UP_LIMIT_REACHED = strawberry.enum_value(
        "TOP_UP_LIMIT_REACHED", description="A Light wallet's top-ups of 30 days would exceed 5 BHM."
    )
    UNKNOWN_DESTINATION = strawberry.enum_value(
        "UNKNOWN_DESTINATION", description="The price list has no price for this number."
    )
    WALLET_EXISTS = strawberry.enum_value("WALLET_EXISTS", description="The number has a wallet already.")
    WALLET_LOCKED = strawberry.enum_value("WALLET_LOCKED", description="The PIN was not entered, or too long ago.")
    WALLET_MISSING = strawberry.enum_value("WALLET_MISSING", description="There is no wallet yet.")
    WALLET_NOT_ACTIVE = strawberry.enum_value("WALLET_NOT_ACTIVE", description="The wallet is blocked or closed.")
    WALLET_NOT_FOR_YOU = strawberry.enum_value(
        "WALLET_NOT_FOR_YOU", description="Only a person with an active number can open a wallet."
    )
    WAY_CLOSED = strawberry.enum_value(
        "WAY_CLOSED", description="The operator has switched this way of topping up off."
    )
    WRONG_CODE = strawberry.enum_value("WRONG_CODE", description="The code is wrong.")
    WRONG_PIN = strawberry.enum_value("WRONG_PIN", description="The PIN is wrong.")
    BALANCE_NOT_ZERO = strawberry.enum_value(
        "BALANCE_NOT_ZERO", description="Money is in the wallet that is to be closed."
    )
    BIRTH_DATE_LOCKED = strawberry.enum_value("BIRTH_DATE_LOCKED", description="Too many wrong birth dates.")
    NOT_THE_WALLETS_NUMBER = strawberry.enum_value(
        "NOT_THE_WALLETS_NUMBER", description="The caller has signed in with another number than the wallet's."
    )
    REDEMPTION_OPEN = strawberry.enum_value("REDEMPTION_OPEN", description="A request to be paid out waits already.")
    WRONG_BIRTH_DATE = strawberry.enum_value(
        "WRONG_BIRTH_DATE", description="The birth date is not the one given at opening."
    )


@strawberry.interface(description="A refusal: a rule forbids what was asked, and nothing has changed.")
class Problem:
    refusal: strawberry.Private[Any]  # each type's own refusal; the facts are read from it as they are

    @strawberry.field(description="What kind of refusal this is, for programs.")
    def code(self) -> ProblemCode:
        return ProblemCode[self.refusal.code]

    @strawberry.field(description="The refusal in the caller's language, for people.")
    def message(self, info: Info) -> str:
        return problem_text(self.refusal, info.context.language)

    @strawberry.field(description="The id of the rule that it comes from, such as W-4.5.1a; null if no one clause.")
    def rule(self) -> str | None:
        return self.refusal.rule

    @strawberry.field(description='The input that it is about, such as ["input", "phone"]; null if about none.')
    def path(self) -> list[str] | None:
        return list(self.refusal.path) or None


_shown_by: dict[type[refusal.Refusal], type[Problem]] = {}


def refusal_of(shown: type[refusal.Refusal]) -> Callable[[type[P]], type[P]]:
    """Registers the type as the one that shows this refusal."""

    def register(problem: type[P]) -> type[P]:
        _shown_by[shown] = problem
        return problem

    return register


@refusal_of(refusal.NotFound)
@strawberry.type(description="There is no such thing, or it is somebody else's.")
class NotFound(Problem): ...


@refusal_of(refusal.InvalidInput)
@strawberry.type(description="A value is not of the form that it must have.")
class InvalidInput(Problem): ...


@refusal_of(refusal.MissingInput)
@strawberry.type(description="A required value was left out (S-5.1).")
class MissingInput(Problem): ...


@refusal_of(refusal.InvalidPhone)
@strawberry.type(description="The text is not a phone number of Uzbekistan.")
class InvalidPhone(Problem): ...


@refusal_of(refusal.InvalidAmount)
@strawberry.type(description="The amount is not above zero, has more than two decimals, or is too large.")
class InvalidAmount(Problem): ...


@refusal_of(refusal.IdempotencyKeyReused)
@strawberry.type(description="The idempotency key was used for a request with another body.")
class IdempotencyKeyReused(Problem): ...


@refusal_of(access.ResendTooSoon)
@strawberry.type(description="A code was sent a moment ago (C-4).")
class ResendTooSoon(Problem):
    @strawberry.field(description="When another may be asked for.")
    def resend_at(self) -> datetime:
        return self.refusal.resend_at


@refusal_of(access.TooManyCodes)
@strawberry.type(description="A limit on sending codes is reached (C-4).")
class TooManyCodes(Problem):
    @strawberry.field(description="When the limit opens again.")
    def retry_at(self) -> datetime:
        return self.refusal.retry_at


@refusal_of(access.WrongCode)
@strawberry.type(description="The code is wrong (C-4).")
class WrongCode(Problem):
    @strawberry.field(description="How many tries this code has left.")
    def tries_left(self) -> int:
        return self.refusal.tries_left


@refusal_of(access.CodeExpired)
@strawberry.type(description="The code is too old, used, or dead after wrong tries (A-3.23.4).")
class CodeExpired(Problem): ...


@refusal_of(access.SessionEnded)
@strawberry.type(description="The session is over: sign in again.")
class SessionEnded(Problem): ...


@refusal_of(ledger.InsufficientFunds)
@strawberry.type(description="There is not enough money (W-4.4.4, A-6.12).")
class InsufficientFunds(Problem):
    @strawberry.field(description="What could be spent; null for who may not see the account's balance.")
    def available(self) -> Money | None:
        return money_or_none(self.refusal.available)

    @strawberry.field(description="What would be needed, commissions included.")
    def needed(self) -> Money:
        return Money(value=self.refusal.needed)


@refusal_of(wallet.WalletMissing)
@strawberry.type(description="There is no wallet yet: open one.")
class WalletMissing(Problem): ...


@refusal_of(wallet.WalletExists)
@strawberry.type(description="The number has a wallet already.")
class WalletExists(Problem): ...


@refusal_of(wallet.WalletNotForYou)
@strawberry.type(description="Only a person with an active number can open a wallet (W-4.1.1).")
class WalletNotForYou(Problem): ...


@refusal_of(wallet.BirthDateWrong)
@strawberry.type(description="The date of birth is missing, impossible, or not the one in the agreement (W-4.1.1).")
class BirthDateWrong(Problem): ...


@refusal_of(wallet.WrongPin)
@strawberry.type(description="The PIN is wrong (W-2.15).")
class WrongPin(Problem):
    @strawberry.field(description="How many tries are left before the PIN is locked for a while.")
    def tries_left(self) -> int:
        return self.refusal.tries_left


@refusal_of(wallet.PinLocked)
@strawberry.type(description="Too many wrong PINs.")
class PinLocked(Problem):
    @strawberry.field(description="Until when.")
    def until(self) -> datetime:
        return self.refusal.until


@refusal_of(wallet.WalletLocked)
@strawberry.type(description="The PIN was not entered in this session, or too long ago: call `unlockWallet`.")
class WalletLocked(Problem): ...


@refusal_of(wallet.WalletNotActive)
@strawberry.type(description="The wallet (the recipient's, if `path` says so) is blocked or closed.")
class WalletNotActive(Problem):
    @strawberry.field(
        description="What blocks the caller's own wallet, the oldest first; nothing is told of the recipient's."
    )
    async def blocks(self, info: Info) -> list[WalletBlock]:
        return [WalletBlock(view=block) for block in await my_blocks(info.context)]


@refusal_of(wallet.NotToppedUpYet)
@strawberry.type(description="A new wallet can send only after its first top-up (W-4.1.2).")
class NotToppedUpYet(Problem): ...


@refusal_of(wallet.RecipientNotFound)
@strawberry.type(description="There is no wallet with this number or phone (W-4.4.5).")
class RecipientNotFound(Problem): ...


@refusal_of(wallet.SameWallet)
@strawberry.type(description="Payer and recipient are the same wallet.")
class SameWallet(Problem): ...


@refusal_of(wallet.TopUpLimitReached)
@strawberry.type(description="The receiving Light wallet's top-ups of 30 days would exceed 5 BHM (W-4.5.1a).")
class TopUpLimitReached(Problem):
    @strawberry.field(description="The most for 30 calendar days.")
    def limit(self) -> Money:
        return Money(value=self.refusal.limit)

    @strawberry.field(description="How much of it is used.")
    def used(self) -> Money:
        return Money(value=self.refusal.used)

    @strawberry.field(description="How much is left.")
    def left(self) -> Money:
        return Money(value=self.refusal.left)

    @strawberry.field(description="When room begins to come back; null if none is used.")
    def resets_at(self) -> datetime | None:
        return self.refusal.resets_at


@refusal_of(wallet.BalanceLimitReached)
@strawberry.type(description="The receiving Light wallet would hold more than 5 BHM (W-4.5.1b).")
class BalanceLimitReached(Problem):
    @strawberry.field(description="The most that it may hold.")
    def limit(self) -> Money:
        return Money(value=self.refusal.limit)

    @strawberry.field(description="How much more would fit.")
    def left(self) -> Money | None:
        return money_or_none(self.refusal.left)


@refusal_of(offer.OfferOutdated)
@strawberry.type(description="The edition that was read is not the one in force: show the current one first.")
class OfferOutdated(Problem):
    @strawberry.field(description="The edition in force.")
    def current(self) -> str:
        return self.refusal.current


@refusal_of(order.AccountNotFound)
@strawberry.type(description="The phone and the account number do not belong together (S-5.1).")
class AccountNotFound(Problem): ...


@refusal_of(order.PriceChanged)
@strawberry.type(description="The price is not what was ordered any more; nothing was taken (R-2).")
class PriceChanged(Problem):
    @strawberry.field(description="What it would cost now.")
    def total(self) -> Money:
        return Money(value=self.refusal.total)


@refusal_of(subscription.AlreadySubscribed)
@strawberry.type(description="The phone has this product already: extend it (S-6).")
class AlreadySubscribed(Problem):
    @strawberry.field(description="The subscription to extend.")
    def subscription_id(self) -> strawberry.ID:
        return to_global_id("ProductSubscription", self.refusal.subscription_id)


@refusal_of(subscription.SubscriptionOver)
@strawberry.type(description="The subscription has ended: order it anew (S-6).")
class SubscriptionOver(Problem): ...


@refusal_of(tariff.UnknownDestination)
@strawberry.type(description="The price list has no price for calls to this number (T-2).")
class UnknownDestination(Problem): ...


@refusal_of(tariff.TariffArchived)
@strawberry.type(description="Nobody can join this tariff any more; those on it stay (T-9).")
class TariffArchived(Problem): ...


@refusal_of(switch.WayClosed)
@strawberry.type(description="The operator has switched this way of topping up off (W-4.3.1).")
class WayClosed(Problem): ...


@refusal_of(statement.StatementTooLong)
@strawberry.type(description="There are more entries than this kind of file takes.")
class StatementTooLong(Problem):
    @strawberry.field(description="How many it takes at most.")
    def most(self) -> int:
        return self.refusal.most


@refusal_of(fiscal.FiscalReceiptExists)
@strawberry.type(description="The movement has another fiscal receipt, or the receipt belongs to another movement.")
class FiscalReceiptExists(Problem): ...


@refusal_of(supplier.SupplierNotFound)
@strawberry.type(description="There is no such supplier, or it cannot be paid now.")
class SupplierNotFound(Problem): ...


@refusal_of(favourite.TooManySaved)
@strawberry.type(description="The list is full.")
class TooManySaved(Problem):
    @strawberry.field(description="How many can be kept.")
    def most(self) -> int:
        return self.refusal.most


@refusal_of(hold.HoldClosed)
@strawberry.type(description="Nothing is reserved by this hold any more.")
class HoldClosed(Problem):
    @strawberry.field(description="What closed it.")
    def status(self) -> HoldStatus:
        return HOLD_STATUSES[self.refusal.status]


@refusal_of(hold.HoldExceeded)
@strawberry.type(description="More was to be taken than the hold has left (W-4.4.4).")
class HoldExceeded(Problem):
    @strawberry.field(description="What can still be taken.")
    def remaining(self) -> Money:
        return Money(value=self.refusal.remaining)


@refusal_of(hold.HoldsNotTaken)
@strawberry.type(description="Nothing can be reserved for this supplier: pay it at once.")
class HoldsNotTaken(Problem): ...


@refusal_of(hold.TooManyHolds)
@strawberry.type(description="The wallet has as many open holds as it may.")
class TooManyHolds(Problem):
    @strawberry.field(description="How many may be open at a time.")
    def most(self) -> int:
        return self.refusal.most


@refusal_of(payment.PayeeNotFound)
@strawberry.type(description="No account and no wallet that can be topped up has this number or phone (W-4.4.5).")
class PayeeNotFound(Problem): ...


@refusal_of(payment.PaymentDiffers)
@strawberry.type(description="The external id was used for another payment.")
class PaymentDiffers(Problem): ...


@refusal_of(partner.PartnerLimitReached)
@strawberry.type(description="The operator lets this partner bring in no more, with one payment or in one day.")
class PartnerLimitReached(Problem):
    @strawberry.field(description="The most that may come in.")
    def limit(self) -> Money:
        return Money(value=self.refusal.limit)

    @strawberry.field(description="How much of it is used today; zero for the limit of one payment.")
    def used(self) -> Money:
        return Money(value=self.refusal.used)

    @strawberry.field(description="How much is left.")
    def left(self) -> Money:
        return Money(value=self.refusal.left)

    @strawberry.field(description="When the day's limit begins anew; null for the limit of one payment.")
    def resets_at(self) -> datetime | None:
        return self.refusal.resets_at


@refusal_of(life.BalanceNotZero)
@strawberry.type(description="A wallet is given up empty, unless the rest is left knowingly (W-4.6.2).")
class BalanceNotZero(Problem):
    @strawberry.field(description="What is in it.")
    def balance(self) -> Money:
        return Money(value=self.refusal.balance)


@refusal_of(wallet.NotTheWalletsNumber)
@strawberry.type(description="A PIN is made anew from the wallet's own number alone (W-4.6.6).")
class NotTheWalletsNumber(Problem): ...


@refusal_of(wallet.WrongBirthDate)
@strawberry.type(
    description="The birth date is not the one given at opening (W-4.6.6). The last wrong one locks for a day."
)
class WrongBirthDate(Problem):
    @strawberry.field(description="How many more tries there are.")
    def tries_left(self) -> int:
        return self.refusal.tries_left


@refusal_of(wallet.BirthDateLocked)
@strawberry.type(description="Too many wrong birth dates.")
class BirthDateLocked(Problem):
    @strawberry.field(description="From when another try is possible.")
    def until(self) -> datetime:
        return self.refusal.until


@refusal_of(refusals.RedemptionOpen)
@strawberry.type(description="A request to be paid out waits already (W-5.4.2).")
class RedemptionOpen(Problem): ...


def shown_refusals() -> list[type[refusal.Refusal]]:
    """The refusals that callers of the API can meet."""
    return list(_shown_by)


def all_types() -> list[type[Problem]]:
    """Every refusal's type, also those that no union names yet."""
    return list(_shown_by.values())


def handlers() -> list[strawberry.ExceptionHandler[Any, Any]]:
    """One handler for each refusal that has a type here."""
    return [_handler(shown, problem) for shown, problem in _shown_by.items()]


def _handler(shown: type[refusal.Refusal], problem: type[Problem]) -> strawberry.ExceptionHandler[Any, Any]:
    class Shows(strawberry.ExceptionHandler):  # type: ignore[type-arg]  # its types are known at run time only
        exception_type: ClassVar[Any] = shown
        error_type: ClassVar[Any] = problem

        def handle(self, exception: Any, *, field: Any, info: Any) -> Any:
            return problem(refusal=exception)

    return Shows()
