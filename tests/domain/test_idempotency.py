"""One key, one order: replays get the first answer, other bodies are refused, a refused call may be tried again."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.database import fetch, in_transaction
from domain.idempotency import LONGEST_KEY, Key, Replay, begin, finish
from domain.refusal import IdempotencyKeyReused, InvalidInput, Refusal

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
KEY = Key("subscriber:1", "transfer", "k-1", {"to": "W1", "amount": "10.00"})


class Shop:
    """Makes things, one for each key; `made` counts them."""

    def __init__(self) -> None:
        self.made = 0

    @in_transaction
    async def order(self, key: Key, *, refuse: bool = False) -> str:
        if replay := await begin(key, NOW):
            return f"again {replay.subject}"
        await asyncio.sleep(0.01)  # long enough for others to come in between
        if refuse:
            raise Refusal
        self.made += 1
        await finish(key, f"thing {self.made}")
        return f"thing {self.made}"


async def rows() -> list[dict[str, Any]]:
    return await fetch("SELECT * FROM idempotency ORDER BY scope, key")


async def test_the_same_call_again_gives_the_first_answer(db: str) -> None:
    shop = Shop()

    answers = [await shop.order(KEY) for _ in range(3)]

    assert answers == ["thing 1", "again thing 1", "again thing 1"]
    assert shop.made == 1


async def test_twenty_same_calls_at_once_make_one_thing(db: str) -> None:
    shop = Shop()

    answers = await asyncio.gather(*(shop.order(KEY) for _ in range(20)))

    assert sorted(answers) == ["again thing 1"] * 19 + ["thing 1"]


@pytest.mark.parametrize(
    "other",
    [replace(KEY, body={"to": "W1", "amount": "10.01"}), replace(KEY, body={}), replace(KEY, operation="top up")],
)
async def test_the_key_of_another_call_is_refused_and_nothing_changes(db: str, other: Key) -> None:
    shop = Shop()
    await shop.order(KEY)
    before = await rows()

    with pytest.raises(IdempotencyKeyReused) as refused:
        await shop.order(other)

    assert refused.value.path == ("input", "idempotencyKey")
    assert (shop.made, await rows()) == (1, before)


async def test_callers_do_not_share_keys(db: str) -> None:
    shop = Shop()

    answers = [await shop.order(replace(KEY, scope=f"subscriber:{n}")) for n in (1, 2)]

    assert answers == ["thing 1", "thing 2"]


async def test_the_order_of_a_bodys_parts_does_not_matter(db: str) -> None:
    shop = Shop()
    await shop.order(KEY)

    assert await shop.order(replace(KEY, body=dict(reversed(KEY.body.items())))) == "again thing 1"


async def test_a_refused_call_leaves_its_key_free(db: str) -> None:
    shop = Shop()

    with pytest.raises(Refusal):
        await shop.order(KEY, refuse=True)

    assert await rows() == []
    assert await shop.order(replace(KEY, body={})) == "thing 1"


@pytest.mark.parametrize("key", ["", "  ", "k" * (LONGEST_KEY + 1)])
async def test_a_key_is_neither_empty_nor_too_long(db: str, key: str) -> None:
    shop = Shop()

    with pytest.raises(InvalidInput) as refused:
        await shop.order(replace(KEY, key=key))

    assert refused.value.path == ("input", "idempotencyKey")
    assert (shop.made, await rows()) == (0, [])


async def test_the_longest_key_is_good(db: str) -> None:
    shop = Shop()
    longest = replace(KEY, key="k" * LONGEST_KEY)

    assert [await shop.order(longest), await shop.order(longest)] == ["thing 1", "again thing 1"]
    assert await in_transaction(begin)(longest, NOW) == Replay("thing 1")
