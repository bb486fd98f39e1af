"""Tortoise's SQLite backend, with transactions that take the write lock as they begin and never leak it.

As it comes, a transaction begins deferred and asks for the write lock at its first write: under several processes most
fail then with "database is locked". And a cancellation while beginning would leave the process's lock taken for ever.
(The module's name must contain "sqlite": Tortoise looks at it.)
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError

T = TypeVar("T")


def _whole(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """`work` in one transaction: on the connection's own thread, so that nothing can come in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


async def _hop(opened: Any, run: Callable[..., T], *args: Any) -> T:
    """One visit to the connection's thread. Cancelling it does not stop what has begun there."""
    try:
        return await opened._execute(run, opened._conn, *args)  # type: ignore[no-any-return]  # aiosqlite's own way
    except sqlite3.OperationalError as error:
        raise OperationalError(error) from error
    except sqlite3.IntegrityError as error:
        raise IntegrityError(error) from error


class _ImmediateWrapper(SqliteTransactionWrapper):
    async def in_one_hop(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` as part of the open transaction."""
        async with self.acquire_connection() as opened:
            return await _hop(opened, work)

    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(_ImmediateWrapper(self))


class _ImmediateContext(SqliteTransactionContext):
    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        token = None
        try:
            await self.ensure_connection()
            token = get_connections().set(self.connection_name, self.connection)
            await self.connection.begin()
        except BaseException:
            if token is not None:
                get_connections().reset(token)
            opened = self.connection._connection
            if opened is not None and opened.in_transaction:
                await opened.rollback()
            self._trxlock.release()
            raise
        self.token = token
        return self.connection  # type: ignore[no-any-return]  # Tortoise leaves the attribute untyped


class SqliteImmediateClient(SqliteClient):
    async def in_one_hop(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` as a transaction of its own: BEGIN IMMEDIATE, the work and COMMIT in one visit to the thread."""
        async with self.acquire_connection() as opened:
            return await _hop(opened, _whole, work)

    def _in_transaction(self) -> TransactionContext:
        return _ImmediateContext(_ImmediateWrapper(self), self._lock)


client_class: type[Any] = SqliteImmediateClient
