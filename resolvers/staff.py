"""Staff sign in with a password and an app's code; who a session belongs to; adding staff; the desk's facts."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

import pyotp

from domain import staff
from domain.audit import note
from domain.clock import to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.language import Language
from domain.quota import Quota, take
from domain.refusal import InvalidInput, MissingInput, Refusal, Unauthenticated
from domain.secrets import fingerprint
from domain.staff import SignInRefused, StaffRole, UsernameTaken, WrongAppCode, is_paused
from resolvers.context import Context, StaffActor, SystemActor, the_staff
from resolvers.subscriber import FoundSubscriber, seen_by

ISSUER: Final = "Kabinet"
# Each try costs a slow hash: one address gets so many.
TRIES_PER_ADDRESS: Final = Quota(60, timedelta(minutes=15))


@dataclass(eq=False, kw_only=True)
class TooManySignIns(Refusal):
    code: ClassVar[str] = "TOO_MANY_SIGN_INS"
    text: ClassVar[str] = "Too many tries to sign in from this address. Try again after {retry_at}."
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class StaffSessionView:
    """A live session. `whole` is false until the app's code; `enrolled` until the app has been confirmed once."""

    id: int
    actor: StaffActor
    name: str
    language: Language
    whole: bool
    enrolled: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the phone's app is given, shown once: a URI for the QR code and the same seed to be typed."""

    uri: str
    secret: str


@dataclass(frozen=True, slots=True)
class HalfSignedIn:
    """The password was right. `enrolment` is there for who has no confirmed app yet."""

    token: str
    enrolment: Enrolment | None


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A member of staff who has just been added; the password is shown this once."""

    staff_id: int
    username: str
    name: str
    role: StaffRole
    password: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What a member of staff finds on coming in: whom they looked at last, and whether something waits."""

    recent: list[FoundSubscriber]
    open_orders: int
    waiting_messages: int
    failed_messages: int
    waiting_proposals: int
    waiting_redemptions: int


async def enter_password(ctx: Context, *, username: str, password: str) -> HalfSignedIn:
    """The first step. Raises MissingInput, SignInRefused (counted) and TooManySignIns."""
    for field, value in (("username", username.strip()), ("password", password)):
        if not value:
            raise MissingInput(path=(field,))
    await _take_quota(ctx)
    found = await fetch_row("SELECT password_hash FROM staff WHERE username = $1", username.strip().lower()[:64])
    password_hash = found["password_hash"] if found else None
    # Outside the transaction: on SQLite nobody could write while the hash is computed.
    matches = await staff.password_matches(password_hash, password)
    return await _weigh_password(ctx, username.strip().lower()[:64], password_hash, matches)


@in_transaction
async def _weigh_password(ctx: Context, username: str, password_hash: str | None, matches: bool) -> HalfSignedIn:
    now = ctx.clock.now()
    row = await fetch_row("SELECT * FROM staff WHERE username = $1 FOR NO KEY UPDATE", username)
    if row is None or row["disabled_at"] is not None or is_paused(row["locked_until"], now):
        raise SignInRefused
    if not matches or row["password_hash"] != password_hash:
        await _note_wrong(row, "password", now)
        raise SignInRefused
    enrolment = None if row["totp_confirmed_at"] is not None else await _new_enrolment(ctx, row["id"], username)
    return HalfSignedIn(await staff.begin_session(row["id"], now, whole=False), enrolment)


async def _take_quota(ctx: Context) -> None:
    if ctx.address:
        hashed = hashlib.sha256(ctx.address.encode()).hexdigest()[:24]
        if retry_at := await take(f"staff:address:{hashed}", TRIES_PER_ADDRESS, ctx.clock.now()):
            raise TooManySignIns(retry_at=retry_at)


async def _note_wrong(row: Row, step: str, now: datetime) -> None:
    await staff.count_wrong_try(row, now)
    paused = row["wrong_tries"] + 1 >= staff.WRONG_TRIES
    await note("anonymous", "staff.sign_in_failed", f"staff:{row['id']}", now, step=step, paused=paused)


async def _new_enrolment(ctx: Context, staff_id: int, username: str) -> Enrolment:
    """A seed that nobody has seen: whatever was shown before opens nothing any more."""
    nonce = staff.new_nonce()
    await execute("UPDATE staff SET totp_nonce = $1, totp_last_step = 0 WHERE id = $2", nonce, staff_id)
    secret = staff.totp_secret(ctx.secrets, staff_id, nonce)
    return Enrolment(pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER), secret)


@in_transaction
async def enrol_again(ctx: Context, token: str) -> Enrolment:
    """Another QR code for who has entered the password and missed the first. Raises Unauthenticated.

    Never for an app that has been confirmed: that would make the password alone enough.
    """
    half = await _half_session(ctx, token)
    row = await fetch_row("SELECT * FROM staff WHERE id = $1 FOR NO KEY UPDATE", half["staff_id"])
    if row is None or row["totp_confirmed_at"] is not None:
        raise Unauthenticated
    return await _new_enrolment(ctx, row["id"], row["username"])


