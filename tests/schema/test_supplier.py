"""Paying suppliers, favourites and what is ordered for later, as apps ask for them; alike on both engines."""

from datetime import timedelta
from typing import Any

import pytest

from domain.database import dialect
from resolvers.context import Claimed, Context, SubscriberActor, SystemActor
from resolvers.schedule_due import carry_out_scheduled
from schema import root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.resolvers.bills import CONTRACT, water
from tests.support.statements import statements
from tests.support.world import Person, World

PROBLEM = "... on Problem { code rule path }"
PAY = f"""mutation ($input: PayInput!) {{ pay(input: $input) {{ __typename {PROBLEM}
    ... on Payment {{ id at amount {{ amount }} commission {{ amount }} total {{ amount }}
        wallet {{ balance {{ amount }} }}
        receipt {{ amount {{ amount }} commission {{ amount }} total {{ amount }} recipient purpose }} }}
    ... on InsufficientFunds {{ available {{ amount }} needed {{ amount }} }} }} }}"""


class App:
    """An app on one phone, without HTTP."""

    def __init__(self, world: World, engine: StockEngine, person: Person, ctx: Context) -> None:
        self.world, self.engine, self.person, self.ctx = world, engine, person, ctx

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        assert isinstance(self.ctx.actor, SubscriberActor)
        claimed = Claimed(self.person.id, self.ctx.actor.session_id, language_asked=True)
        asking = self.ctx.acting_as(claimed)
        answer = await self.engine.execute(query, variables, None, asking, allow_mutation=True)
        assert answer.errors in (None, [])
        assert answer.data is not None
        return dict(answer.data)

    async def mutate(self, name: str, selection: str, /, **fields: Any) -> dict[str, Any]:
        kind = name[0].upper() + name[1:] + "Input!"
        query = f"mutation ($input: {kind}) {{ {name}(input: $input) {{ __typename {selection} {PROBLEM} }} }}"
        result: dict[str, Any] = (await self.ask(query, input=fields))[name]
        return result


@pytest.fixture(params=[CompiledEngine, StockEngine])
async def app(request: pytest.FixtureRequest, db: str) -> App:
    world = World()
    await water(world)
    person = await world.holder(100_000)
    engine = request.param(root.build(), limits=Limits(), prepare=settle_before)
    return App(world, engine, person, await world.signed_in(person))


def bill(amount: str = "50000.00", key: str = "k", **changed: Any) -> dict[str, Any]:
    return {"supplier": "water", "reference": "1234 5678", "amount": amount, "idempotencyKey": key} | changed


async def test_a_payment_is_told_by_the_one_statement_that_made_it(app: App) -> None:
    with statements() as seen:
        paid = (await app.ask(PAY, input=bill()))["pay"]

    assert [text[:24] for text in seen] == (["SELECT * FROM wallet_pay"] if dialect() == "postgres" else [])
    assert [paid[name]["amount"] for name in ("amount", "commission", "total")] == ["50000.00", "550.00", "50550.00"]
    assert paid["wallet"]["balance"]["amount"] == "49450.00"
    receipt = paid["receipt"]
    assert [receipt[name]["amount"] for name in ("amount", "commission", "total")] == ["50000.00", "550.00", "50550.00"]
    assert receipt["recipient"] == f'"Suv" MChJ 301234567 {CONTRACT}'


@pytest.mark.rule("W-4.4.4")
async def test_what_is_refused_is_told_with_its_facts(app: App) -> None:
    short = (await app.ask(PAY, input=bill("100000.00")))["pay"]
    unknown = (await app.ask(PAY, input=bill(supplier="gas")))["pay"]
    wrong = (await app.ask(PAY, input=bill(reference="12")))["pay"]
    nothing = (await app.ask(PAY, input=bill("nothing")))["pay"]

    assert short == {
        "__typename": "InsufficientFunds",
        "code": "INSUFFICIENT_FUNDS",
        "rule": "W-4.4.4",
        "path": None,
        "available": {"amount": "100000.00"},
        "needed": {"amount": "101050.00"},
    }
    assert (unknown["code"], unknown["path"]) == ("SUPPLIER_NOT_FOUND", ["input", "supplier"])
    assert (wrong["code"], wrong["path"]) == ("INVALID_INPUT", ["input", "reference"])
    assert (nothing["code"], nothing["path"]) == ("INVALID_AMOUNT", ["input", "amount"])
    assert await app.world.total() == (await app.world.holdings())[app.person.wallet_ledger]


