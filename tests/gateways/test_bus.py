"""Events reach whoever listens: in this process, in another one, and after a connection was lost."""

import asyncio
from collections.abc import AsyncIterator

import aiosqlite
import asyncpg
import pytest

from gateways import bus as bus_module
from gateways.bus import Bus, MemoryBus, PostgresBus, SqliteBus
from tests.support.postgres import PrivatePostgres


@pytest.fixture
def postgres_url(postgres_server: PrivatePostgres) -> str:
    return postgres_server.create_database()


async def wake(stream: AsyncIterator[None]) -> None:
    async with asyncio.timeout(10):
        await anext(stream)


async def is_quiet(stream: AsyncIterator[None]) -> bool:
    try:
        async with asyncio.timeout(0.2):
            await anext(stream)
    except TimeoutError:
        return True
    return False


async def until_carried(sender: Bus, stream: AsyncIterator[None], topic: str) -> None:
    """A bus connects in the background: what is announced before is told to nobody."""
    heard = asyncio.ensure_future(anext(stream))
    async with asyncio.timeout(20):
        while not heard.done():
            sender.announce(topic)
            await asyncio.wait([heard], timeout=0.1)
    await heard


async def test_a_listener_hears_its_topic_and_no_other() -> None:
    bus = MemoryBus()

    async with bus.listen("wallet:1") as mine, bus.listen("wallet:2") as other:
        bus.announce("wallet:1")

        await wake(mine)
        assert await is_quiet(other)


async def test_events_that_nobody_took_yet_are_one() -> None:
    bus = MemoryBus()

    async with bus.listen("wallet:1") as slow:
        for _ in range(1_000):
            bus.announce("wallet:1")

        await wake(slow)
        assert await is_quiet(slow)


async def test_who_stopped_listening_leaves_nothing_behind() -> None:
    bus = MemoryBus()

    async with bus.listen("wallet:1"):
        assert bus.listened_to

    assert not bus.listened_to


async def test_closing_ends_the_streams() -> None:
    bus = MemoryBus()

    async with bus.listen("wallet:1") as stream:
        await bus.close()

        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_postgres_carries_events_to_another_process(postgres_url: str) -> None:
    here, there = (PostgresBus(lambda: asyncpg.connect(postgres_url)) for _ in range(2))
    await here.start()
    await there.start()

    async with there.listen("wallet:1") as mine, there.listen("wallet:2") as other:
        await until_carried(here, mine, "wallet:1")
        await is_quiet(mine)  # whatever was sent while waiting has come

        here.announce("wallet:1")

        await wake(mine)
        await is_quiet(other)  # woken by the connection itself at most
        here.announce("wallet:1")
        assert await is_quiet(other)
    await here.close()
    await there.close()


async def test_a_bus_whose_connection_was_cut_comes_back(
    postgres_server: PrivatePostgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "RECONNECT_SECONDS", 0.05)
    here, there = (PostgresBus(lambda: asyncpg.connect(postgres_url)) for _ in range(2))
    await here.start()
    await there.start()

    async with there.listen("wallet:1") as stream:
        await until_carried(here, stream, "wallet:1")
        name = postgres_url.rpartition("/")[2]
        postgres_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await is_quiet(stream)

        await until_carried(here, stream, "wallet:1")
    await here.close()
    await there.close()


async def test_while_postgres_is_away_events_pile_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "MOST_OUTGOING", 10)

    async def nowhere() -> None:
        raise ConnectionRefusedError

    bus = PostgresBus(nowhere)
    await bus.start()

    for n in range(1_000):
        bus.announce(f"wallet:{n}")

    assert len(bus._outgoing) <= 11
    assert bus_module.EVERYTHING in bus._outgoing
    await bus.close()


async def test_on_sqlite_what_another_process_writes_wakes_listeners(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("bus") / "shared.db"
    async with aiosqlite.connect(path) as mine, aiosqlite.connect(path) as other:
        await other.execute("CREATE TABLE note (id INTEGER)")
        await other.commit()

        async def data_version() -> int:
            row = await (await mine.execute("PRAGMA data_version")).fetchone()
            assert row is not None
            return int(row[0])

        bus = SqliteBus(data_version)
        await bus.start()
        async with bus.listen("wallet:1") as stream:
            heard = asyncio.ensure_future(anext(stream))
            async with asyncio.timeout(20):
                while not heard.done():
                    await other.execute("INSERT INTO note VALUES (1)")
                    await other.commit()
                    await asyncio.wait([heard], timeout=0.2)
            await heard
        await bus.close()
