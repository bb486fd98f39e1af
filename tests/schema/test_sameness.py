"""The whole schema on both engines: documents made at random, as several callers, against both databases.

Queries are asked of one database, one engine after the other. Mutations run in a transaction that is rolled back, so
that both engines find the same.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.database import dialect, fetch, in_transaction
from resolvers import wallet
from resolvers.context import Context, StaffActor
from schema import root
from schema.context import settle_before
from schema.engine.answer import Answer
from server.demo_page import operations_for
from tests.schema.engine.same import Pair, plain
from tests.support.documents import Maker
from tests.support.world import Person, World

MADE = int(os.environ.get("KABINET_FUZZ", "300"))
# Their values are new each time.
ALWAYS_NEW = frozenset({"accessToken", "refreshToken", "id", "number", "receipt", "walletNumber", "orderNumber"})


class RolledBack(Exception):
    """Ends a transaction whose answer has been looked at."""


async def a_town(world: World) -> tuple[Person, Person]:
    """Two holders with some history."""
    alice, bob = await world.holder(1_000), await world.holder(20)
    ctx = await world.signed_in(alice)
    for n in range(3):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(n + 1), key=f"k{n}")
    return alice, bob


def samples_for(*people: Person) -> Callable[[str, Random], Any]:
    """Values that lead somewhere, for arguments of these names."""
    fitting: dict[str, tuple[Any, ...]] = {
        "phone": tuple(person.phone for person in people),
        "to": (*(person.phone for person in people), people[0].wallet_number, "+81312345678", "12"),
        "code": ("cinema", "welcome", "wallet", "operator"),
        "tariff": ("welcome", "x"),
        "first": (1, 2, 20, 0, 101),
        "last": (1, 3),
        "months": (1, 3, 0),
        "amount": ("1.00", "0", "5000000", "1.234"),
        "pin": ("2580", "1111", "x"),
        "idempotencyKey": ("k0", "new"),
        "accountNumber": (people[0].account_number,),
    }

    def sample(place: str, random: Random) -> Any:
        return random.choice(fitting[place]) if place in fitting and random.random() < 0.7 else None

    return sample


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair(root.build(), present_error=root.present_error, prepare=settle_before)


async def test_queries_give_the_same(db: str, pair: Pair) -> None:
    world = World()
    alice, bob = await a_town(world)
    signed_in = await world.signed_in(alice)
    callers: list[Context] = [
        signed_in,
        signed_in,
        signed_in,
        world.context(),
        world.context(StaffActor(1, "s", "admin")),
    ]

    for seed in range(MADE):
        random = Random(seed)
        query, variables = Maker(pair.stock.documents.schema, random, samples_for(alice, bob)).document()
        ctx = random.choice(callers)

        await pair.same(query, variables, lambda ctx=ctx: replace(ctx), racing=True)  # type: ignore[misc]  # bound now


async def test_mutations_do_the_same(db: str, pair: Pair) -> None:
    world = World()
    alice, bob = await a_town(world)
    ctx = await world.signed_in(alice)
    if dialect() != "sqlite":
        pytest.skip("a refused statement ends PostgreSQL's transaction, and with it the way to roll back")

    for seed in range(MADE):
        maker = Maker(pair.stock.documents.schema, Random(seed), samples_for(alice, bob), leave_out=ALWAYS_NEW)
        query, variables = maker.document("mutation")

        stock = await _rolled_back(pair.stock.execute, query, variables, ctx)
        compiled = await _rolled_back(pair.compiled.execute, query, variables, ctx)

        assert compiled == stock, f"{query}\n{variables}"


async def test_the_operations_that_we_hand_out_do_the_same(db: str, pair: Pair) -> None:
    world = World()
    alice, bob = await a_town(world)
    ctx = await world.signed_in(alice)
    if dialect() != "sqlite":
        pytest.skip("a refused statement ends PostgreSQL's transaction, and with it the way to roll back")

    for query, variables in handed_out(bob.phone):
        stock = await _rolled_back(pair.stock.execute, query, variables, ctx)
        compiled = await _rolled_back(pair.compiled.execute, query, variables, ctx)

        assert [_without_ids(compiled[0]), compiled[1]] == [_without_ids(stock[0]), stock[1]], query


def handed_out(phone: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The demo page's operations and the benchmarks'."""
    for paste in operations_for(phone, tells_wallet=True):
        yield paste.text, {}
    for file in sorted(Path("benchmarks/operations").glob("*.graphql")):
        variables = file.with_suffix(".json").read_text().replace("{{recipient}}", phone).replace("{{key}}", "key")
        yield file.read_text(), json.loads(variables)


def _without_ids(answer: bytes) -> bytes:
    return re.sub(rb'"id":"[^"]*"', b'"id":"x"', answer)


async def _rolled_back(
    execute: Callable[..., Awaitable[Answer]], query: str, variables: dict[str, Any], ctx: Context
) -> tuple[bytes, list[Any]]:
    """(the answer, what the ledger held then)."""
    told: list[Any] = []

    @in_transaction
    async def once() -> None:
        answer = await execute(query, variables, None, replace(ctx), allow_mutation=True)
        told.extend([plain(answer), await fetch("SELECT account_id, amount FROM ledger_entry ORDER BY id")])
        raise RolledBack

    with suppress(RolledBack):
        await once()
    return told[0], told[1]
