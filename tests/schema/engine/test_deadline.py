"""Time limits that share a timer: each stops its own task, at its own time, and nobody else's."""

import asyncio

import pytest

from schema.engine.deadline import Deadlines


async def test_a_task_that_takes_too_long_is_stopped() -> None:
    deadlines = Deadlines(0.01)

    with pytest.raises(TimeoutError), deadlines.limit() as deadline:
        await asyncio.sleep(10)

    assert deadline.expired


async def test_one_that_is_done_in_time_hears_nothing() -> None:
    deadlines = Deadlines(0.01)

    with deadlines.limit() as deadline:
        await asyncio.sleep(0)
    await asyncio.sleep(0.03)

    assert not deadline.expired


async def test_those_that_began_later_end_later() -> None:
    deadlines = Deadlines(0.05)
    ended: list[str] = []

    async def sleeper(name: str, begins_after: float) -> None:
        await asyncio.sleep(begins_after)
        try:
            with deadlines.limit():
                await asyncio.sleep(10)
        except TimeoutError:
            ended.append(name)

    await asyncio.gather(sleeper("second", 0.02), sleeper("first", 0))

    assert ended == ["first", "second"]


async def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    deadlines = Deadlines(10)
    outcome: list[str] = []

    async def sleeper() -> None:
        try:
            with deadlines.limit():
                await asyncio.sleep(10)
        except asyncio.CancelledError:
            outcome.append("cancelled")
            raise

    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert outcome == ["cancelled"]


async def test_an_exception_inside_stays_itself() -> None:
    deadlines = Deadlines(0.01)

    with pytest.raises(KeyError), deadlines.limit():
        raise KeyError


def test_each_loop_has_its_own_timer() -> None:
    deadlines = Deadlines(0.01)

    async def late() -> bool:
        try:
            with deadlines.limit():
                await asyncio.sleep(10)
        except TimeoutError:
            return True
        return False

    assert [asyncio.run(late()), asyncio.run(late())] == [True, True]
