"""Being told of changes: over WebSocket and SSE, across processes, on both databases."""

import asyncio
import json
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from tests.support.api import Client, new_key
from tests.support.server import RunningServer, running_server

NILUFAR, SARDOR = "+998901234567", "+998977654321"
WATCH = "subscription { walletChanged { balance { amount } } }"


async def subscribe(socket: ClientConnection, token: str, query: str, **variables: Any) -> None:
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    assert json.loads(await socket.recv())["type"] == "connection_ack"
    payload = {"query": query, "variables": variables}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    await asyncio.sleep(1.5)  # the server has begun to listen


async def next_of(socket: ClientConnection) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 15))
        if message["type"] != "ping":
            return message


def socket_of(server: RunningServer) -> connect:
    return connect(server.base_url.replace("http", "ws") + "/graphql", subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]


async def pay(client: Client, to: str, amount: str) -> None:
    await client.mutate("unlockWallet", "... on WalletUnlocked { until }", pin="2580")
    sent = await client.mutate("transfer", "... on Transfer { id }", to=to, amount=amount, idempotencyKey=new_key())
    assert sent["__typename"] == "Transfer", sent


async def test_both_holders_are_told_of_a_transfer_whichever_process_they_are_on(demo_url: str) -> None:
    async with running_server(demo_url, workers=2) as server:
        async with (
            Client(server.base_url, server.sms_file) as nilufar,
            Client(server.base_url, server.sms_file) as sardor,
            socket_of(server) as hers,
            socket_of(server) as his,
        ):
            await nilufar.sign_in(NILUFAR)
            await sardor.sign_in(SARDOR)
            await subscribe(hers, str(nilufar.token), WATCH)
            await subscribe(his, str(sardor.token), WATCH)

            await pay(nilufar, SARDOR, "1000")
            told = [await next_of(hers), await next_of(his)]

        balances = [message["payload"]["data"]["walletChanged"]["balance"]["amount"] for message in told]
        assert balances == ["299000.00", "5001000.00"]


async def test_an_order_tells_of_its_completion_over_sse(server: RunningServer, client: Client) -> None:
    await client.sign_in(NILUFAR)
    seen = len(client.messages(NILUFAR))
    order = "... on Order { id status }"
    placed = await client.mutate(
        "orderSubscription", order, product="cinema", months=1, phone=NILUFAR, idempotencyKey=new_key()
    )
    code = await client.next_code(NILUFAR, seen)
    body = {
        "query": "subscription($id: ID!) { orderChanged(id: $id) { status } }",
        "variables": {"id": placed["id"]},
    }
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {client.token}"}

    async def first_event() -> dict[str, Any]:
        async with (
            httpx2.AsyncClient(base_url=server.base_url, timeout=15, trust_env=False) as http,
            http.stream("POST", "/graphql", json=body, headers=headers) as response,
        ):
            async for line in response.aiter_lines():
                if line.startswith("data:") and line != "data:":
                    event: dict[str, Any] = json.loads(line[5:])
                    return event
        raise AssertionError("the stream ended")

    waiting = asyncio.create_task(first_event())
    await asyncio.sleep(1.5)
    await client.mutate("confirmOrder", order, orderId=placed["id"], code=code)

    assert (await waiting)["data"] == {"orderChanged": {"status": "COMPLETED"}}


async def test_a_stream_does_not_outlive_its_session(server: RunningServer, client: Client) -> None:
    async with Client(server.base_url, server.sms_file) as other, socket_of(server) as socket:
        await client.sign_in(NILUFAR)
        await other.sign_in(SARDOR)
        await subscribe(socket, str(client.token), WATCH)
        await client.run("mutation { signOut { done } }")

        await pay(other, NILUFAR, "5")
        message = await next_of(socket)

    errors = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
    assert errors[0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "299" not in json.dumps(message)
