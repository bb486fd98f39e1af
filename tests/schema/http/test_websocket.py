"""graphql-transport-ws against a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.schema.http.conftest import serving

INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}
PROTOCOL = Subprotocol("graphql-transport-ws")


def subscribe(id_: str, query: str, **variables: Any) -> dict[str, Any]:
    return {"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}}


@asynccontextmanager
async def open_socket(address: str, *messages: Any, **options: Any) -> AsyncIterator[ClientConnection]:
    """A socket on which these messages were sent."""
    options = {"subprotocols": [PROTOCOL], "max_size": None, "compression": None, **options}
    async with connect(f"ws://{address}/graphql", **options) as socket:
        for message in messages:
            await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
        yield socket


async def take(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next messages, without the server's pings."""
    taken: list[dict[str, Any]] = []
    while len(taken) < count:
        message = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if message["type"] != "ping":
            taken.append(message)
    return taken


async def end_of(socket: ClientConnection) -> int:
    """The code that the server closes with."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


async def record_of(address: str) -> dict[str, int]:
    async with httpx2.AsyncClient() as client:
        return dict((await client.get(f"http://{address}/record")).json())


async def until_closed(address: str) -> None:
    """Waits until no stream is open at the server."""
    await _until_streams(address, 0)


async def until_open(address: str) -> None:
    """Waits until one stream is open at the server."""
    await _until_streams(address, 1)


async def _until_streams(address: str, count: int) -> None:
    for _ in range(200):
        if (await record_of(address))["open_streams"] == count:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the server never had {count} open streams")


async def test_queries_mutations_and_subscriptions_run_side_by_side(toy_server: str) -> None:
    init = {**INIT, "payload": {"Authorization": "Bearer ann"}}
    async with open_socket(toy_server, init, subscribe("s", "subscription { count(to: 2, pause: 0.2) }")) as socket:
        await socket.send(json.dumps(subscribe("q", "{ caller }")))
        await socket.send(json.dumps(subscribe("m", "mutation { poke }")))
        messages = await take(socket, 8)
    said = [(m.get("id"), m["type"], (m.get("payload") or {}).get("data")) for m in messages]
    assert said[0] == (None, "connection_ack", None)
    assert [m for m in said if m[0] == "q"] == [("q", "next", {"caller": "ann"}), ("q", "complete", None)]
    assert [m for m in said if m[0] == "m"] == [("m", "next", {"poke": True}), ("m", "complete", None)]
    assert [m for m in said if m[0] == "s"] == [
        ("s", "next", {"count": "0"}),
        ("s", "next", {"count": "1"}),
        ("s", "complete", None),
    ]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        pytest.param(["x"], 4400, id="no JSON"),
        pytest.param(["[]"], 4400, id="a list"),
        pytest.param(["null"], 4400, id="null"),
        pytest.param(["{}"], 4400, id="no type"),
        pytest.param(['{"type": 1}'], 4400, id="a number as type"),
        pytest.param([{"type": "start"}], 4400, id="a type of the old protocol"),
        pytest.param(["[" * 50_000], 4400, id="deep"),
        pytest.param(['{"type": "ping", "payload": "\\ud800"}'], 4400, id="half a character"),
        pytest.param([b'{"type": "connection_init"}'], 4400, id="binary"),
        pytest.param([b"\xff\x00"], 4400, id="binary garbage"),
        pytest.param(["x" * 150_000], 1009, id="large"),
        pytest.param(["ʻ" * 60_000], 1009, id="large in bytes"),
        pytest.param([{**INIT, "payload": 5}], 4400, id="a number as payload"),
        pytest.param([{"type": "ping", "payload": []}], 4400, id="a list as payload of a ping"),
        pytest.param([subscribe("1", "mutation { poke }")], 4401, id="too early"),
        pytest.param([INIT, INIT], 4429, id="begun twice"),
        pytest.param([{**INIT, "payload": {"authorization": "Bearer wrong"}}], 4403, id="refused"),
        pytest.param([{**INIT, "payload": {"authorization": "Bearer broken"}}], 4500, id="a fault of ours"),
        pytest.param([INIT, {"type": "subscribe", "id": 5}], 4400, id="a number as id"),
        pytest.param([INIT, {"type": "subscribe", "id": ""}], 4400, id="an empty id"),
        pytest.param([INIT, {"type": "subscribe", "id": "x" * 1_000}], 4400, id="a long id"),
        pytest.param([INIT, {"type": "subscribe", "id": "1", "payload": []}], 4400, id="a list as operation"),
        pytest.param([INIT, {"type": "subscribe", "id": "1", "payload": {"query": 5}}], 4400, id="a number as query"),
        pytest.param([INIT, subscribe("1", "{ hello }\0")], 4400, id="NUL"),
        pytest.param([INIT, {"type": "complete"}], 4400, id="complete what?"),
        pytest.param([INIT, *[subscribe("1", "subscription { count(pause: 5) }")] * 2], 4409, id="an id twice"),
        pytest.param([], 4408, id="silence"),
        pytest.param([INIT], 4499, id="no answer to pings"),
    ],
)
async def test_a_socket_is_closed_with_the_code_of_its_fault(toy_server: str, messages: list[Any], code: int) -> None:
    before = await record_of(toy_server)
    async with open_socket(toy_server, *messages) as socket:
        assert await end_of(socket) == code
    await until_closed(toy_server)
    assert (await record_of(toy_server))["mutations"] == before["mutations"]


async def test_other_protocols_are_not_spoken(toy_server: str) -> None:
    for offered in (None, [Subprotocol("graphql-ws")]):
        async with open_socket(toy_server, subprotocols=offered) as socket:
            assert await end_of(socket) == 4406


async def test_who_answers_pings_stays(toy_server: str) -> None:
    async with open_socket(toy_server, INIT) as socket:
        pings = 0
        while pings < 3:
            if json.loads(await socket.recv())["type"] == "ping":
                pings += 1
                await socket.send('{"type": "pong"}')
        await socket.send('{"type": "ping"}')
        assert await take(socket, 1) == [{"type": "pong"}]


async def test_a_document_that_cannot_run_ends_its_operation_only(toy_server: str) -> None:
    async with open_socket(toy_server, INIT, subscribe("1", "{ nope }")) as socket:
        _, refused = await take(socket, 2)
        await socket.send(json.dumps(subscribe("1", "{ hello }")))
        answer, _ = await take(socket, 2)
    assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")
    assert answer["payload"]["data"] == {"hello": "world"}


async def test_limits_hold_on_sockets_as_elsewhere(toy_server: str) -> None:
    large = "{ items(first: 100) { edges { node { parts { parts { parts { id } } } } } } }"
    async with open_socket(toy_server, INIT, subscribe("1", large)) as socket:
        _, refused = await take(socket, 2)
    assert refused["payload"][0]["extensions"]["code"] == "TOO_COMPLEX"


async def test_a_stream_that_fails_ends_with_a_masked_error(toy_server: str) -> None:
    async with open_socket(toy_server, INIT, subscribe("1", "subscription { faulty }")) as socket:
        _, first, failure, end = await take(socket, 4)
    assert first["payload"]["data"] == {"faulty": 1}
    assert failure["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert end == {"id": "1", "type": "complete"}


async def test_one_operation_too_many_is_refused_and_the_others_go_on(toy_server: str) -> None:
    streams = [subscribe(str(n), "subscription { count(to: 1, pause: 0.5) }") for n in range(4)]
    async with open_socket(toy_server, INIT, *streams) as socket:
        messages = await take(socket, 8)
    refused = [m for m in messages if m["type"] == "error"]
    assert [(m["id"], m["payload"][0]["extensions"]["code"]) for m in refused] == [("3", "RATE_LIMITED")]
    assert sorted(m["id"] for m in messages if m["type"] == "complete") == ["0", "1", "2"]


async def test_an_operation_that_the_caller_ends_stops_and_frees_its_id(toy_server: str) -> None:
    async with open_socket(toy_server, INIT, subscribe("1", "subscription { count(pause: 60) }")) as socket:
        await until_open(toy_server)
        await socket.send('{"type": "complete", "id": "1"}')
        await until_closed(toy_server)
        await socket.send(json.dumps(subscribe("1", "{ hello }")))
        _, answer, _ = await take(socket, 3)
    assert answer["payload"]["data"] == {"hello": "world"}


async def test_operations_stop_when_the_connection_breaks(toy_server: str) -> None:
    async with open_socket(toy_server, INIT, subscribe("1", "subscription { count(pause: 60) }")) as socket:
        await until_open(toy_server)
        socket.transport.abort()
        await until_closed(toy_server)


async def test_who_does_not_read_is_closed_and_nothing_piles_up(toy_server: str) -> None:
    flood = subscribe("1", "subscription { count(to: 1000000, size: 50000) }")
    async with open_socket(toy_server, INIT, max_queue=1) as socket:
        await take(socket, 1)
        socket.transport.pause_reading()
        await socket.send(json.dumps(flood))
        await until_open(toy_server)
        await until_closed(toy_server)
        socket.transport.abort()


async def test_one_socket_too_many_is_turned_away() -> None:
    with serving(sockets=1) as address:
        async with open_socket(address, INIT) as first:
            await take(first, 1)
            with pytest.raises(InvalidStatus, match="403"):
                await connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL])
            await first.send(json.dumps(subscribe("1", "{ hello }")))
            assert (await take(first, 1))[0]["payload"]["data"] == {"hello": "world"}
