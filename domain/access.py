"""One-time codes and sessions (C-2, C-4, A-3.23.4).

A challenge: open → used, or dead (expired, or too many wrong tries). A session: live → ended (signed out, a refresh
token used twice, or too old); its refresh token changes with each use.

Races: many guesses at once (the challenge's row is locked, each wrong one is counted before the next is looked at);
one code entered twice at once (the same lock: the second finds it used); one refresh token used twice at once (the
token's row is locked: the second finds it used and ends the session, as for any stolen token); many requests for
codes at once (the number's quota row is taken first and serialises them).
"""

import hashlib
import hmac
import secrets as random_secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

import pyotp
from tortoise import fields
from tortoise.models import Model

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch, fetch_row
from domain.fields import InstantField
from domain.language import Language
from domain.outbox import enqueue
from domain.policy import Policy
from domain.quota import take
from domain.refusal import Refusal
from domain.secrets import Secrets, fingerprint, new_public_id, new_token

CODE_DIGITS: Final = 6


class OtpPurpose(StrEnum):
    """What a code is good for; a code for one purpose opens nothing else."""

    SIGN_IN = "sign_in"
    ORDER = "order"


@dataclass(eq=False, kw_only=True)
class ResendTooSoon(Refusal):
    code: ClassVar[str] = "RESEND_TOO_SOON"
    text: ClassVar[str] = "A code was sent a moment ago. Ask for another after {resend_at}."
    default_rule: ClassVar[str | None] = "C-4"
    resend_at: datetime


@dataclass(eq=False, kw_only=True)
class TooManyCodes(Refusal):
    code: ClassVar[str] = "TOO_MANY_CODES"
    text: ClassVar[str] = "Too many codes were asked for. Try again after {retry_at}."
    default_rule: ClassVar[str | None] = "C-4"
    retry_at: datetime


@dataclass(eq=False, kw_only=True)
class WrongCode(Refusal):
    """Counted: that is why it commits."""

    code: ClassVar[str] = "WRONG_CODE"
    text: ClassVar[str] = "The code is wrong. Tries left: {tries_left}."
    default_rule: ClassVar[str | None] = "C-4"
    commits: ClassVar[bool] = True
    tries_left: int


@dataclass(eq=False, kw_only=True)
class CodeExpired(Refusal):
    """Too old, used already, or killed by wrong tries: ask for a new one."""

    code: ClassVar[str] = "CODE_EXPIRED"
    text: ClassVar[str] = "This code is no longer valid. Ask for a new one."
    default_rule: ClassVar[str | None] = "A-3.23.4"


@dataclass(eq=False, kw_only=True)
class SessionEnded(Refusal):
    code: ClassVar[str] = "SESSION_ENDED"
    text: ClassVar[str] = "The session has ended. Sign in again."
    default_rule: ClassVar[str | None] = "C-2"
    commits: ClassVar[bool] = True  # a token used twice ends its session: that must hold


class OtpChallenge(Model):
    """The code is nowhere in it: it is computed when it is sent and when it is checked."""

    id = fields.BigIntField(primary_key=True)
    public_id = fields.CharField(max_length=32, unique=True)
    phone = fields.CharField(max_length=13)
    purpose = fields.CharField(max_length=16)
    nonce = fields.CharField(max_length=32)
    language = fields.CharField(max_length=10)
    created_at = InstantField()
    expires_at = InstantField()
    sent_at = InstantField()
    sends = fields.BigIntField(default=1)
    wrong_tries = fields.BigIntField(default=0)
    used_at = InstantField(null=True)

    class Meta:
        table = "otp_challenge"


class Session(Model):
    id = fields.BigIntField(primary_key=True)
    subscriber_id = fields.BigIntField()
    phone = fields.CharField(max_length=13)
    created_at = InstantField()
    expires_at = InstantField()
    ended_at = InstantField(null=True)
    ended_why = fields.CharField(max_length=32, null=True)
    wallet_unlocked_until = InstantField(null=True)

    class Meta:
        table = "session"


