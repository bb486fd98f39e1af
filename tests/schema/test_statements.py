"""A screen is one statement, however long its lists are, and shows what a statement for each part would show."""

from decimal import Decimal
from typing import Any

import pytest

from domain.clock import SetClock, to_micros
from domain.database import execute
from domain.language import Language
from resolvers import wallet
from resolvers.context import Anonymous, Claimed, Context, StaffActor, SubscriberActor
from resolvers.home import HomeWants
from schema import access, root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.resolvers.shop import START, Buyer, Shop, publish_offer
from tests.support.statements import statements
from tests.support.world import Person, World

SCREENS = {
    "home": """{ viewer { subscriber { id kind name phone status } language
        accounts(first: 5) { nodes { id number balance { amount currency formatted } billing } }
        wallet { id number level status balance { amount } openedAt
            limits { topUpLimit { amount } topUpLeft { amount } balanceLimit { amount } resetsAt } }
        tariff { code name prices { price { amount } } }
        subscriptions(first: 5) { nodes { id phone phoneMasked status activatedOn endsOn daysLeft monthsPaid autoRenew
            price { amount } product { code name priceSteps { fromMonth price { amount } } } } }
        orders(first: 5) { nodes { id status months phone createdAt total { amount } product { code }
            challenge { id expiresAt resendAt } subscription { id status product { code } price { amount } } } } } }""",
    "statement": """{ viewer { wallet { balance { amount } entries(first: 20) {
        edges { cursor node { id at kind amount { amount formatted } balanceAfter { amount } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }""",
    "receipts": """{ viewer { wallet { entries(last: 3) { nodes { kind
        receipt { number at payer recipient purpose amount { amount } commission { amount } total { amount } }
        } } } } }""",
    "subscriptions": "{ viewer { subscriptions(first: 20) { nodes { id status price { formatted } } } } }",
    "orders without more": "{ viewer { orders { nodes { id status total { amount } } } } }",
    "accounts with histories": """{ viewer { accounts(first: 3) { nodes { number
        entries(first: 2) { nodes { kind amount { amount } receipt { number } } pageInfo { endCursor } } } } } }""",
    "aliases": """{ viewer {
        few: accounts(first: 1) { nodes { number entries(first: 1) { edges { node { id } } } } pageInfo { endCursor } }
        many: accounts(last: 4) { nodes { number entries(last: 2) { nodes { id at } } } }
        same: accounts(first: 1) { nodes { entries(first: 3) { nodes { id receipt { number } } } } }
        one: wallet { number entries(first: 1) { nodes { id } } }
        two: wallet { limits { topUpLeft { amount } } entries(first: 2) { nodes { receipt { payer } } } }
        a: subscriptions(first: 1) { nodes { id } pageInfo { hasNextPage } }
        b: subscriptions(last: 1) { nodes { id } pageInfo { hasPreviousPage } } } }""",
    "fragments": """query { __typename viewer { ...Mine ... on Viewer { tariff { code } } } }
        fragment Mine on Viewer { accounts { edges { node { ...Line } } } orders { nodes { subscription { id } } } }
        fragment Line on Account { entries { nodes { receipt { total { amount } } } } }""",
    "little": "{ viewer { language } }",
    "catalogue": "{ tariffs { nodes { code allowances { kind } prices { zone { code } } } } }",
    "shop": "{ products { nodes { code priceSteps { fromMonth } } } }",
}
ENGINES = {"compiled": CompiledEngine, "stock": StockEngine}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> StockEngine:
    return ENGINES[request.param](root.build(), limits=Limits(), prepare=settle_before)


