"""How the business says no.

A refusal is a type whose name says it and whose fields are facts. It carries the id of the rule that it comes from
and the path of the input that it is about; the sentence that a person reads is made from `text` and the facts, in the
person's language, by the door.
"""

from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Final

# Of a field that is no fact for the sentence.
UNTOLD: Final = MappingProxyType({"told": False})


@dataclass(eq=False, kw_only=True)
class Refusal(Exception):
    """A business rule forbids what was asked; nothing has changed (unless `commits` says otherwise).

    `text` is the English sentence with `{fact}` places, at the same time the key of its translations.
    `commits` is true for the few refusals that must leave a trace, such as a counted wrong code.
    """

    code: ClassVar[str] = "REFUSED"
    text: ClassVar[str] = "This is not possible."
    commits: ClassVar[bool] = False
    default_rule: ClassVar[str | None] = None

    rule: str | None = field(default=None, metadata=UNTOLD)
    path: tuple[str, ...] = field(default=(), metadata=UNTOLD)

    def __post_init__(self) -> None:
        self.rule = self.rule or self.default_rule

    def __str__(self) -> str:
        return f"{self.code} {self.facts}" if self.facts else self.code

    @property
    def sentence(self) -> str:
        """Which of its texts says it, when some facts are not known."""
        return self.text

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of the concrete refusal: what the sentence and the caller are told."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get("told", True)}


@dataclass(eq=False, kw_only=True)
class NotFound(Refusal):
    """There is no such thing, or it is somebody else's: the caller cannot tell which."""

    code: ClassVar[str] = "NOT_FOUND"
    text: ClassVar[str] = "Nothing was found by this id."
    what: str = field(default="")


@dataclass(eq=False, kw_only=True)
class InvalidInput(Refusal):
    """A value is not of the form that it must have; `path` says which."""

    code: ClassVar[str] = "INVALID_INPUT"
    text: ClassVar[str] = "This value is not valid."


@dataclass(eq=False, kw_only=True)
class MissingInput(Refusal):
    """A required value was left out; `path` says which (S-5.1)."""

    code: ClassVar[str] = "MISSING_INPUT"
    text: ClassVar[str] = "This field is required."


@dataclass(eq=False, kw_only=True)
class InvalidPhone(Refusal):
    code: ClassVar[str] = "INVALID_PHONE"
    text: ClassVar[str] = "Enter a phone number of Uzbekistan: +998 and nine digits."


@dataclass(eq=False, kw_only=True)
class InvalidAmount(Refusal):
    code: ClassVar[str] = "INVALID_AMOUNT"
    text: ClassVar[str] = "Enter an amount above zero, in so'm with at most two decimals."


@dataclass(eq=False, kw_only=True)
class IdempotencyKeyReused(Refusal):
    """The key was used for a call with another body."""

    code: ClassVar[str] = "IDEMPOTENCY_KEY_REUSED"
    text: ClassVar[str] = "This idempotency key was already used for another request."


class RequestFault(Exception):
    """A fault of the request rather than of the business; `graphql_code` is what the API calls it."""

    graphql_code: ClassVar[str] = "BAD_REQUEST"
    text: ClassVar[str] = "The request cannot be carried out."


class Unauthenticated(RequestFault):
    graphql_code: ClassVar[str] = "UNAUTHENTICATED"
    text: ClassVar[str] = "Sign in first."


class TokenOver(Unauthenticated):
    """A token was sent, and it opens nothing (any more)."""

    text: ClassVar[str] = "The token is not valid or too old. Refresh the session or sign in again."


class Forbidden(RequestFault):
    graphql_code: ClassVar[str] = "FORBIDDEN"
    text: ClassVar[str] = "You are not allowed to do this."


class NodeNotFound(RequestFault):
    graphql_code: ClassVar[str] = "NOT_FOUND"
    text: ClassVar[str] = "Nothing was found by this id."


class BadPage(RequestFault):
    graphql_code: ClassVar[str] = "BAD_REQUEST"
    text: ClassVar[str] = "Ask for 1 to 100 items with first or last, and use a cursor that this list gave you."
