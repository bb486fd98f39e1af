"""When repeated payments are due."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import TASHKENT
from domain.refusal import InvalidInput
from domain.schedule import LONGEST_AHEAD, Plan, Repeat

NOW = datetime(2026, 1, 31, 4, 30, tzinfo=UTC)


def days(plan: Plan, count: int) -> list[str]:
    found = [plan.due_at(number) for number in range(count)]
    return [at.astimezone(TASHKENT).strftime("%m-%d %H:%M") for at in found if at is not None]


def test_months_are_counted_from_the_first_day() -> None:
    assert days(Plan(Repeat.MONTHLY, NOW), 4) == ["01-31 09:30", "02-28 09:30", "03-31 09:30", "04-30 09:30"]


def test_days_and_weeks_keep_the_hour() -> None:
    assert days(Plan(Repeat.DAILY, NOW), 2) == ["01-31 09:30", "02-01 09:30"]
    assert days(Plan(Repeat.WEEKLY, NOW), 2) == ["01-31 09:30", "02-07 09:30"]
    assert days(Plan(Repeat.ONCE, NOW), 2) == ["01-31 09:30"]


def test_the_last_day_counts_and_it_is_tashkents() -> None:
    evening = datetime(2026, 1, 30, 20, 0, tzinfo=UTC)  # one in the morning of the 31st

    assert days(Plan(Repeat.DAILY, evening, date(2026, 2, 1)), 5) == ["01-31 01:00", "02-01 01:00"]


@given(repeat=st.sampled_from(Repeat), number=st.integers(0, 40), later=st.integers(0, 10**9))
def test_the_newest_that_is_due_is_due_and_none_after_it_is(repeat: Repeat, number: int, later: int) -> None:
    plan = Plan(repeat, NOW)
    first = plan.due_at(number)
    if first is None:
        return
    now = first + timedelta(seconds=later % 10**7)

    newest = plan.newest_due(number, now)

    due, following = plan.due_at(newest), plan.due_at(newest + 1)
    assert due is not None
    assert newest >= number
    assert due <= now
    assert following is None or following > now


@pytest.mark.parametrize(
    ("plan", "path"),
    [
        (Plan(Repeat.ONCE, NOW - timedelta(seconds=1)), "startsAt"),
        (Plan(Repeat.ONCE, NOW + LONGEST_AHEAD + timedelta(seconds=1)), "startsAt"),
        (Plan(Repeat.ONCE, datetime.max.replace(tzinfo=UTC)), "startsAt"),
        (Plan(Repeat.ONCE, datetime.min.replace(tzinfo=UTC)), "startsAt"),
        (Plan(Repeat.ONCE, NOW, date(2026, 2, 1)), "until"),
        (Plan(Repeat.DAILY, NOW, date(2026, 1, 30)), "until"),
        (Plan(Repeat.DAILY, NOW, date.max), "until"),
    ],
)
def test_a_plan_begins_soon_and_ends_after_it_began(plan: Plan, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan.require_form(NOW)

    assert refused.value.path == ("input", path)


def test_a_plan_may_begin_now_and_end_the_same_day() -> None:
    Plan(Repeat.DAILY, NOW, date(2026, 1, 31)).require_form(NOW)
