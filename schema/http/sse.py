"""GraphQL over server-sent events, in the protocol's distinct connections mode: one operation, one response."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import orjson
from starlette.types import Receive, Send

from schema.engine.answer import Answer
from schema.engine.errors import internal
from schema.engine.limits import Limits

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Accept"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
KEEP_ALIVE = b":\n\n"
# Browsers drop an event without data.
COMPLETE = b"event: complete\ndata: \n\n"


async def stream_answers(answers: AsyncGenerator[Answer, None], receive: Receive, send: Send, limits: Limits) -> None:
    """Sends answers as they come and a comment every `limits.stream_ping_seconds` meanwhile.

    Ends, and closes the answers' source, when it is done, when the caller hangs up, and when the caller does not read.
    """
    pump = asyncio.create_task(_pump(answers, send, limits))
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pump, gone):
            task.cancel()
        await asyncio.gather(pump, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pump(answers: AsyncGenerator[Answer, None], send: Send, limits: Limits) -> None:
    # Taken one by one as they can be sent: nothing piles up for a caller who reads slowly.
    async def write(chunk: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(limits.send_seconds):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await write(KEEP_ALIVE)
    coming = asyncio.create_task(_next(answers))
    try:
        while True:
            await asyncio.wait({coming}, timeout=limits.stream_ping_seconds)
            if not coming.done():
                await write(KEEP_ALIVE)
                continue
            answer = _result(coming)
            if answer is None:
                break
            await write(b"event: next\ndata: " + answer + b"\n\n")
            coming = asyncio.create_task(_next(answers))
        await write(COMPLETE, more=False)
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await coming
        await answers.aclose()


async def _next(answers: AsyncGenerator[Answer, None]) -> Answer | None:
    try:
        return await anext(answers)
    except StopAsyncIteration:
        return None


def _result(coming: "asyncio.Future[Answer | None]") -> bytes | None:
    """The next answer as JSON, which holds no line break; None at the end."""
    try:
        answer = coming.result()
        return None if answer is None else orjson.dumps(answer.as_dict())
    except Exception as error:
        return orjson.dumps({"errors": [internal(error)]})
