"""What an identity document's numbers look like, and the birth date inside a PINFL."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refusal import InvalidInput
from domain.wallet.document import born_of, pinfl_is_plausible, read_document_number, read_pinfl

BORN = st.dates(date(1800, 1, 1), date(2099, 12, 31))
SEXES = st.integers(0, 1)
SERIES = st.from_regex(r"[0-9]{6}", fullmatch=True)


def pinfl_of(born: date, sex: int, series: str) -> str:
    """As the registry makes it: the check digit is the sum of the others times 7, 3, 1 in turn, modulo 10."""
    digits = f"{2 * ((born.year - 1800) // 100) + 1 + sex}{born:%d%m}{born.year % 100:02d}{series}"
    return digits + str(sum(int(digit) * weight for digit, weight in zip(digits, (7, 3, 1) * 5, strict=False)) % 10)


@pytest.mark.rule("W-4.2.1")
@given(BORN, SEXES, SERIES)
def test_a_pinfl_tells_its_holders_birth_date(born: date, sex: int, series: str) -> None:
    pinfl = pinfl_of(born, sex, series)

    assert born_of(read_pinfl(pinfl)) == born
    assert pinfl_is_plausible(pinfl)


@given(BORN, SEXES, SERIES, st.integers(0, 13), st.integers(1, 9))
def test_one_digit_misread_is_seen_by_the_check_digit(born: date, sex: int, series: str, place: int, more: int) -> None:
    pinfl = pinfl_of(born, sex, series)
    misread = pinfl[:place] + str((int(pinfl[place]) + more) % 10) + pinfl[place + 1 :]

    assert not pinfl_is_plausible(misread)


@pytest.mark.parametrize(
    "pinfl",
    [
        "",
        "3170590123456",
        "317059012345678",
        "01705901234567",
        "71705901234567",
        "33202901234567",
        "31713901234567",
        "32902990123456",
        "3000090123456٧",
        "3170590123456A",
        "31705901234567\x00",
        "-3170590123456",
        "³1705901234567",
    ],
)
def test_what_is_no_pinfl_is_refused(pinfl: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_pinfl(pinfl)

    assert (refused.value.path, refused.value.rule) == (("pinfl",), "W-4.2.1")


def test_a_leap_day_is_a_birth_date_in_leap_years_alone() -> None:
    assert born_of("32902960123456") == date(1996, 2, 29)
    assert born_of("52902000123456") == date(2000, 2, 29)
    assert born_of("32902000123456") is None
    assert born_of("32902990123456") is None


@given(st.text(max_size=20))
def test_reading_a_pinfl_gives_fourteen_digits_or_refuses(text: str) -> None:
    try:
        pinfl = read_pinfl(text)
    except InvalidInput:
        return

    assert len(pinfl) == 14
    assert pinfl.isascii()
    assert pinfl.isdigit()


@pytest.mark.rule("W-4.2.1")
@pytest.mark.parametrize(
    ("typed", "number"),
    [("AA1234567", "AA1234567"), ("aa 1234567", "AA1234567"), (" AD 123 45 67 ", "AD1234567")],
)
def test_a_document_number_is_two_letters_and_seven_digits(typed: str, number: str) -> None:
    assert read_document_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    ["", "A1234567", "AAA123456", "AA123456", "AA12345678", "АА1234567", "AA12345٦7", "12AA34567", "AA-1234567"],
)
def test_what_is_no_document_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_document_number(typed)

    assert (refused.value.path, refused.value.rule) == (("documentNumber",), "W-4.2.1")
