"""Whole units of work on SQLite: each wholly or not at all, however many share a transaction."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from domain.database import execute, fetch, in_one_hop, in_transaction
from server.database import connect, disconnect
from server.database.sqlite_immediate import MOST_AT_ONCE


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[str]:
    """A database with a table of unique numbers."""
    path = str(tmp_path / "one.db")
    await connect(f"sqlite:///{path}")
    await execute("CREATE TABLE number (n INTEGER PRIMARY KEY)")
    yield path
    await disconnect()


def write(*numbers: int) -> Callable[[sqlite3.Connection], int]:
    def work(db: sqlite3.Connection) -> int:
        for number in numbers:
            db.execute("INSERT INTO number VALUES (?)", (number,))
        return sum(numbers)

    return work


async def numbers() -> list[int]:
    return [row["n"] for row in await fetch("SELECT n FROM number ORDER BY n")]


async def test_a_work_is_committed_before_it_is_answered(file: str) -> None:
    answer = await in_one_hop(write(1, 2))

    seen = sqlite3.connect(file).execute("SELECT count(*) FROM number").fetchone()
    assert (answer, seen) == (3, (2,))


async def test_many_at_once_are_all_done_in_few_transactions(file: str) -> None:
    other = sqlite3.connect(file)

    answers = await asyncio.gather(*(in_one_hop(write(n)) for n in range(MOST_AT_ONCE * 3)))

    assert answers == list(range(MOST_AT_ONCE * 3)) == await numbers()
    assert other.execute("SELECT count(*) FROM number").fetchone() == (MOST_AT_ONCE * 3,)


async def test_one_that_fails_takes_nothing_of_the_others_with_it(file: str) -> None:
    works = [in_one_hop(write(10)), in_one_hop(write(11, 10)), in_one_hop(write(12)), in_one_hop(write(13, 13))]

    ends = await asyncio.gather(*works, return_exceptions=True)

    assert [type(end) for end in ends] == [int, IntegrityError, int, IntegrityError]
    assert await numbers() == [10, 12]


async def test_a_failure_of_ones_own_comes_out_as_it_is(file: str) -> None:
    def work(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO number VALUES (1)")
        raise LookupError

    with pytest.raises(LookupError):
        await in_one_hop(work)
    with pytest.raises(OperationalError):
        await in_one_hop(lambda db: db.execute("SELECT nonsense"))

    assert await numbers() == []


async def test_when_the_commit_fails_none_of_them_has_happened(file: str) -> None:
    await execute("CREATE TABLE child (n INTEGER REFERENCES number (n) DEFERRABLE INITIALLY DEFERRED)")

    first, *together = await asyncio.gather(
        in_one_hop(write(1)),  # while the thread is at it, the other two come to share a transaction
        in_one_hop(lambda db: db.execute("INSERT INTO child VALUES (7)")),
        in_one_hop(write(2)),
        return_exceptions=True,
    )

    assert (first, [type(end) for end in together]) == (1, [IntegrityError, IntegrityError])
    assert await numbers() == [1]
    assert await in_one_hop(write(3)) == 3


@pytest.mark.parametrize("cancelled", [0, 1, 5])
async def test_whoever_is_cancelled_the_others_are_answered(file: str, cancelled: int) -> None:
    tasks = [asyncio.create_task(in_one_hop(write(n))) for n in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    tasks[cancelled].cancel()
    ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)

    left = [n for n in range(10) if n != cancelled]
    assert [end for end in ends if not isinstance(end, BaseException)] == left
    assert set(left) <= set(await numbers())


async def test_within_a_transaction_it_is_a_part_of_it(file: str) -> None:
    @in_transaction
    async def two(*, fail: bool) -> None:
        await in_one_hop(write(1))
        with pytest.raises(IntegrityError):
            await in_one_hop(write(2, 1))
        if fail:
            raise LookupError

    with pytest.raises(LookupError):
        await two(fail=True)
    assert await numbers() == []
    await two(fail=False)

    assert await numbers() == [1]
