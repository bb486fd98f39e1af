"""The four languages that people are spoken to in (C-6)."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

LONGEST_HEADER: Final = 500


class Language(StrEnum):
    """Value: the language's BCP 47 tag. In enumerations of the API the names are UZ, UZ_CYRL, RU and EN."""

    UZ = "uz"
    UZ_CYRL = "uz-Cyrl"
    RU = "ru"
    EN = "en"


LANGUAGES: Final = {language.value: language for language in Language}
"""By tag: several times as fast as asking the enumeration."""


def in_language(texts: Mapping[str, str], language: Language) -> str:
    """The text in that language, or the nearest that exists: Cyrillic Uzbek falls back to Latin, all to Uzbek,
    then to English, then to whatever there is."""
    for tag in (language, Language.UZ, Language.EN):
        if text := texts.get(tag):
            return text
    return next(iter(texts.values()), "")


def negotiate(accept_language: str | None) -> Language | None:
    """The best of our four for an Accept-Language header; None when it names none of them.

    uz-Cyrl (also uz-Cyrl-UZ) is told apart from uz, which plain matching of primary tags would not do.
    """
    return _negotiated(accept_language[:LONGEST_HEADER]) if accept_language else None


@lru_cache(maxsize=500)
def _negotiated(accept_language: str) -> Language | None:
    best: tuple[float, Language] | None = None
    for part in accept_language.split(","):
        tag, _, parameters = part.strip().partition(";")
        language = _known(tag.strip().lower())
        quality = _quality(parameters)
        if language and quality > 0 and (best is None or quality > best[0]):
            best = (quality, language)
    return best[1] if best else None


def _known(tag: str) -> Language | None:
    if tag.startswith("uz-cyrl"):
        return Language.UZ_CYRL
    primary = tag.partition("-")[0]
    return Language(primary) if primary in ("uz", "ru", "en") else None


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
