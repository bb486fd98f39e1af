"""Several server processes on one database, and one that is killed: money stays true."""

import asyncio
import os
import signal
from collections import Counter
from typing import Any

import pytest

from domain.database import fetch, fetch_row
from domain.ledger_check import check_ledger
from server.database import connect, disconnect
from server.settings import DEVELOPMENT_SECRET
from tests.support.api import Client, new_key
from tests.support.server import running_server
from tests.support.world import Person, World

TRANSFER = """mutation($input: TransferInput!) { transfer(input: $input) {
  __typename ... on Transfer { id } ... on Problem { code } } }"""


async def tokens_of(world: World, holders: list[Person]) -> list[str]:
    """Access tokens for live sessions whose wallets are unlocked."""
    import jwt

    from resolvers.context import SubscriberActor

    tokens = []
    for holder in holders:
        actor = (await world.signed_in(holder)).actor
        assert isinstance(actor, SubscriberActor)
        claims = {"sub": str(holder.id), "sid": actor.session_id, "exp": 4_000_000_000}
        tokens.append(jwt.encode(claims, world.secrets.derive("access-token"), algorithm="HS256"))
    return tokens


async def ten_holders(url: str) -> tuple[list[Person], list[str]]:
    from datetime import UTC, datetime

    from domain.clock import SetClock
    from domain.secrets import Secrets

    await connect(url)
    world = World(clock=SetClock(datetime.now(UTC)), secrets=Secrets(DEVELOPMENT_SECRET))
    holders = [await world.holder(1_000) for _ in range(10)]
    tokens = await tokens_of(world, holders)
    await disconnect()
    return holders, tokens


async def state(url: str) -> tuple[int, int, list[str]]:
    """(sum of all wallets, the lowest of them, faults of the ledger)."""
    await connect(url)
    row = await fetch_row("SELECT SUM(balance) AS total, MIN(balance) AS low FROM ledger_account WHERE kind = 'wallet'")
    assert row is not None
    faults = [str(fault) async for fault in check_ledger()]
    await disconnect()
    return int(row["total"]), int(row["low"]), faults


async def send(client: Client, token: str, to: str, amount: int, key: str) -> str:
    response = await client.http.post(
        "/graphql",
        json={"query": TRANSFER, "variables": {"input": {"to": to, "amount": str(amount), "idempotencyKey": key}}},
        headers={"Authorization": f"Bearer {token}"},
    )
    body: dict[str, Any] = response.json()
    if response.status_code != 200 or "errors" in body:
        return f"{response.status_code}: {body}"
    result = body["data"]["transfer"]
    return str(result.get("code") or result["__typename"])


@pytest.mark.rule("W-4.4.4")
async def test_two_hundred_transfers_at_once_over_two_processes_keep_the_total(database_url: str) -> None:
    holders, tokens = await ten_holders(database_url)
    before, _, _ = await state(database_url)

    async with running_server(database_url, workers=2) as server, Client(server.base_url, server.sms_file) as client:
        moves = (
            send(client, tokens[n % 10], holders[(n * 7 + 3) % 10].wallet_number, 50 + n % 300, new_key())
            for n in range(200)
        )
        outcomes = Counter(await asyncio.gather(*moves))

    after, low, faults = await state(database_url)
    assert set(outcomes) <= {"Transfer", "INSUFFICIENT_FUNDS", "SAME_WALLET"}
    assert outcomes["Transfer"] > 50
    assert (after, faults) == (before, [])
    assert low >= 0


async def test_a_killed_server_leaves_a_sound_ledger_and_keys_that_can_be_replayed(database_url: str) -> None:
    holders, tokens = await ten_holders(database_url)
    before, _, _ = await state(database_url)
    keys = [new_key() for _ in range(60)]

    async def all_moves(client: Client) -> list[str | BaseException]:
        moves = (
            send(client, tokens[n % 10], holders[(n + 1) % 10].wallet_number, 10, key) for n, key in enumerate(keys)
        )
        return await asyncio.gather(*moves, return_exceptions=True)

    async with running_server(database_url) as server, Client(server.base_url, server.sms_file) as client:
        work = asyncio.create_task(all_moves(client))
        await asyncio.sleep(0.15)
        os.killpg(server.pid, signal.SIGKILL)
        await work
    async with running_server(database_url) as server, Client(server.base_url, server.sms_file) as client:
        replayed = await all_moves(client)

    after, _, faults = await state(database_url)
    assert set(replayed) == {"Transfer"}
    assert (after, faults) == (before, [])
    await connect(database_url)
    made = await fetch("SELECT id FROM ledger_transfer WHERE kind = 'transfer'")
    await disconnect()
    assert len(made) == len(keys)
