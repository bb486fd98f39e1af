"""The wallet's steps by its holder, by staff and by time (W-4.6); the machine itself is domain/wallet/life.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.ledger import InsufficientFunds
from domain.money import ZERO
from domain.refusal import InvalidInput, NotFound
from domain.wallet import (
    BirthDateWrong,
    HeldWallet,
    WalletLocked,
    WalletMissing,
    WalletNotActive,
    WalletStatus,
    hold_wallets,
)
from domain.wallet.life import (
    BalanceNotZero,
    Block,
    Cause,
    ClosedBecause,
    Step,
    StepImpossible,
    forfeit,
    is_possible,
    open_blocks,
    take,
    three_years_after,
)
from resolvers.context import Context, StaffActor, SubscriberActor, the_staff, the_subscriber
from resolvers.hold import spending
from resolvers.wallet.views import WalletView, announce, my_wallet, wallet

REASON_LENGTH: Final = range(3, 501)
# What keeps a wallet from lying idle (W-4.6.1d); a correction by staff does not.
IDLE_CHECK: Final = "COALESCE(idle_check_at, opened_at + 94608000000000)"  # as its index has it
ACTIVITY: Final = "('top_up', 'transfer_in', 'transfer_out', 'payment', 'redemption')"


@dataclass(frozen=True, slots=True)
class LifeView:
    """What blocks a wallet, or why and since when it is closed, and until when its rest can be claimed."""

    blocks: tuple[Block, ...]
    closed_because: ClosedBecause | None
    closed_at: datetime | None
    rest_until: datetime | None


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """A step in a wallet's history, for staff."""

    at: datetime
    actor: str
    actor_name: str
    step: Step
    note: str


async def life(ctx: Context, view: WalletView) -> LifeView:
    """The wallet must come from a look that was scoped to the caller."""
    row = await fetch_row("SELECT closed_because, closed_at, rest_until FROM wallet WHERE id = $1", view.id)
    assert row is not None
    return LifeView(
        tuple(await open_blocks(view.id)),
        ClosedBecause(row["closed_because"]) if row["closed_because"] else None,
        _instant(row["closed_at"]),
        _instant(row["rest_until"]),
    )


async def my_blocks(ctx: Context) -> list[Block]:
    """What blocks the wallet that the caller would use; nothing for who has none, and never about a stranger's."""
    mine = await my_wallet(ctx) if isinstance(ctx.actor, SubscriberActor) else None
    return await open_blocks(mine.id) if mine else []


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


async def history(ctx: Context, wallet_id: int, most: int = 50) -> list[LifeEvent]:
    """A wallet's steps for staff, the newest first."""
    the_staff(ctx)
    rows = await fetch(
        """SELECT e.at, e.actor, COALESCE(s.name, '') AS actor_name, e.step, e.note FROM wallet_event e
           LEFT JOIN staff s ON e.actor = 'staff:' || s.id
           WHERE e.wallet_id = $1 ORDER BY e.at DESC, e.id DESC LIMIT $2""",
        wallet_id,
        most,
    )
    return [LifeEvent(from_micros(r["at"]), r["actor"], r["actor_name"], Step(r["step"]), r["note"]) for r in rows]


@spending
@in_transaction
async def close_wallet(ctx: Context, *, leave_rest: bool) -> WalletView:
    """The holder gives the wallet up (W-4.6.1a): empty, or leaving the rest frozen for three years at most.

    Raises WalletMissing, WalletLocked, WalletNotActive, BalanceNotZero, InsufficientFunds when a part is reserved.
    """
    actor, now = the_subscriber(ctx), ctx.clock.now()
    mine = await my_wallet(ctx)
    if mine is None:
        raise WalletMissing
    await require_unlocked(ctx)
    held = (await hold_wallets([mine.id]))[mine.id]
    if held.status is not WalletStatus.ACTIVE:
        raise WalletNotActive
    if held.account.held:  # a purchase is under way: it ends first
        reserved, rest = held.account.held, held.balance - held.account.held
        raise InsufficientFunds(available=rest, needed=held.balance, held=reserved, rule="W-4.6.2")
    if held.balance > ZERO and not leave_rest:
        raise BalanceNotZero(balance=held.balance)
    await _withdraw_requests(mine.id, actor.label, now)
    await take(Step.GIVEN_UP, held, by=actor.label, at=now)
    announce(ctx, mine.id)
    closed = await wallet(ctx, mine.id)
    assert closed is not None
    return closed


async def require_unlocked(ctx: Context) -> None:
    """Raises WalletLocked unless the PIN was entered in this session a short while ago (W-2.15)."""
    row = await fetch_row(
        "SELECT 1 FROM session WHERE id = $1 AND ended_at IS NULL AND wallet_unlocked_until > $2",
        the_subscriber(ctx).session_id,
        to_micros(ctx.clock.now()),
    )
    if row is None:
        raise WalletLocked