class Town:
    """Two people who have two accounts, a wallet with a history, a tariff, subscriptions and orders each."""

    def __init__(self) -> None:
        self.world = World(clock=SetClock(START))
        self.shop = Shop(clock=self.world.clock, secrets=self.world.secrets)

    async def build(self) -> tuple[Context, Context]:
        """Both, claimed by their tokens only."""
        await publish_offer()
        await self.shop.add_product()
        await self.shop.add_product("music", position=2)
        await execute(
            """INSERT INTO tariff (code, name, description, monthly_fee, archived, foreigners_only, position)
               VALUES ('welcome', '{"en": "Welcome"}', '{}', 3000000, $1, $1, 1)""",
            False,
        )
        people = [await self.world.holder(1_000), await self.world.holder(1_000)]
        for one, other in (people, people[::-1]):
            await self._live(one, other)
        mine, others = [_claimed(await self.world.signed_in(person)) for person in people]
        return mine, others

    async def _live(self, one: Person, other: Person) -> None:
        await execute("UPDATE subscriber_number SET tariff_id = (SELECT id FROM tariff) WHERE phone = $1", one.phone)
        buyer = Buyer(one.id, one.phone, one.account_number, one.account_id, one.account_ledger)
        await self.shop.move(buyer, 300_000)
        second = f"+99891{one.phone[6:]}"
        await self.shop.add_number(one.id, second, 50_000)
        await self.shop.buy(buyer)
        await self.shop.buy(buyer, 2, "music")
        self.shop.pass_days(3)
        await self.shop.order(buyer, phone=second)
        ctx = await self.world.signed_in(one)
        for n in range(7):
            await wallet.transfer(ctx, to=other.phone, amount=Decimal(n + 1), key=f"k{n}")


def _claimed(ctx: Context) -> Context:
    assert isinstance(ctx.actor, SubscriberActor)
    return ctx.acting_as(Claimed(ctx.actor.subscriber_id, ctx.actor.session_id, language_asked=True))


async def answer(engine: StockEngine, query: str, ctx: Context, **variables: Any) -> Any:
    asking = ctx.acting_as(ctx.actor)
    asking.memo = {}
    return await engine.execute(query, variables, None, asking, allow_mutation=True)


@pytest.mark.parametrize("screen", sorted(SCREENS))
async def test_a_screen_is_one_statement(db: str, screen: str, engine: StockEngine) -> None:
    ctx, _ = await Town().build()
    known = await answer(engine, "{ tariffs { nodes { id } } }", ctx)  # the process has the catalogue ready

    with statements() as seen:
        shown = await answer(engine, SCREENS[screen], ctx)

    # What is everybody's does not need to know whose session it is: that is one statement more.
    public = screen in ("catalogue", "shop")
    assert (known.errors, shown.errors) == ([], [])
    assert len(seen) == 1 + public, seen


