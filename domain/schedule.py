"""Scheduled and repeated payments: when each occurrence of one is due, and what may come of it.

States: active → completed (all of its occurrences were due) | failed (its only one was refused) | suspended (three in a
row were refused) | cancelled (by the holder, or because the wallet is closed). Times are Tashkent's: each occurrence is
due at the hour of the first one, and months are counted from it, so that 31 January is followed by 28 February and 31
March.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from dateutil.relativedelta import relativedelta

from domain.clock import TASHKENT, local_day, to_micros
from domain.database import execute
from domain.refusal import InvalidInput

MOST_REFUSALS: Final = 3
LONGEST_AHEAD: Final = timedelta(days=5 * 366)


class Repeat(StrEnum):
    """How often it is paid."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class ScheduleStatus(StrEnum):
    """Whether anything will be paid."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What has come of one occurrence; `MISSED`: its time passed, with a later one's, while no worker ran."""

    CARRIED_OUT = "carried_out"
    REFUSED = "refused"
    MISSED = "missed"


_STEPS: Final = {
    Repeat.DAILY: relativedelta(days=1),
    Repeat.WEEKLY: relativedelta(weeks=1),
    Repeat.MONTHLY: relativedelta(months=1),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """When something is to be paid: from `starts_at` on, until the end of the day `until` if there is one."""

    repeat: Repeat
    starts_at: datetime
    until: date | None = None

    def require_form(self, now: datetime) -> None:
        """Raises InvalidInput for a beginning that is past or too far ahead, and for an end before it or without use.

        The end of a plan can be no further off than its beginning could be.
        """
        if not now <= self.starts_at <= now + LONGEST_AHEAD:
            raise InvalidInput(path=("input", "startsAt"))
        if self.until is None:
            return
        last = local_day(now + LONGEST_AHEAD)
        if self.repeat is Repeat.ONCE or not local_day(self.starts_at) <= self.until <= last:
            raise InvalidInput(path=("input", "until"))

    def due_at(self, number: int) -> datetime | None:
        """When the occurrence of this number, counted from 0, is due; None when there is none."""
        if number == 0:
            return self.starts_at
        if self.repeat is Repeat.ONCE:
            return None
        at = self.starts_at.astimezone(TASHKENT) + _STEPS[self.repeat] * number
        return None if self.until is not None and at.date() > self.until else at

    def newest_due(self, number: int, now: datetime) -> int:
        """The number of the newest occurrence that is due, from `number` on, which is due itself."""
        while (following := self.due_at(number + 1)) is not None and following <= now:
            number += 1
        return number


async def cancel_all(wallet_id: int, at: datetime) -> None:
    """A wallet that is being closed, under its lock, orders nothing more.

    An order that a worker is at just now is left to it: waiting for it here, while it waits for the wallet, would be
    for ever. It will find the wallet closed and cancel the order itself.
    """
    await execute(
        """UPDATE scheduled_payment SET status = 'cancelled', due_at = NULL, ended_at = $1
           WHERE id IN (SELECT id FROM scheduled_payment WHERE wallet_id = $2 AND status IN ('active', 'suspended')
                        FOR NO KEY UPDATE SKIP LOCKED)""",
        to_micros(at),
        wallet_id,
    )