async def _withdraw_requests(wallet_id: int, by: str, now: datetime) -> None:
    await execute(
        """UPDATE redemption SET status = 'withdrawn', decided_by = $1, decided_at = $2
           WHERE wallet_id = $3 AND status = 'requested'""",
        by,
        to_micros(now),
        wallet_id,
    )


@in_transaction
async def report_loss(ctx: Context, *, wallet_id: int, reason: str) -> None:
    """The holder has called: the number is lost. From this second on nothing is carried out (W-4.6.1b, W-6.4).

    The number's sessions are over and its open codes dead; what was done before stands. Raises NotFound, InvalidInput
    (reason) and StepImpossible.
    """
    held, now = await _step(ctx, Step.LOSS_REPORTED, wallet_id, reason, role="agent")
    # The codes first: who is signing in with one just now is waited for, and their session ends with the others.
    await execute(
        "UPDATE otp_challenge SET used_at = $1 WHERE phone = $2 AND used_at IS NULL", to_micros(now), held.phone
    )
    await _end_sessions(held.phone, now, "number lost")


async def _end_sessions(phone: str, at: datetime, why: str) -> None:
    await execute(
        """UPDATE session SET ended_at = $1, ended_why = $3, wallet_unlocked_until = NULL
           WHERE phone = $2 AND ended_at IS NULL""",
        to_micros(at),
        phone,
        why,
    )


@in_transaction
async def restore_number(ctx: Context, *, wallet_id: int, birth_date: date | None, reason: str) -> None:
    """The call centre gives a wallet back to who knows the birth date given at opening (W-4.6.3).

    Raises NotFound, InvalidInput (reason), BirthDateWrong and StepImpossible, also when three years are over: the
    money is the operator's then, whether or not the worker has come to it.
    """
    the_staff(ctx, "agent")
    row = await fetch_row(
        """SELECT w.birth_date, b.until FROM wallet w LEFT JOIN wallet_block b
               ON b.wallet_id = w.id AND b.cause = 'number_lost' AND b.lifted_at IS NULL
           WHERE w.id = $1""",
        wallet_id,
    )
    if row is None:
        raise NotFound
    if birth_date is None or row["birth_date"] != birth_date.isoformat():
        raise BirthDateWrong(rule="W-4.6.3", path=("birthDate",))
    if row["until"] is not None and row["until"] <= to_micros(ctx.clock.now()):
        raise StepImpossible(rule="W-4.6.3")
    held, now = await _step(ctx, Step.NUMBER_RESTORED, wallet_id, reason, role="agent")
    # Whoever had the lost number could sign in with it meanwhile: only who has it from now on is let in again.
    await _end_sessions(held.phone, now, "number restored")


@in_transaction
async def suspect(ctx: Context, *, wallet_id: int, reason: str) -> None:
    """The operator blocks a wallet on suspicion (W-4.6.1c). Raises NotFound, InvalidInput and StepImpossible."""
    await _step(ctx, Step.SUSPECTED, wallet_id, reason, role="agent")


@in_transaction
async def clear(ctx: Context, *, wallet_id: int, reason: str) -> None:
    """The suspicion is cleared (W-4.6.4), by an admin. Raises NotFound, InvalidInput and StepImpossible."""
    await _step(ctx, Step.CLEARED, wallet_id, reason, role="admin")


async def _step(ctx: Context, step: Step, wallet_id: int, reason: str, *, role: str) -> tuple[HeldWallet, datetime]:
    actor, now = the_staff(ctx, role), ctx.clock.now()
    reason = " ".join(reason.split())
    if len(reason) not in REASON_LENGTH:
        raise InvalidInput(path=("reason",))
    held = (await hold_wallets([wallet_id])).get(wallet_id)
    if held is None:
        raise NotFound
    await take(step, held, by=actor.label, at=now, note=reason)
    await note(actor.label, f"wallet.{step}", f"wallet:{wallet_id}", now)
    announce(ctx, wallet_id)
    return held, now


def possible_steps(ctx: Context, view: WalletView, found: LifeView) -> Sequence[Step]:
    """The steps that the member of staff who looks could take with the wallet now."""
    actor = ctx.actor
    if not isinstance(actor, StaffActor) or actor.role == "viewer":
        return []
    steps = [Step.LOSS_REPORTED, Step.NUMBER_RESTORED, Step.SUSPECTED]
    steps += [Step.CLEARED] if actor.role == "admin" else []
    causes = [block.cause for block in found.blocks]
    return [step for step in steps if is_possible(step, view.status, causes, found.closed_because)]


async def end_idle_wallets(ctx: Context, *, batch: int) -> int:
    """Closes wallets that nobody has used for more than three years (W-4.6.1d); gives how many were looked at."""
    rows = await fetch(
        f"SELECT id FROM wallet WHERE {IDLE_CHECK} < $1 AND status <> 'closed' ORDER BY {IDLE_CHECK} LIMIT $2",
        to_micros(ctx.clock.now()),
        batch,
    )
    for row in rows:
        await _end_if_idle(ctx, row["id"])
    return len(rows)


