"""Tortoise's PostgreSQL backend, giving its connection back when BEGIN fails or is cancelled.

(The module's name must contain "asyncpg": Tortoise looks at it.)
"""

from typing import Any

from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections


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


class AsyncpgReleaseClient(AsyncpgDBClient):
    def _in_transaction(self) -> TransactionContext:
        return _ReleasingContext(TransactionWrapper(self), self._pool_init_lock)


client_class: type[Any] = AsyncpgReleaseClient
