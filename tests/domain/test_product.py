import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.product import BadPricePlan, PriceStep, check_steps, price_of

CINEMA = (PriceStep(1, 6, Money.som(10_000)), PriceStep(7, None, Money.som(25_000)))


@st.composite
def plans(draw: st.DrawFn) -> tuple[PriceStep, ...]:
    """Plans that cover every month once."""
    lengths = draw(st.lists(st.integers(1, 12), max_size=5))
    prices = draw(st.lists(st.integers(0, 10**9), min_size=len(lengths) + 1, max_size=len(lengths) + 1))
    steps, month = [], 1
    for length, price in zip(lengths, prices, strict=False):
        steps.append(PriceStep(month, month + length - 1, Money(price)))
        month += length
    return (*steps, PriceStep(month, None, Money(prices[-1])))


@pytest.mark.rule("S-2")
@pytest.mark.parametrize(
    ("from_month", "months", "som"),
    [(1, 1, 10_000), (1, 6, 60_000), (1, 7, 85_000), (4, 4, 55_000), (7, 1, 25_000), (100, 2, 50_000), (5, 0, 0)],
)
def test_a_price_follows_the_months_of_the_subscription(from_month: int, months: int, som: int) -> None:
    assert price_of(CINEMA, from_month=from_month, months=months) == Money.som(som)


@pytest.mark.rule("S-2")
@given(plan=plans(), start=st.integers(1, 60), one=st.integers(0, 30), two=st.integers(0, 30))
def test_two_purchases_cost_what_one_would(plan: tuple[PriceStep, ...], start: int, one: int, two: int) -> None:
    whole = price_of(plan, from_month=start, months=one + two)

    parts = price_of(plan, from_month=start, months=one) + price_of(plan, from_month=start + one, months=two)

    assert parts == whole


@given(plan=plans(), month=st.integers(1, 60))
def test_a_months_price_is_that_of_its_own_step(plan: tuple[PriceStep, ...], month: int) -> None:
    own = [s for s in plan if s.from_month <= month and (s.to_month is None or month <= s.to_month)]

    assert [price_of(plan, from_month=month, months=1)] == [step.price for step in own]


@given(plan=plans())
def test_a_whole_plan_is_accepted_in_any_order(plan: tuple[PriceStep, ...]) -> None:
    check_steps(plan)
    check_steps(tuple(reversed(plan)))


@pytest.mark.rule("S-2")
@pytest.mark.parametrize(
    ("case", "steps", "month"),
    [
        ("no steps", [], 1),
        ("does not start at 1", [(2, None)], 1),
        ("a gap", [(1, 3), (5, None)], 4),
        ("an overlap", [(1, 6), (6, None)], 6),
        ("two without an end", [(1, None), (7, None)], 7),
        ("no end step", [(1, 6)], 7),
        ("backwards", [(1, 0), (1, None)], 1),
    ],
)
def test_a_plan_that_misses_or_doubles_a_month_is_refused(
    case: str, steps: list[tuple[int, int | None]], month: int
) -> None:
    plan = [PriceStep(first, last, Money.som(1)) for first, last in steps]

    with pytest.raises(BadPricePlan) as refused:
        check_steps(plan)

    assert (refused.value.month, refused.value.rule) == (month, "S-2")


def test_a_price_below_zero_is_refused() -> None:
    with pytest.raises(BadPricePlan):
        check_steps([PriceStep(1, None, Money(-1))])
