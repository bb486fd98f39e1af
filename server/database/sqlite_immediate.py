"""Tortoise's SQLite backend, with transactions that take the write lock as they begin and never leak it.

As it comes, a transaction begins deferred and asks for the write lock at its first write: under several processes most
fail then with "database is locked". And a cancellation while beginning would leave the process's lock taken for ever.
Whole units of work (`in_one_hop`) cost one visit to the database's thread, and commit in groups under load.
(The module's name must contain "sqlite": Tortoise looks at it.)
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError

T = TypeVar("T")

MOST_AT_ONCE: Final = 64  # works of one transaction: some 20 ms of the thread


@dataclass(slots=True, eq=False)
class _Asked:
    """A unit of work and, once the thread has done it and its transaction has ended, what came of it."""

    work: Callable[[sqlite3.Connection], Any]
    result: Any = None
    error: BaseException | None = None
    done: bool = False


def _together(connection: sqlite3.Connection, batch: list[_Asked]) -> None:
    """All of these in one transaction, on the connection's own thread: each wholly or not at all."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for asked in batch:
            _in_savepoint(connection, asked)
        connection.execute("COMMIT")
    except BaseException as error:  # the transaction's own end: nothing of it has happened
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for asked in batch:
            asked.error = asked.error or error
    for asked in batch:
        asked.done = True


def _in_savepoint(connection: sqlite3.Connection, asked: _Asked) -> None:
    connection.execute("SAVEPOINT one")
    try:
        asked.result = asked.work(connection)
    except Exception as error:
        asked.error = error
        if not connection.in_transaction:  # SQLite itself has rolled all back: a full disk, say
            raise
        connection.execute("ROLLBACK TO one")
    connection.execute("RELEASE one")


async def _hop(opened: Any, run: Callable[..., T], *args: Any) -> T:
    """One visit to the connection's thread. Cancelling it does not stop what has begun there."""
    return await opened._execute(run, opened._conn, *args)  # type: ignore[no-any-return]  # aiosqlite's own way


def _outcome(asked: _Asked) -> Any:
    """What the work gave. Raises its error, in the words that the rest of Kabinet knows."""
    match asked.error:
        case None:
            return asked.result
        case sqlite3.OperationalError():
            raise OperationalError(asked.error) from asked.error
        case sqlite3.IntegrityError():
            raise IntegrityError(asked.error) from asked.error
        case _:
            raise asked.error


class _ImmediateWrapper(SqliteTransactionWrapper):
    async def in_one_hop(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` as part of the open transaction."""
        asked = _Asked(work)
        async with self.acquire_connection() as opened:
            await _hop(opened, _in_savepoint, asked)
        return cast(T, _outcome(asked))

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
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asked: list[_Asked] = []

    async def in_one_hop(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` as a whole: BEGIN IMMEDIATE, the work and COMMIT in one visit to the thread.

        Works that are asked for while the connection is busy share the next transaction: whoever gets the connection
        first takes the others along. None hears of the end before the COMMIT.
        """
        asked = _Asked(work)
        self._asked.append(asked)
        try:
            async with self.acquire_connection() as opened:
                if not asked.done:  # if another has taken it along and was cancelled, the thread is still at it
                    batch, self._asked = self._asked[:MOST_AT_ONCE], self._asked[MOST_AT_ONCE:]
                    await _hop(opened, _together, batch)
        finally:
            if asked in self._asked:
                self._asked.remove(asked)
        return cast(T, _outcome(asked))

    def _in_transaction(self) -> TransactionContext:
        return _ImmediateContext(_ImmediateWrapper(self), self._lock)


client_class: type[Any] = SqliteImmediateClient
