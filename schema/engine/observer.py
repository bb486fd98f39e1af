"""Hooks for metrics and tracing: what an engine tells of the operations that it runs."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from schema.engine.answer import Answer


class Observer:
    """Told of every operation; this one ignores it all. Override what you want to know.

    It must neither raise nor take long, and is told nothing that a caller sent but the operation's own name, which is
    as long and as odd as the caller likes.
    """

    def around(self, kind: str, name: str | None, context: Any) -> AbstractContextManager[Any]:
        """Entered before an operation runs and left after it: a place for a trace's span."""
        return nullcontext()

    def ended(self, kind: str, engine: str, answer: Answer) -> None:
        """An operation (or an event of a subscription) was answered by the engine `compiled` or `stock`; `kind` is
        query, mutation or subscription, or `unknown` for what was refused before that was known."""

    def fell_back(self, reason: str) -> None:
        """The stock engine had to run what the compiled one was asked for; there are few different reasons."""

    def compiled(self, seconds: float, fields: int) -> None:
        """A document was compiled: how long it took and how many fields it has."""
