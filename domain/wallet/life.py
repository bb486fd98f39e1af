"""A wallet's life, in one place: the steps that there are, and no others (W-4.6).

A wallet is active, blocked or closed. Blocks have causes, which may overlap: it is blocked as long as any is open, and
lifting one lifts no other. Closed is for good; only the rest of a wallet that was given up can still be paid out, or
fall to the operator. STEPS is the machine; docs/wallet-life.md is drawn from it, `take` is the only way through it, and
the database refuses whoever goes around (server/database/migrations/0020).

Every step is taken under the wallet's lock (`hold_wallets`), which money movements take too: nothing is sent from a
wallet that is being blocked. Dangerous races: a transfer against a block, two reports of the same loss, a closing
against a top-up that is under way. Each pair meets at that lock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from dateutil.relativedelta import relativedelta

from domain.clock import TASHKENT, from_micros, to_micros
from domain.database import execute, fetch
from domain.ledger import EntryKind, Leg, OperatorAccount, Posted, operator_account, post
from domain.money import ZERO, Money
from domain.refusal import Refusal
from domain.schedule import cancel_all
from domain.view import view
from domain.wallet.model import WalletStatus
from domain.wallet.movements import HeldWallet

FROZEN: Final = relativedelta(years=3)


class Cause(StrEnum):
    """Why a wallet is blocked."""

    PIN_FORGOTTEN = "pin_forgotten"
    NUMBER_LOST = "number_lost"
    SUSPICION = "suspicion"


class ClosedBecause(StrEnum):
    GIVEN_UP = "given_up"
    DORMANT = "dormant"
    UNCLAIMED = "unclaimed"


class Step(StrEnum):
    """What can happen to a wallet, apart from its money."""

    OPENED = "opened"
    IDENTIFIED = "identified"
    GIVEN_UP = "given_up"
    LOSS_REPORTED = "loss_reported"
    NUMBER_RESTORED = "number_restored"
    SUSPECTED = "suspected"
    CLEARED = "cleared"
    PIN_FORGOTTEN = "pin_forgotten"
    PIN_RESET = "pin_reset"
    WENT_DORMANT = "went_dormant"
    LEFT_UNCLAIMED = "left_unclaimed"
    REST_FORFEITED = "rest_forfeited"


@dataclass(frozen=True, slots=True)
class Way:
    """One step: from which status, who takes it, by which rule, and what it does.

    `blocks` opens a block and `lifts` ends one; `unless` names causes that forbid it, `needs` those that must be open.
    """

    starts: frozenset[WalletStatus]
    who: str
    rule: str
    blocks: Cause | None = None
    lifts: Cause | None = None
    closes: ClosedBecause | None = None
    needs: frozenset[Cause] = frozenset()
    unless: frozenset[Cause] = frozenset()
    rest_of: ClosedBecause | None = None


_ACTIVE: Final = frozenset({WalletStatus.ACTIVE})
_BLOCKED: Final = frozenset({WalletStatus.BLOCKED})
_LIVE: Final = frozenset({WalletStatus.ACTIVE, WalletStatus.BLOCKED})
_CLOSED: Final = frozenset({WalletStatus.CLOSED})
_LOST, _SUSPECTED, _FORGOTTEN = (
    frozenset({cause}) for cause in (Cause.NUMBER_LOST, Cause.SUSPICION, Cause.PIN_FORGOTTEN)
)

STEPS: Final[dict[Step, Way]] = {
    Step.OPENED: Way(frozenset(), "holder", "W-4.1.1"),
    Step.IDENTIFIED: Way(_ACTIVE, "staff", "W-4.2.1"),
    Step.GIVEN_UP: Way(_ACTIVE, "holder", "W-4.6.1a", closes=ClosedBecause.GIVEN_UP),
    Step.LOSS_REPORTED: Way(_LIVE, "staff", "W-4.6.1b", blocks=Cause.NUMBER_LOST, unless=_LOST),
    Step.NUMBER_RESTORED: Way(_BLOCKED, "staff", "W-4.6.3", lifts=Cause.NUMBER_LOST, needs=_LOST),
    Step.SUSPECTED: Way(_LIVE, "staff", "W-4.6.1c", blocks=Cause.SUSPICION, unless=_SUSPECTED),
    Step.CLEARED: Way(_BLOCKED, "admin", "W-4.6.4", lifts=Cause.SUSPICION, needs=_SUSPECTED),
    Step.PIN_FORGOTTEN: Way(_LIVE, "holder", "W-4.6.1e", blocks=Cause.PIN_FORGOTTEN, unless=_FORGOTTEN),
    Step.PIN_RESET: Way(_BLOCKED, "holder", "W-4.6.6", lifts=Cause.PIN_FORGOTTEN, needs=_FORGOTTEN),
    Step.WENT_DORMANT: Way(_LIVE, "system", "W-4.6.1d", closes=ClosedBecause.DORMANT, unless=_LOST | _SUSPECTED),
    Step.LEFT_UNCLAIMED: Way(
        _BLOCKED, "system", "W-4.6.3", closes=ClosedBecause.UNCLAIMED, needs=_LOST, unless=_SUSPECTED
    ),
    Step.REST_FORFEITED: Way(_CLOSED, "system", "W-4.6.2", rest_of=ClosedBecause.GIVEN_UP),
}


@dataclass(eq=False, kw_only=True)
class StepImpossible(Refusal):
    """The wallet's state does not allow this step."""

    code: ClassVar[str] = "STEP_IMPOSSIBLE"
    text: ClassVar[str] = "The wallet's state does not allow this."