@in_transaction
async def enter_code(ctx: Context, *, token: str, code: str) -> str:
    """The second step: gives the token of a whole session, the half one is over.

    Raises MissingInput, WrongAppCode (counted; also for a code used before), SignInRefused when wrong tries have
    paused signing in (the half session is over, too), Unauthenticated without a half session.
    """
    now = ctx.clock.now()
    half = await _half_session(ctx, token)
    if not code.strip():
        raise MissingInput(path=("code",))
    row = await fetch_row("SELECT * FROM staff WHERE id = $1 FOR NO KEY UPDATE", half["staff_id"])
    assert row is not None
    if is_paused(row["locked_until"], now):
        await staff.end_session(half["id"], now)
        raise SignInRefused
    secret = staff.totp_secret(ctx.secrets, row["id"], row["totp_nonce"])
    step = staff.matching_step(secret, code, now, spent=row["totp_last_step"])
    if step is None:
        await _note_wrong(row, "code", now)
        raise WrongAppCode(path=("code",))
    await staff.spend_step(row["id"], step, now)
    await staff.end_session(half["id"], now)
    await note(f"staff:{row['id']}", "staff.signed_in", f"staff:{row['id']}", now)
    return await staff.begin_session(row["id"], now, whole=True)


async def _half_session(ctx: Context, token: str) -> Row:
    # Locked before it is judged: the same code sent twice at once finds the session ended the second time.
    await fetch_row("SELECT id FROM staff_session WHERE fingerprint = $1 FOR NO KEY UPDATE", fingerprint(token))
    session = await staff.live_session(token, ctx.clock.now())
    if session is None or session["totp_passed"]:
        raise Unauthenticated
    return session


@in_transaction
async def sign_out(ctx: Context, token: str) -> None:
    """Ends the session, half or whole; doing it twice is no fault."""
    now = ctx.clock.now()
    session = await staff.live_session(token, now)
    if session is None:
        return
    await staff.end_session(session["id"], now)
    if session["totp_passed"]:
        await note(f"staff:{session['staff_id']}", "staff.signed_out", f"staff:{session['staff_id']}", now)


async def staff_session(token: str, now: datetime) -> StaffSessionView | None:
    """The live session of a token, half or whole; None when it is unknown, ended, idle for 30 minutes or too old."""
    row = await staff.live_session(token, now)
    if row is None:
        return None
    return StaffSessionView(
        id=row["id"],
        actor=StaffActor(row["staff_id"], row["username"], row["role"]),
        name=row["name"],
        language=Language(row["language"]),
        whole=bool(row["totp_passed"]),
        enrolled=row["totp_confirmed_at"] is not None,
    )


async def staff_actor(token: str, now: datetime) -> StaffActor | None:
    """Who a session's token belongs to, once both steps are done; None otherwise."""
    session = await staff_session(token, now)
    return session.actor if session and session.whole else None


async def choose_language(ctx: Context, language: Language) -> None:
    """The language of the admin for the member of staff who calls (C-6)."""
    await execute("UPDATE staff SET language = $1 WHERE id = $2", str(language), the_staff(ctx).staff_id)


async def add_staff(
    ctx: Context, *, username: str, name: str, role: str, password: str | None = None, language: Language = Language.UZ
) -> NewStaff:
    """Adds a member of staff, by the system or by an admin; without a password one is made.

    Raises InvalidInput (user name, name, role), WeakPassword and UsernameTaken, each with its path.
    """
    if not isinstance(ctx.actor, SystemActor):
        the_staff(ctx, StaffRole.ADMIN)
    username, name = staff.read_username(username), " ".join(name.split())
    if not 1 <= len(name) <= 100:
        raise InvalidInput(path=("name",))
    if role not in list(StaffRole):
        raise InvalidInput(path=("role",))
    password = password or staff.new_password()
    password_hash = await staff.hash_password(password)
    staff_id = await _add(ctx, username, name, StaffRole(role), password_hash, language)
    return NewStaff(staff_id, username, name, StaffRole(role), password)


@in_transaction
async def _add(ctx: Context, username: str, name: str, role: StaffRole, password_hash: str, language: Language) -> int:
    now = ctx.clock.now()
    staff_id = await staff.add(
        username=username, name=name, role=role, password_hash=password_hash, language=language, now=now
    )
    if staff_id is None:
        raise UsernameTaken(path=("username",))
    await note(ctx.actor.label, "staff.added", f"staff:{staff_id}", now, role=str(role))
    return staff_id


async def desk(ctx: Context) -> Desk:
    """The facts of the first page, in two statements."""
    the_staff(ctx)
    row = await fetch_row(
        """SELECT (SELECT COUNT(*) FROM product_order WHERE status = 'acknowledged') AS open_orders,
                  (SELECT COUNT(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= $1) AS waiting,
                  (SELECT COUNT(*) FROM outbox WHERE failed_at IS NOT NULL) AS failed,
                  (SELECT COUNT(*) FROM approval WHERE status = 'pending' AND lapses_at > $1) AS proposals,
                  (SELECT COUNT(*) FROM redemption WHERE status = 'requested') AS redemptions""",
        to_micros(ctx.clock.now()),
    )
    assert row is not None
    return Desk(
        await seen_by(ctx, most=8),
        row["open_orders"],
        row["waiting"],
        row["failed"],
        row["proposals"],
        row["redemptions"],
    )
