"""The ground that the other tests stand on."""

from pathlib import Path

from tests.support.postgres import PrivatePostgres, private_postgres


async def test_a_test_gets_a_migrated_database_with_nothing_in_it(db: str) -> None:
    from tortoise.connection import get_connections

    from domain.database import CONNECTION

    rows = await get_connections().get(CONNECTION).execute_query_dict("SELECT name FROM migration ORDER BY name")

    assert [row["name"] for row in rows][:1] == ["0001_ledger"]


def test_a_copy_of_a_database_has_its_rows_and_its_own_life(postgres_server: PrivatePostgres) -> None:
    postgres_server.create_database("original")
    postgres_server.run("CREATE TABLE note AS SELECT 1 AS id", "original")

    postgres_server.create_database("copy", template="original")
    postgres_server.run("INSERT INTO note VALUES (2)", "copy")

    assert postgres_server.run("SELECT count(*) FROM note", "copy") == "2"
    assert postgres_server.run("SELECT count(*) FROM note", "original") == "1"


def test_a_private_server_is_gone_after_its_block(postgres_server: PrivatePostgres) -> None:
    with private_postgres() as server:
        folder = Path(server.run("SHOW data_directory")).parent
        assert folder.exists()

    assert not folder.exists()
    assert not Path(f"/proc/{server.pid}").exists()