@dataclass(eq=False, kw_only=True)
class BalanceNotZero(Refusal):
    """A wallet is given up empty, unless its holder leaves the rest frozen knowingly."""

    code: ClassVar[str] = "BALANCE_NOT_ZERO"
    text: ClassVar[str] = "There is {balance} in the wallet. Spend it, have it paid out, or leave it frozen."
    default_rule: ClassVar[str | None] = "W-4.6.2"
    balance: Money


@view
class Block:
    """An open block. `until`: when a lost number's money falls to the operator (W-4.6.3)."""

    cause: Cause
    since: datetime
    until: datetime | None


def three_years_after(at: datetime) -> datetime:
    """The same moment of the same day in Tashkent, three years on; 29 February becomes the 28th."""
    return at.astimezone(TASHKENT) + FROZEN


def is_possible(step: Step, status: WalletStatus, causes: Iterable[Cause], closed_because: str | None) -> bool:
    """Whether a wallet in this state can take the step."""
    way, open_causes = STEPS[step], frozenset(causes)
    return (
        status in way.starts
        and way.needs <= open_causes
        and not way.unless & open_causes
        and (way.rest_of is None or way.rest_of == closed_because)
    )


async def open_blocks(wallet_id: int) -> list[Block]:
    """What blocks the wallet now, the oldest first."""
    rows = await fetch(
        "SELECT cause, since, until FROM wallet_block WHERE wallet_id = $1 AND lifted_at IS NULL ORDER BY since, id",
        wallet_id,
    )
    return [
        Block(
            Cause(row["cause"]),
            from_micros(row["since"]),
            from_micros(row["until"]) if row["until"] is not None else None,
        )
        for row in rows
    ]


async def is_frozen(held: HeldWallet) -> bool:
    """Whether nothing may leave the wallet, whoever was promised it.

    A forgotten PIN stops its holder and keeps the balance (W-4.6.1e): what was agreed to before is still carried out.
    """
    if held.status is not WalletStatus.BLOCKED:
        return held.status is not WalletStatus.ACTIVE
    return any(block.cause is not Cause.PIN_FORGOTTEN for block in await open_blocks(held.id))


async def take(step: Step, held: HeldWallet, *, by: str, at: datetime, note: str = "") -> None:
    """Takes a step with a wallet that the caller's transaction holds, and writes it down. Raises StepImpossible."""
    way = STEPS[step]
    causes = [block.cause for block in await open_blocks(held.id)]
    if not is_possible(step, held.status, causes, await _closed_because(held)):
        raise StepImpossible(rule=way.rule)
    if way.blocks is not None:
        until = to_micros(three_years_after(at)) if way.blocks is Cause.NUMBER_LOST else None
        await execute(
            "INSERT INTO wallet_block (wallet_id, cause, since, until) VALUES ($1, $2, $3, $4)",
            held.id,
            str(way.blocks),
            to_micros(at),
            until,
        )
    if way.lifts is not None:
        await execute(
            "UPDATE wallet_block SET lifted_at = $1 WHERE wallet_id = $2 AND cause = $3 AND lifted_at IS NULL",
            to_micros(at),
            held.id,
            str(way.lifts),
        )
    if way.closes is not None:
        await _close(held, way.closes, at)
    await note_step(step, held.id, by=by, at=at, note=note)


async def _closed_because(held: HeldWallet) -> str | None:
    if held.status is not WalletStatus.CLOSED:
        return None
    rows = await fetch("SELECT closed_because FROM wallet WHERE id = $1", held.id)
    return str(rows[0]["closed_because"])


async def _close(held: HeldWallet, because: ClosedBecause, at: datetime) -> None:
    has_rest = because is ClosedBecause.GIVEN_UP and bool(held.balance)
    await execute(
        "UPDATE wallet SET status = 'closed', closed_because = $1, closed_at = $2, rest_until = $3 WHERE id = $4",
        str(because),
        to_micros(at),
        to_micros(three_years_after(at)) if has_rest else None,
        held.id,
    )
    await cancel_all(held.id, at)


async def note_step(step: Step, wallet_id: int, *, by: str, at: datetime, note: str = "") -> None:
    """Writes a step into the wallet's history. `by` is kind:id, as in the audit trail."""
    await execute(
        "INSERT INTO wallet_event (wallet_id, at, actor, step, note) VALUES ($1, $2, $3, $4, $5)",
        wallet_id,
        to_micros(at),
        by,
        str(step),
        note,
    )


async def forfeit(held: HeldWallet, *, at: datetime) -> Posted | None:
    """What nobody claimed in three years becomes the operator's income (W-4.6.5); None when there is nothing."""
    if held.balance <= ZERO:
        return None
    revenue = await operator_account(OperatorAccount.REVENUE)
    legs = [
        Leg(held.account.id, EntryKind.FORFEITURE, -held.balance),
        Leg(revenue, EntryKind.FORFEITURE, held.balance),
    ]
    return await post("forfeiture", legs, at=at, memo={"payer": held.number}, rule="W-4.6.5")
