"""How values stand in pages, by language: what resolvers.texts says, shaped for columns, and the admin's own words."""

from datetime import date, datetime
from typing import Final

from babel.dates import format_date
from babel.numbers import format_decimal

from domain.clock import TASHKENT
from domain.language import Language, in_language
from domain.money import Money
from domain.phone import pretty
from domain.refusal import Refusal
from resolvers.texts import (
    LOCALES,
    NO_BREAK,
    THIN,
    Translator,
    day_text,
    instant_text,
    money_text,
    month_text,
    problem_text,
)

ENDONYMS: Final = {
    Language.UZ: "Oʻzbekcha",
    Language.UZ_CYRL: "Ўзбекча",
    Language.RU: "Русский",
    Language.EN: "English",
}
DOTTED: Final = "dd.MM.y"
SLASHED: Final = "dd/MM/y"


class Texts:
    """One language's way of writing."""

    def __init__(self, language: Language, translator: Translator) -> None:
        self.language = language
        self.gettext = translator.gettext
        self.ngettext = translator.ngettext

    def money(self, amount: Money, *, sign: bool = False) -> str:
        """500 000 soʻm; tiyin only where there are some. `sign` marks what comes in, too."""
        return ("+" if sign and amount.tiyin > 0 else "") + money_text(amount, self.language)

    def figure(self, amount: Money, *, sign: bool = False) -> tuple[str, str]:
        """An amount for a column, without the currency and always with tiyin, in two parts: ("−12 500", ",00")."""
        tiyin = abs(amount.tiyin) % 100
        mark = "." if self.language is Language.EN else ","
        whole = self.money(amount, sign=sign).partition(NO_BREAK)[0]
        return whole.partition(mark)[0] if tiyin else whole, f"{mark}{tiyin:02d}"

    def number(self, value: int) -> str:
        """A count, with thousands apart."""
        return format_decimal(value, locale="en").replace(",", "," if self.language is Language.EN else THIN)

    def day(self, value: date) -> str:
        """17 May 2026."""
        return day_text(value, self.language)

    def short_day(self, value: date) -> str:
        """17.05.2026, for columns."""
        pattern = SLASHED if self.language is Language.EN else DOTTED
        return format_date(value, pattern, locale=LOCALES[self.language])

    def month(self, first_day: date) -> str:
        """May 2026."""
        return month_text(first_day, self.language)

    def moment(self, value: datetime) -> str:
        """17 May 2026, 14:05, in Tashkent."""
        return instant_text(value, self.language)

    def short_moment(self, value: datetime) -> str:
        """17.05.2026 14:05, for columns."""
        local = value.astimezone(TASHKENT)
        return f"{self.short_day(local.date())}{NO_BREAK}{local:%H:%M}"

    def phone(self, value: str) -> str:
        """+998 90 123 45 67, kept on one line."""
        return pretty(value).replace(" ", NO_BREAK) if value.startswith("+998") and len(value) == 13 else value

    def grouped(self, digits: str) -> str:
        """A wallet's sixteen digits in fours; shorter numbers as they are."""
        if len(digits) != 16:
            return digits
        return NO_BREAK.join(digits[place : place + 4] for place in range(0, 16, 4))

    def text(self, texts: dict[str, str]) -> str:
        """The text in this language, or the nearest."""
        return in_language(texts, self.language)

    def country(self, code: str) -> str:
        """A country by its name; its ISO code where there is none."""
        return str(LOCALES[self.language].territories.get(code, code))

    def refusal(self, refusal: Refusal) -> str:
        """The refusal's sentence with its facts."""
        return problem_text(refusal, self.language)
