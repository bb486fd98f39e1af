"""One run of a compiled operation: its surroundings, and the values that must still be waited for.

Compiled code is plain synchronous Python. Where a resolver gives an awaitable, its place in the answer is taken by a
`Waiting`; once the whole level is built, all that wait are awaited side by side, each going on below by itself as soon
as its own value is there.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from graphql.execution.values import VariableValues

from schema.engine.info import RawInfo, Site
from schema.engine.replay import Memory, RememberedLater

if TYPE_CHECKING:
    from schema.engine.compile import Compiled

Complete = Callable[[Any, "Run"], Any]
_EAGER: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


class Waiting:
    """A value that a resolver will give later, with the place where it belongs."""

    __slots__ = ("awaitable", "complete", "container", "key")

    def __init__(self, key: str, awaitable: Awaitable[Any], complete: Complete) -> None:
        self.key = key
        self.awaitable = awaitable
        self.complete = complete
        self.container: dict[str, Any] | None = None


class Run:
    """`variables` are the coerced ones, `waited` is all that was ever waited for."""

    __slots__ = ("_key", "_values", "compiled", "context", "infos", "memory", "root", "variables", "waited")

    def __init__(
        self, compiled: "Compiled", context: Any, root: Any, variables: dict[str, Any], values: VariableValues | None
    ) -> None:
        self.compiled = compiled
        self.context = context
        self.root = root
        self.variables = variables
        self._values = values
        self._key: tuple[Any, ...] | None = None
        self.infos: dict[int, Any] = {}
        self.waited: list[Waiting] = []
        self.memory = Memory()

    def sourced(self) -> VariableValues:
        """The variables as graphql-core passes them around."""
        if self._values is None:
            self._values = self.compiled.source.with_sources(self.variables)
        return self._values

    def values_key(self) -> tuple[Any, ...] | None:
        """Tells runs with other variables apart; None if their values cannot be compared."""
        if not self.variables:
            return ()
        if self._key is None:
            key = tuple(self.variables.items())
            try:
                hash(key)
            except TypeError:
                return None
            # 1, 1.0 and True are the same key to a dict, not to a resolver.
            self._key = (key, tuple(type(value) for value in self.variables.values()))
        return self._key

    def raw(self, site: Site) -> Any:
        """What graphql-core's own functions are handed for this field."""
        return RawInfo(site, self)

    def info(self, site: Site) -> Any:
        """Strawberry's Info for a resolver, the same for all objects in this place."""
        made = self.compiled.source.new_info(site, self)
        self.infos[site.index] = made
        return made

    def wait(self, key: str, awaitable: Awaitable[Any], complete: Complete) -> Waiting:
        """Takes the place of a value that is not there yet."""
        waiting = Waiting(key, awaitable, complete)
        self.waited.append(waiting)
        return waiting

    def build(self, complete: Complete, value: Any) -> tuple[Any, list[Waiting]]:
        """(what `complete` makes of a value, all in it that still waits)."""
        before = len(self.waited)
        data = complete(value, self)
        waiting = self.waited[before:]
        if waiting:
            _find_places(data)
        return data, waiting


def _find_places(data: Any) -> None:
    """Tells the waiting values in an answer where they stand; only where something waits, for most answers do not."""
    open_ = [data]
    while open_:
        container = open_.pop()
        for value in container.values() if type(container) is dict else container:
            if value.__class__ is Waiting:
                value.container = container
            elif value.__class__ is dict or value.__class__ is list:
                open_.append(value)


async def settle(run: Run, waiting: list[Waiting]) -> None:
    """Awaits all these side by side and fills in their places, with all that is below them."""
    if len(waiting) == 1:
        await _settle_one(run, waiting[0])
    else:
        await together([_settle_one(run, each) for each in waiting])


async def _settle_one(run: Run, one: Waiting) -> None:
    value = await one.awaitable
    assert one.container is not None
    one.container[one.key], below = run.build(one.complete, value)
    if below:
        await settle(run, below)


async def together(work: list[Coroutine[Any, Any, None]]) -> None:
    """Runs all of these at once, to the end even when one of them fails; raises what the first of them raised."""
    loop = asyncio.get_running_loop()
    tasks = [asyncio.Task(each, loop=loop, **_EAGER) for each in work]
    try:
        # One that fails stops no other: what has begun is finished and remembered, so that it is not done twice.
        results = await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    for result in results:
        if isinstance(result, BaseException):
            raise result


def dismiss(awaitable: Awaitable[Any]) -> None:
    """Closes a coroutine that nobody will await any more; one that has ended stays as it is."""
    if isinstance(awaitable, RememberedLater):
        awaitable = awaitable.awaitable
    if isinstance(awaitable, Coroutine):
        awaitable.close()