class RefreshToken(Model):
    id = fields.BigIntField(primary_key=True)
    session_id = fields.BigIntField()
    fingerprint = fields.CharField(max_length=64, unique=True)
    created_at = InstantField()
    expires_at = InstantField()
    used_at = InstantField(null=True)

    class Meta:
        table = "refresh_token"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What may be said of a challenge: never its code."""

    id: int
    public_id: str
    phone: str
    purpose: str
    language: Language
    created_at: datetime
    expires_at: datetime
    resend_at: datetime


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun or gone on; the refresh token is shown this once."""

    session_id: int
    subscriber_id: int
    phone: str
    refresh_token: str


def code_of(secrets: Secrets, *, public_id: str, nonce: str, purpose: str, phone: str) -> str:
    """The challenge's code: HOTP of a secret of its own, derived from the installation's key."""
    return pyotp.HOTP(secrets.derive_base32("otp", public_id, nonce, purpose, phone), digits=CODE_DIGITS).at(0)


def _challenge(row: Row, policy: Policy) -> Challenge:
    return Challenge(
        id=row["id"],
        public_id=row["public_id"],
        phone=row["phone"],
        purpose=row["purpose"],
        language=Language(row["language"]),
        created_at=from_micros(row["created_at"]),
        expires_at=from_micros(row["expires_at"]),
        resend_at=from_micros(row["sent_at"]) + policy.otp_resend_wait,
    )


async def open_challenge(
    *, phone: str, purpose: str, language: Language, now: datetime, policy: Policy, address: str
) -> Challenge:
    """A new challenge, its message in the outbox, within all limits (C-4); inside the caller's transaction.

    Whether the number is known plays no part: the answer and the work are the same, the worker drops the message.
    Raises ResendTooSoon (signing in only: an order is a session of its own) and TooManyCodes.
    """
    await _take_quotas(phone, address, now, policy)
    if purpose == OtpPurpose.SIGN_IN:
        await _require_wait(phone, purpose, now, policy)
    row = await fetch_row(
        """INSERT INTO otp_challenge (public_id, phone, purpose, nonce, language, created_at, expires_at, sent_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $6) RETURNING *""",
        new_public_id(),
        phone,
        str(purpose),
        random_secrets.token_hex(16),
        str(language),
        to_micros(now),
        to_micros(now + policy.otp_lifetime),
    )
    assert row is not None
    challenge = _challenge(row, policy)
    await _enqueue_message(challenge, now)
    return challenge


async def resend_challenge(public_id: str, *, now: datetime, policy: Policy, address: str) -> Challenge | None:
    """Sends the same code again ("get a code", S-4.6): its life does not grow. None for an unknown challenge.

    Raises ResendTooSoon, TooManyCodes, and CodeExpired when the challenge is over.
    """
    row = await fetch_row("SELECT * FROM otp_challenge WHERE public_id = $1 FOR NO KEY UPDATE", public_id)
    if row is None:
        return None
    _require_open(row, now, policy)
    challenge = _challenge(row, policy)
    if now < challenge.resend_at:
        raise ResendTooSoon(resend_at=challenge.resend_at)
    await _take_quotas(row["phone"], address, now, policy)
    await execute("UPDATE otp_challenge SET sent_at = $1, sends = sends + 1 WHERE id = $2", to_micros(now), row["id"])
    await _enqueue_message(challenge, now)
    return _challenge(row | {"sent_at": to_micros(now)}, policy)


async def _enqueue_message(challenge: Challenge, now: datetime) -> None:
    payload = {"challenge": challenge.public_id, "language": str(challenge.language)}
    await enqueue("otp", f"otp:{challenge.public_id}", payload, now)


async def _take_quotas(phone: str, address: str, now: datetime, policy: Policy) -> None:
    # The number's row first: its lock makes the requests for one number wait for each other.
    quotas = [(f"otp:phone:{phone}", policy.otp_per_phone), ("otp:total", policy.otp_in_total)]
    if address:
        hashed = hashlib.sha256(address.encode()).hexdigest()[:24]
        quotas.insert(1, (f"otp:address:{hashed}", policy.otp_per_address))
    for bucket, quota in quotas:
        if retry_at := await take(bucket, quota, now):
            raise TooManyCodes(retry_at=retry_at)


