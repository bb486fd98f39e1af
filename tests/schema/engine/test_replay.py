"""What has been called is not called again, and what came of each call stays with it."""

import asyncio

import pytest
import strawberry

from tests.schema.engine.same import Pair
from tests.schema.engine.zoo import Diary

Info = strawberry.Info[Diary, None]


@strawberry.type
class Counter:
    """Gives another answer each time."""

    @strawberry.field
    def turn(self, info: Info) -> int | None:
        info.context.note("turn")
        if len(info.context.entries) == 1:
            raise ValueError("the first")
        return len(info.context.entries)

    @strawberry.field
    async def later(self, info: Info) -> int | None:
        await asyncio.sleep(0)
        info.context.note("turn")
        if len(info.context.entries) == 1:
            raise ValueError("the first")
        return len(info.context.entries)

    @strawberry.field
    def itself(self) -> "Counter":
        return self

    @strawberry.field
    def twice(self) -> "list[Counter | None]":
        return [self, None, self]

    @strawberry.field
    async def twice_later(self) -> "list[Counter]":
        await asyncio.sleep(0)
        return [self, self]

    @strawberry.field
    def fails(self) -> int | None:
        raise ValueError("always")


@strawberry.type
class Query:
    counter: Counter


@strawberry.type
class Mutation:
    @strawberry.mutation
    def begin(self) -> Counter:
        return Counter()

    @strawberry.mutation
    async def begin_later(self) -> Counter | None:
        await asyncio.sleep(0)
        return Counter()


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair(strawberry.Schema(Query, Mutation))


@pytest.mark.parametrize("field", ["turn", "later"])
@pytest.mark.parametrize(
    "around",
    [
        "mutation {{ begin {{ {0} fails }} }}",
        "mutation {{ begin {{ twice {{ {0} }} fails }} }}",
        "mutation {{ begin {{ twiceLater {{ {0} }} fails }} }}",
        "mutation {{ beginLater {{ a: itself {{ {0} }} b: itself {{ {0} }} fails }} }}",
        "mutation {{ begin {{ a: itself {{ ...F }} b: itself {{ ...F }} fails }} }} fragment F on Counter {{ {0} }}",
        "mutation {{ begin {{ {0} }} beginLater {{ twice {{ {0} }} fails }} c: begin {{ {0} }} }}",
    ],
)
async def test_one_object_met_several_times_keeps_each_of_its_answers(pair: Pair, around: str, field: str) -> None:
    answer, diary = await pair.same(around.format(field), {}, Diary)

    assert pair.seen.reasons == ["error"]
    assert answer.errors
    assert diary.entries.count("turn") == around.count("{0}") + around.count("twice") + around.count("...F }} b")
