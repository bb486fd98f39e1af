"""What a holder's app is told of an adjustment, on both engines."""

from dataclasses import replace

import pytest

from domain.money import Money
from resolvers import approval
from resolvers.context import Claimed, SubscriberActor
from schema import root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.resolvers.test_approval import hire
from tests.support.world import World

QUERY = """{ viewer { wallet { balance { amount } entries(first: 2) { nodes {
    kind amount { amount } receipt { purpose payer recipient adjustmentReason } } } } } }"""


@pytest.mark.parametrize("engine", [CompiledEngine, StockEngine])
async def test_an_adjustment_tells_its_reason_and_never_what_staff_wrote(
    db: str, engine: type[CompiledEngine | StockEngine]
) -> None:
    world = World()
    holder = await world.holder(100)
    ctx = await world.signed_in(holder)
    agent, admin = await hire(world, "agent", "agent"), await hire(world, "admin", "admin")
    proposed = await approval.propose_adjustment(
        agent,
        subject=f"wallet:{holder.wallet_id}",
        amount=-Money.som(30),
        code="duplicate",
        reason="Between us: the holder called thrice",
        key="k",
    )
    await approval.approve(admin, proposal_id=proposed.id, note="Agreed between us")

    assert isinstance(ctx.actor, SubscriberActor)
    asking = replace(
        ctx.acting_as(Claimed(ctx.actor.subscriber_id, ctx.actor.session_id, language_asked=True)), memo={}
    )
    answer = await engine(root.build(), limits=Limits(), prepare=settle_before).execute(
        QUERY, {}, None, asking, allow_mutation=True
    )

    wallet = answer.as_dict()["data"]["viewer"]["wallet"]
    assert wallet["balance"]["amount"] == "70.00"
    adjusted, topped_up = wallet["entries"]["nodes"]
    assert adjusted == {
        "kind": "ADJUSTMENT",
        "amount": {"amount": "-30.00"},
        "receipt": {
            "purpose": "Adjustment",
            "payer": holder.wallet_number,
            "recipient": "",
            "adjustmentReason": "DUPLICATE",
        },
    }
    assert topped_up["receipt"]["adjustmentReason"] is None
    assert "between us" not in str(answer.as_dict()).lower()
