"""Redemption: the holder asks, somebody else pays out or rejects; frozen money stays where it is (W-5.4.2)."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.database import fetch
from domain.ledger import InsufficientFunds
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.refusal import Forbidden, IdempotencyKeyReused, InvalidAmount, InvalidInput, NotFound, Refusal
from domain.wallet import WalletLocked, WalletMissing, WalletNotActive
from domain.wallet.refusals import OwnRequest, RedemptionDecided, RedemptionOpen
from resolvers import wallet
from resolvers.context import Context
from resolvers.wallet import RedemptionView
from tests.support.world import Person, World

WHERE = "Card 8600 12** **** 3456"
TABLES = ("redemption", "ledger_transfer", "ledger_entry", "ledger_account", "audit_event", "idempotency")


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def alice(world: World) -> Person:
    return await world.holder(1_000)


async def ask(ctx: Context, som: str | int = 400, *, key: str = "k", where: str = WHERE) -> RedemptionView:
    return await wallet.request_redemption(ctx, amount=Decimal(som), destination=where, key=key)


@pytest.mark.rule("W-5.4.2")
async def test_asked_for_and_paid_out_the_money_leaves_the_wallet(world: World, alice: Person) -> None:
    asked = await ask(await world.signed_in(alice))
    held = (await world.holdings())[alice.wallet_ledger]

    paid = await wallet.pay_out(await world.staff("agent"), redemption_id=asked.id)

    assert (str(asked.status), str(paid.status), asked.amount) == ("requested", "paid", Money.som(400))
    assert held == Money.som(1_000)
    assert (await world.holdings())[alice.wallet_ledger] == Money.som(600)
    assert [fault async for fault in check_ledger(lambda what, done: None)] == []


async def test_the_same_asked_again_is_the_same_and_one_waits_at_a_time(world: World, alice: Person) -> None:
    ctx = await world.signed_in(alice)
    asked = await ask(ctx)
    before = await world.everything(*TABLES)

    assert (await ask(ctx)).id == asked.id
    with pytest.raises(IdempotencyKeyReused):
        await ask(ctx, 401)
    with pytest.raises(RedemptionOpen):
        await ask(ctx, 1, key="another")

    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    ("som", "where", "refusal"),
    [
        ("1000.01", WHERE, InsufficientFunds),
        ("0", WHERE, InvalidAmount),
        ("-1", WHERE, InvalidAmount),
        ("0.001", WHERE, InvalidAmount),
        ("1", "", InvalidInput),
        ("1", "x" * 2_000, InvalidInput),
        ("1", "a\x00b", InvalidInput),
    ],
)
async def test_what_cannot_be_paid_out_is_not_asked_for(
    world: World, alice: Person, som: str, where: str, refusal: type[Refusal]
) -> None:
    ctx = await world.signed_in(alice)
    before = await world.everything(*TABLES)

    with pytest.raises(refusal):
        await ask(ctx, som, where=where)

    assert await world.everything(*TABLES) == before


async def test_a_locked_a_blocked_and_no_wallet_ask_for_nothing(world: World, alice: Person) -> None:
    locked = await world.signed_in(alice, unlocked=False)
    blocked = await world.holder(100, status="blocked")
    strangers = [(locked, WalletLocked), (await world.signed_in(await world.person()), WalletMissing)]
    before = await world.everything(*TABLES)

    for ctx, refusal in strangers:
        with pytest.raises(refusal):
            await ask(ctx)
    with pytest.raises((WalletNotActive, WalletLocked)):
        await ask(await world.signed_in(blocked))

    assert await world.everything(*TABLES) == before


@pytest.mark.rule("W-5.4.2")
async def test_frozen_money_is_not_paid_out(world: World, alice: Person) -> None:
    asked, staff = await ask(await world.signed_in(alice)), await world.staff("agent")
    await world.put(alice.wallet_id, "blocked")
    before = await world.everything(*TABLES)

    with pytest.raises(WalletNotActive):
        await wallet.pay_out(staff, redemption_id=asked.id)

    assert await world.everything(*TABLES) == before


async def test_what_has_been_spent_meanwhile_is_not_paid_out(world: World, alice: Person) -> None:
    ctx, staff, bob = await world.signed_in(alice), await world.staff("agent"), await world.holder()
    asked = await ask(ctx, 900)
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal(200), key="t")
    before = await world.everything(*TABLES)

    with pytest.raises(InsufficientFunds):
        await wallet.pay_out(staff, redemption_id=asked.id)

    assert await world.everything(*TABLES) == before


async def test_a_rejection_has_a_reason_and_is_the_end(world: World, alice: Person) -> None:
    asked, staff = await ask(await world.signed_in(alice)), await world.staff("agent")
    with pytest.raises(InvalidInput):
        await wallet.reject_redemption(staff, redemption_id=asked.id, reason=" ")

    over = await wallet.reject_redemption(staff, redemption_id=asked.id, reason="The card does not exist.")

    before = await world.everything(*TABLES)
    assert str(over.status) == "rejected"
    with pytest.raises(RedemptionDecided):
        await wallet.pay_out(staff, redemption_id=asked.id)
    with pytest.raises(NotFound):
        await wallet.pay_out(staff, redemption_id=999_999)
    assert await world.everything(*TABLES) == before


@pytest.mark.rule("W-4.6.2")
async def test_the_rest_of_a_wallet_given_up_is_asked_for_by_one_and_paid_by_another(
    world: World, alice: Person
) -> None:
    ctx, first, second = await world.signed_in(alice), await world.staff("agent"), await world.staff("agent")
    await wallet.close_wallet(ctx, leave_rest=True)
    id_ = await wallet.request_rest(first, wallet_id=alice.wallet_id, destination=WHERE)

    with pytest.raises(OwnRequest):
        await wallet.pay_out(first, redemption_id=id_)
    await wallet.pay_out(second, redemption_id=id_)

    assert (await world.holdings())[alice.wallet_ledger] == Money(0)


@pytest.mark.rule("W-4.6.2")
async def test_after_three_years_there_is_no_rest(world: World, alice: Person) -> None:
    ctx, staff = await world.signed_in(alice), await world.staff("agent")
    await wallet.close_wallet(ctx, leave_rest=True)
    world.clock.move(timedelta(days=3 * 366))
    before = await world.everything(*TABLES)

    with pytest.raises(WalletNotActive):
        await wallet.request_rest(staff, wallet_id=alice.wallet_id, destination=WHERE)

    assert await world.everything(*TABLES) == before


async def test_strangers_and_viewers_see_and_pay_nothing(world: World, alice: Person) -> None:
    asked = await ask(await world.signed_in(alice))
    bob, viewer = await world.signed_in(await world.holder()), await world.staff("viewer")
    before = await world.everything(*TABLES)

    assert await wallet.redemption(bob, asked.id) is None
    for ctx in (viewer, bob):
        with pytest.raises(Forbidden):
            await wallet.pay_out(ctx, redemption_id=asked.id)

    assert await world.everything(*TABLES) == before


async def test_paying_out_and_spending_at_once_never_spend_the_same_money(world: World, alice: Person) -> None:
    ctx, bob = await world.signed_in(alice), await world.holder()
    asked, staff = await ask(ctx, 600), [await world.staff("agent") for _ in range(3)]

    await asyncio.gather(
        *(wallet.pay_out(one, redemption_id=asked.id) for one in staff),
        *(wallet.transfer(ctx, to=bob.phone, amount=Decimal(150), key=f"t{n}") for n in range(6)),
        return_exceptions=True,
    )

    left = (await world.holdings())[alice.wallet_ledger]
    [row] = await fetch("SELECT status FROM redemption")
    sent = (await world.holdings())[bob.wallet_ledger]
    assert left + sent + (Money.som(600) if row["status"] == "paid" else Money(0)) == Money.som(1_000)
    assert left >= Money(0)
    assert [fault async for fault in check_ledger(lambda what, done: None)] == []
