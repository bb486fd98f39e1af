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


def promise(thing: T, lasts_for: Callable[[Any], Hashable]) -> T:
    """Makes this object one that lasts; `lasts_for(context)` gives the fact of the request that counts."""
    vars(thing)["lasts_for"] = lasts_for
    return thing


class KeptAnswer(dict[str, Any]):
    """A finished answer that is given again and again: as JSON it is written once."""

    __slots__ = ("_json",)

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer)
        self._json: orjson.Fragment | None = None

    def as_json(self) -> orjson.Fragment:
        """The same, written."""
        if self._json is None:
            self._json = orjson.Fragment(orjson.dumps(self))
        return self._json


def written(data: dict[str, Any] | None) -> dict[str, Any] | None:
    """An operation's data with what is kept of it as it was written before."""
    if data is None or not any(type(value) is KeptAnswer for value in data.values()):
        return data
    return {key: value.as_json() if type(value) is KeptAnswer else value for key, value in data.items()}


class Lasting:
    """Finished answers, least recently used out first."""

    def __init__(self, most: int = ANSWERS_MOST) -> None:
        self._most = most
        # Each with the object that it is about, so that its id is nobody else's meanwhile.
        self._kept: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()

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
            self._kept[key] = value, answer
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return answer, waiting


LASTING: Final = Lasting()
