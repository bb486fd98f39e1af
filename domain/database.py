"""SQL written with care, the same text for both databases, and the one way to open a transaction.

Statements use $1, $2 … and run in the surrounding transaction if there is one. Tortoise owns the connections; models
serve simple reads, these functions the hot ones and money.
"""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, Final, Literal, ParamSpec, TypeVar, cast

from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction as tortoise_transaction

from domain.refusal import Refusal

P = ParamSpec("P")
T = TypeVar("T")
Row = dict[str, Any]
Hook = Callable[[], None]

CONNECTION: Final = "default"
_PLACE: Final = re.compile(r"\$(\d+)")
_LOCK: Final = re.compile(r" FOR NO KEY UPDATE( SKIP LOCKED)?")
_NAME: Final = re.compile(r":([a-z_]+)")
_RETRIED: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock: another try may well succeed
_TRIES: Final = 4

_hooks: ContextVar[list[Hook] | None] = ContextVar("after_commit_hooks", default=None)


def dialect() -> Literal["postgres", "sqlite"]:
    """Which database this process works on."""
    return "sqlite" if get_connection(CONNECTION).capabilities.dialect == "sqlite" else "postgres"


@lru_cache(maxsize=2000)
def _for_sqlite(sql: str) -> str:
    return _LOCK.sub("", _PLACE.sub(r"?\1", sql))


def in_routine(sql: str) -> str:
    """A text whose values have names, `:amount`, as it stands in a routine of PostgreSQL: `p_amount`."""
    return _NAME.sub(r"p_\1", sql)


@lru_cache(maxsize=200)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    names = tuple(dict.fromkeys(_NAME.findall(sql)))
    return _NAME.sub(lambda found: f"${names.index(found[1]) + 1}", sql), names


async def fetch_named(sql: str, values: Mapping[str, Any]) -> Row | None:
    """The first row of a text whose values have names, `:amount`: the form of what SQLite and routines share."""
    text, names = _numbered(sql)
    return await fetch_row(text, *(values[name] for name in names))


async def fetch(sql: str, *values: Any) -> list[Row]:
    """All rows. `FOR NO KEY UPDATE` is left out on SQLite, where a transaction holds the only write lock anyway.

    It is the lock to take everywhere, and the one that UPDATE takes itself: a plain FOR UPDATE waits for everybody who
    has written a row that points at this one, so that two who have both done so wait for each other.
    """
    connection = get_connection(CONNECTION)
    alone = getattr(connection, "fetch_alone", None)
    if alone is not None:  # PostgreSQL, outside a transaction
        return list(map(dict, await alone(sql, values)))
    if connection.capabilities.dialect == "sqlite":
        sql = _for_sqlite(sql)
    return await connection.execute_query_dict(sql, list(values))


async def fetch_row(sql: str, *values: Any) -> Row | None:
    """The first row, or None."""
    rows = await fetch(sql, *values)
    return rows[0] if rows else None


async def execute(sql: str, *values: Any) -> None:
    """A statement whose rows nobody wants."""
    await fetch(sql, *values)


async def call(sql: str, *values: Any) -> Row:
    """The one row of a routine (server/database/routines): PostgreSQL's whole unit of work in one round trip.

    The statement is a transaction of its own, begun anew when the database asks for that; within an outer transaction
    it takes part in it.
    """

    async def once() -> Row:
        row = await fetch_row(sql, *values)
        assert row is not None, "a routine answers with a row"
        return row

    return await once() if _hooks.get() is not None else await _patiently(once)


async def in_one_hop(work: Callable[[sqlite3.Connection], T]) -> T:
    """SQLite's whole unit of work in one visit to its thread, in a transaction of its own unless there is one.

    `work` must do nothing but work on the connection: it runs beside the event loop.
    """
    return cast(T, await cast(Any, get_connection(CONNECTION)).in_one_hop(work))


def after_commit(hook: Hook) -> None:
    """Run `hook` once the surrounding transaction has committed; at once when there is none.

    What leaves the process must not happen inside a transaction, nor before it is sure.
    """
    hooks = _hooks.get()
    if hooks is None:
        hook()
    else:
        hooks.append(hook)


def in_transaction(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Runs the function in one transaction: all or nothing.

    It is begun anew when the database asks for that (a deadlock, a serialization failure), so the function must do
    nothing but work on the database. A refusal rolls back, unless it says that it `commits`. Within an outer
    transaction the function simply takes part in it.
    """

    @wraps(work)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if _hooks.get() is not None:
            return await work(*args, **kwargs)
        return await _patiently(lambda: _once(work, *args, **kwargs))

    return run


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    for left in range(_TRIES - 1, -1, -1):
        try:
            return await work()
        except Exception as error:
            if left == 0 or _sqlstate(error) not in _RETRIED:
                raise
            await asyncio.sleep(0.01 * (_TRIES - left))
    raise AssertionError("unreachable")


async def _once(work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    hooks: list[Hook] = []
    kept: Refusal | None = None
    token = _hooks.set(hooks)
    try:
        async with tortoise_transaction(CONNECTION) as transaction:
            try:
                result = await work(*args, **kwargs)
            except Refusal as refusal:
                if not refusal.commits:
                    raise
                kept = refusal
            if dialect() == "sqlite":
                # In here, so that a COMMIT that fails (a deferred key, a full disk) is rolled back: SQLite leaves the
                # transaction open then, and with it the process's one connection. PostgreSQL ends it by itself.
                await transaction.commit()
    finally:
        _hooks.reset(token)
    for hook in hooks:
        hook()
    if kept is not None:
        raise kept
    return result


def _sqlstate(error: BaseException | None) -> str | None:
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return None


def violates(error: IntegrityError, constraint: str) -> bool:
    """Does this violation come from the named constraint or (as SQLite tells it) its columns?"""
    return constraint in str(error)
