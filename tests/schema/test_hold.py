"""Holds by GraphQL: reserved by the holder, taken by the partner with the id that its webhook told."""

import json
from typing import Any

import pytest

from domain.database import fetch
from resolvers.context import Context
from schema import root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.support.market import Market, open_market
from tests.support.world import World

MONEY = "{ amount }"
HOLD = f"""id status supplier {{ code name }} reference at expiresAt
    amount {MONEY} commission {MONEY} captured {MONEY} remaining {MONEY} closedAt
    captures {{ nodes {{ at amount {MONEY} commission {MONEY} receiptNumber }} }}"""
PROBLEM = "... on Problem { code rule path }"
CLOSED = f"{PROBLEM} ... on HoldClosed {{ status }}"
EXCEEDED = "... on HoldExceeded { remaining { amount } }"
RESERVE = (
    f"mutation ($input: ReserveInput!) {{ reserve(input: $input) {{ __typename ... on Hold {{ {HOLD} }} {PROBLEM} }} }}"
)
CAPTURE = f"""mutation ($input: CaptureHoldInput!) {{
    captureHold(input: $input) {{ __typename ... on Hold {{ {HOLD} }} {CLOSED} {EXCEEDED} }} }}"""
RELEASE = f"""mutation ($input: ReleaseHoldInput!) {{
    releaseHold(input: $input) {{ __typename ... on Hold {{ {HOLD} }} {CLOSED} }} }}"""
MINE = f"""{{ viewer {{ wallet {{ balance {MONEY} held {MONEY} available {MONEY}
    holds(first: 5) {{ nodes {{ id status }} pageInfo {{ hasNextPage }} }} }} }} }}"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Hold { status } } }"
ASKED = {"supplier": "power", "reference": "12-34 567", "amount": "300.00", "minutes": 60, "idempotencyKey": "k"}


@pytest.fixture
async def market(db: str) -> Market:
    return await open_market(World())


class Caller:
    """Whoever asks, on one of the two engines."""

    def __init__(self, kind: type[StockEngine]) -> None:
        self.engine = kind(root.build(), limits=Limits(), prepare=settle_before)

    async def ask(self, ctx: Context, document: str, **given: Any) -> Any:
        answer = await self.engine.execute(document, given, None, ctx, allow_mutation=True)
        assert not answer.errors, answer.errors
        assert answer.data is not None
        return next(iter(answer.data.values()))


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize("kind", [CompiledEngine, StockEngine])
async def test_a_purchase_from_its_reservation_to_its_last_part(market: Market, kind: type[StockEngine]) -> None:
    alice, caller = await market.world.holder(1_000), Caller(kind)
    ctx = await market.world.signed_in(alice)

    hold = await caller.ask(ctx, RESERVE, input=ASKED)
    told = json.loads((await fetch("SELECT payload FROM outbox WHERE topic = 'webhook'"))[0]["payload"])["data"]
    mine = (await caller.ask(ctx, MINE))["wallet"]
    seen = await caller.ask(market.partner, NODE, id=told["id"])
    part = {"holdId": told["id"], "amount": "100", "idempotencyKey": "c1"}
    taken = await caller.ask(market.partner, CAPTURE, input=part)
    too_much = await caller.ask(market.partner, CAPTURE, input=part | {"amount": "200.01", "idempotencyKey": "c2"})
    done = await caller.ask(market.partner, RELEASE, input={"holdId": told["id"]})
    over = await caller.ask(market.partner, CAPTURE, input=part | {"idempotencyKey": "c3"})

    assert (hold["__typename"], hold["status"], hold["reference"]) == ("Hold", "AUTHORIZED", "1234567")
    assert hold["supplier"] == {"code": "power", "name": "Quvvat"}
    assert (told["id"], told["remaining"]) == (hold["id"], "300.00")
    assert [mine[name]["amount"] for name in ("balance", "held", "available")] == ["1000.00", "305.00", "695.00"]
    assert mine["holds"]["nodes"] == [{"id": hold["id"], "status": "AUTHORIZED"}]
    assert seen == {"__typename": "Hold", "id": hold["id"], "status": "AUTHORIZED"}
    assert (taken["captured"]["amount"], taken["remaining"]["amount"]) == ("100.00", "200.00")
    assert taken["captures"]["nodes"][0]["commission"]["amount"] == "5.00"
    assert (too_much["code"], too_much["remaining"]["amount"]) == ("HOLD_EXCEEDED", "200.00")
    assert (done["status"], done["remaining"]["amount"]) == ("CANCELLED", "0.00")
    assert (over["code"], over["status"]) == ("HOLD_CLOSED", "CANCELLED")


async def test_ids_that_are_no_holds_are_not_found(market: Market) -> None:
    caller = Caller(CompiledEngine)

    for wrong in ("", "x", "V2FsbGV0OjE", "SG9sZDotMQ", "SG9sZDo5OTk5"):
        answer = await caller.ask(market.partner, RELEASE, input={"holdId": wrong})
        assert (answer["code"], answer["path"]) == ("NOT_FOUND", ["input", "holdId"])
