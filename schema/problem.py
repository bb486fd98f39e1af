"""Refusals as members of result unions: the one place where an exception of the domain becomes a type of the API.

`@refusal_of(X)` ties a type to the refusal that it shows; `HANDLERS` gives Strawberry the whole table.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, TypeVar

import strawberry

from domain import access, ledger, offer, order, refusal, subscription, tariff, wallet
from resolvers.texts import problem_text
from schema.context import Info
from schema.money import Money, money_or_none
from schema.relay import to_global_id

R = TypeVar("R", bound=refusal.Refusal)
P = TypeVar("P", bound="Problem")

_CODES = {
    "ACCOUNT_NOT_FOUND": "The phone and the account number do not belong together.",
    "ALREADY_SUBSCRIBED": "The phone has this product already: extend it.",
    "BALANCE_LIMIT_REACHED": "A Light wallet would hold more than 5 BHM.",
    "BIRTH_DATE_WRONG": "The date of birth is missing, impossible, or not the one in the agreement.",
    "CODE_EXPIRED": "The code is too old, used, or dead after wrong tries.",
    "IDEMPOTENCY_KEY_REUSED": "The key was used for another request.",
    "INSUFFICIENT_FUNDS": "There is not enough money.",
    "INVALID_AMOUNT": "The amount is not above zero, has more than two decimals, or is too large.",
    "INVALID_INPUT": "A value is not of the right form; `path` says which.",
    "INVALID_PHONE": "The text is not a phone number of Uzbekistan.",
    "MISSING_INPUT": "A required value was left out; `path` says which.",
    "NOT_FOUND": "There is no such thing for this caller.",
    "NOT_TOPPED_UP_YET": "A new wallet can send only after its first top-up.",
    "OFFER_OUTDATED": "Another edition of the offer is in force now.",
    "ORDER_CLOSED": "The order waits for no code any more.",
    "PIN_LOCKED": "Too many wrong PINs.",
    "PRICE_CHANGED": "The price is not what was ordered any more.",
    "RECIPIENT_NOT_FOUND": "There is no wallet with this number or phone.",
    "RESEND_TOO_SOON": "A code was sent a moment ago.",
    "SAME_WALLET": "Payer and recipient are the same wallet.",
    "SESSION_ENDED": "The session is over: sign in again.",
    "SUBSCRIPTION_OVER": "The subscription has ended: order it anew.",
    "TOO_MANY_CODES": "A limit on sending codes is reached.",
    "TOP_UP_LIMIT_REACHED": "A Light wallet's top-ups of 30 days would exceed 5 BHM.",
    "UNKNOWN_DESTINATION": "The price list has no price for this number.",
    "WALLET_EXISTS": "The number has a wallet already.",
    "WALLET_LOCKED": "The PIN was not entered, or too long ago.",
    "WALLET_MISSING": "There is no wallet yet.",
    "WALLET_NOT_ACTIVE": "The wallet is blocked or closed.",
    "WALLET_NOT_FOR_YOU": "Only a person with an active number can open a wallet.",
    "WRONG_CODE": "The code is wrong.",
    "WRONG_PIN": "The PIN is wrong.",
}

ProblemCode = strawberry.enum(
    Enum("ProblemCode", {code: strawberry.enum_value(code, description=text) for code, text in _CODES.items()}),
    description="Why a request was refused. New codes may come: show `message` for those you do not know.",
)


@strawberry.interface(description="A refusal: a rule forbids what was asked, and nothing has changed.")
class Problem:
    refusal: strawberry.Private[Any]

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
class WalletNotActive(Problem): ...


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
