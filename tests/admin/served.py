"""The office on a real port, for a real browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import Interfaces
from granian.server.embed import Server

from tests.admin.office import Office
from tests.support.ports import free_port


@asynccontextmanager
async def served(office: Office) -> AsyncIterator[str]:
    """The admin's address, for as long as the block lasts."""
    port = free_port()
    server = Server(office.site(), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    running = asyncio.create_task(server.serve())
    try:
        await _until_it_listens(port)
        yield f"http://127.0.0.1:{port}/admin"
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait_for(running, 10)


async def _until_it_listens(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError("the office did not open")
