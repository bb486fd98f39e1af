"""Holds: who may reserve, take and let go; what each costs; and that nothing is spent twice, in whatever order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import fetch, in_transaction
from domain.hold import HoldClosed, HoldExceeded, HoldsNotTaken, HoldStatus, HoldView, TooManyHolds
from domain.ledger import InsufficientFunds
from domain.money import ZERO, Money
from domain.policy import Policy
from domain.refusal import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidAmount,
    InvalidInput,
    NotFound,
    Refusal,
    Unauthenticated,
)
from domain.supplier import (
    Commission,
    SupplierNotFound,
)
from domain.wallet import NotToppedUpYet, WalletLocked, WalletMissing, WalletNotActive, hold_wallets
from domain.wallet.life import Step, take
from resolvers import hold as holds
from resolvers import wallet
from resolvers.context import Context, PartnerActor, StaffActor, SystemActor
from resolvers.paging import PageRequest
from resolvers.supplier import pay
from tests.support.market import Market, open_market
from tests.support.world import Person, World

MONEY = ("hold", "hold_capture", "ledger_account", "ledger_transfer", "ledger_entry", "idempotency", "outbox")
ALL = PageRequest()


@pytest.fixture
async def market(db: str) -> Market:
    return await open_market(World())


async def nothing_changed(market: Market, refusal: type[Exception], work: Awaitable[object]) -> Exception:
    """The work is refused, and not a row is other than before."""
    before = await market.world.everything(*MONEY)
    with pytest.raises(refusal) as refused:
        await work
    assert await market.world.everything(*MONEY) == before
    return refused.value


# Reserving


@pytest.mark.rule("W-4.4.4")
async def test_what_is_reserved_stays_on_the_balance_and_cannot_be_spent(market: Market) -> None:
    alice, bob = await market.world.holder(1_000), await market.world.holder(0)
    ctx = await market.world.signed_in(alice)

    hold = await market.reserve(ctx, 300)

    assert (hold.amount, hold.commission, hold.remaining) == (Money.som(300), Money.som(5), Money.som(300))
    assert (await market.balance(alice), await market.held(alice)) == (Money.som(1_000), Money.som(305))
    mine = await wallet.my_wallet(ctx)
    assert mine is not None
    assert (mine.balance, mine.held) == (Money.som(1_000), Money.som(305))
    sending = wallet.transfer(ctx, to=bob.phone, amount=Decimal("695.01"), key="t")
    refused = await nothing_changed(market, InsufficientFunds, sending)
    assert isinstance(refused, InsufficientFunds)
    assert refused.available == Money.som(695)
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal(695), key="t")


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"som": "0"}, InvalidAmount),
        ({"som": "-1"}, InvalidAmount),
        ({"som": "1.001"}, InvalidAmount),
        ({"minutes": 0}, InvalidInput),
        ({"minutes": -5}, InvalidInput),
        ({"minutes": 30 * 24 * 60 + 1}, InvalidInput),
        ({"key": ""}, InvalidInput),
        ({"supplier": "nobody"}, SupplierNotFound),
        ({"supplier": "power\0"}, SupplierNotFound),
        ({"supplier": "plain"}, HoldsNotTaken),
        ({"reference": ""}, InvalidInput),
        ({"reference": "1234"}, InvalidInput),
        ({"reference": "1234567890"}, InvalidInput),
        ({"reference": "ABC123"}, InvalidInput),
        ({"som": "990.11"}, InsufficientFunds),
        ({"som": "1000"}, InsufficientFunds),
    ],
)
async def test_a_wrong_reservation_changes_nothing(
    market: Market, given: dict[str, Any], refusal: type[Refusal]
) -> None:
    ctx = await market.world.signed_in(await market.world.holder(1_000))

    await nothing_changed(market, refusal, market.reserve(ctx, **given))


@pytest.mark.rule("W-4.4.4")
async def test_all_that_is_available_can_be_reserved_with_its_commission(market: Market) -> None:
    alice = await market.world.holder(1_010)

    await market.reserve(await market.world.signed_in(alice), 1_000)

    assert await market.held(alice) == Money.som(1_010)


@pytest.mark.rule("W-2.15")
@pytest.mark.rule("W-4.1.2")
@pytest.mark.rule("W-5.2.1")
async def test_who_may_not_send_may_not_reserve(market: Market) -> None:
    world = market.world
    alice, frozen, fresh = await world.holder(500), await world.holder(500), await world.holder(0)
    await freeze(market, frozen)
    locked, over = await world.signed_in(alice, unlocked=False), await world.signed_in(await world.person())
    callers: list[tuple[Context, type[Exception]]] = [
        (locked, WalletLocked),
        (over, WalletMissing),
        (await world.signed_in(frozen), WalletNotActive),
        (await world.signed_in(fresh), NotToppedUpYet),
        (world.context(), Unauthenticated),
        (market.partner, Forbidden),
        (world.context(StaffActor(1, "admin", "admin")), Forbidden),
    ]

    for ctx, refusal in callers:
        await nothing_changed(market, refusal, market.reserve(ctx, 100))


async def test_only_so_many_amounts_are_reserved_at_a_time(market: Market) -> None:
    ctx = await market.world.signed_in(await market.world.holder(1_000))
    ctx.policy = Policy(holds_at_a_time=2)
    first = await market.reserve(ctx, 10, key="1")
    await market.reserve(ctx, 10, key="2")

    refused = await nothing_changed(market, TooManyHolds, market.reserve(ctx, 10, key="3"))
    await market.release(first)
    await market.reserve(ctx, 10, key="3")

    assert isinstance(refused, TooManyHolds)
    assert refused.most == 2


async def test_the_same_key_reserves_once_and_another_body_is_refused(market: Market) -> None:
    alice = await market.world.holder(1_000)
    ctx = await market.world.signed_in(alice)
    first = await market.reserve(ctx, 300)

    again = await market.reserve(ctx, 300)

    assert (again, await market.held(alice)) == (first, Money.som(305))
    await nothing_changed(market, IdempotencyKeyReused, market.reserve(ctx, 301))
    await nothing_changed(market, IdempotencyKeyReused, market.reserve(ctx, 300, reference="7654321"))


# Taking


@pytest.mark.rule("W-4.4.4")
@pytest.mark.rule("W-4.4.7")
async def test_a_whole_capture_pays_the_supplier_and_closes_the_hold(market: Market) -> None:
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 700)

    taken = await market.capture(hold)

    assert (taken.status, taken.captured, taken.remaining) == (HoldStatus.CAPTURED, Money.som(700), ZERO)
    assert (await market.balance(alice), await market.held(alice)) == (Money.som(293), ZERO)
    assert await market.earned() == Money.som(700)
    assert await market.faults() == []


@pytest.mark.rule("W-4.4.4")
async def test_parts_cost_what_the_whole_would_have_cost(market: Market) -> None:
    alice = await market.world.holder(2_000)
    hold = await market.reserve(await market.world.signed_in(alice), 1_000)

    for number, som in enumerate(("100", "450.50", "449.50")):
        hold = await market.capture(hold, som, key=str(number))
    parts = (await holds.captures(hold, ALL)).items

    assert (hold.status, await market.balance(alice)) == (HoldStatus.CAPTURED, Money.som(990))
    # The least commission of 5 comes with the first part, and nothing more until 1 % is above it.
    assert [part.commission for part in reversed(parts)] == [Money.som(5), Money.som("0.51"), Money.som("4.49")]
    assert await market.earned() == Money.som(1_000)


@pytest.mark.rule("W-4.4.4")
async def test_a_final_part_lets_go_of_the_rest(market: Market) -> None:
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 900)

    taken = await market.capture(hold, 100, final=True)

    assert (taken.status, taken.captured) == (HoldStatus.CAPTURED, Money.som(100))
    assert (await market.balance(alice), await market.held(alice)) == (Money.som(895), ZERO)
    refused = await nothing_changed(market, HoldClosed, market.capture(hold, 1, key="d"))
    assert isinstance(refused, HoldClosed)
    assert refused.status is HoldStatus.CAPTURED


@pytest.mark.rule("W-4.4.4")
async def test_no_more_is_taken_than_was_reserved(market: Market) -> None:
    alice = await market.world.holder(5_000)
    hold = await market.reserve(await market.world.signed_in(alice), 300)
    await market.capture(hold, 200, key="1")

    refused = await nothing_changed(market, HoldExceeded, market.capture(hold, "100.01", key="2"))

    assert isinstance(refused, HoldExceeded)
    assert refused.remaining == Money.som(100)


async def test_a_capture_sent_again_takes_once(market: Market) -> None:
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 300)

    first, again = await market.capture(hold, 100), await market.capture(hold, 100)

    assert (again.captured, again.version) == (first.captured, first.version)
    assert await market.balance(alice) == Money.som(895)
    await nothing_changed(market, IdempotencyKeyReused, market.capture(hold, 101))


@pytest.mark.parametrize("som", ["0", "-1", "0.001", "NaN"])
async def test_a_wrong_amount_is_not_taken(market: Market, som: str) -> None:
    hold = await market.reserve(await market.world.signed_in(await market.world.holder(1_000)))

    await nothing_changed(market, InvalidAmount, market.capture(hold, som))


async def test_only_the_partner_of_the_supplier_takes_and_lets_go(market: Market) -> None:
    world = market.world
    alice = await world.holder(1_000)
    ctx = await world.signed_in(alice)
    hold = await market.reserve(ctx)
    unscoped = world.context(PartnerActor(market.partner.actor.partner_id, "grid", frozenset({"order:write"})))  # type: ignore[union-attr]
    callers: list[tuple[Context, type[Exception]]] = [
        (market.stranger, NotFound),
        (unscoped, Forbidden),
        (ctx, Forbidden),
        (world.context(), Unauthenticated),
    ]

    for caller, refusal in callers:
        taking = holds.capture_hold(caller, hold_id=hold.id, amount=Decimal(1), final=False, key="x")
        await nothing_changed(market, refusal, taking)
        await nothing_changed(market, refusal, holds.release_hold(caller, hold_id=hold.id))
    await nothing_changed(
        market, NotFound, holds.capture_hold(market.partner, hold_id=10**17, amount=None, final=True, key="x")
    )


@pytest.mark.rule("W-6.4")
async def test_nothing_is_taken_from_a_frozen_wallet_but_it_is_let_go(market: Market) -> None:
    alice = await market.world.holder(1_000)
    ctx = await market.world.signed_in(alice)
    one, two = await market.reserve(ctx, 100, key="1"), await market.reserve(ctx, 200, key="2")
    await freeze(market, alice)

    await nothing_changed(market, WalletNotActive, market.capture(one))
    await market.release(one)
    market.world.clock.move(timedelta(hours=2))
    await market.expire()

    assert (await market.balance(alice), await market.held(alice)) == (Money.som(1_000), ZERO)
    assert (await look(market, two)).status is HoldStatus.EXPIRED


@pytest.mark.rule("W-4.6.1e")
async def test_a_forgotten_pin_takes_no_authorised_purchase_back(market: Market) -> None:
    world, alice = market.world, await market.world.holder(1_000)
    ctx = await world.signed_in(alice)
    hold = await market.reserve(ctx, 900)

    await wallet.forget_pin(ctx)
    await market.capture(hold, 400, key="1")
    await wallet.suspect(await world.staff("agent"), wallet_id=alice.wallet_id, reason="odd orders")
    await nothing_changed(market, WalletNotActive, market.capture(hold, 100, key="2"))

    assert await market.earned() == Money.som(400)
    assert await market.faults() == []


# Letting go


async def test_a_release_gives_the_rest_back_and_the_second_changes_nothing(market: Market) -> None:
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 300)
    await market.capture(hold, 100)

    released = await market.release(hold)
    before = await market.world.everything(*MONEY)
    again = await market.release(hold)

    assert (released.status, released.captured) == (HoldStatus.CANCELLED, Money.som(100))
    assert (await market.balance(alice), await market.held(alice)) == (Money.som(895), ZERO)
    assert (again, await market.world.everything(*MONEY)) == (released, before)


async def test_staff_let_go_with_a_reason_and_it_is_in_the_trail(market: Market) -> None:
    world = market.world
    alice = await world.holder(1_000)
    hold = await market.reserve(await world.signed_in(alice), 300)
    agent, viewer = (world.context(StaffActor(n, role, role)) for n, role in ((1, "agent"), (2, "viewer")))

    await nothing_changed(market, Forbidden, holds.release_hold(viewer, hold_id=hold.id, reason="shop is shut"))
    await nothing_changed(market, InvalidInput, holds.release_hold(agent, hold_id=hold.id, reason="  "))
    await nothing_changed(market, InvalidInput, holds.release_hold(agent, hold_id=hold.id, reason="x" * 501))
    await nothing_changed(market, InvalidInput, holds.release_hold(agent, hold_id=hold.id, reason="shut\0"))
    released = await holds.release_hold(agent, hold_id=hold.id, reason="the shop is shut")

    trail = await fetch("SELECT actor, action, subject FROM audit_event WHERE action = 'hold.released'")
    assert released.status is HoldStatus.CANCELLED
    assert trail == [{"actor": "staff:1", "action": "hold.released", "subject": f"wallet:{alice.wallet_id}"}]


async def test_when_its_time_is_over_nothing_is_taken_even_before_the_worker_comes(market: Market) -> None:
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 300, minutes=60)

    market.world.clock.move(timedelta(minutes=59, seconds=59))
    early = await market.expire()
    market.world.clock.move(timedelta(seconds=1))
    refused = await nothing_changed(market, HoldClosed, market.capture(hold))
    await nothing_changed(market, HoldClosed, market.release(hold))
    done = [await market.expire(), await market.expire()]

    assert isinstance(refused, HoldClosed)
    assert (early, refused.status, done) == (0, HoldStatus.EXPIRED, [1, 0])
    assert (await look(market, hold)).status is HoldStatus.EXPIRED
    assert (await market.balance(alice), await market.held(alice)) == (Money.som(1_000), ZERO)


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize("spend", ["transfer", "pay", "reserve", "redeem", "give up"])
async def test_what_has_expired_is_the_holders_again_at_once(market: Market, spend: str) -> None:
    world, bob = market.world, await market.world.holder(0)
    alice = await world.holder(1_000)
    ctx = await world.signed_in(alice)
    hold = await market.reserve(ctx, 900, minutes=10)
    everything = Decimal(1_000)
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "transfer": lambda: wallet.transfer(ctx, to=bob.phone, amount=everything, key="t"),
        "pay": lambda: pay(ctx, supplier="power", reference="1234567", amount=Decimal(990), key="t"),
        "reserve": lambda: market.reserve(ctx, 990, key="t"),
        "redeem": lambda: wallet.request_redemption(ctx, amount=everything, destination="my card", key="t"),
        "give up": lambda: wallet.close_wallet(ctx, leave_rest=True),
    }

    await nothing_changed(market, InsufficientFunds, ways[spend]())
    world.clock.move(timedelta(minutes=10))
    await ways[spend]()

    assert (await look(market, hold)).status is HoldStatus.EXPIRED
    assert await market.expire() == 0
    assert await market.faults() == []


async def test_only_the_system_expires(market: Market) -> None:
    with pytest.raises(Forbidden):
        await holds.expire_holds(market.partner)


# Looking and being told


async def test_a_hold_is_seen_by_its_holder_its_partner_and_staff(market: Market) -> None:
    world = market.world
    alice, bob = await world.holder(1_000), await world.holder(1_000)
    ctx = await world.signed_in(alice)
    hold = await market.reserve(ctx)

    for caller in (ctx, market.partner, world.context(StaffActor(1, "viewer", "viewer"))):
        assert await holds.hold(caller, hold.id) == hold
    for caller in (await world.signed_in(bob), market.stranger):
        assert await holds.hold(caller, hold.id) is None
    assert (await holds.holds(ctx, alice.wallet_id, ALL)).items == [hold]
    assert (await holds.holds(ctx, bob.wallet_id, ALL)).items == []


async def test_the_partner_is_told_of_each_change_in_order(market: Market) -> None:
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 300)
    await market.capture(hold, 100)
    await market.release(hold)

    rows = await fetch("SELECT stream, payload FROM outbox WHERE topic = 'webhook' ORDER BY id")

    assert {row["stream"] for row in rows} == {f"hold:{hold.id}"}
    events = ("hold.authorized", "hold.authorized", "hold.cancelled")
    assert all(event in row["payload"] for event, row in zip(events, rows, strict=True))
    assert all(alice.phone not in row["payload"] and alice.wallet_number not in row["payload"] for row in rows)
    assert f"wallet:{alice.wallet_id}" in market.world.announced


# Races


@pytest.mark.rule("W-4.4.4")
async def test_two_captures_that_together_exceed_take_one(market: Market) -> None:
    alice = await market.world.holder(10_000)
    hold = await market.reserve(await market.world.signed_in(alice), 1_000)

    results = await asyncio.gather(*(market.capture(hold, 300, key=str(n)) for n in range(10)), return_exceptions=True)

    assert sum(isinstance(result, HoldView) for result in results) == 3
    assert sum(isinstance(result, HoldExceeded) for result in results) == 7
    assert await market.earned() == Money.som(900)
    assert await market.faults() == []


@pytest.mark.parametrize("rival", ["release", "expire", "freeze"])
async def test_a_capture_and_its_rival_never_both_have_the_money(market: Market, rival: str) -> None:
    for number in range(8):
        alice = await market.world.holder(1_000)
        hold = await market.reserve(await market.world.signed_in(alice), 300)
        before = await market.earned()

        taken, _ = await asyncio.gather(
            market.capture(hold, key=str(number)), _rival(market, rival, alice, hold), return_exceptions=True
        )

        won, end = isinstance(taken, HoldView), await look(market, hold)
        assert won or isinstance(taken, HoldClosed | WalletNotActive)
        assert (await market.earned() - before == Money.som(300)) is won
        assert await market.balance(alice) == Money.som(695 if won else 1_000)
        assert await market.held(alice) == (Money.som(305) if end.status is HoldStatus.AUTHORIZED else ZERO)
        assert (end.status is HoldStatus.CAPTURED) is won
    assert await market.faults() == []


async def _rival(market: Market, rival: str, person: Person, hold: HoldView) -> None:
    if rival == "release":
        await market.release(hold)
    elif rival == "freeze":
        await freeze(market, person)
    else:
        late = World(secrets=market.world.secrets)
        late.clock.move(timedelta(hours=1))
        await holds.expire_holds(late.context(SystemActor()))


@pytest.mark.rule("W-4.4.4")
async def test_reservations_and_transfers_at_once_never_spend_more_than_there_is(market: Market) -> None:
    alice, bob = await market.world.holder(1_000), await market.world.holder(0, level="premium")
    ctx = await market.world.signed_in(alice)

    results = await asyncio.gather(
        *(market.reserve(ctx, 95, key=f"r{n}") for n in range(8)),
        *(wallet.transfer(ctx, to=bob.phone, amount=Decimal(100), key=f"t{n}") for n in range(8)),
        return_exceptions=True,
    )

    done = [result for result in results if not isinstance(result, BaseException)]
    assert len(done) == 10  # each takes 100 with its commission
    assert all(isinstance(result, InsufficientFunds) for result in results if isinstance(result, BaseException))
    balance, held = await market.balance(alice), await market.held(alice)
    assert balance == held
    assert await market.faults() == []


# The sum of the parts


@pytest.mark.rule("W-4.4.4")
@given(
    terms=st.builds(
        Commission,
        st.integers(0, 10_000),
        st.integers(0, 10**6).map(Money),
        st.integers(0, 10**6).map(Money),
        st.none() | st.integers(10**6, 10**8).map(Money),
    ),
    parts=st.lists(st.integers(1, 10**9), min_size=1, max_size=8),
)
def test_whatever_the_terms_the_parts_commissions_sum_to_the_wholes(terms: Commission, parts: list[int]) -> None:
    taken, paid = ZERO, ZERO
    for part in parts:
        fee = terms.of(taken + Money(part)) - paid
        assert fee >= ZERO
        taken, paid = taken + Money(part), paid + fee

    assert paid == terms.of(taken)


@in_transaction
async def freeze(market: Market, person: Person) -> None:
    held = (await hold_wallets([person.wallet_id]))[person.wallet_id]
    await take(Step.SUSPECTED, held, by="staff:1", at=market.world.clock.now())


async def look(market: Market, hold: HoldView) -> HoldView:
    found = await holds.hold(market.partner, hold.id)
    assert found is not None
    return found
