"""The event bus: who is told that a thing has changed, so that open subscriptions look again.

An event is a topic alone ("wallet:12"): listeners read what they may see from the database. Events may be lost when a
connection breaks, and several of one topic melt into one; a listener that looks again after each wake misses nothing
that lasts. On one process they go through memory. PostgreSQL carries them between processes by NOTIFY, sent after
commit on a connection of its own, for NOTIFY inside transactions makes commits wait for each other. SQLite has no such
thing: its `data_version` tells that another process has written, and then all listeners look again.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol

import asyncpg

log = logging.getLogger("kabinet.bus")

CHANNEL: Final = "kabinet"
NOTIFY: Final = "SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS topic"
BATCH: Final = 100
RECONNECT_SECONDS: Final = 1.0
MOST_OUTGOING: Final = 10_000
EVERYTHING: Final = "*"
POLL_SECONDS: Final = 0.3


class Bus(Protocol):
    """Carries topics from `announce` to those who `listen`."""

    def announce(self, topic: str) -> None:
        """Tells all listeners of the topic, here and elsewhere, soon. Call it after commit."""
        ...

    def listen(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[None]]:
        """A stream with an item after each announcement; several that nobody has taken yet are one."""
        ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class _Stream:
    """An item for each wake, until the bus closes. Whoever stops waiting for one may wait again: no generator could."""

    def __init__(self, event: asyncio.Event, closed: asyncio.Event) -> None:
        self._event = event
        self._closed = closed

    def __aiter__(self) -> AsyncIterator[None]:
        return self

    async def __anext__(self) -> None:
        if not self._closed.is_set():
            await self._event.wait()
            self._event.clear()
        if self._closed.is_set():
            raise StopAsyncIteration


class MemoryBus:
    """Within one process."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = asyncio.Event()

    def announce(self, topic: str) -> None:
        self._wake(topic)

    def _wake(self, topic: str) -> None:
        for event in self._listeners.get(topic, ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._listeners.values():
            for event in events:
                event.set()

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[AsyncIterator[None]]:
        event = asyncio.Event()
        self._listeners[topic].add(event)
        try:
            yield _Stream(event, self._closed)
        finally:
            self._listeners[topic].discard(event)
            if not self._listeners[topic]:
                del self._listeners[topic]

    @property
    def listened_to(self) -> bool:
        return bool(self._listeners)

    async def start(self) -> None: ...

    async def close(self) -> None:
        self._closed.set()
        self._wake_all()


class PostgresBus(MemoryBus):
    """Between processes on one PostgreSQL. `connect` opens a connection for the bus alone."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        super().__init__()
        self._connect = connect
        self._outgoing: set[str] = set()
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def announce(self, topic: str) -> None:
        self._wake(topic)
        if len(self._outgoing) >= MOST_OUTGOING:
            # The connection has been gone for long: one event that wakes all listeners stands for what waits.
            self._outgoing = {EVERYTHING}
        self._outgoing.add(topic)
        self._something.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        await super().close()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                connection = await self._connect()
                try:
                    await self._carry(connection)
                finally:
                    connection.terminate()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("the event bus lost its connection: %s", type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _carry(self, connection: Any) -> None:
        broken = asyncio.Event()

        def ended(_connection: Any) -> None:
            broken.set()
            self._something.set()

        connection.add_termination_listener(ended)
        await connection.add_listener(CHANNEL, self._heard)
        self._wake_all()  # whatever was missed meanwhile is seen by looking again
        while not broken.is_set():
            await self._something.wait()
            self._something.clear()
            while self._outgoing and not broken.is_set():
                batch = [self._outgoing.pop() for _ in range(min(BATCH, len(self._outgoing)))]
                try:
                    await connection.execute(NOTIFY, CHANNEL, batch)
                except (asyncpg.PostgresError, OSError):
                    self._outgoing.update(batch)
                    raise

    def _heard(self, _connection: Any, _pid: int, _channel: str, topic: str) -> None:
        if topic == EVERYTHING:
            self._wake_all()
        else:
            self._wake(topic)


class SqliteBus(MemoryBus):
    """Between processes on one SQLite file. `data_version` reads SQLite's own counter of others' commits."""

    def __init__(self, data_version: Callable[[], Any]) -> None:
        super().__init__()
        self._data_version = data_version
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        await super().close()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        seen: int | None = None
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self.listened_to:
                seen = None
                continue
            try:
                version = await self._data_version()
            except Exception as error:
                log.warning("the event bus could not look: %s", type(error).__name__)
                continue
            if seen is not None and version != seen:
                self._wake_all()
            seen = version
