"""What SQLite must never delete it must not replace: OR REPLACE asks no trigger about the row that it takes away."""

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def demo(demo_url: str) -> Iterator[sqlite3.Connection]:
    """The demo's data, as somebody with the file opens it."""
    with contextlib.closing(sqlite3.connect(demo_url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


def kept(demo: sqlite3.Connection) -> list[str]:
    """The tables whose rows are never deleted."""
    rows = demo.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '% BEFORE DELETE ON %'")
    return sorted({row[0] for row in rows})


def test_a_row_that_is_never_deleted_is_never_replaced(demo: sqlite3.Connection) -> None:
    tables = kept(demo)
    for table in tables:
        before = demo.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
        others = ", ".join(row[1] for row in demo.execute(f"PRAGMA table_info({table})") if row[1] != "id")

        for columns in ("*", others):
            into = f"{table} ({others})" if columns == others else table
            with contextlib.suppress(sqlite3.Error):
                demo.execute(f"INSERT OR REPLACE INTO {into} SELECT {columns} FROM {table}")

            after = demo.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
            assert after[: len(before)] == before, f"{table} by {columns}"

    assert {"audit_event", "ledger_entry", "ledger_seal", "payment", "wallet"} <= set(tables)
    assert all(demo.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("audit_event", "payment"))


def test_every_unique_key_of_such_a_table_is_guarded(demo: sqlite3.Connection) -> None:
    """A key whose values no demo row has is looked for in the triggers' own words."""
    for table in kept(demo):
        guards = " ".join(
            row[0]
            for row in demo.execute(
                """SELECT sql FROM sqlite_master
                   WHERE type = 'trigger' AND tbl_name = ? AND sql NOT LIKE '% DELETE ON %'""",
                (table,),
            )
        )
        for _, index, unique, *_ in demo.execute(f"PRAGMA index_list({table})").fetchall():
            columns = [row[2] for row in demo.execute(f"PRAGMA index_info({index})")]
            if unique:
                assert all(f"NEW.{column}" in guards for column in columns), f"{table} {columns}"
