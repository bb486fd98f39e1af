"""Jinja's side: one environment a language, so that templates, their macros included, just write `_("…")`."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from admin.settings import AdminSettings
from admin.texts import ENDONYMS, Texts
from domain.clock import TASHKENT
from domain.language import Language
from domain.money import Money

TEMPLATES: Final = Path(__file__).parent / "templates"


class Pages:
    """Renders templates in a language. A name that a template uses and nobody gives is a fault, not a blank."""

    def __init__(self, settings: AdminSettings) -> None:
        self._settings = settings
        self.texts = cache(self._texts)
        self._environment = cache(self._make_environment)

    def render(self, language: Language, template: str, values: dict[str, Any]) -> str:
        return self._environment(language).get_template(template).render(values)

    def _texts(self, language: Language) -> Texts:
        return Texts(language, self._settings.translate(language))

    def _make_environment(self, language: Language) -> Environment:
        texts = self.texts(language)
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=self._settings.development,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        environment.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)  # type: ignore[attr-defined]
        environment.filters |= {
            "money": texts.money,
            "figure": texts.figure,
            "number": texts.number,
            "day": texts.day,
            "short_day": texts.short_day,
            "month": texts.month,
            "moment": texts.moment,
            "short_moment": texts.short_moment,
            "phone": texts.phone,
            "grouped": texts.grouped,
            "text": texts.text,
            "country": texts.country,
            "iso": lambda at: at.astimezone(TASHKENT).isoformat(timespec="seconds"),
        }
        environment.globals |= {"language": language, "endonyms": ENDONYMS, "Money": Money, "Markup": Markup}
        return environment
