"""Runs an operation on both engines and compares all that can be seen: bytes, errors, side effects."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import strawberry

from schema.engine.answer import Answer
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.observer import Observer
from schema.engine.stock import StockEngine

AT_ONCE = Limits(compile_after=0, compile_share=1000.0)


class Reasons(Observer):
    """Why the stock engine had to run."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def fell_back(self, reason: str) -> None:
        self.reasons.append(reason)


class Pair:
    """The two engines over one schema; everything is compiled when it is first asked for."""

    def __init__(self, schema: strawberry.Schema, **options: Any) -> None:
        self.seen = Reasons()
        self.stock = StockEngine(schema, limits=AT_ONCE, **options)
        self.compiled = CompiledEngine(schema, limits=AT_ONCE, observer=self.seen, **options)

    async def same(
        self,
        query: str,
        variables: dict[str, Any],
        context: Callable[[], Any],
        name: str | None = None,
        *,
        racing: bool = False,
    ) -> tuple[Answer, Any]:
        """The answer, which both engines give with the same side effects, twice; and the compiled one's context.

        `racing`: where several fields failed side by side, any of them may have been the first, and have kept others
        from being told; then the data are compared.
        """
        for _ in range(2):
            one, two = context(), context()
            stock = await self.stock.execute(query, variables, name, one, allow_mutation=True)
            self.seen.reasons.clear()
            compiled = await self.compiled.execute(query, variables, name, two, allow_mutation=True)
            if racing and len(stock.errors) + len(compiled.errors) > 2:
                assert orjson.dumps(compiled.data) == orjson.dumps(stock.data), f"{query}\n{variables}"
                assert compiled.errors
            else:
                assert plain(compiled) == plain(stock), f"{query}\n{variables}"
            assert await effects(two) == await effects(one), f"{query}\n{variables}"
        return compiled, two

    async def same_data(self, query: str, variables: dict[str, Any], context: Callable[[], Any]) -> None:
        """For documents in which several things fail at once, each of which may be the first: the same data, and
        errors or none."""
        one, two = context(), context()
        stock = await self.stock.execute(query, variables, None, one, allow_mutation=True)
        compiled = await self.compiled.execute(query, variables, None, two, allow_mutation=True)
        assert orjson.dumps(compiled.data) == orjson.dumps(stock.data), f"{query}\n{variables}"
        assert bool(compiled.errors) == bool(stock.errors), f"{query}\n{variables}"
        assert await effects(two) == await effects(one), f"{query}\n{variables}"

    async def same_stream(
        self, query: str, variables: dict[str, Any], context: Callable[[], Any]
    ) -> tuple[list[bytes], Any]:
        """The same for a subscription: all that it gives."""
        one, two = context(), context()
        stock = await _all(await self.stock.subscribe(query, variables, None, one, allow_mutation=True))
        compiled = await _all(await self.compiled.subscribe(query, variables, None, two, allow_mutation=True))
        assert compiled == stock, f"{query}\n{variables}"
        assert await effects(two) == await effects(one)
        return compiled, two


async def _all(outcome: Any) -> list[bytes]:
    if isinstance(outcome, Answer):
        return [plain(outcome)]
    return [plain(answer) async for answer in outcome]


async def effects(context: Any) -> tuple[list[str], Counter[str]]:
    """The side effects: those of root fields in their order, and how often each one happened."""
    for _ in range(5):  # what a failed sibling left running
        await asyncio.sleep(0)
    entries = getattr(context, "entries", [])
    return [entry for entry in entries if not entry.startswith(("note", "later"))], Counter(entries)


def plain(answer: Answer) -> bytes:
    """The answer's bytes, without the ids that logged errors are given."""
    return re.sub(rb'"id":"[0-9a-f]{12}"', b'"id":"x"', orjson.dumps(answer.as_dict()))
