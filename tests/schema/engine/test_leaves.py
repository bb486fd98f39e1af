"""Leaves that are written faster than by their type's own function are written the same."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schema.engine.leaves import instant

ZONES = st.sampled_from(
    [None, UTC, timezone(timedelta(hours=5, seconds=7))]
    + [ZoneInfo(name) for name in ("Asia/Tashkent", "Africa/Monrovia", "Asia/Kathmandu", "America/St_Johns", "UTC")]
)


@given(at=st.datetimes(timezones=ZONES, allow_imaginary=True))
def test_an_instant_reads_as_isoformat_has_it_in_any_zone_and_year(at: datetime) -> None:
    assert instant(at) == at.isoformat()


@given(at=st.datetimes(timezones=ZONES), fold=st.sampled_from([0, 1]))
def test_so_does_one_of_the_two_that_a_clock_shows_alike(at: datetime, fold: int) -> None:
    again = at.replace(fold=fold)

    assert instant(again) == again.isoformat()
