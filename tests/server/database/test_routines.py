"""PostgreSQL's routines are as the code says: made anew when a text changes, taken away when it is no more."""

import asyncio
from importlib import import_module

import asyncpg
import pytest

from domain.database import dialect
from server.database.migrate import migrate, pending
from server.database.routines import Routine, routines

NAMES = ["ledger_post", "ledger_write", "wallet_transfer"]
ONE = "CREATE FUNCTION telling(p_what TEXT) RETURNS TEXT LANGUAGE sql AS $$ SELECT 'one' $$"
# Other arguments and another answer, which CREATE OR REPLACE would not bear.
TWO = "CREATE FUNCTION telling(p_what TEXT, p_more BIGINT DEFAULT 0) RETURNS BIGINT LANGUAGE sql AS $$ SELECT 2 $$"


@pytest.fixture
async def url(db: str) -> str:
    if dialect() == "sqlite":
        pytest.skip("SQLite has no routines: it runs the shared texts as they stand")
    return db


def use(monkeypatch: pytest.MonkeyPatch, *wanted: Routine) -> None:
    monkeypatch.setattr(import_module("server.database.migrate"), "routines", lambda: wanted)


async def made(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT proname FROM pg_proc WHERE proname = ANY ($1) ORDER BY proname", [*NAMES, "telling"]
        )
        return [row["proname"] for row in rows]
    finally:
        await connection.close()


async def test_a_migrated_database_lacks_none_and_another_migration_makes_none(db: str) -> None:
    assert await pending() == []
    assert await migrate(db) == []


async def test_a_text_that_was_never_made_is_pending_until_the_next_migration(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *routines(), Routine("telling", ONE))

    before, ran, after = await pending(), await migrate(url), await pending()

    assert (before, ran, after) == (["routine telling"], ["routine telling"], [])
    assert await made(url) == sorted([*NAMES, "telling"])


async def test_a_changed_text_is_pending_and_takes_the_place_of_the_old_one(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Routine("telling", ONE))
    await migrate(url)

    use(monkeypatch, Routine("telling", TWO))
    before, ran = await pending(), await migrate(url)

    connection = await asyncpg.connect(url)
    answer = await connection.fetchval("SELECT telling('what')")
    await connection.close()
    assert (before, ran) == (["routine telling"], ["routine telling"])
    assert answer == 2
    assert await made(url) == ["telling"]


async def test_a_routine_that_is_no_more_is_taken_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *routines(), Routine("telling", ONE))
    await migrate(url)

    use(monkeypatch, *routines())
    await migrate(url)

    assert await made(url) == NAMES


async def test_a_text_that_cannot_be_made_leaves_the_old_one_in_force(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *routines(), Routine("telling", ONE))
    await migrate(url)

    use(monkeypatch, *routines(), Routine("telling", "CREATE FUNCTION nonsense"))
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await migrate(url)

    assert await made(url) == sorted([*NAMES, "telling"])
    assert await pending() == ["routine telling"]


async def test_many_who_migrate_at_once_make_it_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *routines(), Routine("telling", ONE))

    ran = await asyncio.gather(*(migrate(url) for _ in range(5)))

    assert sorted(map(len, ran)) == [0, 0, 0, 0, 1]


def test_no_shared_text_is_left_out_of_a_routine() -> None:
    for routine in routines():
        assert "{" not in routine.script.replace("'{'", ""), routine.name
        assert f"CREATE FUNCTION {routine.name}(" in routine.script
