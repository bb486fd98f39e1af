"""Answers that are kept: only of objects that promise to last, only finished ones, only so many."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry

from schema.engine.compiled import CompiledEngine
from schema.engine.lasting import ANSWERS_MOST, Lasting, promise
from schema.engine.limits import Limits


@strawberry.type
class Thing:
    number: int

    @strawberry.field
    def asked(self, info: strawberry.Info) -> str:
        asked.append(self.number)
        return str(info.context.tag)

    @strawberry.field
    async def later(self) -> int:
        await asyncio.sleep(0)
        asked.append(self.number)
        return self.number

    @strawberry.field
    def fails(self) -> int:
        asked.append(self.number)
        raise ValueError("no")


def tag_of(context: Any) -> str:
    return str(context.tag)


asked: list[int] = []
THINGS = [promise(Thing(number=number), tag_of) for number in range(3)] + [Thing(number=3)]


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, number: int = 0) -> Thing:
        return THINGS[number]


@pytest.fixture
def engine() -> CompiledEngine:
    asked.clear()
    return CompiledEngine(strawberry.Schema(Query), limits=Limits())


async def ask(engine: CompiledEngine, query: str, tag: str = "a", **variables: Any) -> Any:
    answer = await engine.execute(query, variables, None, SimpleNamespace(tag=tag), allow_mutation=False)
    return answer.data, len(answer.errors)


async def test_a_lasting_object_is_asked_once_for_each_fact(engine: CompiledEngine) -> None:
    await ask(engine, "{ thing { asked } }", "warm")
    asked.clear()

    answers = [await ask(engine, "{ thing { asked } }", tag) for tag in ("a", "b", "a", "b")]

    assert answers == [({"thing": {"asked": tag}}, 0) for tag in ("a", "b", "a", "b")]
    assert len(asked) <= 2


async def test_variables_and_objects_are_told_apart(engine: CompiledEngine) -> None:
    query = "query($n: Int!, $more: Boolean!) { thing(number: $n) { number asked @include(if: $more) } }"

    for _ in range(3):
        answers = [(await ask(engine, query, n=n, more=more))[0]["thing"] for n in (0, 1, 3) for more in (True, False)]

        assert answers == [
            {"number": n, "asked": "a"} if more else {"number": n} for n in (0, 1, 3) for more in (True, False)
        ]


@pytest.mark.parametrize(("query", "errors"), [("{ thing { later } }", 0), ("{ thing { number fails } }", 1)])
async def test_what_waits_or_fails_is_not_kept(engine: CompiledEngine, query: str, errors: int) -> None:
    first = await ask(engine, query)
    before = len(asked)

    again = [await ask(engine, query) for _ in range(3)]

    assert again == [first] * 3
    assert first[1] == errors
    assert len(asked) >= before + 3


async def test_an_object_that_promises_nothing_is_asked_every_time(engine: CompiledEngine) -> None:
    for _ in range(4):
        await ask(engine, "{ thing(number: 3) { asked } }")

    assert asked == [3, 3, 3, 3]


def test_only_so_many_answers_are_kept() -> None:
    lasting, made = Lasting(), []
    things = [promise(Thing(number=number), tag_of) for number in range(ANSWERS_MOST + 1)]
    run: Any = SimpleNamespace(
        context=SimpleNamespace(tag="a"),
        values_key=lambda: (),
        build=lambda complete, value: (complete(value, run), []),
    )

    def complete(value: Any, _run: Any) -> Any:
        made.append(value.number)
        return {}

    for thing in (*things, things[-1], things[0]):
        lasting.build(thing, run, complete)

    assert made == [*range(ANSWERS_MOST + 1), 0]


def test_kept_answers_are_bounded_by_their_bytes_too() -> None:
    lasting = Lasting(bytes_most=1_000)
    run: Any = SimpleNamespace(
        context=SimpleNamespace(tag="a"),
        values_key=lambda: (),
        build=lambda complete, value: (complete(value, run), []),
    )

    for number in range(10):
        thing = promise(Thing(number=number), tag_of)
        lasting.build(thing, run, lambda value, _run: {"text": "x" * 290, "number": value.number})
        lasting.build(thing, run, lambda value, _run: ["x" * 290, value.number])

    assert 600 < lasting.bytes <= 1_000
