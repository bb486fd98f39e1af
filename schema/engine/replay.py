"""When compiled code cannot finish: the stock engine does the operation over, with what is known already.

A root field whose answer is complete keeps it; one that was resolved is completed anew from the very value (or the very
exception) that its resolver gave; only what was not begun is resolved. In a mutation the same holds for the resolvers
below. So no resolver that may have side effects runs twice, and the errors are graphql-core's own, with their paths and
places.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.execution.middleware import MiddlewareManager
from graphql.pyutils import is_awaitable

from schema.engine.record import record


@record
class Done:
    """The field's answer is complete; it came at once, or as the so-many-eth that had to be awaited."""

    data: Any
    turn: int | None = None

    def again(self) -> Any:
        return self.data if self.turn is None else self._later(self.turn)

    async def _later(self, turn: int) -> Any:
        await _turns(turn)
        return self.data


@record
class Resolved:
    """The field's resolver gave this value: at once, or as the so-many-eth that had to be awaited."""

    value: Any
    turn: int | None = None

    def again(self) -> Any:
        return self.value if self.turn is None else self._later(self.turn)

    async def _later(self, turn: int) -> Any:
        await _turns(turn)
        return self.value


@record
class Raised:
    """The field's resolver raised this: at once, or as the so-many-eth that had to be awaited."""

    error: Exception
    turn: int | None = None

    def again(self) -> Any:
        if self.turn is None:
            raise self.error
        return self._later(self.turn)

    async def _later(self, turn: int) -> Any:
        await _turns(turn)
        raise self.error


async def _turns(turn: int) -> None:
    """Lets those that came before come first again: the first error decides what else is told."""
    for _ in range(turn):
        await asyncio.sleep(0)


@dataclass(slots=True)
class Memory:
    """What is known of a run: root fields by their keys, and what resolvers below gave, by field and object.

    An object may be met several times, in a list for example: each time is remembered, in its turn.
    """

    roots: dict[str, Done | Resolved | Raised] = field(default_factory=dict)
    below: dict[tuple[int, int], deque["Call"]] = field(default_factory=dict)
    turns: int = 0

    def called(self, node: FieldNode, source: Any) -> "Call":
        """A resolver is called now; what comes of it will stand there."""
        call = Call(source)
        self.below.setdefault((id(node), id(source)), deque()).append(call)
        return call

    def call_again(self, node: FieldNode, source: Any) -> "Resolved | Raised | None":
        """What came of the next of these calls; None if it was not made, or not finished."""
        calls = self.below.get((id(node), id(source)))
        return calls.popleft().outcome if calls else None

    def next_turn(self) -> int:
        self.turns += 1
        return self.turns - 1


@dataclass(slots=True)
class Call:
    """One call of a resolver. The object is kept with it: as long as it is here, its id is nobody else's."""

    source: Any
    outcome: Resolved | Raised | None = None


def remembering(get: Callable[[Any, Any], Any], node: FieldNode) -> Callable[[Any, Any], Any]:
    """The call of a resolver, whose outcome the run remembers."""

    def call(source: Any, run: Any) -> Any:
        memory: Memory = run.memory
        made = memory.called(node, source)
        try:
            value = get(source, run)
        except Exception as error:
            made.outcome = Raised(error)
            raise
        if is_awaitable(value):
            return RememberedLater(value, memory, made)
        made.outcome = Resolved(value)
        return value

    return call


class RememberedLater:
    """What a resolver will give, remembered when it comes."""

    __slots__ = ("_call", "_memory", "awaitable")

    def __init__(self, awaitable: Awaitable[Any], memory: Memory, call: Call) -> None:
        self.awaitable = awaitable
        self._memory = memory
        self._call = call

    def __await__(self) -> Generator[Any, Any, Any]:
        memory = self._memory
        try:
            value = yield from self.awaitable.__await__()
        except Exception as error:
            self._call.outcome = Raised(error, memory.next_turn())
            raise
        self._call.outcome = Resolved(value, memory.next_turn())
        return value


def with_memory(executor_class: type[Executor[Any]]) -> type[Executor[Any]]:
    """The executor class, able to remember."""

    class Remembering(executor_class):  # type: ignore[misc, valid-type]
        memory: Memory | None = None

        def remember(self, memory: Memory) -> None:
            self.memory = memory
            self.middleware_manager = _Remembered(memory)

        def execute_field(
            self, parent_type: GraphQLObjectType, source: Any, details: Any, path: Any, position: Any
        ) -> Any:
            if self.memory is not None and path.prev is None:
                done = self.memory.roots.get(path.key)
                if isinstance(done, Done):
                    return done.again()
            return super().execute_field(parent_type, source, details, path, position)

    return Remembering


class _Remembered(MiddlewareManager):
    """Answers for resolvers that have run."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory

    def get_field_resolver(self, field_resolver: Callable[..., Any]) -> Callable[..., Any]:
        def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            outcome: Done | Resolved | Raised | None
            if info.path.prev is None:
                outcome = self._memory.roots.get(str(info.path.key))
            else:
                outcome = self._memory.call_again(info.field_nodes[0], source)
            if isinstance(outcome, Resolved | Raised):
                return outcome.again()
            return field_resolver(source, info, **arguments)

        return resolve
