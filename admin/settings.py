"""What the admin is given by whoever runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from domain.language import Language
from resolvers.context import Context


class Translator(Protocol):
    """One language's texts, found by their English ones; `gettext.NullTranslations` is one."""

    def gettext(self, message: str) -> str: ...

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str: ...


class Untranslated:
    """English for everybody: the texts as they stand in the code."""

    def gettext(self, message: str) -> str:
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if n == 1 else msgid2


def untranslated(language: Language) -> Translator:
    """The same for every language: for tests, and until there is a catalogue."""
    return Untranslated()


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """`make_context` gives a request's surroundings with nobody signed in: who it is, the admin finds out.

    `secret` binds forms to sessions; `secure_cookies` is for HTTPS: cookies are then bound to the host and HTTPS is
    demanded of browsers. `development` reads templates and static files anew when they change.
    """

    make_context: Callable[[Request], Context]
    secret: bytes
    secure_cookies: bool = True
    development: bool = False
    translate: Callable[[Language], Translator] = untranslated
