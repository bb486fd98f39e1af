"""Numbers as people type them: what is meant is read, what might mean two things is not."""

from decimal import Decimal

import pytest

from admin.amounts import typed_number


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", None),
        ("  ", None),
        ("5", "5"),
        ("1 234 567", "1234567"),
        ("1\N{NO-BREAK SPACE}234,5", "1234.5"),
        ("1\N{NARROW NO-BREAK SPACE}234.50", "1234.50"),
        ("0,05", "0.05"),
        ("-3", "-3"),
        ("\N{MINUS SIGN}3", "-3"),
    ],
)
def test_what_people_write_is_read(typed: str, read: str | None) -> None:
    assert typed_number(typed) == (None if read is None else Decimal(read))


@pytest.mark.parametrize(
    "typed",
    [
        *("1,000", "1.000", "1,000,000", "1.2.3", "1e3", "1_000", "NaN", "Infinity", "１２", "٥"),
        *(".5", "5.", "+5", "--5", "0.001", "five", "0x10", "9" * 19, "1,5 soʻm"),
    ],
)
def test_what_might_mean_something_else_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        typed_number(typed)
