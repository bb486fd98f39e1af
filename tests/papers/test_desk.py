"""No caller spends the server: few at work, few in the queue."""

import asyncio

import pytest

from papers.desk import Busy, Desk, Rate


async def test_so_many_work_so_many_wait_and_the_next_is_sent_away() -> None:
    desk, done, running, most = Desk(at_once=2, waiting=3), asyncio.Event(), 0, 0

    async def work() -> None:
        nonlocal running, most
        async with desk.place():
            running += 1
            most = max(most, running)
            await done.wait()
            running -= 1

    works = [asyncio.create_task(work()) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        async with desk.place():
            pass
    done.set()
    await asyncio.gather(*works)
    async with desk.place():
        pass

    assert most == 2


async def test_who_gives_up_waiting_leaves_a_place_for_another() -> None:
    desk = Desk(at_once=1, waiting=1)

    async with desk.place():
        waiting = asyncio.create_task(desk.place().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        another = asyncio.create_task(desk.place().__aenter__())
        await asyncio.sleep(0)

    await another


def test_looks_are_counted_by_address_and_minute() -> None:
    clock = [0.0]
    rate = Rate(a_minute=2, addresses=2, now=lambda: clock[0])

    rate.count("a")
    rate.count("a")
    with pytest.raises(Busy) as busy:
        rate.count("a")
    rate.count("b")
    clock[0] = 61
    rate.count("a")

    assert (busy.value.status, busy.value.retry_seconds) == (429, 60)


def test_few_addresses_are_remembered_at_a_time() -> None:
    rate = Rate(a_minute=1, addresses=2, now=lambda: 0.0)

    for address in ("a", "b", "c", "a"):
        rate.count(address)

    with pytest.raises(Busy):
        rate.count("a")
