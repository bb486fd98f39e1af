from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.language import Language
from domain.money import Money
from domain.subscription import (
    _NEXT,
    _RENEWS,
    SUSPENDED_DAYS,
    SubscriptionStatus,
    days_left,
    extended_period,
    is_over,
    months_after,
    renews_by_itself,
)

DAYS = st.dates(date(2019, 1, 1), date(2040, 12, 31))
ACTIVE, SUSPENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.SUSPENDED


@pytest.mark.rule("S-6")
def test_days_left_are_the_end_date_minus_today() -> None:
    assert days_left(date(2019, 7, 9), date(2019, 4, 15)) == 85
    assert days_left(date(2019, 7, 9), date(2019, 7, 9)) == 0
    assert days_left(date(2019, 7, 9), date(2019, 8, 1)) == 0


@pytest.mark.rule("S-6")
@pytest.mark.parametrize(
    ("activated", "ends", "months", "longer"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), 1, date(2026, 3, 31)),
        (date(2026, 1, 31), date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2028, 1, 30), date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2019, 4, 12), date(2019, 7, 9), 1, date(2019, 8, 9)),
        (date(2026, 11, 2), date(2026, 12, 2), 24, date(2028, 12, 2)),
    ],
)
def test_whole_months_are_added_to_the_end_date(activated: date, ends: date, months: int, longer: date) -> None:
    assert extended_period(activated, ends, months, today=activated) == (activated, longer)


@pytest.mark.rule("S-6")
@given(start=DAYS, run=st.integers(1, 24), one=st.integers(1, 24), two=st.integers(1, 24))
def test_extending_in_parts_ends_on_the_same_day(start: date, run: int, one: int, two: int) -> None:
    ends = months_after(start, run)

    parts = extended_period(start, extended_period(start, ends, one, start)[1], two, start)

    assert parts == extended_period(start, ends, one + two, start) == (start, months_after(start, run + one + two))


@pytest.mark.rule("S-6")
@given(start=DAYS, run=st.integers(1, 24), months=st.integers(1, 24), before=st.integers(0, 20))
def test_extending_before_the_end_loses_no_day(start: date, run: int, months: int, before: int) -> None:
    ends = months_after(start, run)
    today = ends - timedelta(days=before)

    _, longer = extended_period(start, ends, months, today)

    assert longer >= months_after(ends, months)


def test_after_the_end_months_count_from_today() -> None:
    today = date(2026, 3, 5)

    assert extended_period(date(2026, 1, 31), date(2026, 2, 28), 1, today) == (today, date(2026, 4, 5))


@pytest.mark.parametrize(
    ("status", "days_after_end", "auto_renew", "over"),
    [
        (ACTIVE, 0, False, False),
        (ACTIVE, 1, False, True),
        (ACTIVE, 1, True, False),
        (SUSPENDED, SUSPENDED_DAYS, True, False),
        (SUSPENDED, SUSPENDED_DAYS + 1, True, True),
        (SubscriptionStatus.EXPIRED, -5, False, True),
        (SubscriptionStatus.CANCELLED, -5, False, True),
    ],
)
def test_a_subscription_holds_through_its_last_day(
    status: SubscriptionStatus, days_after_end: int, auto_renew: bool, over: bool
) -> None:
    ends = date(2026, 11, 2)

    assert is_over(status, ends, ends + timedelta(days=days_after_end), auto_renew=auto_renew) is over


@pytest.mark.rule("R-2")
@pytest.mark.parametrize(("last", "following", "by_itself"), [(1, 2, True), (0, 0, True), (1, 0, True), (0, 1, False)])
def test_a_free_month_never_turns_into_a_paid_one_by_itself(last: int, following: int, by_itself: bool) -> None:
    assert renews_by_itself(Money(last), Money(following)) is by_itself


def test_what_has_ended_never_comes_back() -> None:
    ended = {SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED}

    assert set(_NEXT) == set(SubscriptionStatus)
    assert all(not _NEXT[status] for status in ended)
    assert all(SubscriptionStatus.CANCELLED in _NEXT[status] for status in set(SubscriptionStatus) - ended)


def test_every_language_is_told_of_renewals() -> None:
    assert set(_RENEWS) == set(Language)
