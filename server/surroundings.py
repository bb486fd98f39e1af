"""Who calls: from a connection's headers to the Context that resolvers take."""

import ipaddress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.clock import Clock, SystemClock
from domain.language import Language, negotiate
from domain.policy import NAMELESS, Operator, Policy
from domain.quota import Quota
from domain.refusal import TokenOver
from domain.secrets import Secrets
from gateways.bus import Bus
from resolvers import access, partner
from resolvers.context import Anonymous, Claimed, Context, Expired, SystemActor
from resolvers.texts import problem_text
from schema.http.caller import Connection
from server.settings import Settings

LONGEST_TOKEN = 2_000
API_KEY = "kbk_"
# A made-up company, for receipts that nobody will mistake for real ones.
EXAMPLE = Operator("Kabinet Telekom (demo)", "301234567", "Toshkent, Namuna koʻchasi 1", "+998 71 200 00 00")


def policy_of(settings: Settings) -> Policy:
    """The operator's choices; a development server lets newcomers ask for more codes."""
    hour, lenient = timedelta(hours=1), settings.development
    policy = Policy()
    per_phone = settings.otp_per_phone_per_hour or (40 if lenient else policy.otp_per_phone.most)
    per_address = settings.otp_per_address_per_hour or (2_000 if lenient else policy.otp_per_address.most)
    return replace(
        policy,
        otp_resend_wait=timedelta(seconds=settings.otp_resend_seconds),
        otp_per_phone=Quota(per_phone, hour),
        otp_per_address=Quota(per_address, hour),
        otp_in_total=Quota(settings.otp_in_total_per_hour, hour),
        public_url=settings.public_url,
        operator=_operator(settings),
    )


def _operator(settings: Settings) -> Operator:
    given = Operator(settings.operator_name, settings.operator_stir, settings.operator_address, settings.operator_phone)
    return EXAMPLE if settings.development and given == NAMELESS else given


class Surroundings:
    """Makes the Context of each request; one for the process."""

    def __init__(self, settings: Settings, bus: Bus, clock: Clock | None = None) -> None:
        self._secrets = Secrets(settings.secret_key)
        self._policy = policy_of(settings)
        self._proxies = settings.proxies
        self._clock = clock or SystemClock()
        self._bus = bus

    @property
    def secrets(self) -> Secrets:
        return self._secrets

    def anonymous(self, connection: Connection | None = None) -> Context:
        """Nobody's surroundings: the language that the browser asks for, the address that it calls from."""
        asked = negotiate(connection.headers.get("accept-language")) if connection else None
        return Context(
            actor=Anonymous(),
            secrets=self._secrets,
            language=asked or Language.UZ,
            clock=self._clock,
            policy=self._policy,
            address=self._address(connection) if connection else "",
            announce=self._bus.announce,
            listen=self._bus.listen,
        )

    async def of(self, connection: Connection) -> Context:
        """The caller's surroundings; no token at all is nobody.

        Raises TokenOver for an API key or a header that opens nothing. A token that is over makes an `Expired` actor,
        so that an app which still sends it can refresh its session. One that is not makes a `Claimed` actor, whose
        session nobody has looked up yet: whatever runs next must do that (`schema.context.settle_before`).
        """
        ctx = self.anonymous(connection)
        token = _token(connection)
        if token is None:
            return ctx
        if not token:
            raise _token_over(ctx)
        if token.startswith(API_KEY):
            actor = await partner.authenticate_key(ctx, token)
            if actor is None:
                raise _token_over(ctx)
            return ctx.acting_as(actor)
        claimed = access.claims_of(ctx, token)
        if claimed is None:
            ctx.actor = Expired()
        elif negotiate(connection.headers.get("accept-language")) is None:
            ctx.actor = claimed
        else:
            ctx.actor = Claimed(claimed.subscriber_id, claimed.session_id, language_asked=True)
        return ctx

    def _address(self, connection: Connection) -> str:
        """The caller's network address; X-Forwarded-For is believed from known proxies alone."""
        peer = connection.client.host if connection.client else ""
        if peer not in self._proxies:
            return peer
        forwarded = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(forwarded))
        except ValueError:
            return peer


def _token_over(ctx: Context) -> TokenOver:
    """With its sentence in the caller's language: no context will be there to say it later."""
    return TokenOver(problem_text(TokenOver(), ctx.language))


def _token(connection: Connection) -> str | None:
    """What the caller sent to be known by: None for nothing, "" for what cannot be a token."""
    key = connection.headers.get("x-api-key")
    if key:
        return key[:LONGEST_TOKEN]
    header = connection.headers.get("authorization", "").strip()
    if not header:  # GraphiQL sends an empty one until a token is pasted
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and len(token) <= LONGEST_TOKEN else ""


def system_context(settings: Settings, bus: Bus | None = None, **changes: Any) -> Context:
    """Kabinet's own surroundings: for the worker and the commands."""
    ctx = Context(
        actor=SystemActor(),
        secrets=Secrets(settings.secret_key),
        clock=SystemClock(),
        policy=policy_of(settings),
        language=Language.EN,
    )
    if bus:
        ctx.announce, ctx.listen = bus.announce, bus.listen
    return replace(ctx, **changes)
