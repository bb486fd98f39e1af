"""The wallet's life as apps ask for it, alike on both engines: PIN, giving up, being paid out, what blocks it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.clock import to_micros
from domain.database import execute, fetch_row
from resolvers import wallet as wallets
from resolvers.context import Claimed, Context, PartnerActor, StaffActor, SubscriberActor
from schema import root
from schema.context import settle_before
from schema.engine.answer import Answer
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from tests.resolvers.test_approval import hire
from tests.support.world import PIN, Person, World

BORN = "1990-05-17"
ROWS = ("wallet", "wallet_block", "wallet_event", "redemption", "ledger_account", "ledger_transfer", "idempotency")
STATE = "number status closedBecause restUntil blocks { cause until } balance { amount } available { amount }"
FACTS = {
    "changePin": "... on WrongPin { triesLeft }",
    "resetPin": "... on WrongBirthDate { triesLeft }",
    "closeWallet": "... on BalanceNotZero { balance { amount } }",
    "requestRedemption": "... on InsufficientFunds { available { amount } needed { amount } }",
}
PAID_OUT = "id status amount { amount } destination reason receiptNumber decidedAt"
MINE = f"{{ viewer {{ wallet {{ {STATE} redemptions {{ {PAID_OUT} }} }} }} }}"
NODE = f"""query ($id: ID!) {{ node(id: $id) {{
    ... on Wallet {{ {STATE} }} ... on Redemption {{ asked: status destination }} }} }}"""
FORGET = f"mutation {{ forgetPin {{ {STATE} }} }}"
INPUTS: dict[str, dict[str, Any]] = {
    "changePin": {"oldPin": PIN, "newPin": "1357"},
    "resetPin": {"birthDate": BORN, "newPin": "1357"},
    "closeWallet": {"leaveRest": True},
    "requestRedemption": {"amount": "300.00", "destination": "Card 8600 •••• 1234", "idempotencyKey": "k"},
}
MADE = {
    "changePin": f"... on PinChanged {{ wallet {{ {STATE} }} }}",
    "requestRedemption": f"... on Redemption {{ {PAID_OUT} }}",
}


class App:
    """An app on one phone, without HTTP."""

    def __init__(self, world: World, engine: StockEngine, person: Person, ctx: Context) -> None:
        self.world, self.engine, self.person, self.ctx = world, engine, person, ctx

    async def answer(self, query: str, **variables: Any) -> Answer:
        asking, actor = self.ctx, self.ctx.actor
        if isinstance(actor, SubscriberActor):
            asking = asking.acting_as(Claimed(actor.subscriber_id, actor.session_id, language_asked=True))
        return await self.engine.execute(query, variables, None, replace(asking, memo={}), allow_mutation=True)

    async def ask(self, query: str, **variables: Any) -> Any:
        answer = await self.answer(query, **variables)
        assert not answer.errors, answer.errors
        assert answer.data is not None
        return next(iter(answer.data.values()))

    def document(self, name: str) -> str:
        kind, made = name[0].upper() + name[1:] + "Input!", MADE.get(name, f"... on Wallet {{ {STATE} }}")
        problem = f"... on Problem {{ code rule path }} {FACTS[name]}"
        return f"mutation ($i: {kind}) {{ {name}(input: $i) {{ __typename {made} {problem} }} }}"

    async def mutate(self, name: str, **changed: Any) -> dict[str, Any]:
        result: dict[str, Any] = await self.ask(self.document(name), i=INPUTS[name] | changed)
        return result

    async def mine(self) -> dict[str, Any]:
        viewer: dict[str, Any] = await self.ask(MINE)
        return dict(viewer["wallet"])

    async def unlock(self, pin: str) -> str:
        asked = "mutation ($i: UnlockWalletInput!) { unlockWallet(input: $i) { __typename } }"
        return str((await self.ask(asked, i={"pin": pin}))["__typename"])

    def of(self, ctx: Context) -> "App":
        return App(self.world, self.engine, self.person, ctx)


@pytest.fixture(params=[CompiledEngine, StockEngine])
async def app(request: pytest.FixtureRequest, db: str) -> App:
    world = World()
    person = await world.holder(1_000)
    engine = request.param(root.build(), limits=Limits(), prepare=settle_before)
    return App(world, engine, person, await world.signed_in(person))


@pytest.mark.rule("W-2.15")
async def test_the_pin_is_changed_by_who_knows_it_and_locks_every_session(app: App) -> None:
    wrong = await app.mutate("changePin", oldPin="9999")
    badly = await app.mutate("changePin", newPin="12")
    same = await app.unlock(PIN)
    changed = await app.mutate("changePin")
    locked = await app.mutate("closeWallet")
    opened = [await app.unlock(PIN), await app.unlock("1357")]

    assert (wrong["__typename"], wrong["triesLeft"], wrong["path"]) == ("WrongPin", 4, ["input", "oldPin"])
    assert (badly["__typename"], badly["path"]) == ("InvalidInput", ["input", "newPin"])
    assert same == "WalletUnlocked"
    assert (changed["__typename"], changed["wallet"]["status"]) == ("PinChanged", "ACTIVE")
    assert (locked["__typename"], locked["rule"]) == ("WalletLocked", "W-2.15")
    assert opened == ["WrongPin", "WalletUnlocked"]


@pytest.mark.rule("W-4.6.1e")
@pytest.mark.rule("W-4.6.6")
async def test_a_forgotten_pin_blocks_until_the_birth_date_brings_a_new_one(app: App) -> None:
    [blocked] = await app.ask(FORGET)
    again = await app.ask(FORGET)
    before = await app.world.everything(*ROWS)
    wrong = [await app.mutate("resetPin", birthDate="1990-05-18") for _ in range(3)]
    locked = await app.mutate("resetPin")
    after = await app.world.everything(*ROWS)
    app.world.clock.move(timedelta(days=1))
    app.ctx = await app.world.signed_in(app.person, unlocked=False)
    badly = await app.mutate("resetPin", newPin="abcd")
    back = await app.mutate("resetPin")
    opened = [await app.unlock(PIN), await app.unlock("1357")]

    assert (blocked["status"], blocked["blocks"]) == ("BLOCKED", [{"cause": "PIN_FORGOTTEN", "until": None}])
    assert again == [blocked]
    assert [one["triesLeft"] for one in wrong] == [2, 1, 0]
    assert wrong[0] == {
        "__typename": "WrongBirthDate",
        "code": "WRONG_BIRTH_DATE",
        "rule": "W-4.6.6",
        "path": ["input", "birthDate"],
        "triesLeft": 2,
    }
    assert (locked["__typename"], locked["rule"]) == ("BirthDateLocked", "W-4.6.6")
    assert after == before
    assert (badly["__typename"], badly["path"]) == ("InvalidInput", ["input", "newPin"])
    assert (back["__typename"], back["status"], back["blocks"]) == ("Wallet", "ACTIVE", [])
    assert back["balance"] == {"amount": "1000.00"}
    assert opened == ["WrongPin", "WalletUnlocked"]


@pytest.mark.rule("W-4.6.6")
async def test_a_pin_is_made_anew_from_the_wallets_own_number_alone(app: App) -> None:
    second = "+998909999999"
    await execute(
        """INSERT INTO subscriber_number (phone, subscriber_id, account_id, status, activated_at)
           VALUES ($1, $2, $3, 'active', $4)""",
        second,
        app.person.id,
        app.person.account_id,
        to_micros(app.world.clock.now()),
    )
    elsewhere = app.of(await app.world.signed_in(replace(app.person, phone=second)))

    refused = await elsewhere.mutate("resetPin")

    assert (refused["__typename"], refused["rule"]) == ("NotTheWalletsNumber", "W-4.6.6")
    assert await app.unlock(PIN) == "WalletUnlocked"


@pytest.mark.rule("W-4.6.1a")
@pytest.mark.rule("W-4.6.2")
async def test_a_wallet_with_money_is_given_up_only_knowingly(app: App) -> None:
    before = await app.world.everything(*ROWS)
    refused = await app.mutate("closeWallet", leaveRest=False)
    after = await app.world.everything(*ROWS)
    closed = await app.mutate("closeWallet")
    again = await app.mutate("closeWallet")

    assert refused["__typename"] == "BalanceNotZero"
    assert (refused["balance"], refused["rule"]) == ({"amount": "1000.00"}, "W-4.6.2")
    assert after == before
    assert (closed["__typename"], closed["status"], closed["closedBecause"]) == ("Wallet", "CLOSED", "GIVEN_UP")
    assert closed["restUntil"].startswith("2029-03-10T")
    assert closed["balance"] == {"amount": "1000.00"}
    assert again["__typename"] == "WalletMissing"


async def test_an_empty_wallet_is_closed_without_a_rest_and_a_new_one_has_its_own_number(app: App) -> None:
    empty = await app.world.holder(0)
    app.ctx = await app.world.signed_in(empty)
    edition = await app.world.wallet_offer("2026-02")
    given = {"birthDate": BORN, "pin": PIN, "offerEdition": edition}

    closed = await app.mutate("closeWallet", leaveRest=False)
    nothing = (await app.ask("{ viewer { wallet { id } } }"))["wallet"]
    opening = (
        f"mutation ($i: OpenWalletInput!) {{ openWallet(input: $i) {{ __typename ... on Wallet {{ {STATE} }} }} }}"
    )
    anew = await app.ask(opening, i=given)

    assert (closed["status"], closed["restUntil"], nothing) == ("CLOSED", None, None)
    assert (anew["__typename"], anew["status"], anew["balance"]) == ("Wallet", "ACTIVE", {"amount": "0.00"})
    assert anew["number"] != closed["number"]


@pytest.mark.rule("W-5.4.2")
async def test_paying_out_is_asked_for_once_and_told_to_its_end(app: App) -> None:
    before = await app.world.holdings()
    asked = await app.mutate("requestRedemption")
    replayed = await app.mutate("requestRedemption")
    refused = [
        await app.mutate("requestRedemption", amount="301.00"),
        await app.mutate("requestRedemption", idempotencyKey="k2"),
        await app.mutate("requestRedemption", idempotencyKey="k3", amount="1000.01"),
        await app.mutate("requestRedemption", idempotencyKey="k4", amount="0"),
        await app.mutate("requestRedemption", idempotencyKey="k5", destination=" 12 "),
    ]
    waiting, kept = await app.mine(), await app.world.holdings()
    agent = await hire(app.world, "agent", "agent")
    await wallets.pay_out(agent, redemption_id=1)
    paid = await app.mine()

    assert (asked["__typename"], asked["status"], asked["amount"]) == ("Redemption", "REQUESTED", {"amount": "300.00"})
    assert replayed == asked
    assert [one["__typename"] for one in refused] == [
        "IdempotencyKeyReused",
        "RedemptionOpen",
        "InsufficientFunds",
        "InvalidAmount",
        "InvalidInput",
    ]
    assert [refused[n]["rule"] for n in (1, 2, 4)] == ["W-5.4.2"] * 3
    assert refused[4]["path"] == ["input", "destination"]
    assert (kept, [one["id"] for one in waiting["redemptions"]]) == (before, [asked["id"]])
    [one] = paid["redemptions"]
    assert (one["status"], one["reason"], paid["balance"]["amount"]) == ("PAID", "", "700.00")
    assert one["receiptNumber"]
    assert one["decidedAt"]


async def test_a_refused_request_tells_why_and_makes_room_for_the_next(app: App) -> None:
    await app.mutate("requestRedemption")
    agent = await hire(app.world, "agent", "agent")
    await wallets.reject_redemption(agent, redemption_id=1, reason="The card is not yours")

    mine = await app.mine()
    next_one = await app.mutate("requestRedemption", idempotencyKey="k2", destination="Office in Samarqand")

    assert [(one["status"], one["reason"]) for one in mine["redemptions"]] == [("REJECTED", "The card is not yours")]
    assert mine["balance"] == {"amount": "1000.00"}
    assert next_one["status"] == "REQUESTED"


@pytest.mark.rule("W-4.6.1b")
@pytest.mark.rule("W-4.6.1c")
@pytest.mark.rule("W-6.4")
async def test_every_cause_is_told_and_all_must_end(app: App) -> None:
    admin, wallet_id = await hire(app.world, "admin", "admin"), app.person.wallet_id
    await wallets.suspect(admin, wallet_id=wallet_id, reason="a complaint")
    app.world.clock.move(timedelta(minutes=1))
    await wallets.report_loss(admin, wallet_id=wallet_id, reason="he called")
    gone = await app.answer(MINE)
    app.ctx = await app.world.signed_in(app.person)
    both, before = await app.mine(), await app.world.everything(*ROWS)
    refused = [await app.mutate(name) for name in ("closeWallet", "requestRedemption")]
    after = await app.world.everything(*ROWS)
    await wallets.clear(admin, wallet_id=wallet_id, reason="all is well")
    one = await app.mine()

    assert [error["extensions"]["code"] for error in gone.errors or []] == ["UNAUTHENTICATED"]
    assert [block["cause"] for block in both["blocks"]] == ["SUSPICION", "NUMBER_LOST"]
    assert both["blocks"][1]["until"].startswith("2029-03-10T")
    assert [(answer["__typename"], answer["rule"]) for answer in refused] == [("WalletNotActive", "W-5.2.1")] * 2
    assert after == before
    assert (one["status"], [block["cause"] for block in one["blocks"]]) == ("BLOCKED", ["NUMBER_LOST"])


@pytest.mark.rule("W-4.6.1c")
async def test_a_refusal_tells_what_blocks_ones_own_wallet_and_nothing_of_a_strangers(app: App) -> None:
    bob = await app.world.holder(50)
    admin = await hire(app.world, "admin", "admin")
    asked = "... on WalletNotActive { rule path blocks { cause } }"
    transfer = f"mutation ($i: TransferInput!) {{ transfer(input: $i) {{ __typename {asked} }} }}"
    given = {"to": bob.phone, "amount": "5.00", "idempotencyKey": "t"}

    await wallets.suspect(admin, wallet_id=bob.wallet_id, reason="a complaint")
    theirs = await app.ask(transfer, i=given)
    await wallets.suspect(admin, wallet_id=app.person.wallet_id, reason="a complaint")
    own = await app.ask(transfer, i=given)

    assert (theirs["__typename"], theirs["path"], theirs["blocks"]) == ("WalletNotActive", ["input", "to"], [])
    assert (own["__typename"], own["path"], own["blocks"]) == ("WalletNotActive", None, [{"cause": "SUSPICION"}])


async def test_a_stranger_sees_neither_the_wallet_nor_its_requests(app: App) -> None:
    asked = await app.mutate("requestRedemption")
    wallet_id = (await app.ask("{ viewer { wallet { id } } }"))["wallet"]["id"]
    await app.mutate("closeWallet")
    own = [await app.ask(NODE, id=one) for one in (wallet_id, asked["id"])]
    strangers = [
        await app.world.signed_in(await app.world.holder(5)),
        app.world.context(PartnerActor(1, "kino", frozenset({"hold:write", "subscription:read"}))),
        app.world.context(),
    ]

    seen = [await app.of(ctx).answer(NODE, id=one) for ctx in strangers for one in (wallet_id, asked["id"])]

    assert (own[0]["closedBecause"], own[1]["asked"]) == ("GIVEN_UP", "WITHDRAWN")
    codes = [error["extensions"]["code"] for answer in seen for error in answer.errors or []]
    assert codes == ["NOT_FOUND"] * 2 + ["FORBIDDEN"] * 2 + ["UNAUTHENTICATED"] * 2
    assert [(answer.data or {}).get("node") for answer in seen] == [None] * 6


async def test_who_is_no_holder_changes_nothing(app: App) -> None:
    walletless = await app.world.signed_in(await app.world.person())
    callers = {
        "anonymous": app.world.context(),
        "partner": app.world.context(PartnerActor(1, "kino", frozenset({"hold:write"}))),
        "staff": app.world.context(StaffActor(1, "gulnora", "admin")),
    }
    before = await app.world.everything(*ROWS, "session", "subscriber")

    refused = {
        name: [await app.of(ctx).answer(app.document(one), i=INPUTS[one]) for one in INPUTS]
        + [await app.of(ctx).answer(FORGET)]
        for name, ctx in callers.items()
    }
    none = app.of(walletless)
    missing = [(await none.mutate(name))["__typename"] for name in INPUTS]
    nothing = await none.ask(FORGET)
    after = await app.world.everything(*ROWS, "session", "subscriber")

    for name, answers in refused.items():
        codes = {error["extensions"]["code"] for answer in answers for error in answer.errors or []}
        assert codes == {"UNAUTHENTICATED" if name == "anonymous" else "FORBIDDEN"}, name
        assert all(answer.errors for answer in answers)
    assert (set(missing), nothing) == ({"WalletMissing"}, [])
    assert after == before


async def test_from_a_locked_session_nothing_is_given_up_and_nothing_asked_for(app: App) -> None:
    app.ctx = await app.world.signed_in(app.person, unlocked=False)
    before = await app.world.everything(*ROWS)

    refused = [await app.mutate(name) for name in ("closeWallet", "requestRedemption")]

    assert [answer["__typename"] for answer in refused] == ["WalletLocked", "WalletLocked"]
    assert await app.world.everything(*ROWS) == before
    row = await fetch_row("SELECT status FROM wallet WHERE id = $1", app.person.wallet_id)
    assert row == {"status": "active"}
