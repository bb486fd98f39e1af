"""Money is exact: whole tiyin inside, and only amounts that make sense come in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import LARGEST_SOM, ZERO, Money
from domain.refusal import InvalidAmount

TIYIN = st.integers(-(10**17), 10**17)
PATH = ("input", "amount")


@given(tiyin=TIYIN)
def test_an_amount_shown_and_read_again_is_the_same(tiyin: int) -> None:
    money = Money(tiyin)

    assert Money.som(money.amount) == money
    assert money.amount * 100 == tiyin
    assert str(money) == f"{money.amount:.2f} UZS"


@pytest.mark.rule("W-4.4.1")
@given(tiyin=st.integers(1, LARGEST_SOM * 100))
def test_any_amount_in_tiyin_can_be_asked_for_exactly(tiyin: int) -> None:
    asked = Decimal(tiyin).scaleb(-2)

    assert Money.asked(asked, path=PATH) == Money(tiyin)
    assert Money.asked(asked.normalize(), path=PATH) == Money(tiyin)  # 1E+2 is a hundred too


@given(one=TIYIN, two=TIYIN)
def test_sums_are_exact(one: int, two: int) -> None:
    assert Money(one) + Money(two) == Money(one + two)
    assert Money(one) - Money(two) + Money(two) == Money(one)
    assert Money(one) + -Money(one) == ZERO
    assert (Money(one) < Money(two)) == (one < two)


def test_only_zero_is_nothing() -> None:
    assert (bool(ZERO), bool(Money(1)), bool(Money(-1))) == (False, True, True)
    assert Money.som(5) * 3 == Money.som(15)


@pytest.mark.rule("W-4.4.1")
@pytest.mark.parametrize(
    "amount",
    [
        *("0", "0.00", "-0", "-1", "-0.01", "-1e999999"),
        *("0.001", "1.005", "99.999", "1e-3", "1e-999999"),
        *("10000000000000.01", "10000000000001", "1e14", "1e18", "1e999999", "9" * 5_000),
        *(
            "9." + "9" * 50,
            "0.00" + "9" * 40,
            "1." + "0" * 40 + "1",
            "1." + "0" * 99 + "1",
        ),  # longer than decimal counts
        *("NaN", "sNaN", "-NaN", "Infinity", "-Infinity"),
    ],
)
def test_an_amount_that_cannot_be_moved_is_refused(amount: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        Money.asked(Decimal(amount), path=PATH)

    assert refused.value.path == PATH


@given(amount=st.decimals(allow_nan=True, allow_infinity=True))
def test_whatever_is_asked_is_exact_or_refused(amount: Decimal) -> None:
    try:
        money = Money.asked(amount, path=PATH)
    except InvalidAmount:
        return
    assert money.amount == amount
    assert 0 < money.tiyin <= LARGEST_SOM * 100


@pytest.mark.parametrize("amount", ["0.001", "1.999"])
def test_code_cannot_make_parts_of_a_tiyin(amount: str) -> None:
    with pytest.raises(ValueError, match="whole number of tiyin"):
        Money.som(amount)
