"""How things are said to people, in the four languages (C-6): texts, refusals, money, days and moments.

English is what stands in the code and the key of every translation; the catalogues are gettext's, one file a language
under locale/. Both doors use these functions, so that a refusal reads alike in an app and in the admin.
"""

from datetime import date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po

from domain.clock import TASHKENT
from domain.language import Language
from domain.money import Money
from domain.refusal import Refusal, RequestFault

LOCALES: Final = {
    Language.UZ: Locale.parse("uz_Latn_UZ"),
    Language.UZ_CYRL: Locale.parse("uz_Cyrl_UZ"),
    Language.RU: Locale.parse("ru_RU"),
    Language.EN: Locale.parse("en_GB"),
}
CURRENCY: Final = {Language.UZ: "soʻm", Language.UZ_CYRL: "сўм", Language.RU: "сум", Language.EN: "soʻm"}
FOLDERS: Final = {Language.UZ: "uz", Language.UZ_CYRL: "uz_Cyrl", Language.RU: "ru"}
CATALOGUES: Final = Path(__file__).resolve().parent.parent / "locale"
THIN: Final = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
# Babel writes a long Uzbek day as "2026-yil 17-may" in Latin and "17 май, 2026" in Cyrillic; people write it thus.
_DAY: Final = {Language.UZ: "y-'yil' d-MMMM", Language.UZ_CYRL: "y-'йил' d-MMMM"}

_MONTH: Final = {Language.UZ: "y-'yil' LLLL", Language.UZ_CYRL: "y-'йил' LLLL"}


class Translator(Protocol):
    """One language's texts, found by their English ones."""

    def gettext(self, message: str, /) -> str: ...

    def ngettext(self, singular: str, plural: str, n: int, /) -> str: ...


class English:
    """The texts as they stand in the code."""

    def gettext(self, message: str, /) -> str:
        return message

    def ngettext(self, singular: str, plural: str, n: int, /) -> str:
        return singular if n == 1 else plural


class Catalogue:
    """A language's texts from its .po file; what it lacks is said in English."""

    def __init__(self, path: Path) -> None:
        self._texts: dict[str, str] = {}
        self._plurals: dict[str, tuple[str, ...]] = {}
        with path.open("rb") as file:
            catalogue = read_po(file)
        self._form = _plural_function(catalogue.plural_expr)
        for message in catalogue:
            if isinstance(message.id, tuple | list):
                forms = tuple(message.string or ())
                if forms and all(forms):
                    self._plurals[message.id[0]] = forms
            elif message.id and message.string:
                self._texts[message.id] = str(message.string)

    def gettext(self, message: str, /) -> str:
        return self._texts.get(message, message)

    def ngettext(self, singular: str, plural: str, n: int, /) -> str:
        forms = self._plurals.get(singular)
        return forms[self._form(n)] if forms else (singular if n == 1 else plural)


def _plural_function(expression: str) -> Any:
    from gettext import c2py

    return c2py(expression)


@cache
def translator(language: Language) -> Translator:
    """The language's texts, read once."""
    path = CATALOGUES / FOLDERS.get(language, "-") / "LC_MESSAGES" / "kabinet.po"
    return Catalogue(path) if path.is_file() else English()


def money_text(money: Money, language: Language) -> str:
    """500 000 soʻm: no tiyin unless there are some, spaces that do not break, a real minus sign."""
    whole, tiyin = divmod(abs(money.tiyin), 100)
    figure = f"{whole:,}".replace(",", "," if language is Language.EN else THIN)
    if tiyin:
        figure += f"{'.' if language is Language.EN else ','}{tiyin:02d}"
    return f"{MINUS if money.tiyin < 0 else ''}{figure}{NO_BREAK}{CURRENCY[language]}"


def day_text(day: date, language: Language) -> str:
    """17 May 2026."""
    return str(format_date(day, _DAY.get(language, "long"), locale=LOCALES[language]))


def month_text(first_day: date, language: Language) -> str:
    """May 2026."""
    return str(format_date(first_day, _MONTH.get(language, "LLLL y"), locale=LOCALES[language]))


def instant_text(at: datetime, language: Language) -> str:
    """17 May 2026, 14:05, in Tashkent."""
    local = at.astimezone(TASHKENT)
    return f"{day_text(local.date(), language)}, {format_datetime(local, 'HH:mm', locale=LOCALES[language])}"


def problem_text(problem: Refusal | RequestFault, language: Language) -> str:
    """A refusal's sentence with its facts, in that language."""
    if isinstance(problem, RequestFault):
        return translator(language).gettext(problem.text)
    facts = {name: _fact(value, language) for name, value in problem.facts.items()}
    return translator(language).gettext(problem.sentence).format_map(facts)


def _fact(value: Any, language: Language) -> str:
    if value is None:
        return "—"
    if isinstance(value, Money):
        return money_text(value, language)
    if isinstance(value, datetime):
        return instant_text(value, language)
    if isinstance(value, date):
        return day_text(value, language)
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)
