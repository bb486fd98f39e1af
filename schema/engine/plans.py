"""Compiled operations, kept for the next time; bounded in number and in the time that making them may take.

A document is compiled when it is asked for again (`compile_after`): whoever sends only documents that nobody sends
twice pays for parsing and validation, never for compiling. Compiling may take `compile_share` of the time that passes,
with a second in hand; what comes beyond it runs on the stock engine.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import strawberry
from graphql import GraphQLError

from schema.engine.compile import Compiled
from schema.engine.documents import Document, Operation
from schema.engine.info import NeedsStock
from schema.engine.limits import Limits
from schema.engine.observer import Observer
from schema.engine.source import Source

IN_HAND_SECONDS = 1.0
TROUBLE_MOST = 3
TOKENS_A_FIELD: Final = 4  # what a field of a plan takes in memory, in tokens of a document


@dataclass(slots=True, eq=False)
class _Asked:
    """An operation that has been asked for, and how often. It hangs on the operation and goes when that goes."""

    source: Source
    weight: int
    times: int = 0
    why_not: str | None = None


class Budget:
    """Seconds of work that may be spent: a share of the time that passes, at most `IN_HAND_SECONDS` saved up."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._left = IN_HAND_SECONDS
        self._since = time.monotonic()

    def has_some(self) -> bool:
        now = time.monotonic()
        self._left = min(IN_HAND_SECONDS, self._left + (now - self._since) * self._share)
        self._since = now
        return self._left > 0

    def spend(self, seconds: float) -> None:
        self._left -= seconds


class Plans:
    """The compiled operations of one schema, least recently used out first, up to `limits.compiled_fields` fields."""

    def __init__(self, schema: strawberry.Schema, limits: Limits, observer: Observer) -> None:
        self._schema = schema
        self._limits = limits
        self._observer = observer
        self._budget = Budget(limits.compile_share)
        self._kept: OrderedDict[tuple[int, tuple[Any, ...]], tuple[Compiled, int]] = OrderedDict()

    @property
    def count(self) -> int:
        """How many are kept."""
        return len(self._kept)

    @property
    def fields(self) -> int:
        """What the plans that are kept weigh, in fields. They grow as objects of more types come by."""
        return sum(compiled.fields + weight for compiled, weight in self._kept.values())

    def source(self, document: Document, operation: Operation) -> Source:
        """What there is to compile. Raises NeedsStock if that cannot or shall not be done (yet)."""
        asked = operation.asked
        if asked is None:
            source = Source(self._schema, document.node, operation.node)
            asked = operation.asked = _Asked(source, 1 + document.weight // TOKENS_A_FIELD)
            asked.why_not = asked.source.why_not
        asked.times += 1
        if asked.why_not is not None:
            raise NeedsStock(asked.why_not)
        if asked.times <= self._limits.compile_after:
            raise NeedsStock("new document")
        wanted: Source = asked.source
        return wanted

    def compiled(self, operation: Operation, source: Source, variables: dict[str, Any]) -> Compiled:
        """The operation compiled for what these variables include and skip. Raises NeedsStock."""
        key = id(source), tuple(map(variables.get, source.flags)) if source.flags else ()
        kept = self._kept.get(key)
        if kept is None:
            return self._compile(key, operation, source, variables)
        if kept[0].trouble > TROUBLE_MOST:
            raise NeedsStock("trouble")
        self._kept.move_to_end(key)
        return kept[0]

    def _compile(
        self, key: tuple[int, tuple[Any, ...]], operation: Operation, source: Source, variables: dict[str, Any]
    ) -> Compiled:
        if not self._budget.has_some():
            raise NeedsStock("budget")
        began = time.perf_counter()
        flags = {flag: variables[flag] for flag in source.flags if flag in variables}
        try:
            compiled = Compiled(source, source.with_sources(flags), self._budget.spend)
        except NeedsStock as needs:
            operation.asked.why_not = needs.reason
            raise
        except GraphQLError:  # what these variables decide is not to be decided by null: the stock engine words it
            raise NeedsStock("error") from None
        finally:
            took = time.perf_counter() - began
            self._budget.spend(took)
        self._observer.compiled(took, compiled.fields)
        self._kept[key] = compiled, operation.asked.weight
        self._make_room()
        return compiled

    def _make_room(self) -> None:
        fields = self.fields
        while fields > self._limits.compiled_fields and len(self._kept) > 1:
            _, (oldest, weight) = self._kept.popitem(last=False)
            fields -= oldest.fields + weight
