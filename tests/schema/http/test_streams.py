"""Server-sent events, and senders that stall, against a real server."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.schema.http.conftest import serving
from tests.schema.http.test_websocket import until_closed, until_open

EVENTS = {"accept": "text/event-stream"}


async def lines(response: httpx2.Response) -> AsyncIterator[str]:
    async for line in response.aiter_lines():
        if line:
            yield line


async def events(address: str, query: str) -> list[str]:
    async with httpx2.AsyncClient(timeout=20) as client:
        request = client.stream("POST", f"http://{address}/graphql", json={"query": query}, headers=EVENTS)
        async with request as response:
            assert response.status_code == 200
            return [line async for line in lines(response) if line != ":"]


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("subscription { count(to: 2) }", ['{"count":"0"}', '{"count":"1"}']),
        ("{ hello }", ['{"hello":"world"}']),
        ("mutation { poke }", ['{"poke":true}']),
    ],
)
async def test_each_answer_is_an_event_and_the_last_says_so(toy_server: str, query: str, data: list[str]) -> None:
    seen = await events(toy_server, query)
    assert seen[-2:] == ["event: complete", "data: "]
    assert seen[:-2:2] == ["event: next"] * len(data)
    assert [line.split('{"data":')[1].split(',"extensions"')[0] for line in seen[1:-2:2]] == data


async def test_a_document_that_cannot_run_is_told_in_the_stream(toy_server: str) -> None:
    seen = await events(toy_server, "subscription { nope }")
    assert '"code":"BAD_REQUEST"' in seen[1]
    assert seen[2:] == ["event: complete", "data: "]


async def test_a_stream_that_fails_ends_with_a_masked_error(toy_server: str) -> None:
    seen = await events(toy_server, "subscription { faulty }")
    assert '"code":"INTERNAL"' in seen[3]
    assert seen[4:] == ["event: complete", "data: "]


async def test_a_stream_is_kept_alive_and_stops_when_the_reader_leaves(toy_server: str) -> None:
    asked = {"query": "subscription { count(pause: 60) }"}
    async with (
        httpx2.AsyncClient(timeout=20) as client,
        client.stream("POST", f"http://{toy_server}/graphql", json=asked, headers=EVENTS) as response,
    ):
        await until_open(toy_server)
        comments = lines(response)
        assert [await anext(comments) for _ in range(3)] == [":", ":", ":"]
    await until_closed(toy_server)


async def test_who_does_not_read_a_stream_loses_it(toy_server: str) -> None:
    body = b'{"query": "subscription { count(to: 1000000, size: 50000) }"}'
    reader, writer = await asyncio.open_connection(*toy_server.split(":"), limit=1_000)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: toy\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    await reader.readline()
    await until_open(toy_server)
    await until_closed(toy_server)
    writer.close()


@pytest.mark.parametrize(
    "started",
    [
        b"Content-Length: 50\r\n\r\n{",
        b"Content-Length: 50\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{    \r\n",
    ],
)
async def test_a_sender_who_stalls_is_answered_and_hung_up_on(toy_server: str, started: bytes) -> None:
    reader, writer = await asyncio.open_connection(*toy_server.split(":"))
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: toy\r\nContent-Type: application/json\r\n" + started)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'{"errors":[{"message":"The request did not arrive in time."' in answer


async def test_a_caller_has_so_many_streams_and_all_callers_together_so_many() -> None:
    asked = {"query": "subscription { count(pause: 60) }"}

    async def begin(client: httpx2.AsyncClient, address: str, who: str | None) -> httpx2.Response:
        headers = EVENTS | ({"Authorization": f"Bearer {who}"} if who else {})
        return await client.send(
            client.build_request("POST", f"http://{address}/graphql", json=asked, headers=headers), stream=True
        )

    with serving(streams=3, streams_each=1) as address:
        async with httpx2.AsyncClient(timeout=20) as client:
            open_ = [await begin(client, address, who) for who in ("ann", None, None)]
            mine, anybodys = [await begin(client, address, who) for who in ("ann", "bob")]
            errors = [json.loads(await refused.aread())["errors"][0] for refused in (mine, anybodys)]
            asking = await client.post(f"http://{address}/graphql", json={"query": "{ hello }"})
            for response in open_:
                await response.aclose()
            await until_closed(address)
            again = await begin(client, address, "ann")
            await again.aclose()

    assert [response.status_code for response in (*open_, mine, anybodys, again)] == [200, 200, 200, 429, 503, 200]
    assert [error["extensions"]["code"] for error in errors] == ["RATE_LIMITED", "UNAVAILABLE"]
    assert mine.headers["retry-after"] == "10"
    assert asking.json()["data"] == {"hello": "world"}
