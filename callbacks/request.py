"""What these doors take of a request: a small body, and not for ever."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request

from resolvers.context import Context

MakeContext = Callable[[Request], Context]
BODY_MOST_BYTES: Final = 64 * 1024
BODY_SECONDS: Final = 10


class NoBody(Exception):
    """It was too long, too slow, or broken off."""


async def read_body(request: Request) -> bytes:
    """The whole body. Raises NoBody."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > BODY_MOST_BYTES:
                    raise NoBody
    except (TimeoutError, ClientDisconnect) as error:
        raise NoBody from error
    return bytes(body)
