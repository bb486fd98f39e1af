"""Staff: who they are, what proves it, and their sessions in the admin.

Signing in has two steps, the password and then a code of the phone's app (TOTP). A session begins half: it may only
enter a code. The code replaces it by a whole one, with another token. Both steps count wrong tries together; five
pause signing in for a while, and only a whole sign-in sets the count back.

Races: many guesses at once (the hash is compared before the row is locked, but nothing counts until then; a guess
that is right is still refused when the ones before it have used up the tries); one code entered twice at once (the
row's lock, then `totp_last_step`: the second is of a step that is spent).
"""

import asyncio
import re
import secrets as random_secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import Row, execute, fetch_row
from domain.fields import InstantField
from domain.language import Language
from domain.refusal import InvalidInput, Refusal
from domain.secrets import Secrets, fingerprint, new_token

WRONG_TRIES: Final = 5
PAUSE: Final = timedelta(minutes=15)
HALF_SESSION: Final = timedelta(minutes=10)
IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)  # how exact `seen_at` is: not every look costs a write
PASSWORD_LENGTH: Final = range(12, 201)
TOTP_SECONDS: Final = 30

_USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Compared with when there is nobody to compare with, so that an unknown user name takes as long as a known one.
_NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$Q22VZo8zgAeEYowud74qGg$P9wejFBhPGaHlIum91zzuM93qaDZ5SIWmrn0NQHeBE8"


class StaffRole(StrEnum):
    """A viewer looks, an agent acts for subscribers, an admin does all."""

    VIEWER = "viewer"
    AGENT = "agent"
    ADMIN = "admin"


@dataclass(eq=False, kw_only=True)
class SignInRefused(Refusal):
    """One text for an unknown name, a wrong password, a pause and a disabled user: a guesser learns nothing."""

    code: ClassVar[str] = "SIGN_IN_REFUSED"
    text: ClassVar[str] = (
        "The user name or the password is wrong, or signing in is paused. Check both, or wait a while."
    )
    commits: ClassVar[bool] = True


@dataclass(eq=False, kw_only=True)
class WrongAppCode(Refusal):
    """Counted: that is why it commits. Also for a code that was right once already."""

    code: ClassVar[str] = "WRONG_APP_CODE"
    text: ClassVar[str] = "The code is wrong. Enter the one that the app shows now; each code is good for one use."
    commits: ClassVar[bool] = True


@dataclass(eq=False, kw_only=True)
class UsernameTaken(Refusal):
    code: ClassVar[str] = "USERNAME_TAKEN"
    text: ClassVar[str] = "This user name is taken."


@dataclass(eq=False, kw_only=True)
class WeakPassword(Refusal):
    code: ClassVar[str] = "WEAK_PASSWORD"
    text: ClassVar[str] = "A password has {shortest} to {longest} characters."
    shortest: int = PASSWORD_LENGTH.start
    longest: int = PASSWORD_LENGTH.stop - 1


class Staff(Model):
    id = fields.BigIntField(primary_key=True)
    username = fields.CharField(max_length=32, unique=True)
    name = fields.CharField(max_length=100)
    role = fields.CharField(max_length=16)
    password_hash = fields.TextField()
    totp_nonce = fields.CharField(max_length=32)
    totp_confirmed_at = InstantField(null=True)
    totp_last_step = fields.BigIntField(default=0)
    wrong_tries = fields.BigIntField(default=0)
    locked_until = InstantField(null=True)
    language = fields.CharField(max_length=10, default="uz")
    disabled_at = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        table = "staff"


class StaffSession(Model):
    id = fields.BigIntField(primary_key=True)
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField("kabinet.Staff", related_name="sessions")
    fingerprint = fields.CharField(max_length=64, unique=True)
    totp_passed = fields.BooleanField()
    created_at = InstantField()
    seen_at = InstantField()
    expires_at = InstantField()
    ended_at = InstantField(null=True)

    class Meta:
        table = "staff_session"


def is_paused(locked_until: int | None, now: datetime) -> bool:
    """Whether wrong tries keep the user out at this moment."""
    return locked_until is not None and to_micros(now) < locked_until


def after_wrong_try(tries_before: int, now: datetime) -> tuple[int, datetime | None]:
    """(tries counted, paused until): the last try begins a pause and a new count."""
    tries = tries_before + 1
    return (0, now + PAUSE) if tries >= WRONG_TRIES else (tries, None)


