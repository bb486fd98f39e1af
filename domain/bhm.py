"""BHM, the legal unit that a Light wallet's limits are stated in: amounts by the day from which each holds (W-4.5.1).

It changes by law, so it is data: what holds on a day is the last value that began on it or before. The past stands.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final

from domain.database import execute, fetch
from domain.money import Money
from domain.refusal import Refusal
from domain.view import view

LEAST: Final = Money.som(1_000)
MOST: Final = Money.som(100_000_000)
FARTHEST: Final = timedelta(days=3 * 366)


@dataclass(eq=False, kw_only=True)
class BhmNotPossible(Refusal):
    """A value begins today or later, after all that are known, and is an amount that a law could state."""

    code: ClassVar[str] = "BHM_NOT_POSSIBLE"
    text: ClassVar[str] = "A new value begins today or later and after the last one, and is a plausible amount."
    default_rule: ClassVar[str | None] = "W-4.5.1a"


@view
class Bhm:
    """One value and the first day on which it holds."""

    effective_from: date
    amount: Money


async def values() -> list[Bhm]:
    """All values, the newest first."""
    rows = await fetch("SELECT effective_from, amount FROM bhm ORDER BY effective_from DESC")
    return [Bhm(date.fromisoformat(row["effective_from"]), Money(row["amount"])) for row in rows]


async def add(effective_from: date, amount: Money, *, today: date) -> None:
    """A new value, inside the caller's transaction. Raises BhmNotPossible."""
    # Of two who add a value at once, the second waits at the oldest row, and its next statement sees the first one's.
    await execute("SELECT 1 FROM bhm ORDER BY effective_from LIMIT 1 FOR NO KEY UPDATE")
    last = await fetch("SELECT effective_from FROM bhm ORDER BY effective_from DESC LIMIT 1")
    newest = date.fromisoformat(last[0]["effective_from"]) if last else date.min
    if not max(today, newest + timedelta(days=1)) <= effective_from <= today + FARTHEST:
        raise BhmNotPossible(path=("effectiveFrom",))
    if not LEAST <= amount <= MOST or amount.tiyin % 100:
        raise BhmNotPossible(path=("amount",))
    row = await fetch(
        """INSERT INTO bhm (effective_from, amount) VALUES ($1, $2) ON CONFLICT (effective_from) DO NOTHING
           RETURNING amount""",
        effective_from.isoformat(),
        amount.tiyin,
    )
    if not row:
        raise BhmNotPossible(path=("effectiveFrom",))


async def withdraw(effective_from: date, *, today: date) -> None:
    """Takes back a value that does not hold yet, inside the caller's transaction. Raises BhmNotPossible."""
    if effective_from <= today:
        raise BhmNotPossible(path=("effectiveFrom",))
    gone = await fetch("DELETE FROM bhm WHERE effective_from = $1 RETURNING amount", effective_from.isoformat())
    if not gone:
        raise BhmNotPossible(path=("effectiveFrom",))
