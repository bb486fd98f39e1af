"""A screen costs as many statements as it has kinds of things, however long its lists are."""

from decimal import Decimal
from typing import Any

import pytest
from tortoise.connection import get_connection

from domain.database import CONNECTION
from resolvers import wallet
from schema import root
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.support.world import World

SCREENS = {
    # accounts, wallet, limits, subscriptions, orders, tariff, who it is
    "home": (
        """{ viewer { subscriber { name } accounts { nodes { number balance { amount } } }
             wallet { number balance { amount } limits { topUpLeft { amount } } } tariff { code }
             subscriptions { nodes { id product { code priceSteps { fromMonth } } } } orders { nodes { id } } } }""",
        7,
    ),
    # who it is, wallet, entries, receipts
    "statement": (
        """{ viewer { wallet { entries(first: 20) { nodes { kind amount { amount }
             receipt { number purpose total { amount } } } } } } }""",
        4,
    ),
    "catalogue": ("{ tariffs { nodes { code allowances { kind } prices { zone { code } } } } }", 1),
    "shop": ("{ products { nodes { code priceSteps { fromMonth } } } }", 1),
}


@pytest.mark.parametrize("screen", sorted(SCREENS))
async def test_a_screen_is_few_statements(db: str, screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    alice, bob = await world.holder(1_000), await world.holder(1_000)
    ctx = await world.signed_in(alice)
    for n in range(15):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(n + 1), key=f"k{n}")
    engine = StockEngine(root.build(), limits=Limits())
    query, most = SCREENS[screen]
    seen: list[str] = []
    kind = type(get_connection(CONNECTION))
    run = kind.execute_query_dict

    async def counted(self: Any, sql: str, values: list[Any] | None = None) -> Any:
        seen.append(sql)
        return await run(self, sql, values)

    monkeypatch.setattr(kind, "execute_query_dict", counted)
    answer = await engine.execute(query, {}, None, ctx, allow_mutation=False)

    assert answer.errors == []
    assert len(seen) <= most, seen


async def test_each_entry_has_its_own_receipt(db: str) -> None:
    world = World()
    alice, bob = await world.holder(1_000), await world.holder(0)
    ctx = await world.signed_in(alice)
    for n in range(3):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(10 + n), key=f"k{n}")
    engine = StockEngine(root.build(), limits=Limits())

    query = "{ viewer { wallet { entries(first: 3) { nodes { amount { amount } receipt { total { amount } } } } } } }"
    answer = await engine.execute(query, {}, None, ctx, allow_mutation=False)

    assert answer.data is not None
    nodes = answer.data["viewer"]["wallet"]["entries"]["nodes"]
    assert [(node["amount"]["amount"], node["receipt"]["total"]["amount"]) for node in nodes] == [
        ("-12.00", "12.00"),
        ("-11.00", "11.00"),
        ("-10.00", "10.00"),
    ]