async def test_suppliers_are_looked_for_and_a_payment_is_shown_before_it_is_made(app: App) -> None:
    told = await app.ask(
        """{ suppliers(first: 5, search: "вода") { nodes { code } }
             all: suppliers { nodes { id code name(language: RU) legalName stir referenceLabel referenceKind
                 referenceLeast referenceMost onSale
                 commission { percent fixed { amount } least { amount } most { amount } } } }
             supplier(code: "water") { name }
             nobody: supplier(code: "gas") { name }
             paymentPreview(supplier: "water", reference: "1234-5678", amount: "50000") { __typename
                 ... on PaymentPreview { supplier { name } reference amount { amount } commission { amount }
                     total { amount } } } }"""
    )
    again = await app.ask(
        "query ($id: ID!) { node(id: $id) { ... on Supplier { code } } }", id=told["all"]["nodes"][0]["id"]
    )

    assert told["suppliers"]["nodes"] == []
    shown = told["all"]["nodes"][0]
    assert (shown["name"], shown["referenceKind"], shown["onSale"]) == ("Водоснабжение", "DIGITS", True)
    assert shown["commission"]["percent"] == "1.00"
    assert (told["supplier"], told["nobody"]) == ({"name": "Water"}, None)
    assert told["paymentPreview"]["total"]["amount"] == "50550.00"
    assert again == {"node": {"code": "water"}}


async def test_a_favourite_is_kept_scheduled_and_paid_every_month(app: App) -> None:
    kept = await app.mutate(
        "addFavourite", "... on Favourite { id kind }", name="Home", supplier="water", reference=CONTRACT
    )
    renamed = await app.mutate("renameFavourite", "... on Favourite { name }", favouriteId=kept["id"], name="Dacha")
    starts = app.world.clock.now() + timedelta(hours=1)
    ordered = await app.mutate(
        "schedulePayment",
        "... on ScheduledPayment { id status nextAt repeat }",
        favouriteId=kept["id"],
        amount="1000",
        startsAt=starts.isoformat(),
        repeat="MONTHLY",
        idempotencyKey="s",
    )
    app.world.clock.move(timedelta(hours=1))
    await carry_out_scheduled(app.world.context(SystemActor()))
    seen = await app.ask(
        """{ viewer { wallet { balance { amount }
            favourites { nodes { name kind to reference amount { amount } supplier { code } } }
            scheduledPayments(first: 3) { nodes { id status kind startsAt until amount { amount }
                lastResult { outcome problem rule receiptNumber } } } } } }"""
    )
    cancelled = await app.mutate(
        "cancelScheduledPayment", "... on ScheduledPayment { status nextAt }", scheduledPaymentId=ordered["id"]
    )
    removed = await app.mutate("removeFavourite", "... on FavouriteRemoved { id }", favouriteId=kept["id"])

    assert (kept["kind"], renamed["name"], ordered["repeat"]) == ("PAYMENT", "Dacha", "MONTHLY")
    wallet = seen["viewer"]["wallet"]
    assert wallet["balance"]["amount"] == "98800.00"
    assert wallet["favourites"]["nodes"][0]["supplier"] == {"code": "water"}
    [scheduled] = wallet["scheduledPayments"]["nodes"]
    assert (scheduled["status"], scheduled["lastResult"]["outcome"]) == ("ACTIVE", "CARRIED_OUT")
    assert (cancelled["status"], cancelled["nextAt"], removed["id"]) == ("CANCELLED", None, kept["id"])
    node = await app.ask("query ($id: ID!) { node(id: $id) { id } }", id=ordered["id"])
    assert node["node"]["id"] == ordered["id"]


async def test_once_is_meant_where_no_repeat_is_told_and_wrong_ids_are_not_found(app: App) -> None:
    starts = (app.world.clock.now() + timedelta(hours=1)).isoformat()

    once = await app.mutate("schedulePayment", "... on ScheduledPayment { repeat }", **bill("10"), startsAt=starts)
    nobody = await app.mutate("removeFavourite", "", favouriteId="V2FsbGV0OjE")
    wrong = await app.mutate("cancelScheduledPayment", "", scheduledPaymentId="?")

    assert once["repeat"] == "ONCE"
    assert (nobody["code"], wrong["code"]) == ("NOT_FOUND", "NOT_FOUND")
