"""What a use case is given: who calls, the clock, the language, the installation's secrets and policy.

A door makes one Context per request (the GraphQL door, the admin, a callback, the worker, a test). It never holds
anything of a web framework: that is what lets them all call the same resolvers.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from domain.clock import Clock, SystemClock
from domain.language import Language
from domain.policy import Policy
from domain.refusal import Forbidden, TokenOver, Unauthenticated
from domain.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has signed in."""

    label: str = "anonymous"


@dataclass(frozen=True, slots=True)
class Expired(Anonymous):
    """A subscriber's token was sent, but its session or its own time is over.

    What anybody may do still works, refreshing the session above all; the rest says that the token is over.
    """


@dataclass(frozen=True, slots=True)
class SubscriberActor:
    """A subscriber, signed in with one of their numbers."""

    subscriber_id: int
    session_id: int
    phone: str

    @property
    def label(self) -> str:
        return f"subscriber:{self.subscriber_id}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whoever sent a token that we signed; whether its session is still alive has not been looked up yet.

    `resolvers.access.settle` finds out, or the one statement of what is asked for does so by itself. Nothing else may
    be decided for such an actor. `language_asked`: the request itself says which language it wants.
    """

    subscriber_id: int
    session_id: int
    language_asked: bool = False

    @property
    def label(self) -> str:
        return f"subscriber:{self.subscriber_id}"


@dataclass(frozen=True, slots=True)
class StaffActor:
    """A member of staff in the admin. Roles: viewer looks, agent acts for subscribers, admin does all."""

    staff_id: int
    username: str
    role: str

    @property
    def label(self) -> str:
        return f"staff:{self.staff_id}"


@dataclass(frozen=True, slots=True)
class PartnerActor:
    """A partner's system, by its API key."""

    partner_id: int
    code: str
    scopes: frozenset[str]

    @property
    def label(self) -> str:
        return f"partner:{self.partner_id}"


@dataclass(frozen=True, slots=True)
class ProviderActor:
    """A payment system that its own door has let in: "payme", "click"."""

    name: str

    @property
    def label(self) -> str:
        return f"provider:{self.name}"


@dataclass(frozen=True, slots=True)
class SystemActor:
    """Kabinet itself: the worker, a command, the demo data."""

    label: str = "system"


Actor = Anonymous | Claimed | SubscriberActor | StaffActor | PartnerActor | ProviderActor | SystemActor
Announce = Callable[[str], None]
Listen = Callable[[str], AbstractAsyncContextManager[AsyncIterator[None]]]


def _nobody_listens(topic: str) -> None:
    """Announcements go nowhere: for commands and tests that have no subscribers to the event bus."""


@asynccontextmanager
async def _nothing_comes(topic: str) -> AsyncIterator[AsyncIterator[None]]:
    """Listening where there is no event bus: the stream ends at once."""

    async def nothing() -> AsyncIterator[None]:
        return
        yield

    yield nothing()


@dataclass(slots=True)
class Context:
    """One request's surroundings. `address` is the caller's network address, for limits only; it is never logged.

    `announce(topic)` tells open subscriptions that a thing changed ("wallet:12", "order:34"); call it through
    `domain.database.after_commit`. `listen(topic)` gives a stream with an item each time the topic was announced.
    """

    actor: Actor
    secrets: Secrets
    language: Language = Language.UZ
    clock: Clock = field(default_factory=SystemClock)
    policy: Policy = field(default_factory=Policy)
    address: str = ""
    announce: Announce = _nobody_listens
    listen: Listen = _nothing_comes
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def acting_as(self, actor: Actor) -> "Context":
        """The same surroundings with another actor: the worker, or a sign-in that has just succeeded."""
        return replace(self, actor=actor)


STAFF_RANK: Final = {"viewer": 0, "agent": 1, "admin": 2}


def require_no_stale_token(ctx: Context) -> None:
    """Raises TokenOver for who believes to be signed in and is not: nobody is treated as a stranger unawares."""
    assert not isinstance(ctx.actor, Claimed), "the session must have been looked up by now"
    if isinstance(ctx.actor, Expired):
        raise TokenOver


def the_subscriber(ctx: Context) -> SubscriberActor:
    """The signed-in subscriber. Raises Unauthenticated for nobody, Forbidden for partners and staff."""
    if isinstance(ctx.actor, SubscriberActor):
        return ctx.actor
    require_no_stale_token(ctx)
    if isinstance(ctx.actor, Anonymous):
        raise Unauthenticated
    raise Forbidden


def the_staff(ctx: Context, role: str = "viewer") -> StaffActor:
    """The member of staff, of this role or a higher one. Raises Unauthenticated or Forbidden."""
    if isinstance(ctx.actor, StaffActor):
        if STAFF_RANK[ctx.actor.role] < STAFF_RANK[role]:
            raise Forbidden
        return ctx.actor
    if isinstance(ctx.actor, Anonymous):
        raise Unauthenticated
    raise Forbidden


def the_partner(ctx: Context, scope: str) -> PartnerActor:
    """The partner, if its key has the scope. Raises Unauthenticated or Forbidden."""
    if isinstance(ctx.actor, PartnerActor) and scope in ctx.actor.scopes:
        return ctx.actor
    if isinstance(ctx.actor, Anonymous):
        raise Unauthenticated
    raise Forbidden


def the_provider(ctx: Context) -> str:
    """The name of the payment system that calls. Raises Forbidden for anybody else."""
    if isinstance(ctx.actor, ProviderActor):
        return ctx.actor.name
    raise Forbidden
