import pytest

from domain.order import _NEXT, MOST_MONTHS, OrderStatus, check_months
from domain.refusal import InvalidInput


@pytest.mark.parametrize("months", [1, 12, MOST_MONTHS])
def test_one_to_twenty_four_months_can_be_bought(months: int) -> None:
    check_months(months)


@pytest.mark.parametrize("months", [-1, 0, MOST_MONTHS + 1, 10**9])
def test_other_numbers_of_months_are_refused_at_their_field(months: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_months(months)

    assert refused.value.path == ("input", "months")


def test_an_order_that_is_over_stays_so() -> None:
    over = {OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.FAILED}

    assert set(_NEXT) == set(OrderStatus)
    assert {status for status, following in _NEXT.items() if not following} == over


@pytest.mark.rule("S-8")
def test_only_an_order_that_waits_for_its_code_can_lapse() -> None:
    assert [status for status, following in _NEXT.items() if OrderStatus.CANCELLED in following] == [
        OrderStatus.ACKNOWLEDGED
    ]
