"""Answers that are kept with what they are about.

An object that a root field gives may promise (see `promise`) that it never changes, and that the answer about it
depends on nothing but the document, its variables and one fact of the request, such as a language. Its finished answer
is kept and given again, the same Python object: nobody may change it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

if TYPE_CHECKING:
    from schema.engine.run import Complete, Run, Waiting

T = TypeVar("T")
ANSWERS_MOST: Final = 32
BYTES_MOST: Final = 4_000_000  # of all kept answers as JSON; as objects they take some ten times as much


def promise(thing: T, lasts_for: Callable[[Any], Hashable]) -> T:
    """Makes this object one that lasts; `lasts_for(context)` gives the fact of the request that counts."""
    vars(thing)["lasts_for"] = lasts_for
    return thing


class KeptAnswer(dict[str, Any]):
    """A finished answer that is given again and again: as JSON it is written once; `size` is of that, in bytes."""

    __slots__ = ("_json", "size")

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer)
        written = orjson.dumps(answer)
        self._json, self.size = orjson.Fragment(written), len(written)

    def as_json(self) -> orjson.Fragment:
        """The same, written."""
        return self._json


def written(data: dict[str, Any] | None) -> dict[str, Any] | None:
    """An operation's data with what is kept of it as it was written before."""
    if data is None or not any(type(value) is KeptAnswer for value in data.values()):
        return data
    return {key: value.as_json() if type(value) is KeptAnswer else value for key, value in data.items()}


class Lasting:
    """Finished answers, least recently used out first, up to a number of them and to a number of bytes."""

    def __init__(self, most: int = ANSWERS_MOST, bytes_most: int = BYTES_MOST) -> None:
        self._most = most
        self._bytes_most = bytes_most
        # Each with the object that it is about, so that its id is nobody else's meanwhile, and its size as JSON.
        self._kept: OrderedDict[Hashable, tuple[Any, Any, int]] = OrderedDict()
        self.bytes = 0

    def build(self, value: Any, run: "Run", complete: "Complete") -> tuple[Any, list["Waiting"]]:
        """What `complete` makes of a root field's value, or made of it before; and what still waits in it."""
        lasts_for: Callable[[Any], Hashable] | None = getattr(value, "lasts_for", None)
        variables = run.values_key() if lasts_for is not None else None
        if lasts_for is None or variables is None:
            return run.build(complete, value)
        key = complete, id(value), lasts_for(run.context), variables
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found[1], []
        answer, waiting = run.build(complete, value)
        if not waiting:  # else it is not finished
            answer = KeptAnswer(answer) if type(answer) is dict else answer
            self._keep(key, value, answer)
        return answer, waiting

    def _keep(self, key: Hashable, value: Any, answer: Any) -> None:
        size = answer.size if type(answer) is KeptAnswer else len(orjson.dumps(answer))
        self._kept[key] = value, answer, size
        self.bytes += size
        while len(self._kept) > self._most or self.bytes > self._bytes_most:
            _, (_, _, fewer) = self._kept.popitem(last=False)
            self.bytes -= fewer


LASTING: Final = Lasting()
