"""Signing in by one-time code, keeping the session, signing out; who a token belongs to."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import jwt

from domain import access
from domain.access import Challenge, NewSession, OtpPurpose, WrongCode
from domain.clock import to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.language import LANGUAGES, Language
from domain.phone import read_phone
from domain.refusal import NotFound
from domain.subscriber import SubscriberKind, SubscriberStatus
from domain.view import view
from resolvers.context import (
    Anonymous,
    Claimed,
    Context,
    Expired,
    SubscriberActor,
    require_no_stale_token,
    the_subscriber,
)

ALGORITHM: Final = "HS256"
LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session's tokens, shown once; `expires_at` is the access token's end."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    actor: SubscriberActor


@view
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


def claims_of(ctx: Context, token: str) -> Claimed | None:
    """Whose the access token says that it is; None when it is not ours or too old. Its session may be over."""
    claims = _signed_claims(token, _token_key(ctx))
    # The context's clock decides, not the machine's: a sandbox moves it.
    if claims is None or ctx.clock.now().timestamp() >= claims.expires:
        return None
    return claims.actor


@dataclass(frozen=True, slots=True)
class _Claims:
    actor: Claimed
    expires: int


@lru_cache(maxsize=4_096)
def _signed_claims(token: str, key: bytes) -> _Claims | None:
    """What a token says if its signature is right: that never changes, so each token is checked once."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            options={"require": ["sub", "sid", "exp"], "verify_exp": False, "verify_iat": False},
        )
        subscriber, session, expires = int(claims["sub"]), int(claims["sid"]), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError):
        return None
    if max(abs(subscriber), abs(session)) > LARGEST_ID:
        return None
    return _Claims(Claimed(subscriber, session), expires)


# The session, if it is alive at $2, with its subscriber: what every look at a claimed actor begins with.
LIVE_SESSION: Final = """session live JOIN subscriber me ON me.id = live.subscriber_id
    WHERE live.id = $1 AND live.ended_at IS NULL AND live.expires_at > $2"""


async def settle(ctx: Context) -> None:
    """Looks a claimed actor's session up: the actor is a SubscriberActor then, or Expired. Others stay as they are."""
    claimed = ctx.actor
    if not isinstance(claimed, Claimed):
        return
    row = await fetch_row(
        f"SELECT live.id, live.subscriber_id, live.phone, me.language FROM {LIVE_SESSION}",
        claimed.session_id,
        to_micros(ctx.clock.now()),
    )
    if row is None:
        ctx.actor = Expired()
    else:
        settled(ctx, SubscriberActor(row["subscriber_id"], row["id"], row["phone"]), row["language"])


def settled(ctx: Context, actor: SubscriberActor, language: str) -> None:
    """The session is alive. Who has not asked for a language is spoken to in the one that they chose (C-6)."""
    if isinstance(ctx.actor, Claimed) and not ctx.actor.language_asked:
        ctx.language = LANGUAGES[language]
    ctx.actor = actor


async def me(ctx: Context) -> SubscriberView | None:
    """The signed-in subscriber; None for who is not."""
    require_no_stale_token(ctx)
    if isinstance(ctx.actor, Anonymous):
        return None
    actor = the_subscriber(ctx)
    row = await fetch_row("SELECT * FROM subscriber WHERE id = $1", actor.subscriber_id)
    assert row is not None
    return subscriber_view(row, actor.phone)


_KINDS: Final = {kind.value: kind for kind in SubscriberKind}
_STATUSES: Final = {status.value: status for status in SubscriberStatus}


def subscriber_view(row: Row, phone: str) -> SubscriberView:
    name = row["organisation_name"] or " ".join(filter(None, (row["last_name"], row["first_name"], row["patronymic"])))
    return SubscriberView(
        id=row["id"],
        kind=_KINDS[row["kind"]],
        name=name,
        phone=phone,
        status=_STATUSES[row["status"]],
        language=LANGUAGES[row["language"]],
    )


async def choose_language(ctx: Context, language: Language) -> SubscriberView:
    """The language in which the subscriber is spoken to from now on (C-6)."""
    actor = the_subscriber(ctx)
    await execute("UPDATE subscriber SET language = $1 WHERE id = $2", str(language), actor.subscriber_id)
    view = await me(ctx)
    assert view is not None
    return view
