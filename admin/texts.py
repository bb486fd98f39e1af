"""How values are written for a reader: money, days, moments, phones and refusals, by language."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from admin.settings import Translator
from domain.clock import TASHKENT
from domain.language import Language, in_language
from domain.money import Money
from domain.phone import pretty
from domain.refusal import Refusal

LOCALES: Final = {
    Language.UZ: Locale.parse("uz_Latn_UZ"),
    Language.UZ_CYRL: Locale.parse("uz_Cyrl_UZ"),
    Language.RU: Locale.parse("ru_RU"),
    Language.EN: Locale.parse("en_GB"),
}
# Babel knows the currency's short name in Uzbek only.
CURRENCY: Final = {Language.UZ: "soʻm", Language.UZ_CYRL: "сўм", Language.RU: "сум", Language.EN: "soʻm"}
ENDONYMS: Final = {
    Language.UZ: "Oʻzbekcha",
    Language.UZ_CYRL: "Ўзбекча",
    Language.RU: "Русский",
    Language.EN: "English",
}
THIN: Final = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
DASH: Final = "\N{EM DASH}"
# Babel writes a long Uzbek date as "2026-yil 17-may" in Latin and "17 май, 2026" in Cyrillic; people write it thus.
_DAY: Final = {Language.UZ: "y-'yil' d-MMMM", Language.UZ_CYRL: "y-'йил' d-MMMM"}
_SHORT_DAY: Final = {Language.RU: "dd.MM.y", Language.UZ: "dd.MM.y", Language.UZ_CYRL: "dd.MM.y"}


class Texts:
    """One language's way of writing."""

    def __init__(self, language: Language, translator: Translator) -> None:
        self.language = language
        self.locale = LOCALES[language]
        self.gettext = translator.gettext
        self.ngettext = translator.ngettext

    def money(self, amount: Money, *, sign: bool = False) -> str:
        """500 000 soʻm; tiyin only where there are some. `sign` marks what comes in, too."""
        whole = amount.tiyin % 100 == 0
        return self._figure(amount, "0" if whole else "0.00", sign) + NO_BREAK + CURRENCY[self.language]

    def figure(self, amount: Money, *, sign: bool = False) -> tuple[str, str]:
        """An amount for a column, without the currency and always with tiyin, in two parts: ("−12 500", ",00")."""
        figure = self._figure(amount, "0.00", sign)
        return figure[:-3], figure[-3:]

    def _figure(self, amount: Money, decimals: str, sign: bool) -> str:
        absolute = self.number(abs(amount.amount), f"#,##{decimals}")
        mark = MINUS if amount.tiyin < 0 else "+" if sign and amount.tiyin > 0 else ""
        return mark + absolute

    def number(self, value: int | Decimal, pattern: str = "#,##0.###") -> str:
        """Thousands apart by thin spaces in every language."""
        return THIN.join(format_decimal(value, pattern, locale="en").split(",")).replace(".", self._decimal_mark)

    @property
    def _decimal_mark(self) -> str:
        return "." if self.language is Language.EN else ","

    def day(self, value: date) -> str:
        """17 May 2026."""
        return format_date(value, _DAY.get(self.language, "long"), locale=self.locale)

    def short_day(self, value: date) -> str:
        """17.05.2026, for columns."""
        return format_date(value, _SHORT_DAY.get(self.language, "dd/MM/y"), locale=self.locale)

    def moment(self, value: datetime) -> str:
        """17 May 2026, 14:05, in Tashkent."""
        local = value.astimezone(TASHKENT)
        return f"{self.day(local.date())},{NO_BREAK}{format_datetime(local, 'HH:mm', locale=self.locale)}"

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

    def refusal(self, refusal: Refusal) -> str:
        """The refusal's sentence with its facts, as this reader writes them."""
        return self.gettext(refusal.text).format_map({name: self.fact(fact) for name, fact in refusal.facts.items()})

    def fact(self, value: Any) -> str:
        """Any value as a reader writes it."""
        match value:
            case Money():
                return self.money(value)
            case datetime():
                return self.moment(value)
            case date():
                return self.day(value)
            case None:
                return DASH
            case Enum():
                return self.gettext(str(value.value))
            case bool():
                return self.gettext("yes") if value else self.gettext("no")
            case int() | Decimal():
                return self.number(value)
        return str(value)
