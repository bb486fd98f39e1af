"""Agents and banks bringing money in, staff looking at payments, and the guards of the table itself."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from domain.database import execute, fetch_row
from domain.money import Money
from domain.partner import PartnerLimitReached
from domain.payment import PayeeNotFound, PaymentDiffers, PaymentStatus
from domain.refusal import Forbidden, IdempotencyKeyReused, InvalidAmount, InvalidInput, Refusal, Unauthenticated
from domain.switch import Switch, WayClosed, turn
from domain.wallet import BalanceLimitReached, TopUpLimitReached, WalletNotActive
from resolvers import payment as payments
from resolvers.context import Anonymous, Context, PartnerActor, ProviderActor, StaffActor, SubscriberActor, SystemActor
from resolvers.paging import PageRequest
from resolvers.partner import add_partner, set_top_up_limits
from resolvers.top_up import TopUpView, top_up, top_up_by_id
from tests.support.world import Person, World

TABLES = ("payment", "ledger_transfer", "ledger_entry", "ledger_account", "idempotency")


class Terminals:
    """An agent, `terminal`, and another, `other`."""

    def __init__(self, world: World, agent: Context, other: Context) -> None:
        self.world, self.agent, self.other = world, agent, other

    async def bring(self, to: str, som: str | int = 100, *, key: str = "k", **given: Any) -> TopUpView:
        asked = {"ctx": self.agent, "commission": None, "external_id": None} | given
        return await top_up(asked.pop("ctx"), to=to, amount=Decimal(som), key=key, **asked)

    async def limit(self, most: int | None, day_most: int | None) -> None:
        ctx = self.world.context(SystemActor())
        most_, day = (None if som is None else Decimal(som) for som in (most, day_most))
        await set_top_up_limits(ctx, code="terminal", most=most_, day_most=day)

    async def balance(self, ledger: int) -> Money:
        return (await self.world.holdings())[ledger]


@pytest.fixture
async def terminals(db: str) -> Terminals:
    world = World()
    contexts = []
    for code in ("terminal", "other"):
        made = await add_partner(world.context(SystemActor()), code=code, name=code, scopes=["topup:write"])
        contexts.append(world.context(PartnerActor(made.partner_id, code, frozenset({"topup:write"}))))
    return Terminals(world, *contexts)


@pytest.fixture
async def alice(terminals: Terminals) -> Person:
    return await terminals.world.holder(100)


@pytest.mark.rule("W-4.3.1")
@pytest.mark.rule("W-4.4.2")
async def test_the_whole_amount_comes_to_the_balance_and_the_agents_own_is_shown_apart(
    terminals: Terminals, alice: Person
) -> None:
    view = await terminals.bring(alice.wallet_number, "100.50", commission=Decimal(3), external_id="t-1")

    assert (view.amount, view.commission, view.status) == (Money.som("100.50"), Money.som(3), PaymentStatus.CAPTURED)
    assert view.external_id == "t-1"
    assert view.receipt is not None
    assert await terminals.balance(alice.wallet_ledger) == Money.som("200.50")
    assert f"wallet:{alice.wallet_id}" in terminals.world.announced
    row = await fetch_row("SELECT memo FROM ledger_transfer ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert json.loads(row["memo"])["source"] == "terminal", "the partner's name, for the statement"


@pytest.mark.parametrize(
    "form", ["{}", "+998{}", "998{}", "+998 ({0[0]}{0[1]}) {0[2]}{0[3]}{0[4]}-{0[5]}{0[6]}-{0[7]}{0[8]}"]
)
async def test_a_phone_means_its_personal_account(terminals: Terminals, alice: Person, form: str) -> None:
    await terminals.bring(form.format(alice.phone.removeprefix("+998")))

    assert await terminals.balance(alice.account_ledger) == Money.som(100)


async def test_a_replay_gives_the_first_answer_and_moves_nothing(terminals: Terminals, alice: Person) -> None:
    first = await terminals.bring(alice.account_number)
    before = await terminals.world.everything(*TABLES)

    again = await terminals.bring(alice.account_number)
    with pytest.raises(IdempotencyKeyReused):
        await terminals.bring(alice.account_number, 101)

    assert again == first
    assert await terminals.world.everything(*TABLES) == before


async def test_the_same_call_many_times_at_once_brings_money_once(terminals: Terminals, alice: Person) -> None:
    views = await asyncio.gather(*(terminals.bring(alice.account_number) for _ in range(8)))

    assert len({view.id for view in views}) == 1
    assert await terminals.balance(alice.account_ledger) == Money.som(100)


async def test_the_agents_own_id_is_used_once(terminals: Terminals, alice: Person) -> None:
    await terminals.bring(alice.account_number, external_id="t-1")
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(PaymentDiffers):
        await terminals.bring(alice.account_number, key="another", external_id="t-1")

    assert await terminals.world.everything(*TABLES) == before
    other = await terminals.bring(alice.account_number, ctx=terminals.other, external_id="t-1")
    assert other.external_id == "t-1"


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"som": 0}, InvalidAmount),
        ({"som": -1}, InvalidAmount),
        ({"som": "0.001"}, InvalidAmount),
        ({"som": "NaN"}, InvalidAmount),
        ({"som": "1e30"}, InvalidAmount),
        ({"commission": Decimal(-1)}, InvalidAmount),
        ({"external_id": ""}, InvalidInput),
        ({"external_id": "x" * 99}, InvalidInput),
        ({"external_id": "a\nb"}, InvalidInput),
        ({"key": ""}, InvalidInput),
        ({"to": "900000000"}, PayeeNotFound),
        ({"to": ""}, PayeeNotFound),
        ({"to": "x" * 50}, PayeeNotFound),
        ({"to": "to 900000001"}, PayeeNotFound),
        ({"to": "٩٠٠٠٠٠٠٠١"}, PayeeNotFound),
        ({"som": 2_060_000}, TopUpLimitReached),
    ],
)
@pytest.mark.rule("W-4.5.1a")
async def test_a_refused_top_up_changes_nothing(
    terminals: Terminals, alice: Person, changed: dict[str, Any], refusal: type[Refusal]
) -> None:
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(refusal):
        await terminals.bring(**({"to": alice.wallet_number} | changed))

    assert await terminals.world.everything(*TABLES) == before


@pytest.mark.rule("W-4.5.1b")
async def test_a_light_wallets_balance_limit_holds(terminals: Terminals, alice: Person) -> None:
    terminals.world.clock.move(timedelta(days=40))
    await terminals.bring(alice.wallet_number, 1_000_000)
    terminals.world.clock.move(timedelta(days=40))
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(BalanceLimitReached):
        await terminals.bring(alice.wallet_number, 1_060_000, key="second")

    assert await terminals.world.everything(*TABLES) == before


@pytest.mark.rule("W-4.6.1c")
async def test_a_blocked_wallet_takes_nothing(terminals: Terminals, alice: Person) -> None:
    await terminals.world.put(alice.wallet_id, "blocked")
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(WalletNotActive):
        await terminals.bring(alice.wallet_number)

    assert await terminals.world.everything(*TABLES) == before


@pytest.mark.rule("W-4.3.1")
async def test_a_way_that_is_closed_takes_nothing(terminals: Terminals, alice: Person) -> None:
    await turn(Switch.TOP_UP_BY_PARTNER, on=False, by="staff:chief", at=terminals.world.clock.now())
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(WayClosed):
        await terminals.bring(alice.wallet_number)

    assert await terminals.world.everything(*TABLES) == before


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (Anonymous(), Unauthenticated),
        (SubscriberActor(1, 1, "+998900000001"), Forbidden),
        (StaffActor(1, "chief", "admin"), Forbidden),
        (PartnerActor(1, "terminal", frozenset({"hold:write"})), Forbidden),
        (ProviderActor("payme"), Forbidden),
    ],
)
async def test_only_a_partner_with_the_scope_brings_money_in(
    terminals: Terminals, alice: Person, actor: Any, refusal: type[Exception]
) -> None:
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(refusal):
        await terminals.bring(alice.wallet_number, ctx=terminals.world.context(actor))

    assert await terminals.world.everything(*TABLES) == before


async def test_one_top_up_may_be_as_much_as_the_partners_limit(terminals: Terminals, alice: Person) -> None:
    await terminals.limit(500, None)
    await terminals.bring(alice.account_number, 500)
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(PartnerLimitReached) as refused:
        await terminals.bring(alice.account_number, "500.01", key="more")

    assert (refused.value.limit, refused.value.resets_at) == (Money.som(500), None)
    assert await terminals.world.everything(*TABLES) == before


async def test_a_partners_day_is_one_of_tashkent(terminals: Terminals, alice: Person) -> None:
    await terminals.limit(None, 1_000)
    await terminals.bring(alice.account_number, 700)
    await terminals.bring(alice.account_number, 900, ctx=terminals.other)
    before = await terminals.world.everything(*TABLES)

    with pytest.raises(PartnerLimitReached) as refused:
        await terminals.bring(alice.account_number, 301, key="more")

    told = refused.value
    midnight = datetime(2026, 3, 10, 19, 0, tzinfo=UTC)
    assert (told.limit, told.used, told.left) == (Money.som(1_000), Money.som(700), Money.som(300))
    assert told.resets_at == midnight
    assert await terminals.world.everything(*TABLES) == before
    terminals.world.clock.at = midnight
    assert (await terminals.bring(alice.account_number, 1_000, key="more")).amount == Money.som(1_000)


async def test_many_at_once_do_not_slip_past_the_partners_day_together(terminals: Terminals, alice: Person) -> None:
    await terminals.limit(None, 1_000)

    calls = (terminals.bring(alice.account_number, 300, key=f"k{n}") for n in range(8))
    ended = await asyncio.gather(*calls, return_exceptions=True)

    assert sum(isinstance(one, TopUpView) for one in ended) == 3
    assert sum(isinstance(one, PartnerLimitReached) for one in ended) == 5
    assert await terminals.balance(alice.account_ledger) == Money.som(900)


async def test_many_into_one_wallet_wait_for_it_in_a_row_and_never_for_each_other(
    terminals: Terminals, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.database._RETRIED", frozenset())  # a deadlock would be an error here

    await asyncio.gather(*(terminals.bring(alice.wallet_number, 1, key=f"k{n}") for n in range(50)))

    assert await terminals.balance(alice.wallet_ledger) == Money.som(150)


async def test_a_top_up_is_seen_by_the_partner_that_brought_it(terminals: Terminals, alice: Person) -> None:
    view = await terminals.bring(alice.wallet_number)

    seen = [await top_up_by_id(ctx, view.id) for ctx in (terminals.agent, terminals.other, terminals.world.context())]

    assert seen == [view, None, None]


async def test_staff_find_payments_by_way_state_and_number(terminals: Terminals, alice: Person) -> None:
    view = await terminals.bring(alice.wallet_number)
    payme = terminals.world.context(ProviderActor("payme"))
    payee = partial(payments.payee_named, alice.account_number)
    begun = await payments.create_payment(payme, payee, Money.som(5), external_id="p", named="{}")
    staff, ask = terminals.world.context(StaffActor(1, "viewer", "viewer")), PageRequest(size=10)

    async def found(**chosen: str) -> list[int]:
        return [one.payment.id for one in (await payments.payments(staff, ask, **chosen)).items]

    assert await found() == [begun.id, view.id]
    assert await found(provider="payme") == [begun.id]
    assert await found(status="captured") == [view.id]
    assert await found(number=alice.wallet_number) == [view.id]
    assert await found(number="0") == []
    with pytest.raises(Forbidden):
        await payments.payments(terminals.agent, ask)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payment SET amount = 1",
        "UPDATE payment SET external_id = 'other'",
        "UPDATE payment SET provider = 'click'",
        "UPDATE payment SET account_id = account_id - 1",
        "UPDATE payment SET status = 'pending', transfer_id = NULL, captured_at = NULL",
        "UPDATE payment SET status = 'cancelled', cancelled_at = 1",
        "UPDATE payment SET status = 'refunded', cancelled_at = 1",
        "UPDATE payment SET transfer_id = NULL",
        "UPDATE payment SET captured_at = 1",
        "DELETE FROM payment",
        """INSERT INTO payment (provider, external_id, account_id, amount, status, named, created_at, transfer_id,
                                captured_at)
           SELECT 'payme', 'x', account_id, 1, 'captured', '', 0, NULL, 0 FROM payment""",
    ],
)
async def test_the_database_itself_keeps_payments_as_they_are(terminals: Terminals, alice: Person, sql: str) -> None:
    await terminals.bring(alice.wallet_number)
    before = await terminals.world.everything("payment")

    with pytest.raises(Exception, match=r"payment|constraint|append|never|change"):
        await execute(sql)

    assert await terminals.world.everything("payment") == before
    assert await fetch_row("SELECT 1 AS one FROM payment WHERE status = 'captured'") == {"one": 1}