@pytest.mark.parametrize("screen", sorted(SCREENS))
async def test_looking_ahead_shows_what_looking_at_each_part_shows(
    db: str, screen: str, engine: StockEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, other = await Town().build()

    ahead = await answer(engine, SCREENS[screen], ctx)
    others = await answer(engine, SCREENS[screen], other)
    monkeypatch.setattr(access, "wants_of", lambda _viewer: HomeWants())
    apart = await answer(
        ENGINES[engine.name](root.build(), limits=Limits(), prepare=settle_before), SCREENS[screen], ctx
    )

    assert ahead.errors == []
    assert ahead.as_dict() == apart.as_dict()
    assert (ahead.data == others.data) == (screen in ("catalogue", "shop", "little"))


PAGES = """query ($first: Int, $after: String, $last: Int, $before: String) { viewer {
    accounts(first: $first, after: $after, last: $last, before: $before) { ...P }
    subscriptions(first: $first, after: $after, last: $last, before: $before) { edges { cursor } nodes { id } }
    orders(first: $first, after: $after, last: $last, before: $before) { edges { cursor } nodes { id } }
    wallet { entries(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { id receipt { number } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }
    fragment P on AccountConnection { edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage } }"""


async def test_every_page_is_the_same_either_way(db: str, engine: StockEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx, _ = await Town().build()
    whole = await answer(engine, PAGES, ctx)
    cursors = [edge["cursor"] for edge in whole.data["viewer"]["wallet"]["entries"]["edges"]]
    asked: list[dict[str, Any]] = [
        {"first": 2},
        {"last": 2},
        {"first": 3, "after": cursors[1]},
        {"last": 3, "before": cursors[5]},
        {"first": 100, "after": cursors[1], "before": cursors[5]},
        {"last": 1, "after": cursors[-1]},
        # No pages: the fields themselves say so.
        {"first": 0},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
    ]

    ahead = [(await answer(engine, PAGES, ctx, **variables)).as_dict() for variables in asked]
    monkeypatch.setattr(access, "wants_of", lambda _viewer: HomeWants())
    other = ENGINES[engine.name](root.build(), limits=Limits(), prepare=settle_before)
    apart = [(await answer(other, PAGES, ctx, **variables)).as_dict() for variables in asked]

    assert ahead == apart
    assert [len(each.get("errors", ())) > 0 for each in ahead] == [False] * 6 + [True] * 3


@pytest.mark.parametrize("how", ["ended", "expired", "nobody's"])
async def test_a_session_that_is_over_sees_nothing(db: str, how: str, engine: StockEngine) -> None:
    town = Town()
    ctx, _ = await town.build()
    assert isinstance(ctx.actor, Claimed)
    if how == "ended":
        now = to_micros(town.world.clock.now())
        await execute("UPDATE session SET ended_at = $1 WHERE id = $2", now, ctx.actor.session_id)
    elif how == "expired":
        town.shop.pass_days(31)
    else:
        ctx = ctx.acting_as(Claimed(ctx.actor.subscriber_id, 987_654))

    for screen in ("home", "statement", "fragments", "little"):
        shown = await answer(engine, SCREENS[screen], ctx)

        assert shown.data is None or shown.data["viewer"] is None
        assert [error["extensions"]["code"] for error in shown.errors] == ["UNAUTHENTICATED"]


async def test_who_is_no_subscriber_has_no_viewer(db: str, engine: StockEngine) -> None:
    world = World()

    nobody = await answer(engine, SCREENS["little"], world.context(Anonymous()))
    staff = await answer(engine, SCREENS["little"], world.context(StaffActor(1, "dilnoza", "admin")))

    assert nobody.as_dict()["data"] == {"viewer": None}
    assert [error["extensions"]["code"] for error in staff.errors] == ["FORBIDDEN"]


async def test_a_subscriber_with_nothing_sees_empty_lists(db: str, engine: StockEngine) -> None:
    world = World()
    person = await world.person()
    await execute("DELETE FROM subscriber_number WHERE subscriber_id = $1", person.id)
    await execute("DELETE FROM personal_account WHERE subscriber_id = $1", person.id)
    ctx = _claimed(await world.signed_in(person))

    shown = await answer(engine, SCREENS["home"], ctx)

    assert shown.errors == []
    viewer = shown.data["viewer"]
    assert [viewer[name]["nodes"] for name in ("accounts", "subscriptions", "orders")] == [[], [], []]
    assert (viewer["wallet"], viewer["tariff"]) == (None, None)


async def test_a_viewer_speaks_the_chosen_language_unless_asked_for_another(db: str, engine: StockEngine) -> None:
    world = World()
    person = await world.holder(1_000)
    await execute("UPDATE subscriber SET language = 'ru' WHERE id = $1", person.id)
    asking = _claimed(await world.signed_in(person))
    assert isinstance(asking.actor, Claimed)
    silent = asking.acting_as(Claimed(asking.actor.subscriber_id, asking.actor.session_id))
    query = "{ viewer { wallet { balance { formatted } } } }"

    texts = [
        (await answer(engine, query, ctx)).data["viewer"]["wallet"]["balance"]["formatted"] for ctx in (silent, asking)
    ]

    assert [text[-4:].strip("\N{NO-BREAK SPACE}") for text in texts] == ["сум", "soʻm"]
    assert asking.language is Language.EN


async def test_signing_in_shows_the_viewer_in_one_statement_more(db: str, engine: StockEngine) -> None:
    ctx, _ = await Town().build()
    mutation = "mutation { setLanguage(input: {language: RU}) %s }"

    with statements() as bare:
        await answer(engine, mutation % "{ __typename }", ctx)
    with statements() as full:
        shown = await answer(engine, mutation % SCREENS["statement"].removeprefix("{ viewer ").removesuffix(" }"), ctx)

    assert shown.errors == []
    assert len(full) == len(bare)
