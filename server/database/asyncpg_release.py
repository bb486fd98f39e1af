"""Tortoise's PostgreSQL backend, giving its connection back when BEGIN fails or is cancelled, and without ado.

As it comes, each connection that goes back to the pool is sent a statement of its own, to end what a session may have
left behind: advisory locks, cursors, LISTEN, settings. Kabinet leaves none of them (the event bus listens on its own
connection), so that round trip is saved; an open transaction is still rolled back.
(The module's name must contain "asyncpg": Tortoise looks at it.)
"""

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.backends.base_postgres.client import translate_exceptions
from tortoise.connection import get_connections

from server.database.lanes import Lanes


class _ReleasingContext(TransactionContextPooled):
    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        client: Any = self.client
        pool = client._parent._pool
        client._connection = await pool.acquire()
        token = None
        try:
            token = get_connections().set(self.connection_name, client)
            await client.begin()
        except BaseException:
            if token is not None:
                get_connections().reset(token)
            await pool.release(client._connection)
            raise
        self.token = token
        return client  # type: ignore[no-any-return]  # see above: the private attributes are untyped


async def _nothing_to_reset(_connection: Any) -> None:
    """asyncpg itself rolls back what is open before it calls this."""


class AsyncpgReleaseClient(AsyncpgDBClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lanes = Lanes(self._connect, self.pool_maxsize)

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await asyncpg.create_pool(None, reset=_nothing_to_reset, **kwargs)

    async def _connect(self) -> Any:
        if self._pool is None:  # the pool's opening says what is wrong, if anything is
            async with self._pool_init_lock:
                if self._pool is None:
                    await self.create_connection(with_db=True)
        settings = {name: value for name, value in self._template.items() if name not in ("min_size", "max_size")}
        return await asyncpg.connect(password=self.password, **settings)

    @translate_exceptions
    async def fetch_alone(self, sql: str, values: list[Any]) -> list[Any]:
        """All rows of a statement that is a transaction by itself (see `lanes`)."""
        return await self._lanes.fetch(sql, values)

    async def _close(self) -> None:
        await self._lanes.close()
        await super()._close()

    def _in_transaction(self) -> TransactionContext:
        return _ReleasingContext(TransactionWrapper(self), self._pool_init_lock)


client_class: type[Any] = AsyncpgReleaseClient
