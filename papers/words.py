"""How amounts and times stand in columns, by language; what heads the columns."""

from datetime import datetime
from typing import Final

from babel.dates import format_date

from domain.clock import TASHKENT
from domain.language import Language
from domain.money import Money
from resolvers.receipt import N_
from resolvers.texts import LOCALES, MINUS, NO_BREAK, THIN, translator

COLUMNS: Final = (N_("When"), N_("What"), N_("Details"), N_("Amount, soʻm"), N_("Balance, soʻm"), N_("Receipt"))


def columns(language: Language) -> list[str]:
    """The heads of a statement's columns."""
    return [translator(language).gettext(word) for word in COLUMNS]


def figure(amount: Money, language: Language, *, sign: bool = False) -> str:
    """12 500,00: always with tiyin, so that a column stands in line. `sign` marks what comes in, too."""
    whole, tiyin = divmod(abs(amount.tiyin), 100)
    english = language is Language.EN
    mark = MINUS if amount.tiyin < 0 else "+" if sign and amount.tiyin > 0 else ""
    return f"{mark}{f'{whole:,}'.replace(',', ',' if english else THIN)}{'.' if english else ','}{tiyin:02d}"


def moment(at: datetime, language: Language) -> str:
    """17.05.2026 14:05, in Tashkent."""
    local = at.astimezone(TASHKENT)
    pattern = "dd/MM/y" if language is Language.EN else "dd.MM.y"
    return f"{format_date(local.date(), pattern, locale=LOCALES[language])}{NO_BREAK}{local:%H:%M}"
