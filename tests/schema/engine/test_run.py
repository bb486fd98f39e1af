"""How a compiled operation runs: side by side, to the end, in time, and never twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.types import Info

from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.observer import Observer
from schema.engine.stock import StockEngine
from tests.schema.engine.same import AT_ONCE, Pair
from tests.schema.engine.zoo import Diary, zoo

ENGINES = [StockEngine, CompiledEngine]


@strawberry.type
class Leg:
    name: str

    @strawberry.field
    async def step(self, info: Info, below: int = 0) -> "Leg":
        info.context.note(f"begin {self.name}{below}")
        for _ in range(3):
            await asyncio.sleep(0)
        info.context.note(f"end {self.name}{below}")
        return Leg(name=self.name)

    @strawberry.field
    async def for_ever(self, info: Info) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            info.context.note("cancelled")
            raise
        return "never"


@strawberry.type
class Query:
    @strawberry.field
    def leg(self, name: str = "a") -> Leg:
        return Leg(name=name)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def walk(self, info: Info, name: str) -> Leg:
        info.context.note(f"walk {name}")
        await asyncio.sleep(0)
        return Leg(name=name)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def legs(self, info: Info) -> AsyncIterator[Leg]:
        try:
            while True:
                yield Leg(name="s")
        finally:
            info.context.note("stream closed")


def legs(**options: Any) -> strawberry.Schema:
    return strawberry.Schema(Query, Mutation, Subscription, **options)


async def run(engine: StockEngine, query: str, diary: Diary) -> Any:
    return await engine.execute(query, {}, None, diary, allow_mutation=True)


@pytest.mark.parametrize("kind", ENGINES)
async def test_fields_beside_each_other_are_awaited_together(kind: type[StockEngine]) -> None:
    diary = Diary()

    await run(
        kind(legs(), limits=AT_ONCE), "{ leg { s1: step(below: 1) { name } s2: step(below: 2) { name } } }", diary
    )

    assert diary.entries == ["begin a1", "begin a2", "end a1", "end a2"]


@pytest.mark.parametrize("kind", ENGINES)
async def test_what_is_below_does_not_wait_for_what_is_beside(kind: type[StockEngine]) -> None:
    diary = Diary()
    query = (
        '{ x: leg { step { step(below: 1) { name } } } y: leg(name: "b") { step { name s: step(below: 2) { name } } } }'
    )

    await run(kind(legs(), limits=AT_ONCE), query, diary)

    assert diary.entries.index("begin b2") < diary.entries.index("end a1")


@pytest.mark.parametrize("kind", ENGINES)
async def test_mutations_wait_for_all_that_is_below_the_one_before(kind: type[StockEngine]) -> None:
    diary = Diary()

    await run(
        kind(legs(), limits=AT_ONCE),
        'mutation { walk(name: "a") { step { name } } b: walk(name: "b") { name } }',
        diary,
    )

    assert diary.entries == ["walk a", "begin a0", "end a0", "walk b"]


@pytest.mark.parametrize("kind", ENGINES)
async def test_an_operation_that_takes_too_long_is_stopped(kind: type[StockEngine]) -> None:
    diary = Diary()
    engine = kind(legs(), limits=Limits(compile_after=0, seconds=0.05))

    answer = await run(engine, "{ leg { name forEver } }", diary)

    assert answer.data is None
    assert answer.errors[0]["extensions"]["code"] == "INTERNAL"
    assert "longer than" in answer.errors[0]["message"]
    assert diary.entries == ["cancelled"]


@pytest.mark.parametrize("kind", ENGINES)
async def test_a_caller_who_leaves_cancels_what_runs(kind: type[StockEngine]) -> None:
    diary = Diary()
    query = "{ leg { a: forEver b: forEver } c: leg { forEver } }"
    task = asyncio.create_task(run(kind(legs(), limits=AT_ONCE), query, diary))
    await asyncio.sleep(0.02)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert diary.entries == ["cancelled"] * 3


@pytest.mark.parametrize("kind", ENGINES)
async def test_a_stream_that_is_left_closes_its_source(kind: type[StockEngine]) -> None:
    diary = Diary()
    engine = kind(legs(), limits=AT_ONCE)
    stream: Any = await engine.subscribe("subscription { legs { name } }", {}, None, diary, allow_mutation=True)

    first = await anext(stream)
    await stream.aclose()

    assert first.data == {"legs": {"name": "s"}}
    assert diary.entries == ["stream closed"]


@pytest.mark.parametrize("kind", ENGINES)
async def test_the_context_is_readied_before_the_first_resolver(kind: type[StockEngine]) -> None:
    diary = Diary()

    async def prepare(context: Diary, roots: tuple[str, ...]) -> None:
        await asyncio.sleep(0)
        context.note(f"ready for {roots}")

    engine = kind(legs(), limits=AT_ONCE, prepare=prepare)
    await run(
        engine,
        'mutation { a: walk(name: "a") { name } ...M } fragment M on Mutation { walk(name: "b") { name } }',
        diary,
    )

    assert diary.entries == ["ready for ('walk', 'walk')", "walk a", "walk b"]


@pytest.mark.parametrize("kind", ENGINES)
async def test_nothing_runs_when_the_context_cannot_be_readied(kind: type[StockEngine]) -> None:
    diary = Diary()

    async def prepare(context: Diary, roots: tuple[str, ...]) -> None:
        raise ValueError("no")

    answer = await run(kind(legs(), limits=AT_ONCE, prepare=prepare), 'mutation { walk(name: "a") { name } }', diary)

    assert answer.data is None
    assert answer.errors[0]["extensions"]["code"] == "INTERNAL"
    assert diary.entries == []


@pytest.mark.parametrize(("kind", "ran"), [(StockEngine, "stock"), (CompiledEngine, "compiled")])
async def test_an_observer_is_told_of_every_operation(kind: type[StockEngine], ran: str) -> None:
    told: list[Any] = []

    class Watching(Observer):
        @contextlib.contextmanager
        def around(self, kind: str, name: str | None, context: Any) -> Iterator[None]:
            told.append(("in", kind, name))
            yield
            told.append("out")

        def ended(self, kind: str, engine: str, answer: Any) -> None:
            told.append((kind, engine, answer.executed, bool(answer.errors)))

    engine = kind(legs(), limits=AT_ONCE, observer=Watching())
    await engine.execute("query Q { leg { name } }", {}, "Q", Diary(), allow_mutation=True)
    await engine.execute("{ nothing }", {}, None, Diary(), allow_mutation=True)

    assert told == [("in", "query", "Q"), "out", ("query", ran, True, False), ("unknown", engine.name, False, True)]


async def test_schema_extensions_run_and_are_counted() -> None:
    seen: list[str] = []

    class Extension(SchemaExtension):
        def on_operation(self) -> Iterator[None]:
            seen.append("before")
            yield
            seen.append("after")

        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

        def get_results(self) -> dict[str, Any]:
            return {"mine": 1}

    pair = Pair(zoo(extensions=[Extension]))

    answer, _ = await pair.same("{ dog { name } }", {}, Diary)

    assert answer.extensions["mine"] == 1
    assert pair.seen.reasons == ["schema extensions"]
    assert seen[:4] == ["before", "dog", "name", "after"]
    streamed, _ = await pair.same_stream("subscription { walks(n: 2) { name } }", {}, Diary)
    assert len(streamed) == 2
