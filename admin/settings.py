"""What the admin is given by whoever runs it."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from domain.language import Language
from resolvers.context import Context
from resolvers.texts import Translator, translator


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
    translate: Callable[[Language], Translator] = translator