async def _require_wait(phone: str, purpose: str, now: datetime, policy: Policy) -> None:
    row = await fetch_row(
        """SELECT MAX(sent_at) AS sent_at FROM otp_challenge
           WHERE phone = $1 AND purpose = $2 AND used_at IS NULL AND created_at > $3""",
        phone,
        str(purpose),
        to_micros(now - policy.otp_lifetime),
    )
    if row and row["sent_at"] is not None:
        resend_at = from_micros(row["sent_at"]) + policy.otp_resend_wait
        if now < resend_at:
            raise ResendTooSoon(resend_at=resend_at)


def _require_open(row: Row, now: datetime, policy: Policy) -> None:
    over = row["used_at"] is not None or row["wrong_tries"] >= policy.otp_wrong_tries
    if over or to_micros(now) >= row["expires_at"]:
        raise CodeExpired(path=("input", "code"))


async def use_code(
    *, challenge_id: int, code: str, purpose: str, secrets: Secrets, now: datetime, policy: Policy
) -> Challenge:
    """Spends the challenge with its code, inside the caller's transaction; call it before anything is written.

    Raises WrongCode (counted, even though it is a refusal) and CodeExpired. A challenge of another purpose has no
    right code at all.
    """
    row = await fetch_row("SELECT * FROM otp_challenge WHERE id = $1 FOR NO KEY UPDATE", challenge_id)
    assert row is not None, "the caller has found the challenge"
    _require_open(row, now, policy)
    expected = code_of(
        secrets, public_id=row["public_id"], nonce=row["nonce"], purpose=str(purpose), phone=row["phone"]
    )
    entered = "".join(code.split())[:32]
    if not hmac.compare_digest(entered.encode("utf-8", "replace"), expected.encode()):
        await execute("UPDATE otp_challenge SET wrong_tries = wrong_tries + 1 WHERE id = $1", challenge_id)
        raise WrongCode(tries_left=policy.otp_wrong_tries - row["wrong_tries"] - 1, path=("input", "code"))
    await execute("UPDATE otp_challenge SET used_at = $1 WHERE id = $2", to_micros(now), challenge_id)
    return _challenge(row, policy)


async def challenge_by_public_id(public_id: str, purpose: str, policy: Policy) -> Challenge | None:
    """The challenge of that purpose, open or over."""
    row = await fetch_row("SELECT * FROM otp_challenge WHERE public_id = $1 AND purpose = $2", public_id, str(purpose))
    return _challenge(row, policy) if row else None


# Of the number `n`: as long as the wallet of that holder and number is blocked for its loss (W-4.6.1b).
_LOST: Final = """EXISTS (SELECT 1 FROM wallet w JOIN wallet_block b ON b.wallet_id = w.id
    WHERE w.phone = n.phone AND w.subscriber_id = n.subscriber_id AND w.status <> 'closed'
      AND b.cause = 'number_lost' AND b.lifted_at IS NULL)"""


async def code_to_send(secrets: Secrets, public_id: str, now: datetime) -> tuple[str, str, Language] | None:
    """(phone, code, language) for the worker at the moment of sending; None when nothing must be sent.

    That is so when the challenge is over, when the number is nobody's, and when its holder has reported it lost: from
    that second on nothing is done with it (W-6.4). Asking for a code does not tell which.
    """
    row = await fetch_row(
        f"""SELECT c.* FROM otp_challenge c
            JOIN subscriber_number n ON n.phone = c.phone AND n.status <> 'ended'
            WHERE c.public_id = $1 AND c.used_at IS NULL AND c.expires_at > $2 AND NOT {_LOST}""",
        public_id,
        to_micros(now),
    )
    if row is None:
        return None
    code = code_of(secrets, public_id=public_id, nonce=row["nonce"], purpose=row["purpose"], phone=row["phone"])
    return row["phone"], code, Language(row["language"])


