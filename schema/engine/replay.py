"""When compiled code cannot finish: the stock engine does the operation over, with what is known already.

A root field whose answer is complete keeps it; one that was resolved is completed anew from the very value (or the very
exception) that its resolver gave; only what was not begun is resolved. So no root resolver runs twice and no side
effect happens twice, and the errors are graphql-core's own, with their paths and places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from graphql import GraphQLObjectType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.execution.middleware import MiddlewareManager


@dataclass(frozen=True, slots=True)
class Done:
    """The field's answer is complete."""

    data: Any


@dataclass(frozen=True, slots=True)
class Resolved:
    """The field's resolver gave this value, which could not be completed."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The field's resolver raised this."""

    error: Exception


Known = dict[str, Done | Resolved | Raised]


def with_memory(executor_class: type[Executor[Any]]) -> type[Executor[Any]]:
    """The executor class, with a place for what is known."""

    class Remembering(executor_class):  # type: ignore[misc, valid-type]
        known: ClassVar[Known] = {}

        def remember(self, known: Known) -> None:
            self.known = known  # type: ignore[misc]  # each executor has its own
            self.middleware_manager = _Remembered(known)

        def execute_field(
            self, parent_type: GraphQLObjectType, source: Any, details: Any, path: Any, position: Any
        ) -> Any:
            if path.prev is None and isinstance(done := self.known.get(path.key), Done):
                return done.data
            return super().execute_field(parent_type, source, details, path, position)

    return Remembering


class _Remembered(MiddlewareManager):
    """Answers for root resolvers that have run."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def get_field_resolver(self, field_resolver: Callable[..., Any]) -> Callable[..., Any]:
        def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            if info.path.prev is None:
                outcome = self._known.get(str(info.path.key))
                if isinstance(outcome, Resolved):
                    return outcome.value
                if isinstance(outcome, Raised):
                    raise outcome.error
            return field_resolver(source, info, **arguments)

        return resolve
