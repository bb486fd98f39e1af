"""Sealing as the worker and the command do it, and the operator's books for staff."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.database import fetch
from domain.money import Money
from domain.refusal import Forbidden, Unauthenticated
from resolvers.context import Context, StaffActor, SystemActor
from resolvers.ledger import operator_books, seal_due, seal_now
from tests.support.world import World

ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
async def world(db: str) -> World:
    world = World()
    await world.person(balance=100)
    return world


@pytest.fixture
async def another(world: World, db: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(db)
    yield connection
    await connection.close()


def system(world: World) -> Context:
    return world.context(SystemActor())


async def reaches() -> list[int]:
    return [row["upto"] for row in await fetch("SELECT upto FROM ledger_seal ORDER BY id")]


async def test_the_worker_seals_at_once_and_then_every_few_minutes(world: World) -> None:
    ctx, seen = system(world), []
    for minutes in (0, 4, 1):
        world.clock.move(timedelta(minutes=minutes))
        await world.person(balance=5)
        assert await seal_due(ctx) == 0
        seen.append(await reaches())

    assert seen == [[2], [2], [2, 4]]


async def test_the_worker_makes_no_seal_of_nothing(world: World) -> None:
    ctx = system(world)
    await seal_due(ctx)
    world.clock.move(timedelta(hours=1))

    await seal_due(ctx)
    await seal_due(ctx)

    assert await reaches() == [1]


async def test_the_worker_seals_a_backlog_without_waiting_for_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.ledger_seal.MOST_TRANSFERS", 2)
    for _ in range(4):
        await world.person(balance=5)
    ctx = system(world)

    rounds = [await seal_due(ctx, batch=100) for _ in range(3)]

    assert rounds == [100, 100, 0]
    assert await reaches() == [2, 4, 5]


@ON_POSTGRES
async def test_the_worker_keeps_looking_at_the_same_transactions(world: World, another: Any) -> None:
    """Transactions that overlap without end could otherwise put the seal off for ever."""
    ctx = system(world)
    first = another.transaction()
    await first.start()
    await another.execute("SELECT 1")
    put_off = await seal_due(ctx), await reaches()
    await first.rollback()
    second = another.transaction()
    await second.start()
    await another.execute("SELECT 1")

    await seal_due(ctx)
    await second.rollback()

    assert put_off == (0, [])
    assert await reaches() == [1]


@ON_POSTGRES
async def test_the_command_says_when_it_could_not_seal(world: World, another: Any) -> None:
    long = another.transaction()
    await long.start()
    await another.execute("SELECT 1")
    in_vain = await seal_now(system(world), patience_seconds=0.2)
    await long.rollback()

    made, whole = await seal_now(system(world))

    assert in_vain == ([], False)
    assert (len(made), whole) == (1, True)


async def test_only_the_system_seals_and_only_staff_see_the_books(world: World) -> None:
    admin, nobody = world.context(StaffActor(1, "admin", "admin")), world.context()

    for work in (seal_due, seal_now):
        with pytest.raises(Forbidden):
            await work(admin)
    for ctx, refusal in ((nobody, Unauthenticated), (system(world), Forbidden)):
        with pytest.raises(refusal):
            await operator_books(ctx)
    assert await reaches() == []


async def test_staff_see_what_is_on_the_operator_s_accounts_and_the_newest_seal(world: World) -> None:
    await seal_now(system(world))
    await world.person(balance=5)

    books = await operator_books(world.context(StaffActor(1, "viewer", "viewer")))

    assert {one.code: one.balance for one in books.accounts}["funding"] == Money.som(-105)
    assert (books.seal.id, books.seal.upto) == (1, 1)
