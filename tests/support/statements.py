"""Counting what is sent to the database, whichever way it goes there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asyncpg.connection import Connection
from asyncpg.prepared_stmt import PreparedStatement
from tortoise.backends.sqlite.client import SqliteClient


@contextmanager
def statements() -> Iterator[list[str]]:
    """The texts of all statements that are run while it lasts, on either kind of database."""
    seen: list[str] = []
    plain, prepared, light = Connection.execute, Connection._execute, SqliteClient.execute_query_dict
    again = PreparedStatement.fetch

    async def run_plain(self: Any, query: str, *args: Any, **options: Any) -> Any:
        seen.append(query)
        return await plain(self, query, *args, **options)

    async def run_prepared(self: Any, query: str, *args: Any, **options: Any) -> Any:
        seen.append(query)
        return await prepared(self, query, *args, **options)

    async def run_again(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(self.get_query())
        return await again(self, *args, **options)

    async def run_light(self: Any, query: str, values: Any = None) -> Any:
        seen.append(query)
        return await light(self, query, values)

    Connection.execute, Connection._execute = run_plain, run_prepared
    PreparedStatement.fetch = run_again
    SqliteClient.execute_query_dict = run_light  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Connection.execute, Connection._execute = plain, prepared
        PreparedStatement.fetch = again
        SqliteClient.execute_query_dict = light  # type: ignore[method-assign]
