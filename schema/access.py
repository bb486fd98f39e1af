"""Signing in, the session, and who is signed in."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum
from typing import Annotated, Final, TypeVar

import strawberry

from domain.access import Challenge
from domain.access import OtpPurpose as DomainPurpose
from resolvers import access, account, home, order, subscription, tariff, wallet
from resolvers.context import Context
from resolvers.home import Home
from resolvers.paging import Page, PageRequest
from schema import problem
from schema.account import NOTHING_READY, Account, wrap_account
from schema.challenge import OtpChallenge
from schema.context import Info
from schema.engine.selection import below
from schema.home import wants_of
from schema.money import Language
from schema.order import Order, wrap_order
from schema.relay import After, Before, Connection, First, Last, Node, connection, key_of, to_global_id
from schema.scalars import PhoneNumber
from schema.subscription import ProductSubscription, wrap_subscription
from schema.tariff import Tariff, wrap_tariff
from schema.wallet import Wallet, wrap_wallet

T = TypeVar("T")
View = TypeVar("View")


@strawberry.enum(description="What a one-time code is good for. New values may come.")
class OtpPurpose(Enum):
    SIGN_IN = strawberry.enum_value("sign_in", description="Signing in.")


@strawberry.enum(description="What kind of subscriber this is. Tolerate unknown values.")
class SubscriberKind(Enum):
    PRIVATE = strawberry.enum_value("private", description="A person.")
    ORGANISATION = strawberry.enum_value("organisation", description="An organisation.")


@strawberry.enum(description="Where the subscriber stands. Tolerate unknown values.")
class SubscriberStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="In service.")
    SUSPENDED = strawberry.enum_value("suspended", description="Service is suspended.")
    RESTRICTED = strawberry.enum_value("restricted", description="The cabinet is restricted (C-5).")
    ENDED = strawberry.enum_value("ended", description="The agreement has ended.")


# By what is stored: both enumerations have the same values.
_KINDS: Final = {str(kind.value): kind for kind in SubscriberKind}
_STATUSES: Final = {str(status.value): status for status in SubscriberStatus}
_LANGUAGES: Final = {str(language.value): language for language in Language}


@strawberry.type(description="A person or an organisation with an agreement.")
class Subscriber(Node):
    view: strawberry.Private[access.SubscriberView]

    @strawberry.field(description="A person or an organisation.")
    def kind(self) -> SubscriberKind:
        return _KINDS[self.view.kind]

    @strawberry.field(description="The name as documents write it.")
    def name(self) -> str:
        return self.view.name

    @strawberry.field(description="The number that the caller signed in with.")
    def phone(self) -> PhoneNumber:
        return PhoneNumber(self.view.phone)

    @strawberry.field(description="Where the subscriber stands.")
    def status(self) -> SubscriberStatus:
        return _STATUSES[self.view.status]


def wrap_subscriber(view: access.SubscriberView) -> Subscriber:
    return Subscriber(id=to_global_id("Subscriber", view.id), view=view)


@strawberry.type(description="Who is signed in, and everything that is theirs.")
class Viewer:
    """What `home` has ready is shown at once; all else is read by a statement of its own."""

    home: strawberry.Private[Home]

    @strawberry.field(description="The subscriber.")
    def subscriber(self) -> Subscriber:
        return wrap_subscriber(self.home.subscriber)

    @strawberry.field(description="The language that they chose (C-6).")
    def language(self) -> Language:
        return _LANGUAGES[self.home.subscriber.language]

    @strawberry.field(description="Their personal accounts, oldest first.", graphql_type=Connection[Account])
    def accounts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Account] | Awaitable[Connection[Account]]:
        request = PageRequest.of(first, after, last, before)
        histories = self.home.histories

        def wrap(view: account.AccountView) -> Account:
            return wrap_account(view, histories.get(view.ledger_account_id, NOTHING_READY))

        found = self.home.accounts.get(request)
        return connection(found, wrap) if found else _later(account.accounts(info.context, request), wrap)

    @strawberry.field(description="Their wallet; null if they have none.", graphql_type=Wallet | None)
    def wallet(self, info: Info) -> Wallet | Awaitable[Wallet | None] | None:
        home = self.home
        if home.wants.wallet is None:
            return _wallet_later(info.context)
        if home.wallet is None:
            return None
        ready = home.histories.get(home.wallet.ledger_account_id, NOTHING_READY)
        return wrap_wallet(home.wallet, home.limits, ready)

    @strawberry.field(description="The tariff plan of the number that they signed in with.", graphql_type=Tariff | None)
    def tariff(self, info: Info) -> Tariff | Awaitable[Tariff | None] | None:
        if not self.home.wants.tariff:
            return _tariff_later(info.context)
        return wrap_tariff(self.home.tariff) if self.home.tariff else None

    @strawberry.field(
        description="Their subscriptions to digital products, newest first.",
        graphql_type=Connection[ProductSubscription],
    )
    def subscriptions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ProductSubscription] | Awaitable[Connection[ProductSubscription]]:
        request = PageRequest.of(first, after, last, before)
        found = self.home.subscriptions.get(request)
        if found:
            return connection(found, wrap_subscription)
        return _later(subscription.subscriptions(info.context, request), wrap_subscription)

    @strawberry.field(description="Their orders, newest first.", graphql_type=Connection[Order])
    def orders(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Order] | Awaitable[Connection[Order]]:
        request = PageRequest.of(first, after, last, before)
        found = self.home.orders.get(request)
        return connection(found, wrap_order) if found else _later(order.orders(info.context, request), wrap_order)


async def _later(page: Awaitable[Page[View]], wrap: Callable[[View], T]) -> Connection[T]:
    return connection(await page, wrap)


async def _wallet_later(ctx: Context) -> Wallet | None:
    view = await wallet.my_wallet(ctx)
    return wrap_wallet(view) if view else None


async def _tariff_later(ctx: Context) -> Tariff | None:
    view = await tariff.my_tariff(ctx)
    return wrap_tariff(view) if view else None


async def _viewer(info: Info) -> Viewer | None:
    """Who is signed in, with all that is asked for below: one statement."""
    found = await home.load(info.context, below(info).derive(wants_of))
    return Viewer(home=found) if found else None


@strawberry.type(description="A session's tokens: keep the refresh token safe, it is good once.")
class Session:
    signed_in: strawberry.Private[access.SignedIn]

    @strawberry.field(description="Send it as `Authorization: Bearer …`.")
    def access_token(self) -> str:
        return self.signed_in.access_token

    @strawberry.field(description="Good once, for `refreshSession`; used twice it ends the session.")
    def refresh_token(self) -> str:
        return self.signed_in.refresh_token

    @strawberry.field(description="The access token's end.")
    def expires_at(self) -> datetime:
        return self.signed_in.expires_at

    @strawberry.field(description="Who has signed in.")
    async def viewer(self, info: Info) -> Viewer:
        # What is read below this field is read as the one who has just signed in.
        info.context.actor = self.signed_in.actor
        viewer = await _viewer(info)
        assert viewer is not None
        return viewer


@strawberry.type(description="The session is over.")
class SignedOut:
    done: bool = strawberry.field(description="Always true: signing out twice is no fault.")


@strawberry.input(description="Where to send a code, and what for.")
class RequestOtpInput:
    phone: PhoneNumber | None = strawberry.field(default=None, description="The number to send it to.")
    purpose: OtpPurpose | None = strawberry.field(
        default=None, description="What the code will be good for: signing in, if left out."
    )


@strawberry.input(description="A challenge to send again.")
class ResendOtpInput:
    challenge_id: strawberry.ID = strawberry.field(description="The challenge.")


@strawberry.input(description="A challenge and its code.")
class VerifyOtpInput:
    challenge_id: strawberry.ID = strawberry.field(description="The challenge.")
    code: str = strawberry.field(description="The six digits that came by SMS.")


@strawberry.input(description="The session's newest refresh token.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="From the last `Session`.")


@strawberry.input(description="The language to be spoken to in.")
class SetLanguageInput:
    language: Language = strawberry.field(description="From now on (C-6).")


RequestOtpResult = Annotated[
    OtpChallenge | problem.MissingInput | problem.InvalidPhone | problem.ResendTooSoon | problem.TooManyCodes,
    strawberry.union(
        "RequestOtpResult", description="The challenge (for known and unknown numbers alike), or why none."
    ),
]
ResendOtpResult = Annotated[
    OtpChallenge | problem.NotFound | problem.CodeExpired | problem.ResendTooSoon | problem.TooManyCodes,
    strawberry.union("ResendOtpResult", description="The challenge, or why its code was not sent again."),
]
VerifyOtpResult = Annotated[
    Session | problem.NotFound | problem.WrongCode | problem.CodeExpired,
    strawberry.union("VerifyOtpResult", description="The new session, or why there is none."),
]
RefreshSessionResult = Annotated[
    Session | problem.SessionEnded,
    strawberry.union("RefreshSessionResult", description="The session's next tokens, or that it is over."),
]


def wrap_challenge(challenge: Challenge) -> OtpChallenge:
    return OtpChallenge(
        id=to_global_id("OtpChallenge", challenge.public_id),
        expires_at=challenge.expires_at,
        resend_at=challenge.resend_at,
    )


def _challenge(id_: str) -> str:
    return key_of(id_, "OtpChallenge", path=("input", "challengeId"))


@strawberry.type
class AccessQueries:
    @strawberry.field(description="Who is signed in; null for who is not.")
    async def viewer(self, info: Info) -> Viewer | None:
        return await _viewer(info)


@strawberry.type
class AccessMutations:
    @strawberry.mutation(
        description="Sends a one-time code by SMS (C-2). The answer does not tell whether the number is known."
    )
    async def request_otp(self, info: Info, input: RequestOtpInput) -> RequestOtpResult:
        purpose = DomainPurpose(str(input.purpose.value)) if input.purpose else DomainPurpose.SIGN_IN
        return wrap_challenge(await access.request_otp(info.context, phone=input.phone, purpose=purpose))

    @strawberry.mutation(description="Sends a challenge's code again, after `resendAt` (S-4.6).")
    async def resend_otp(self, info: Info, input: ResendOtpInput) -> ResendOtpResult:
        return wrap_challenge(await access.resend_otp(info.context, challenge=_challenge(input.challenge_id)))

    @strawberry.mutation(description="Signs in with a code: one use, ten minutes at most, five tries (C-4).")
    async def verify_otp(self, info: Info, input: VerifyOtpInput) -> VerifyOtpResult:
        signed_in = await access.verify_otp(info.context, challenge=_challenge(input.challenge_id), code=input.code)
        return Session(signed_in=signed_in)

    @strawberry.mutation(description="The next tokens for a refresh token, which is good once.")
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> RefreshSessionResult:
        return Session(signed_in=await access.refresh_session(info.context, refresh_token=input.refresh_token))

    @strawberry.mutation(description="Ends the session.")
    async def sign_out(self, info: Info) -> SignedOut:
        await access.sign_out(info.context)
        return SignedOut(done=True)

    @strawberry.mutation(description="Chooses the language to be spoken to in (C-6).")
    async def set_language(self, info: Info, input: SetLanguageInput) -> Viewer:
        await access.choose_language(info.context, input.language.tag)
        viewer = await _viewer(info)
        assert viewer is not None
        return viewer
