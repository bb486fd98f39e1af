"""Subscriber numbers as people write them, and as strangers may see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.phone import masked, pretty, read_phone
from domain.refusal import InvalidPhone, MissingInput

PATH = ("input", "phone")
PHONES = st.from_regex(r"\+998[2-9][0-9]{8}", fullmatch=True)


@pytest.mark.rule("S-5.1")
@pytest.mark.parametrize(
    "text",
    [
        "+998901234567",
        "998901234567",
        "901234567",
        "+998 90 123-45-67",
        "+998 (90) 123 45 67",
        " 90.123.45.67 ",
        "+998\u00a090\u00a0123\u00a045\u00a067",
    ],
)
def test_a_number_is_read_however_it_is_written(text: str) -> None:
    assert read_phone(text, path=PATH) == "+998901234567"


@given(phone=PHONES)
def test_a_number_read_again_is_the_same(phone: str) -> None:
    assert read_phone(phone, path=PATH) == phone
    assert read_phone(pretty(phone), path=PATH) == phone


@pytest.mark.rule("S-5.1")
@pytest.mark.parametrize("text", [None, "", "   ", "\t\n"])
def test_nothing_is_missing(text: str | None) -> None:
    with pytest.raises(MissingInput) as refused:
        read_phone(text, path=PATH)

    assert (refused.value.rule, refused.value.path) == ("S-5.1", PATH)


@pytest.mark.rule("S-5.1")
@pytest.mark.parametrize(
    "text",
    [
        *("90123456", "9012345678", "+99890123456", "+9989012345678"),
        *("+79161234567", "+1 212 555 0100", "00998901234567", "++998901234567", "99+8901234567"),
        *("012345678", "112345678", "+998012345678"),
        *("phone", "90123456a", "901234567;", "90/123/45/67", "٩٠١٢٣٤٥٦٧", "９０１２３４５６７"),
        *("-" * 40 + "901234567", " " * 40 + "901234567", "9" * 10_000),
    ],
)
def test_anything_else_is_no_number_of_uzbekistan(text: str) -> None:
    with pytest.raises(InvalidPhone) as refused:
        read_phone(text, path=PATH)

    assert refused.value.path == PATH


@given(text=st.text(max_size=40))
def test_whatever_is_entered_is_a_number_or_refused(text: str) -> None:
    try:
        phone = read_phone(text, path=PATH)
    except (InvalidPhone, MissingInput):
        return
    assert phone.startswith("+998")
    assert phone[1:].isdecimal()
    assert len(phone) == 13


@pytest.mark.rule("S-4.7")
@pytest.mark.rule("W-4.4.5")
@given(phone=PHONES)
def test_a_stranger_sees_four_digits_of_nine(phone: str) -> None:
    seen = masked(phone)

    assert seen == f"+998 {phone[4:6]} *** ** {phone[-2:]}"
    assert phone[6:11] not in seen