# When a wallet was last used: its holder's last movement, the opening, and the day on which it was given back, for what
# is frozen cannot be used.
_LAST: Final = f"""SELECT MAX(x.at) AS at FROM (
    SELECT opened_at AS at FROM wallet WHERE id = $1
    UNION ALL SELECT MAX(e.at) FROM wallet w JOIN ledger_entry e ON e.account_id = w.ledger_account_id
        WHERE w.id = $1 AND e.kind IN {ACTIVITY}
    UNION ALL SELECT MAX(b.lifted_at) FROM wallet_block b
        WHERE b.wallet_id = $1 AND b.cause IN ('{Cause.NUMBER_LOST}', '{Cause.SUSPICION}')) x"""


async def _is_asked_for(wallet_id: int) -> bool:
    """Whether its holder has asked for the money in time and waits for it (W-5.4.2)."""
    asked = "SELECT 1 FROM redemption WHERE wallet_id = $1 AND status = 'requested'"
    return await fetch_row(asked, wallet_id) is not None


@in_transaction
async def _end_if_idle(ctx: Context, wallet_id: int) -> None:
    now = ctx.clock.now()
    held = (await hold_wallets([wallet_id]))[wallet_id]
    row = await fetch_row(_LAST, wallet_id)
    assert row is not None
    idle_from = three_years_after(from_micros(row["at"]))
    causes = [block.cause for block in await open_blocks(wallet_id)]
    waits = bool(held.account.held) or await _is_asked_for(wallet_id)
    if now > idle_from and not waits and is_possible(Step.WENT_DORMANT, held.status, causes, None):
        await _end(ctx, held, Step.WENT_DORMANT, now)
        return
    # What is frozen or asked for is looked at again tomorrow; the rest when three years may be over.
    again = to_micros(idle_from) if now <= idle_from else to_micros(now) + 24 * 3600 * 1_000_000
    await execute("UPDATE wallet SET idle_check_at = $1 WHERE id = $2", again, wallet_id)


async def end_unclaimed(ctx: Context, *, batch: int) -> int:
    """What stayed unclaimed for three years falls to the operator (W-4.6.2, W-4.6.3); gives how many were looked at."""
    now = to_micros(ctx.clock.now())
    lost = await fetch(
        """SELECT b.wallet_id FROM wallet_block b JOIN wallet w ON w.id = b.wallet_id
           WHERE b.until <= $1 AND b.lifted_at IS NULL AND w.status = 'blocked' AND NOT EXISTS (
               SELECT 1 FROM wallet_block s WHERE s.wallet_id = b.wallet_id AND s.cause = 'suspicion'
               AND s.lifted_at IS NULL)
           ORDER BY b.until LIMIT $2""",
        now,
        batch,
    )
    rests = await fetch(
        """SELECT w.id FROM wallet w WHERE w.rest_until <= $1 AND NOT EXISTS (
               SELECT 1 FROM redemption r WHERE r.wallet_id = w.id AND r.status = 'requested')
           ORDER BY w.rest_until LIMIT $2""",
        now,
        batch,
    )
    for row in lost:
        await _end_lost(ctx, row["wallet_id"])
    for row in rests:
        await _end_rest(ctx, row["id"])
    return max(len(lost), len(rests))


@in_transaction
async def _end_lost(ctx: Context, wallet_id: int) -> None:
    now = ctx.clock.now()
    held = (await hold_wallets([wallet_id]))[wallet_id]
    blocks = {block.cause: block for block in await open_blocks(wallet_id)}
    lost = blocks.get(Cause.NUMBER_LOST)
    if lost is None or lost.until is None or now < lost.until or Cause.SUSPICION in blocks or held.account.held:
        return
    await _end(ctx, held, Step.LEFT_UNCLAIMED, now)


async def _end(ctx: Context, held: HeldWallet, step: Step, now: datetime) -> None:
    """Closes a wallet for good, with what is in it the operator's (W-4.6.5)."""
    await _withdraw_requests(held.id, ctx.actor.label, now)
    await forfeit(held, at=now)
    await take(step, held, by=ctx.actor.label, at=now)
    announce(ctx, held.id)


@in_transaction
async def _end_rest(ctx: Context, wallet_id: int) -> None:
    now = ctx.clock.now()
    held = (await hold_wallets([wallet_id]))[wallet_id]
    row = await fetch_row("SELECT rest_until FROM wallet WHERE id = $1", wallet_id)
    if row is None or row["rest_until"] is None or to_micros(now) < row["rest_until"] or await _is_asked_for(wallet_id):
        return
    if await forfeit(held, at=now) is not None:
        await take(Step.REST_FORFEITED, held, by=ctx.actor.label, at=now)
    await execute("UPDATE wallet SET rest_until = NULL WHERE id = $1", wallet_id)
