"""Three years: what nobody uses or claims is the operator's income; what is frozen or asked for is not (W-4.6)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.clock import from_micros
from domain.database import execute, fetch_row, in_transaction
from domain.ledger import EntryKind, Leg, OperatorAccount, operator_account, post
from domain.ledger_check import check_ledger
from domain.money import ZERO, Money
from domain.wallet import (
    NotToppedUpYet,
    RecipientNotFound,
    WalletStatus,
)
from domain.wallet.life import Cause, ClosedBecause, Step, StepImpossible
from resolvers import wallet
from resolvers.context import Context, SystemActor
from tests.resolvers.lives import (
    BIRTH,
    Act,
    clear,
    everything_due,
    forfeited,
    refused,
    report_loss,
    restore_number,
    seen,
    send,
    steps,
    suspect,
)
from tests.support.world import PIN, Person, World


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def agent(world: World) -> Context:
    return await world.staff("agent")


@pytest.fixture
async def admin(world: World) -> Context:
    return await world.staff("admin")


@pytest.mark.rule("W-4.6.2")
async def test_the_rest_is_the_operators_after_three_years_and_not_a_moment_sooner(
    world: World, agent: Context
) -> None:
    holder, empty = await world.holder(100), await world.holder(0)
    for person in (holder, empty):
        await wallet.close_wallet(await world.signed_in(person), leave_rest=True)

    world.clock.at = datetime(2029, 3, 10, 8, 59, 59, 999_999, tzinfo=UTC)
    await everything_due(world)
    kept = (await world.holdings())[holder.wallet_ledger], await forfeited()
    world.clock.at = datetime(2029, 3, 10, 9, 0, tzinfo=UTC)
    await everything_due(world)
    await everything_due(world)

    assert kept == (Money.som(100), Money(0))
    assert ((await world.holdings())[holder.wallet_ledger], await forfeited()) == (Money(0), Money.som(100))
    assert await steps(agent, holder) == [Step.GIVEN_UP, Step.REST_FORFEITED]
    assert await steps(agent, empty) == [Step.GIVEN_UP]
    assert [str(fault) async for fault in check_ledger()] == []


@pytest.mark.rule("W-4.6.3")
async def test_a_lost_wallet_is_frozen_for_three_years_and_then_the_operators(world: World, agent: Context) -> None:
    world.clock.at = datetime(2028, 2, 29, 7, 0, tzinfo=UTC)
    holder, bob = await world.holder(100), await world.holder(0)
    await report_loss(agent, holder.wallet_id)

    world.clock.at = datetime(2031, 2, 28, 6, 59, 59, tzinfo=UTC)
    await everything_due(world)
    kept = await seen(agent, holder)
    world.clock.at = datetime(2031, 2, 28, 7, 0, tzinfo=UTC)
    await refused(world, StepImpossible, restore_number(agent, holder.wallet_id))
    await everything_due(world)

    assert kept == (WalletStatus.BLOCKED, {Cause.NUMBER_LOST}, None)
    assert (await seen(agent, holder))[::2] == (WalletStatus.CLOSED, ClosedBecause.UNCLAIMED)
    assert ((await world.holdings())[holder.wallet_ledger], await forfeited()) == (Money(0), Money.som(100))
    await refused(world, StepImpossible, restore_number(agent, holder.wallet_id))
    await refused(world, RecipientNotFound, send(await world.signed_in(await world.holder(5)), holder))
    # Bob's wallet was opened the same day and never used: that day alone does not end it.
    assert await seen(agent, bob) == (WalletStatus.ACTIVE, set(), None)


@pytest.mark.rule("W-4.6.3")
@pytest.mark.rule("W-4.6.4")
async def test_what_is_suspected_stays_frozen_beyond_three_years(world: World, agent: Context, admin: Context) -> None:
    lost, idle = await world.holder(100), await world.holder(50)
    await report_loss(agent, lost.wallet_id)
    for person in (lost, idle):
        await suspect(agent, person.wallet_id)

    world.clock.move(timedelta(days=5 * 366))
    await everything_due(world)
    kept = [(await seen(agent, person))[0] for person in (lost, idle)], await forfeited()
    for person in (lost, idle):
        await clear(admin, person.wallet_id)
    world.clock.move(timedelta(days=1, seconds=1))
    await everything_due(world)

    assert kept == ([WalletStatus.BLOCKED] * 2, Money(0))
    assert [(await seen(agent, person))[::2] for person in (lost, idle)] == [
        (WalletStatus.CLOSED, ClosedBecause.UNCLAIMED),
        (WalletStatus.ACTIVE, None),  # given back: its holder has three years again
    ]
    assert await forfeited() == Money.som(100)


@pytest.mark.rule("W-4.6.1d")
@pytest.mark.rule("W-4.6.3")
@pytest.mark.rule("W-4.6.4")
@pytest.mark.parametrize("way", [(report_loss, restore_number), (suspect, clear)])
async def test_what_was_given_back_lies_idle_from_that_day_on(
    world: World, admin: Context, way: tuple[Act, Act]
) -> None:
    holder, (block, lift) = await world.holder(100), way
    world.clock.at = datetime(2028, 6, 1, 9, 0, tzinfo=UTC)
    await block(admin, holder.wallet_id)
    world.clock.at = datetime(2030, 6, 1, 9, 0, tzinfo=UTC)
    await everything_due(world)
    await lift(admin, holder.wallet_id)

    world.clock.at = datetime(2033, 6, 1, 9, 0, tzinfo=UTC)
    await everything_due(world)
    kept = await seen(admin, holder), await forfeited()
    world.clock.move(timedelta(days=1, seconds=1))
    await everything_due(world)

    assert kept == ((WalletStatus.ACTIVE, set(), None), ZERO)
    assert ((await seen(admin, holder))[2], await forfeited()) == (ClosedBecause.DORMANT, Money.som(100))


async def _tops_up(world: World, holder: Person) -> None:
    await world.top_up(holder.wallet_id, Money.som(10))


async def _sends(world: World, holder: Person) -> None:
    ctx = await world.signed_in(holder)
    other = await world.holder(0)
    await send(ctx, other, 10, key=f"{world.clock.now()}")


async def _receives(world: World, holder: Person) -> None:
    await send(await world.signed_in(await world.holder(50)), holder, 10)


async def _is_paid_out(world: World, holder: Person) -> None:
    ctx = await world.signed_in(holder)
    asked = await wallet.request_redemption(ctx, amount=Decimal(10), destination="my card", key="r")
    await wallet.pay_out(await world.staff("agent"), redemption_id=asked.id)


@in_transaction
async def _is_adjusted(world: World, holder: Person) -> None:
    own = await operator_account(OperatorAccount.ADJUSTMENT)
    amount = Money.som(10)
    legs = [Leg(own, EntryKind.ADJUSTMENT, -amount), Leg(holder.wallet_ledger, EntryKind.ADJUSTMENT, amount)]
    await post("adjustment", legs, at=world.clock.now())


async def _is_looked_at(world: World, holder: Person) -> None:
    await wallet.unlock_wallet(await world.signed_in(holder, unlocked=False), pin=PIN)


@pytest.mark.rule("W-4.6.1d")
@pytest.mark.rule("W-4.6.5")
@pytest.mark.parametrize("use", [_tops_up, _sends, _receives, _is_paid_out])
async def test_any_movement_of_the_holders_gives_a_wallet_three_years_more(
    world: World, agent: Context, use: Callable[[World, Person], Awaitable[None]]
) -> None:
    holder = await world.holder(100)
    world.clock.at = datetime(2029, 3, 9, 9, 0, tzinfo=UTC)
    await everything_due(world)
    await use(world, holder)
    world.clock.at = datetime(2032, 3, 9, 9, 0, tzinfo=UTC)
    await everything_due(world)

    lives = await seen(agent, holder)
    world.clock.move(timedelta(microseconds=1))
    await everything_due(world)

    assert lives == (WalletStatus.ACTIVE, set(), None)
    assert await seen(agent, holder) == (WalletStatus.CLOSED, set(), ClosedBecause.DORMANT)
    assert (await world.holdings())[holder.wallet_ledger] == Money(0)


@pytest.mark.rule("W-4.6.1d")
@pytest.mark.rule("W-4.6.5")
@pytest.mark.parametrize("use", [None, _is_adjusted, _is_looked_at])
async def test_an_idle_wallets_balance_becomes_income_for_good(
    world: World, agent: Context, use: Callable[[World, Person], Awaitable[None]] | None
) -> None:
    holder = await world.holder(100)
    world.clock.at = datetime(2029, 3, 9, 9, 0, tzinfo=UTC)
    if use is not None:
        await use(world, holder)
    balance = (await world.holdings())[holder.wallet_ledger]

    world.clock.at = datetime(2029, 3, 10, 9, 0, tzinfo=UTC)
    await everything_due(world)
    lives = await seen(agent, holder)
    world.clock.move(timedelta(seconds=1))
    await everything_due(world)

    assert lives == (WalletStatus.ACTIVE, set(), None)
    assert await seen(agent, holder) == (WalletStatus.CLOSED, set(), ClosedBecause.DORMANT)
    assert ((await world.holdings())[holder.wallet_ledger], await forfeited()) == (Money(0), balance)
    assert [str(fault) async for fault in check_ledger()] == []


@pytest.mark.rule("W-4.6.1d")
@pytest.mark.rule("W-5.4.2")
async def test_what_its_holder_has_asked_for_in_time_waits_for_staff(world: World, agent: Context) -> None:
    holder = await world.holder(100)
    world.clock.at = datetime(2029, 3, 9, 9, 0, tzinfo=UTC)
    asked = await wallet.request_redemption(
        await world.signed_in(holder), amount=Decimal(60), destination="my card", key="r"
    )

    world.clock.at = datetime(2029, 6, 1, 9, 0, tzinfo=UTC)
    await everything_due(world)
    kept = await seen(agent, holder)
    await wallet.reject_redemption(agent, redemption_id=asked.id, reason="no such card")
    world.clock.move(timedelta(days=1, seconds=1))
    await everything_due(world)

    assert kept == (WalletStatus.ACTIVE, set(), None)
    assert ((await seen(agent, holder))[2], await forfeited()) == (ClosedBecause.DORMANT, Money.som(100))


@pytest.mark.rule("W-4.6.2")
@pytest.mark.rule("W-5.4.2")
async def test_a_rest_that_was_asked_for_in_time_waits_for_staff(world: World, agent: Context) -> None:
    paid, rejected = await world.holder(100), await world.holder(50)
    requests = []
    for person in (paid, rejected):
        await wallet.close_wallet(await world.signed_in(person), leave_rest=True)
    world.clock.at = datetime(2029, 3, 10, 8, 0, tzinfo=UTC)
    for person in (paid, rejected):
        requests.append(await wallet.request_rest(agent, wallet_id=person.wallet_id, destination="card 8600"))

    world.clock.at = datetime(2029, 3, 20, 9, 0, tzinfo=UTC)
    await everything_due(world)
    kept = await forfeited()
    other = await world.staff("agent")
    await wallet.pay_out(other, redemption_id=requests[0])
    await wallet.reject_redemption(other, redemption_id=requests[1], reason="not the holder")
    await everything_due(world)

    assert (kept, await forfeited()) == (ZERO, Money.som(50))
    assert await steps(agent, paid) == [Step.GIVEN_UP]
    assert await steps(agent, rejected) == [Step.GIVEN_UP, Step.REST_FORFEITED]
    assert [str(fault) async for fault in check_ledger()] == []


@pytest.mark.rule("W-4.6.1d")
@pytest.mark.rule("W-4.1.2")
async def test_a_wallet_that_was_never_used_ends_too_and_a_new_one_begins_from_nothing(
    world: World, agent: Context
) -> None:
    edition, holder, bob = await world.wallet_offer(), await world.holder(0), await world.holder(0)

    world.clock.at = datetime(2029, 3, 10, 9, 0, 1, tzinfo=UTC)
    await everything_due(world)
    ctx = await world.signed_in(holder)
    anew = await wallet.open_wallet(ctx, birth_date=BIRTH, pin=PIN, offer_edition=edition)

    assert (await seen(agent, holder))[2] is ClosedBecause.DORMANT
    assert (anew.balance, anew.level) == (Money(0), "light")
    await execute("UPDATE session SET wallet_unlocked_until = expires_at")
    await refused(world, RecipientNotFound, send(ctx, bob))  # his has ended as well
    other = await world.holder(0)
    await refused(world, NotToppedUpYet, send(ctx, other))


@pytest.mark.rule("W-4.6.1d")
async def test_a_forgotten_pin_does_not_keep_a_wallet_from_lying_idle(world: World, agent: Context) -> None:
    holder = await world.holder(100)
    await wallet.forget_pin(await world.signed_in(holder))

    world.clock.at = datetime(2029, 3, 10, 9, 0, 1, tzinfo=UTC)
    await everything_due(world)

    assert (await seen(agent, holder))[::2] == (WalletStatus.CLOSED, ClosedBecause.DORMANT)


async def test_many_idle_wallets_end_in_batches_and_nothing_is_looked_at_twice(world: World, agent: Context) -> None:
    people = [await world.holder(10) for _ in range(5)]
    used, ctx = people[0], world.context(SystemActor())
    world.clock.at = datetime(2028, 1, 1, tzinfo=UTC)
    await world.top_up(used.wallet_id, Money.som(10))
    world.clock.at = datetime(2029, 3, 11, tzinfo=UTC)

    counts = [await wallet.end_idle_wallets(ctx, batch=2) for _ in range(4)]

    assert counts == [2, 2, 1, 0]
    assert [(await seen(agent, person))[0] for person in people] == [WalletStatus.ACTIVE] + [WalletStatus.CLOSED] * 4
    row = await fetch_row("SELECT idle_check_at FROM wallet WHERE id = $1", used.wallet_id)
    assert row is not None
    assert from_micros(row["idle_check_at"]) == datetime(2031, 1, 1, tzinfo=UTC)


async def test_many_workers_end_an_idle_wallet_once(world: World, agent: Context) -> None:
    holder, ctx = await world.holder(100), world.context(SystemActor())
    world.clock.at = datetime(2029, 3, 11, tzinfo=UTC)

    await asyncio.gather(*(wallet.end_idle_wallets(ctx, batch=10) for _ in range(4)))

    assert await steps(agent, holder) == [Step.WENT_DORMANT]
    assert await forfeited() == Money.som(100)
