"""A transfer is one statement by GraphQL too, whatever of it is asked for."""

import pytest

from domain.database import dialect
from resolvers.context import Claimed, SubscriberActor
from schema import root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.support.statements import statements
from tests.support.world import World

SEND = """mutation ($input: TransferInput!) { transfer(input: $input) { __typename
    ... on Transfer { id at amount { amount } wallet { id number level status balance { amount } openedAt }
        receipt { number at payer recipient amount { amount } commission { amount } total { amount } purpose } }
    ... on InsufficientFunds { message available { amount } } } }"""


@pytest.mark.parametrize("kind", [CompiledEngine, StockEngine])
async def test_all_of_a_transfer_is_told_by_the_one_statement_that_made_it(db: str, kind: type[StockEngine]) -> None:
    engine = kind(root.build(), limits=Limits(), prepare=settle_before)
    world = World()
    alice, bob = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(alice)
    assert isinstance(ctx.actor, SubscriberActor)
    session = ctx.actor.session_id
    told = []

    for n, amount in enumerate(("40.00", "70.00")):
        asking = ctx.acting_as(Claimed(alice.id, session, language_asked=True))
        given = {"input": {"to": bob.wallet_number, "amount": amount, "idempotencyKey": f"k{n}"}}
        with statements() as seen:
            answer = await engine.execute(SEND, given, None, asking, allow_mutation=True)
        assert (answer.errors or [], answer.data is not None) == ([], True)
        assert [text[:29] for text in seen] == (["SELECT * FROM wallet_transfer"] if dialect() == "postgres" else [])
        told.append(answer.data["transfer"])  # type: ignore[index]  # just looked

    sent, refused = told
    assert (sent["__typename"], sent["wallet"]["balance"]["amount"]) == ("Transfer", "60.00")
    assert (sent["receipt"]["total"]["amount"], sent["receipt"]["purpose"]) == ("40.00", "Transfer between wallets")
    assert (refused["__typename"], refused["available"]["amount"]) == ("InsufficientFunds", "60.00")
