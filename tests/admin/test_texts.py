"""How values are written, to the character."""

from datetime import UTC, date, datetime

import pytest

from admin.texts import Texts
from domain.language import Language
from domain.ledger import InsufficientFunds
from domain.money import Money
from resolvers.texts import English

THIN, NO_BREAK, MINUS = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


def texts(language: Language = Language.EN) -> Texts:
    return Texts(language, English())


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (Language.UZ, f"{MINUS}1{THIN}234{THIN}567,05{NO_BREAK}soʻm"),
        (Language.UZ_CYRL, f"{MINUS}1{THIN}234{THIN}567,05{NO_BREAK}сўм"),
        (Language.RU, f"{MINUS}1{THIN}234{THIN}567,05{NO_BREAK}сум"),
        (Language.EN, f"{MINUS}1,234,567.05{NO_BREAK}soʻm"),
    ],
)
def test_money_has_thin_spaces_a_real_minus_and_the_languages_currency(language: Language, expected: str) -> None:
    assert texts(language).money(Money(-123_456_705)) == expected


@pytest.mark.parametrize(
    ("tiyin", "sign", "expected"),
    [
        (50_000_000, False, f"500,000{NO_BREAK}soʻm"),
        (50_000_000, True, f"+500,000{NO_BREAK}soʻm"),
        (0, True, f"0{NO_BREAK}soʻm"),
        (50, False, f"0.50{NO_BREAK}soʻm"),
        (99_999, False, f"999.99{NO_BREAK}soʻm"),
        (10**17, False, f"1,000,000,000,000,000{NO_BREAK}soʻm"),
    ],
)
def test_tiyin_are_written_where_there_are_some(tiyin: int, sign: bool, expected: str) -> None:
    assert texts().money(Money(tiyin), sign=sign) == expected


def test_a_column_always_has_tiyin() -> None:
    assert texts(Language.RU).figure(Money(1_250_000), sign=True) == (f"+12{THIN}500", ",00")
    assert texts(Language.RU).figure(Money(-1_250_005)) == (f"{MINUS}12{THIN}500", ",05")
    assert texts().figure(Money(0)) == ("0", ".00")


def test_a_count_has_its_thousands_apart() -> None:
    assert (texts().number(1_234_567), texts(Language.UZ).number(1_234)) == ("1,234,567", f"1{THIN}234")


@pytest.mark.parametrize(
    ("language", "long", "short"),
    [
        (Language.UZ, "2026-yil 1-mart", "01.03.2026"),
        (Language.UZ_CYRL, "2026-йил 1-март", "01.03.2026"),
        (Language.RU, f"1 марта 2026{THIN}г.", "01.03.2026"),
        (Language.EN, "1 March 2026", "01/03/2026"),
    ],
)
def test_days_are_written_as_people_do(language: Language, long: str, short: str) -> None:
    assert (texts(language).day(date(2026, 3, 1)), texts(language).short_day(date(2026, 3, 1))) == (long, short)


def test_a_moment_is_told_in_tashkent() -> None:
    assert texts().moment(datetime(2026, 3, 1, 21, 5, tzinfo=UTC)) == "2 March 2026, 02:05"


def test_a_refusal_tells_its_facts_as_the_reader_writes_them() -> None:
    refusal = InsufficientFunds(available=Money.som(10), needed=Money.som(20_000))
    told = texts().refusal(refusal)
    assert told == f"Not enough money: 20,000{NO_BREAK}soʻm is needed, 10{NO_BREAK}soʻm is available."
