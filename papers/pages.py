"""The pages of this door: the proof of a receipt, and that an address opens nothing."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.language import Language
from domain.money import Money
from resolvers.receipt import purpose_text
from resolvers.texts import instant_text, money_text, translator

TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE: Final = (Path(__file__).parent / "static" / "papers.css").read_bytes()
ENDONYMS: Final = {
    Language.UZ: "Oʻzbekcha",
    Language.UZ_CYRL: "Ўзбекча",
    Language.RU: "Русский",
    Language.EN: "English",
}


def page(language: Language, template: str, **values: Any) -> str:
    """The page in a language. A name that a template uses and nobody gives is a fault, not a blank."""
    return _environment(language).get_template(template).render(values)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = translator(language)
    environment.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)  # type: ignore[attr-defined]

    def money(amount: Money) -> str:
        return money_text(amount, language)

    environment.filters |= {
        "money": money,
        "moment": lambda at: instant_text(at, language),
        "purpose": lambda kind: purpose_text(kind, language),
    }
    environment.globals |= {"language": language, "endonyms": ENDONYMS}
    return environment
