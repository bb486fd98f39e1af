"""Signing in by one-time code, keeping the session, signing out; who a token belongs to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import jwt

from domain import access
from domain.access import Challenge, NewSession, OtpPurpose, WrongCode
from domain.clock import to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.language import Language
from domain.phone import read_phone
from domain.refusal import NotFound
from domain.subscriber import SubscriberKind, SubscriberStatus
from resolvers.context import Anonymous, Context, SubscriberActor, require_no_stale_token, the_subscriber

ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session's tokens, shown once; `expires_at` is the access token's end."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    actor: SubscriberActor


@dataclass(frozen=True, slots=True)
class SubscriberView:
    """A subscriber as they may see themselves."""

    id: int
    kind: SubscriberKind
    name: str
    phone: str
    status: SubscriberStatus
    language: Language


async def request_otp(ctx: Context, *, phone: str | None, purpose: OtpPurpose) -> Challenge:
    """Sends a code to a number (C-2). The same answer for known and unknown numbers."""
    number = read_phone(phone, path=("input", "phone"))
    return await _open(ctx, number, purpose)


@in_transaction
async def _open(ctx: Context, phone: str, purpose: OtpPurpose) -> Challenge:
    return await access.open_challenge(
        phone=phone,
        purpose=purpose,
        language=ctx.language,
        now=ctx.clock.now(),
        policy=ctx.policy,
        address=ctx.address,
    )


@in_transaction
async def resend_otp(ctx: Context, *, challenge: str) -> Challenge:
    """The same code once more (S-4.6). Raises NotFound for an unknown challenge."""
    sent = await access.resend_challenge(challenge, now=ctx.clock.now(), policy=ctx.policy, address=ctx.address)
    if sent is None:
        raise NotFound(path=("input", "challengeId"))
    return sent


@in_transaction
async def verify_otp(ctx: Context, *, challenge: str, code: str) -> SignedIn:
    """Signs in with a code (C-2): one use, one purpose. Raises NotFound, WrongCode, CodeExpired."""
    now = ctx.clock.now()
    found = await access.challenge_by_public_id(challenge, OtpPurpose.SIGN_IN, ctx.policy)
    if found is None:
        raise NotFound(path=("input", "challengeId"))
    await access.use_code(
        challenge_id=found.id,
        code=code,
        purpose=OtpPurpose.SIGN_IN,
        secrets=ctx.secrets,
        now=now,
        policy=ctx.policy,
    )
    row = await fetch_row(
        "SELECT subscriber_id FROM subscriber_number WHERE phone = $1 AND status <> 'ended'", found.phone
    )
    if row is None:  # a guess at a number that is nobody's looks like any wrong guess
        raise WrongCode(tries_left=0, path=("input", "code"))
    session = await access.begin_session(row["subscriber_id"], found.phone, now, ctx.policy)
    return _signed_in(ctx, session, now)


@in_transaction
async def refresh_session(ctx: Context, *, refresh_token: str) -> SignedIn:
    """New tokens for the old refresh token; one used twice ends its session. Raises SessionEnded."""
    now = ctx.clock.now()
    session = await access.rotate_session(refresh_token, now, ctx.policy)
    return _signed_in(ctx, session, now)


async def sign_out(ctx: Context) -> None:
    """Ends the session; doing it twice, or without one, is no fault."""
    if isinstance(ctx.actor, SubscriberActor):
        await access.end_session(ctx.actor.session_id, "signed out", ctx.clock.now())


def _signed_in(ctx: Context, session: NewSession, now: datetime) -> SignedIn:
    expires_at = now + ctx.policy.access_lifetime
    claims = {
        "sub": str(session.subscriber_id),
        "sid": session.session_id,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    token = jwt.encode(claims, _token_key(ctx), algorithm=ALGORITHM)
    actor = SubscriberActor(session.subscriber_id, session.session_id, session.phone)
    return SignedIn(token, session.refresh_token, expires_at, actor)


def _token_key(ctx: Context) -> bytes:
    return ctx.secrets.derive("access-token")


def session_of(ctx: Context, token: str) -> int | None:
    """The session that an access token speaks of; None when it is not ours or too old."""
    try:
        claims = jwt.decode(
            token,
            _token_key(ctx),
            algorithms=[ALGORITHM],
            options={"require": ["sub", "sid", "exp"], "verify_exp": False, "verify_iat": False},
        )
        session, expires = int(claims["sid"]), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError):
        return None
    # The context's clock decides, not the machine's: a sandbox moves it.
    return session if ctx.clock.now().timestamp() < expires else None


async def authenticate(ctx: Context, token: str) -> tuple[SubscriberActor, Language] | None:
    """Who the access token belongs to and the language they chose; None when its session is over."""
    session = session_of(ctx, token)
    if session is None or abs(session) >= 2**63:
        return None
    row = await fetch_row(
        """SELECT s.id, s.subscriber_id, s.phone, p.language FROM session s JOIN subscriber p ON p.id = s.subscriber_id
           WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2""",
        session,
        to_micros(ctx.clock.now()),
    )
    if row is None:
        return None
    return SubscriberActor(row["subscriber_id"], row["id"], row["phone"]), Language(row["language"])


async def me(ctx: Context) -> SubscriberView | None:
    """The signed-in subscriber; None for who is not."""
    require_no_stale_token(ctx)
    if isinstance(ctx.actor, Anonymous):
        return None
    actor = the_subscriber(ctx)
    row = await fetch_row("SELECT * FROM subscriber WHERE id = $1", actor.subscriber_id)
    assert row is not None
    return subscriber_view(row, actor.phone)


def subscriber_view(row: Row, phone: str) -> SubscriberView:
    name = row["organisation_name"] or " ".join(filter(None, (row["last_name"], row["first_name"], row["patronymic"])))
    return SubscriberView(
        id=row["id"],
        kind=SubscriberKind(row["kind"]),
        name=name,
        phone=phone,
        status=SubscriberStatus(row["status"]),
        language=Language(row["language"]),
    )


async def choose_language(ctx: Context, language: Language) -> SubscriberView:
    """The language in which the subscriber is spoken to from now on (C-6)."""
    actor = the_subscriber(ctx)
    await execute("UPDATE subscriber SET language = $1 WHERE id = $2", str(language), actor.subscriber_id)
    view = await me(ctx)
    assert view is not None
    return view
