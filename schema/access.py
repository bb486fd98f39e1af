"""Signing in, the session, and who is signed in."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from domain.access import Challenge
from domain.access import OtpPurpose as DomainPurpose
from resolvers import access, account, order, subscription, tariff, wallet
from resolvers.paging import PageRequest
from schema import problem
from schema.account import Account, wrap_account
from schema.challenge import OtpChallenge
from schema.context import Info
from schema.money import Language
from schema.order import Order, wrap_order
from schema.relay import After, Before, Connection, First, Last, Node, connection, key_of, to_global_id
from schema.scalars import PhoneNumber
from schema.subscription import ProductSubscription, wrap_subscription
from schema.tariff import Tariff, wrap_tariff
from schema.wallet import Wallet, wrap_wallet


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


@strawberry.type(description="A person or an organisation with an agreement.")
class Subscriber(Node):
    view: strawberry.Private[access.SubscriberView]

    @strawberry.field(description="A person or an organisation.")
    def kind(self) -> SubscriberKind:
        return SubscriberKind(self.view.kind.value)

    @strawberry.field(description="The name as documents write it.")
    def name(self) -> str:
        return self.view.name

    @strawberry.field(description="The number that the caller signed in with.")
    def phone(self) -> PhoneNumber:
        return PhoneNumber(self.view.phone)

    @strawberry.field(description="Where the subscriber stands.")
    def status(self) -> SubscriberStatus:
        return SubscriberStatus(self.view.status.value)


def wrap_subscriber(view: access.SubscriberView) -> Subscriber:
    return Subscriber(id=to_global_id("Subscriber", view.id), view=view)


@strawberry.type(description="Who is signed in, and everything that is theirs.")
class Viewer:
    view: strawberry.Private[access.SubscriberView]

    @strawberry.field(description="The subscriber.")
    def subscriber(self) -> Subscriber:
        return wrap_subscriber(self.view)

    @strawberry.field(description="The language that they chose (C-6).")
    def language(self) -> Language:
        return Language(str(self.view.language))

    @strawberry.field(description="Their personal accounts, oldest first.")
    async def accounts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Account]:
        request = PageRequest.of(first, after, last, before)
        return connection(await account.accounts(info.context, request), wrap_account)

    @strawberry.field(description="Their wallet; null if they have none.")
    async def wallet(self, info: Info) -> Wallet | None:
        view = await wallet.my_wallet(info.context)
        return wrap_wallet(view) if view else None

    @strawberry.field(description="The tariff plan of the number that they signed in with.")
    async def tariff(self, info: Info) -> Tariff | None:
        view = await tariff.my_tariff(info.context)
        return wrap_tariff(view) if view else None

    @strawberry.field(description="Their subscriptions to digital products, newest first.")
    async def subscriptions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ProductSubscription]:
        request = PageRequest.of(first, after, last, before)
        return connection(await subscription.subscriptions(info.context, request), wrap_subscription)

    @strawberry.field(description="Their orders, newest first.")
    async def orders(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Order]:
        return connection(await order.orders(info.context, PageRequest.of(first, after, last, before)), wrap_order)


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
        view = await access.me(info.context)
        assert view is not None
        return Viewer(view=view)


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
        view = await access.me(info.context)
        return Viewer(view=view) if view else None


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
        return Viewer(view=await access.choose_language(info.context, input.language.tag))
