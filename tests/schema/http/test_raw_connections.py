"""What only bytes on a real connection show: garbage, stalls, halves, pipelines. Nothing runs, nobody waits."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import pytest

MUTATION = json.dumps({"query": "mutation { poke }"}).encode()
QUERY = json.dumps({"query": "{ hello }"}).encode()
WAIT_SECONDS = 20


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


def posting(body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [
        "POST /graphql HTTP/1.1",
        "Host: toy",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def said(address: str, *pieces: bytes, half_close: bool = False) -> bytes:
    """All that the server says until it closes."""
    async with connected(address) as (reader, writer):
        # Who is hung up on while still sending may hear what was said before that, or nothing.
        with suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.05)
            if half_close:
                writer.write_eof()
        with suppress(OSError):
            return await asyncio.wait_for(reader.read(), WAIT_SECONDS)
        return b""


async def mutations(address: str) -> int:
    async with httpx2.AsyncClient() as client:
        record: dict[str, Any] = (await client.get(f"http://{address}/record")).json()
    return int(record["mutations"])


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x00\xff\xfe\r\n\r\n", id="garbage"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"POST /graphql\r\n\r\n", id="no version"),
        pytest.param(b"POST /graphql HTTP/9.9\r\n\r\n", id="another version"),
        pytest.param(b"GET /graphql HTTP/1.1\r\nHost: toy\r\nBad Header\r\n\r\n", id="a header without a colon"),
        pytest.param(b"GET /\x00graphql HTTP/1.1\r\nHost: toy\r\n\r\n", id="NUL in the path"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n", id="a huge header"),
        pytest.param(posting(MUTATION).replace(b"Content-Length: ", b"Content-Length: -"), id="a length below zero"),
        pytest.param(posting(MUTATION, "Content-Length: 5"), id="two lengths"),
        pytest.param(
            posting(b"zz\r\n" + MUTATION).replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX"), id="no chunk"
        ),
    ],
)
async def test_what_is_no_http_is_refused_or_hung_up_on(toy_server: str, sent: bytes) -> None:
    before = await mutations(toy_server)
    answer = await said(toy_server, sent, half_close=True)

    assert status_of(answer) in (0, 400, 408, 413, 414, 431, 505)
    assert await mutations(toy_server) == before


async def test_a_body_that_stalls_is_answered_and_hung_up_on(toy_server: str) -> None:
    before = await mutations(toy_server)
    answer = await said(toy_server, posting(MUTATION[:10], length=len(MUTATION)))

    assert status_of(answer) == 408
    assert await mutations(toy_server) == before


async def test_a_body_that_drips_has_no_more_time_than_one_that_stalls(toy_server: str) -> None:
    before = await mutations(toy_server)
    async with connected(toy_server) as (reader, writer):
        writer.write(posting(b"", length=100_000))
        answer = asyncio.create_task(reader.read(15))
        while not answer.done():
            writer.write(b" ")
            await asyncio.wait({answer}, timeout=0.1)

    assert status_of(await answer) == 408
    assert await mutations(toy_server) == before


async def test_half_a_body_and_no_more_to_come_runs_nothing(toy_server: str) -> None:
    before = await mutations(toy_server)
    answer = await said(toy_server, posting(MUTATION[:10], length=len(MUTATION)), half_close=True)

    assert status_of(answer) in (0, 400, 408)
    assert await mutations(toy_server) == before


async def test_who_has_said_all_and_listens_on_is_answered(toy_server: str) -> None:
    answer = await said(toy_server, posting(QUERY, "Connection: close"), half_close=True)

    assert status_of(answer) in (0, 200)


async def test_requests_in_a_row_are_answered_in_a_row(toy_server: str) -> None:
    one, other = (json.dumps({"query": f'{{ echo(text: "{text}") }}'}).encode() for text in ("one", "other"))
    answer = await said(toy_server, posting(one) + posting(b"[]") + posting(other, "Connection: close"))

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b'"one"') < answer.index(b"HTTP/1.1 400") < answer.index(b'"other"')


async def test_a_body_in_pieces_is_put_together(toy_server: str) -> None:
    whole = posting(QUERY, "Connection: close")
    answer = await said(toy_server, *(whole[at : at + 40] for at in range(0, len(whole), 40)))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (QUERY[:5], QUERY[5:])) + b"0\r\n\r\n"
    chunked = posting(chunks, "Connection: close").replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX-Length")

    assert b'{"hello":"world"}' in answer
    assert b'{"hello":"world"}' in await said(toy_server, chunked)


@pytest.mark.parametrize(
    "body",
    [gzip.compress(MUTATION), gzip.compress(b" " * 50_000_000), MUTATION],
    ids=["small", "a bomb", "none in truth"],
)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "identity, gzip"])
async def test_an_encoded_body_is_not_unpacked(toy_server: str, body: bytes, encoding: str) -> None:
    before = await mutations(toy_server)
    answer = await said(toy_server, posting(body, f"Content-Encoding: {encoding}", "Connection: close"))

    assert status_of(answer) == 415
    assert await mutations(toy_server) == before


@pytest.mark.parametrize("accept", ["text/event-stream", "text/event-stream, */*;q=0.1"])
async def test_a_mutation_by_get_is_refused_before_a_stream_begins(toy_server: str, accept: str) -> None:
    before = await mutations(toy_server)
    request = (
        f"GET /graphql?query=mutation{{poke}} HTTP/1.1\r\nHost: toy\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    )
    answer = await said(toy_server, request.encode())

    assert status_of(answer) == 405
    assert await mutations(toy_server) == before
