"""Time comes from one clock; nothing calls now() by itself.

Instants are stored as whole microseconds since 1970 UTC and days as ISO text, the same in both databases (see
docs/adr). A day is a day in Tashkent.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

TASHKENT: Final = ZoneInfo("Asia/Tashkent")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# Since September 1991 Tashkent has been five hours ahead; until the year 2096 nobody has said otherwise.
_COMMON_FROM: Final = 7 * 10**14
_COMMON_UNTIL: Final = 4 * 10**15
_EPOCH_THERE: Final = datetime(1970, 1, 1, 5, tzinfo=TASHKENT)


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
    if _COMMON_FROM <= micros < _COMMON_UNTIL:  # the same, several times as fast: arithmetic is on the wall's clock
        return _EPOCH_THERE + timedelta(microseconds=micros)
    return (_EPOCH + timedelta(microseconds=micros)).astimezone(TASHKENT)


def local_day(at: datetime) -> date:
    """The calendar day in Tashkent at that instant; at the two ends of the calendar, the day as it is written."""
    try:
        return at.astimezone(TASHKENT).date()
    except OverflowError:
        return at.date()