OTP_TEXTS: Final = {
    # One SMS part each: 160 GSM-7 characters, or 70 where the alphabet needs UCS-2.
    Language.UZ: "Kabinet kodi: {code}. Hech kimga aytmang.",
    Language.UZ_CYRL: "Kabinet коди: {code}. Ҳеч кимга айтманг.",
    Language.RU: "Код Kabinet: {code}. Никому не сообщайте.",
    Language.EN: "Kabinet code: {code}. Do not tell it to anyone.",
}


async def otp_message(secrets: Secrets, public_id: str, now: datetime) -> tuple[str, str] | None:
    """(phone, text) of the message that carries a code, in the language in which it was asked for."""
    found = await code_to_send(secrets, public_id, now)
    if found is None:
        return None
    phone, code, language = found
    return phone, OTP_TEXTS[language].format(code=code)


async def recent_codes(secrets: Secrets, now: datetime, most: int = 20) -> list[tuple[str, str, str, datetime]]:
    """(phone, purpose, code, when sent) of the newest open challenges of known numbers: for the demo page only."""
    rows = await fetch(
        f"""SELECT c.* FROM otp_challenge c JOIN subscriber_number n ON n.phone = c.phone AND n.status <> 'ended'
            WHERE c.used_at IS NULL AND c.expires_at > $1 AND NOT {_LOST}
            ORDER BY c.sent_at DESC, c.id DESC LIMIT $2""",
        to_micros(now),
        most,
    )
    return [
        (
            row["phone"],
            row["purpose"],
            code_of(
                secrets, public_id=row["public_id"], nonce=row["nonce"], purpose=row["purpose"], phone=row["phone"]
            ),
            from_micros(row["sent_at"]),
        )
        for row in rows
    ]


async def begin_session(subscriber_id: int, phone: str, now: datetime, policy: Policy) -> NewSession:
    """A live session with its first refresh token, inside the caller's transaction."""
    row = await fetch_row(
        "INSERT INTO session (subscriber_id, phone, created_at, expires_at) VALUES ($1, $2, $3, $4) RETURNING id",
        subscriber_id,
        phone,
        to_micros(now),
        to_micros(now + policy.session_lifetime),
    )
    assert row is not None
    return NewSession(row["id"], subscriber_id, phone, await _new_refresh_token(row["id"], now, policy))


async def _new_refresh_token(session_id: int, now: datetime, policy: Policy) -> str:
    token = new_token("kbr_")
    await execute(
        "INSERT INTO refresh_token (session_id, fingerprint, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        session_id,
        fingerprint(token),
        to_micros(now),
        to_micros(now + policy.session_lifetime),
    )
    return token


async def rotate_session(refresh_token: str, now: datetime, policy: Policy) -> NewSession:
    """Spends a refresh token and gives the next one, inside the caller's transaction.

    Raises SessionEnded; for a token that was used before, the whole session ends with it.
    """
    row = await fetch_row(
        """SELECT t.id, t.used_at, t.expires_at, s.id AS session_id, s.subscriber_id, s.phone, s.ended_at
           FROM refresh_token t JOIN session s ON s.id = t.session_id WHERE t.fingerprint = $1 FOR NO KEY UPDATE""",
        fingerprint(refresh_token),
    )
    if row is None or row["ended_at"] is not None or row["expires_at"] <= to_micros(now):
        raise SessionEnded
    if row["used_at"] is not None:
        await end_session(row["session_id"], "refresh token used twice", now)
        raise SessionEnded
    await execute("UPDATE refresh_token SET used_at = $1 WHERE id = $2", to_micros(now), row["id"])
    token = await _new_refresh_token(row["session_id"], now, policy)
    return NewSession(row["session_id"], row["subscriber_id"], row["phone"], token)


async def end_session(session_id: int, why: str, now: datetime) -> None:
    """From now on neither its access tokens nor its refresh tokens open anything."""
    await execute(
        """UPDATE session SET ended_at = $1, ended_why = $2, wallet_unlocked_until = NULL
           WHERE id = $3 AND ended_at IS NULL""",
        to_micros(now),
        why,
        session_id,
    )
