"""Time comes from one clock; nothing calls now() by itself.

Instants are stored as whole microseconds since 1970 UTC and days as ISO text, the same in both databases (see
docs/adr). A day is a day in Tashkent.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

TASHKENT: Final = ZoneInfo("Asia/Tashkent")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# Until the year 2096 a float has its seconds to less than half a microsecond.
_EXACT_UNTIL: Final = 4 * 10**15


class Clock(Protocol):
    """Tells the time, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """A clock that stands where it was put: tests and the sandbox move it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


def to_micros(at: datetime) -> int:
    """Whole microseconds since 1970 UTC: how an instant is stored."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant stored as `micros`, aware, shown in Tashkent time."""
    if 0 <= micros < _EXACT_UNTIL:  # the same, three times as fast
        return datetime.fromtimestamp(micros / 1_000_000, TASHKENT)
    return (_EPOCH + timedelta(microseconds=micros)).astimezone(TASHKENT)


def local_day(at: datetime) -> date:
    """The calendar day in Tashkent at that instant; at the two ends of the calendar, the day as it is written."""
    try:
        return at.astimezone(TASHKENT).date()
    except OverflowError:
        return at.date()


def local_midnight(day: date) -> datetime:
    """The first moment of a day in Tashkent."""
    return datetime.combine(day, time.min, TASHKENT)