def matching_step(secret: str, code: str, now: datetime, *, spent: int) -> int | None:
    """The TOTP step whose code this is: now's or one to either side, and later than the last one spent."""
    totp = pyotp.TOTP(secret)
    step = int(now.timestamp()) // TOTP_SECONDS
    entered = "".join(code.split())
    if not (entered.isascii() and entered.isdigit()):
        return None
    fitting = [s for s in (step - 1, step, step + 1) if pyotp.utils.strings_equal(totp.generate_otp(s), entered)]
    return next((s for s in fitting if s > spent), None)


def totp_secret(secrets: Secrets, staff_id: int, nonce: str) -> str:
    """The seed that the app is given; stored nowhere."""
    return secrets.derive_base32("totp", str(staff_id), nonce)


def new_nonce() -> str:
    """With another nonce the user has another seed."""
    return random_secrets.token_hex(16)


def new_password() -> str:
    """A fresh password for who will not think of one: 20 characters, 120 bits."""
    return random_secrets.token_urlsafe(15)


def read_username(text: str) -> str:
    """Raises InvalidInput for anything but 2 to 32 of a-z, 0-9, dot, dash and underscore, a letter first."""
    username = text.strip().lower()
    if not _USERNAME.fullmatch(username):
        raise InvalidInput(path=("username",))
    return username


async def hash_password(password: str) -> str:
    """Off the event loop: a hash takes tens of milliseconds. Raises WeakPassword."""
    if len(password) not in PASSWORD_LENGTH:
        raise WeakPassword(path=("password",))
    return await asyncio.to_thread(_HASHER.hash, password)


async def password_matches(password_hash: str | None, password: str) -> bool:
    """Off the event loop, likewise; as slow for nobody's password (None) as for somebody's."""

    def verify() -> bool:
        try:
            _HASHER.verify(password_hash or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    return await asyncio.to_thread(verify)


async def count_wrong_try(staff: Row, now: datetime) -> None:
    """Counts a wrong password or code, inside the transaction that holds the staff row."""
    tries, until = after_wrong_try(staff["wrong_tries"], now)
    await execute(
        "UPDATE staff SET wrong_tries = $1, locked_until = $2 WHERE id = $3",
        tries,
        to_micros(until) if until else None,
        staff["id"],
    )


async def spend_step(staff_id: int, step: int, now: datetime) -> None:
    """A right code: its step is spent, the app is confirmed, the count of wrong tries begins anew."""
    await execute(
        """UPDATE staff SET totp_last_step = $1, totp_confirmed_at = COALESCE(totp_confirmed_at, $2),
               wrong_tries = 0, locked_until = NULL WHERE id = $3""",
        step,
        to_micros(now),
        staff_id,
    )


async def begin_session(staff_id: int, now: datetime, *, whole: bool) -> str:
    """A new session, half or whole; gives its token, of which only the fingerprint is stored."""
    token = new_token("kbs_")
    await execute(
        """INSERT INTO staff_session (staff_id, fingerprint, totp_passed, created_at, seen_at, expires_at)
           VALUES ($1, $2, $3, $4, $4, $5)""",
        staff_id,
        fingerprint(token),
        whole,
        to_micros(now),
        to_micros(now + (LONGEST if whole else HALF_SESSION)),
    )
    return token


async def end_session(session_id: int, now: datetime) -> None:
    """Ends it; ending it twice keeps the first time."""
    await execute(
        "UPDATE staff_session SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL", to_micros(now), session_id
    )


async def live_session(token: str, now: datetime) -> Row | None:
    """The session of a token with its staff row's name, role and language; None when it is over, idle or disabled.

    Notes that it was seen, at most once a minute.
    """
    row = await fetch_row(
        """SELECT x.id, x.staff_id, x.totp_passed, x.seen_at, s.username, s.name, s.role, s.language,
                  s.totp_confirmed_at
           FROM staff_session x JOIN staff s ON s.id = x.staff_id
           WHERE x.fingerprint = $1 AND x.ended_at IS NULL AND x.expires_at > $2 AND x.seen_at > $3
             AND s.disabled_at IS NULL""",
        fingerprint(token),
        to_micros(now),
        to_micros(now - IDLE),
    )
    if row and row["seen_at"] <= to_micros(now - SEEN_EVERY):
        await execute("UPDATE staff_session SET seen_at = $1 WHERE id = $2", to_micros(now), row["id"])
    return row


async def add(
    *, username: str, name: str, role: StaffRole, password_hash: str, language: Language, now: datetime
) -> int | None:
    """A new member of staff who has yet to connect an app; None when the user name is taken."""
    row = await fetch_row(
        """INSERT INTO staff (username, name, role, password_hash, totp_nonce, language, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (username) DO NOTHING RETURNING id""",
        username,
        name,
        str(role),
        password_hash,
        new_nonce(),
        str(language),
        to_micros(now),
    )
    return int(row["id"]) if row else None
