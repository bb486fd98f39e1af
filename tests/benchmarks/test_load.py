"""The load generator must count what was answered, whole, and nothing that was not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.load import ask, request, run


@asynccontextmanager
async def server(*pieces: bytes) -> AsyncIterator[int]:
    """A server that answers each request with these pieces, one write each; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def test_an_answer_in_pieces_is_one_answer() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-", b"Length: 11\r\n\r\nhel", b"lo ", b"world") as port:
        assert await ask(port, request("/", b"{}")) == b"hello world"


async def test_messages_are_sent_once_each_and_all_answers_counted() -> None:
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok") as port:
        messages = iter([request("/", b"{}")] * 10)

        measured = await run(port, messages, seconds=30, connections=3, is_good=lambda status, body: body == b"ok")

    assert (measured.requests, measured.failures) == (10, 0)
    assert len(measured.latencies) == 10


async def test_a_bad_answer_is_a_failure_and_is_shown() -> None:
    async with server(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nfail") as port:
        messages = iter([request("/", b"{}")] * 2)

        measured = await run(port, messages, seconds=30, connections=1, is_good=lambda status, body: status == 200)

    assert (measured.failures, measured.first_failure) == (2, b"fail")


async def test_asking_for_what_is_refused_says_so() -> None:
    async with server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as port:
        with pytest.raises(ValueError, match="404"):
            await ask(port, request("/", b"{}"))


async def test_a_server_that_hangs_up_is_a_failure() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        measured = await run(
            port, iter([request("/", b"{}")]), seconds=30, connections=1, is_good=lambda status, body: True
        )

    assert (measured.requests, measured.failures) == (0, 1)
