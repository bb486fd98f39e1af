"""Connections for single statements: one at a time, never more than allowed, never one in an unknown state."""

import asyncio
from typing import Any

import asyncpg
import pytest

from server.database.lanes import STATEMENTS_MOST, Lanes


class Wire:
    """A connection that answers when it is told to."""

    def __init__(self) -> None:
        self.closed = False
        self.inside = 0
        self.go = asyncio.Event()
        self.prepared: list[str] = []
        self.outdated = False

    async def prepare(self, sql: str) -> "Statement":
        self.prepared.append(sql)
        self.outdated = False
        return Statement(self, sql)

    async def answer(self, sql: str) -> list[Any]:
        self.inside += 1
        assert self.inside == 1, "two statements on one connection"
        try:
            if sql == "refused":
                raise asyncpg.UniqueViolationError("no")
            if sql == "lost":
                self.closed = True
                raise asyncpg.ConnectionDoesNotExistError("gone")
            if self.outdated:
                raise asyncpg.InvalidCachedStatementError("the schema has changed")
            if sql == "slow":
                await self.go.wait()
            await asyncio.sleep(0)
            return [sql]
        finally:
            self.inside -= 1

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109  # asyncpg has it so
        self.closed = True


class Statement:
    """One that was prepared on a wire."""

    def __init__(self, wire: Wire, sql: str) -> None:
        self.wire, self.sql = wire, sql

    async def fetch(self, *values: Any) -> list[Any]:
        return await self.wire.answer(self.sql)


class Station:
    """Opens wires, and remembers them."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.broken = False

    async def connect(self) -> Wire:
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("nobody listens")
        self.wires.append(Wire())
        return self.wires[-1]


async def test_many_at_once_share_few_connections() -> None:
    station = Station()
    lanes = Lanes(station.connect, 3)

    answers = await asyncio.gather(*(lanes.fetch(f"s{n}", []) for n in range(50)))

    assert answers == [[f"s{n}"] for n in range(50)]
    assert len(station.wires) == 3


async def test_one_after_the_other_need_one_connection() -> None:
    station = Station()
    lanes = Lanes(station.connect, 3)

    for _ in range(5):
        await lanes.fetch("s", [])

    assert len(station.wires) == 1


async def test_a_refused_statement_leaves_its_connection_usable() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)

    with pytest.raises(asyncpg.UniqueViolationError):
        await lanes.fetch("refused", [])

    assert await lanes.fetch("s", []) == ["s"]
    assert len(station.wires) == 1


async def test_a_lost_connection_is_replaced() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)

    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await lanes.fetch("lost", [])

    assert await lanes.fetch("s", []) == ["s"]
    assert len(station.wires) == 2


async def test_a_cancelled_caller_takes_the_connection_along_and_the_next_in_line_goes_on() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)
    slow = asyncio.create_task(lanes.fetch("slow", []))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(lanes.fetch("next", []))
    await asyncio.sleep(0.01)

    slow.cancel()

    assert await asyncio.wait_for(waiting, 5) == ["next"]
    assert station.wires[0].closed
    assert len(station.wires) == 2


async def test_who_is_cancelled_when_their_turn_comes_passes_it_on() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)
    slow = asyncio.create_task(lanes.fetch("slow", []))
    await asyncio.sleep(0.01)
    first, second = (asyncio.create_task(lanes.fetch(name, [])) for name in ("first", "second"))
    await asyncio.sleep(0.01)

    station.wires[0].go.set()
    await slow
    first.cancel()

    assert await asyncio.wait_for(second, 5) == ["second"]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_database_that_is_away_is_an_error_for_each_and_holds_nobody() -> None:
    station = Station()
    station.broken = True
    lanes = Lanes(station.connect, 2)

    failed = await asyncio.wait_for(
        asyncio.gather(*(lanes.fetch("s", []) for _ in range(10)), return_exceptions=True), 5
    )
    station.broken = False

    assert [type(each) for each in failed] == [OSError] * 10
    assert await lanes.fetch("s", []) == ["s"]


async def test_closing_ends_what_is_free_now_and_the_rest_when_it_is_done() -> None:
    station = Station()
    lanes = Lanes(station.connect, 2)
    slow = asyncio.create_task(lanes.fetch("slow", []))
    await lanes.fetch("s", [])

    await lanes.close()
    station.wires[0].go.set()
    station.wires[-1].go.set()
    await slow

    assert all(wire.closed for wire in station.wires)


async def test_a_statement_is_prepared_once_on_each_connection() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)

    for sql in ("a", "b", "a", "b"):
        await lanes.fetch(sql, [])

    assert station.wires[0].prepared == ["a", "b"]


async def test_only_so_many_statements_are_kept() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)

    for number in range(STATEMENTS_MOST + 1):
        await lanes.fetch(f"s{number}", [])
    await lanes.fetch("s0", [])

    assert station.wires[0].prepared.count("s0") == 2


async def test_after_a_migration_a_statement_is_prepared_anew() -> None:
    station = Station()
    lanes = Lanes(station.connect, 1)
    await lanes.fetch("s", [])

    station.wires[0].outdated = True

    assert await lanes.fetch("s", []) == ["s"]
    assert station.wires[0].prepared == ["s", "s"]
    assert len(station.wires) == 1
