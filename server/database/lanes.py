"""PostgreSQL connections for single statements: taken and given back by two steps on a list.

A pool hands a connection out behind a proxy and takes it back in a task of its own, which costs more than a small
statement does. A statement that is a transaction by itself needs none of that: nothing can be left open behind it. What
comes between (a cancelled caller, a lost connection) ends the connection; the next who needs one opens another.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg

Connect = Callable[[], Awaitable[Any]]
STATEMENTS_MOST: Final = 200


class Lane:
    """A connection with the statements that are prepared on it: asyncpg's own way to one takes as long again."""

    __slots__ = ("_statements", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._statements: dict[str, Any] = {}

    async def fetch(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """All rows of one statement."""
        statement = self._statements.get(sql) or await self._prepare(sql)
        try:
            rows: list[Any] = await statement.fetch(*values)
        except (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError):
            # A migration has passed by. The statement was refused before it did anything.
            del self._statements[sql]
            rows = await (await self._prepare(sql)).fetch(*values)
        return rows

    async def _prepare(self, sql: str) -> Any:
        if len(self._statements) >= STATEMENTS_MOST:
            self._statements.clear()
        statement = self._statements[sql] = await self.connection.prepare(sql)
        return statement


class Lanes:
    """At most `most` connections, each used by one at a time, the one used last first; who finds none waits in line."""

    def __init__(self, connect: Connect, most: int) -> None:
        self._connect = connect
        self._most = most
        self._open = 0
        self._free: list[Lane] = []
        self._line: deque[asyncio.Future[None]] = deque()

    async def fetch(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """All rows of one statement."""
        lane = self._free.pop() if self._free else await self._another()
        try:
            rows = await lane.fetch(sql, values)
        except asyncpg.PostgresError:
            # The server refused the statement and has forgotten it already.
            self._give_back(lane)
            raise
        except BaseException:
            # Nobody knows how far it has come: a cancelled statement may still be running.
            self._end(lane)
            raise
        self._give_back(lane)
        return rows

    async def close(self) -> None:
        """Closes those that are free; those in use end with their statements."""
        self._most = 0
        free, self._free = self._free, []
        for lane in free:
            self._open -= 1
            await lane.connection.close(timeout=5)

    async def _another(self) -> Lane:
        while not self._free:
            if self._open < max(self._most, 1):
                return await self._opened()
            turn = asyncio.get_running_loop().create_future()
            self._line.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._call_next()  # it was our turn, and we are not there to take it
                raise
        return self._free.pop()

    async def _opened(self) -> Lane:
        self._open += 1
        try:
            return Lane(await self._connect())
        except BaseException:
            self._open -= 1
            self._call_next()
            raise

    def _give_back(self, lane: Lane) -> None:
        if lane.connection.is_closed() or self._open > self._most:
            self._end(lane)
            return
        self._free.append(lane)
        if self._line:
            self._call_next()

    def _end(self, lane: Lane) -> None:
        self._open -= 1
        lane.connection.terminate()
        self._call_next()

    def _call_next(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
