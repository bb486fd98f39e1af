"""Scheduled and repeated payments: ordered, carried out once, refused and told, missed, cancelled."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.clock import TASHKENT, to_micros
from domain.database import execute, fetch, fetch_row
from domain.favourite import TooManySaved
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.refusal import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidAmount,
    InvalidInput,
    MissingInput,
    NotFound,
    Refusal,
    Unauthenticated,
)
from domain.schedule import Outcome, Repeat, ScheduleStatus
from domain.supplier import SupplierNotFound
from domain.wallet import RecipientNotFound, SameWallet, WalletLocked, WalletMissing, WalletNotActive
from resolvers import favourite as favourites
from resolvers import schedule as schedules
from resolvers import wallet as wallets
from resolvers.context import Context, SystemActor
from resolvers.paging import PageRequest
from resolvers.schedule import Ordered, ScheduledView
from resolvers.schedule_due import carry_out_scheduled
from tests.resolvers.bills import CONTRACT, water
from tests.support.world import Person, World

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WATER: dict[str, Any] = {"supplier": "water", "reference": CONTRACT, "amount": Decimal(10_000)}


@pytest.fixture
def world(db: str) -> World:
    return World()


async def order(ctx: Context, key: str = "k", **given: Any) -> ScheduledView:
    asked = {"starts_at": NOW + HOUR} | (given if given.keys() & {"to", "favourite_id", "supplier"} else WATER | given)
    return await schedules.schedule_payment(ctx, Ordered(**asked), key=key)


async def work(world: World) -> int:
    return await carry_out_scheduled(world.context(SystemActor()))


async def after(world: World, by: timedelta) -> int:
    world.clock.move(by)
    return await work(world)


async def seen(ctx: Context, one: ScheduledView) -> ScheduledView:
    found = await schedules.scheduled_payment(ctx, one.id)
    assert found is not None
    return found


async def outcomes(one: ScheduledView) -> list[tuple[int, str, str | None]]:
    rows = await fetch(
        "SELECT number, outcome, problem FROM scheduled_result WHERE payment_id = $1 ORDER BY number", one.id
    )
    return [(row["number"], row["outcome"], row["problem"]) for row in rows]


async def told() -> list[dict[str, str]]:
    return [json.loads(row["payload"]) for row in await fetch("SELECT payload FROM outbox ORDER BY id")]


async def balance(person: Person) -> Money:
    row = await fetch_row("SELECT balance FROM ledger_account WHERE id = $1", person.wallet_ledger)
    assert row is not None
    return Money(row["balance"])


# Ordering


async def test_what_is_ordered_moves_nothing_until_it_is_due(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)

    ordered = await order(ctx)
    early = await after(world, HOUR - timedelta(seconds=1))

    assert (ordered.status, ordered.next_at, ordered.last) == (ScheduleStatus.ACTIVE, NOW + HOUR, None)
    assert early == 0
    assert await balance(holder) == Money.som(100_000)


@pytest.mark.rule("W-4.4.4")
async def test_it_is_paid_with_its_commission_when_it_is_due_without_a_pin(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx)

    done = await after(world, HOUR)
    again = await after(world, DAY)

    paid = await seen(ctx, ordered)
    assert (done, again) == (1, 0)
    assert (paid.status, paid.next_at) == (ScheduleStatus.COMPLETED, None)
    assert paid.last is not None
    assert (paid.last.outcome, paid.last.due_at) == (Outcome.CARRIED_OUT, NOW + HOUR)
    assert await balance(holder) == Money.som(89_800)
    assert f"wallet:{holder.wallet_id}" in world.announced
    assert [fault async for fault in check_ledger()] == []


async def test_a_transfer_can_be_scheduled_and_begins_its_receivers_wallet(world: World) -> None:
    holder, friend = await world.holder(100_000), await world.holder()
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, to=friend.phone, amount=Decimal(700))

    await after(world, HOUR)

    assert (await seen(ctx, ordered)).status is ScheduleStatus.COMPLETED
    assert (await balance(holder), await balance(friend)) == (Money.som(99_300), Money.som(700))
    assert await fetch_row("SELECT 1 AS one FROM wallet WHERE id = $1 AND first_top_up_at > 0", friend.wallet_id)


async def test_a_favourite_gives_target_and_amount(world: World) -> None:
    await water(world)
    ctx = await world.signed_in(await world.holder(100_000))
    kept = await favourites.add_favourite(
        ctx, name="Home", amount=Decimal(300), to=None, supplier="water", reference=CONTRACT
    )

    usual = await order(ctx, "one", favourite_id=kept.id)
    more = await order(ctx, "two", favourite_id=kept.id, amount=Decimal(400))
    await favourites.remove_favourite(ctx, favourite_id=kept.id)

    assert (usual.amount, more.amount) == (Money.som(300), Money.som(400))
    assert usual.target.reference == CONTRACT


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"starts_at": NOW - HOUR}, InvalidInput),
        ({"until": date(2026, 3, 12)}, InvalidInput),
        ({"repeat": Repeat.DAILY, "until": date(2026, 3, 9)}, InvalidInput),
        ({"amount": Decimal(0)}, InvalidAmount),
        ({"amount": None}, MissingInput),
        ({"reference": None}, MissingInput),
        ({"supplier": "gas", "reference": CONTRACT, "amount": Decimal(1)}, SupplierNotFound),
        ({"to": "997770011", "amount": Decimal(1)}, RecipientNotFound),
        ({"to": "+998900000001", "amount": Decimal(1)}, SameWallet),
        ({"favourite_id": 99}, NotFound),
        ({"key": ""}, InvalidInput),
    ],
)
async def test_what_cannot_be_is_not_ordered(world: World, given: dict[str, Any], refusal: type[Refusal]) -> None:
    await water(world)
    ctx = await world.signed_in(await world.holder(100_000))

    with pytest.raises(refusal):
        await order(ctx, **given)

    assert await world.everything("scheduled_payment", "idempotency") == {"scheduled_payment": [], "idempotency": []}


@pytest.mark.rule("W-2.15")
async def test_only_from_an_unlocked_active_wallet(world: World) -> None:
    await water(world)
    locked = await world.signed_in(await world.holder(1_000), unlocked=False)
    frozen = await world.signed_in(await world.holder(1_000, status="blocked"))
    none = await world.signed_in(await world.person())

    for ctx, refusal in ((locked, WalletLocked), (frozen, WalletNotActive), (none, WalletMissing)):
        with pytest.raises(refusal):
            await order(ctx)
    with pytest.raises(Unauthenticated):
        await order(world.context())

    assert await fetch("SELECT 1 FROM scheduled_payment") == []


async def test_the_same_key_orders_once(world: World) -> None:
    await water(world)
    ctx = await world.signed_in(await world.holder(1_000))

    first = await order(ctx)
    again = await order(ctx)
    written = await order(ctx, amount=Decimal("10000.00"), starts_at=(NOW + HOUR).astimezone(TASHKENT))
    with pytest.raises(IdempotencyKeyReused):
        await order(ctx, amount=Decimal(1))

    assert again == written == first
    assert len(await fetch("SELECT 1 FROM scheduled_payment")) == 1


async def test_a_list_is_bounded_by_what_is_still_to_come(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "MOST_ACTIVE", 2)
    await water(world)
    ctx = await world.signed_in(await world.holder(1_000))
    first, _ = await order(ctx, "one"), await order(ctx, "two")

    with pytest.raises(TooManySaved):
        await order(ctx, "three")
    await schedules.cancel_scheduled_payment(ctx, payment_id=first.id)

    assert (await order(ctx, "three")).status is ScheduleStatus.ACTIVE


# Cancelling


async def test_what_is_cancelled_is_never_paid(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.DAILY)

    cancelled = await schedules.cancel_scheduled_payment(ctx, payment_id=ordered.id)
    again = await schedules.cancel_scheduled_payment(ctx, payment_id=ordered.id)

    assert cancelled == again
    assert (cancelled.status, cancelled.next_at) == (ScheduleStatus.CANCELLED, None)
    assert await after(world, 3 * DAY) == 0
    assert await balance(holder) == Money.som(100_000)


async def test_an_order_is_its_holders_own(world: World) -> None:
    await water(world)
    ordered = await order(await world.signed_in(await world.holder(100_000)))
    other = await world.signed_in(await world.holder(100_000))
    before = await world.everything("scheduled_payment")

    with pytest.raises(NotFound):
        await schedules.cancel_scheduled_payment(other, payment_id=ordered.id)

    assert await schedules.scheduled_payment(other, ordered.id) is None
    assert await world.everything("scheduled_payment") == before


# Carrying out


async def test_what_is_repeated_goes_on_until_its_last_day(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.DAILY, until=date(2026, 3, 12))

    counts = [await after(world, by) for by in (HOUR, DAY, DAY, DAY)]

    assert counts == [1, 1, 1, 0]
    assert (await seen(ctx, ordered)).status is ScheduleStatus.COMPLETED
    assert await outcomes(ordered) == [(number, "carried_out", None) for number in range(3)]
    assert await balance(holder) == Money.som(100_000 - 3 * 10_200)


async def test_after_a_long_stop_only_the_newest_is_carried_out(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.DAILY)

    await after(world, HOUR + 4 * DAY + HOUR)
    rest = await work(world)

    assert rest == 0
    assert await outcomes(ordered) == [*((number, "missed", None) for number in range(4)), (4, "carried_out", None)]
    assert (await seen(ctx, ordered)).next_at == NOW + HOUR + 5 * DAY
    assert await balance(holder) == Money.som(89_800)


async def test_many_workers_carry_each_occurrence_out_once(world: World) -> None:
    await water(world)
    holders = [await world.holder(100_000) for _ in range(5)]
    orders = [await order(await world.signed_in(holder)) for holder in holders]
    world.clock.move(HOUR)

    counts = await asyncio.gather(*(work(world) for _ in range(6)))

    assert sum(counts) == len(orders)
    assert [await balance(holder) for holder in holders] == [Money.som(89_800)] * 5
    assert len(await fetch("SELECT 1 FROM scheduled_result")) == 5


@pytest.mark.rule("W-4.4.4")
async def test_a_refused_one_is_noted_told_and_moves_nothing(world: World) -> None:
    await water(world)
    holder = await world.holder(10_199)
    ctx = await world.signed_in(holder)
    await execute("UPDATE subscriber SET language = 'en' WHERE id = $1", holder.id)
    ordered = await order(ctx)

    await after(world, HOUR)

    found = await seen(ctx, ordered)
    assert found.last is not None
    assert (found.status, found.last.problem, found.last.rule) == (
        ScheduleStatus.FAILED,
        "INSUFFICIENT_FUNDS",
        "W-4.4.4",
    )
    assert await balance(holder) == Money.som(10_199)
    [sms] = await told()
    assert sms["to"] == holder.phone
    assert "10,000" in sms["text"]
    assert "10,199" not in sms["text"]


async def test_three_refusals_in_a_row_suspend_and_a_payment_between_counts_anew(world: World) -> None:
    await water(world)
    holder = await world.holder(5_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.DAILY)

    await after(world, HOUR)
    await after(world, DAY)
    await world.top_up(holder.wallet_id, Money.som(10_000))
    await after(world, DAY)
    counts = [await after(world, DAY) for _ in range(4)]

    kinds = [outcome for _, outcome, _ in await outcomes(ordered)]
    assert kinds == ["refused", "refused", "carried_out", "refused", "refused", "refused"]
    assert counts == [1, 1, 1, 0]
    assert (await seen(ctx, ordered)).status is ScheduleStatus.SUSPENDED
    assert len(await told()) == 5


@pytest.mark.rule("W-6.4")
async def test_a_blocked_wallet_carries_out_nothing_and_its_number_is_told_nothing(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.WEEKLY)
    await world.put(holder.wallet_id, "blocked")

    await after(world, HOUR)

    assert await outcomes(ordered) == [(0, "refused", "WALLET_NOT_ACTIVE")]
    assert (await seen(ctx, ordered)).status is ScheduleStatus.ACTIVE
    assert (await balance(holder), await told()) == (Money.som(100_000), [])


@pytest.mark.rule("W-4.6.1a")
async def test_a_closed_wallets_orders_are_cancelled(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.MONTHLY)
    await world.put(holder.wallet_id, "closed")

    await after(world, HOUR)

    assert (await seen(ctx, ordered)).status is ScheduleStatus.CANCELLED
    assert (await outcomes(ordered), await balance(holder), await told()) == ([], Money.som(100_000), [])


async def test_an_order_that_a_worker_was_at_while_its_wallet_closed_is_cancelled_by_the_worker(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.MONTHLY)
    # Without its orders: the closing leaves one that is locked to who has locked it.
    await execute("UPDATE wallet SET status = 'closed', closed_because = 'given_up', closed_at = 0")

    await after(world, HOUR)

    assert (await seen(ctx, ordered)).status is ScheduleStatus.CANCELLED
    assert await outcomes(ordered) == [(0, "refused", "WALLET_MISSING")]
    assert (await balance(holder), await told()) == (Money.som(100_000), [])
    assert await order(ctx, repeat=Repeat.MONTHLY) == await seen(ctx, ordered)  # its replay is still answered


@pytest.mark.rule("W-4.6.1a")
async def test_giving_a_wallet_up_cancels_its_orders_at_once(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.DAILY)

    await wallets.close_wallet(ctx, leave_rest=True)

    found = await seen(ctx, ordered)
    assert (found.status, found.next_at) == (ScheduleStatus.CANCELLED, None)
    assert await after(world, HOUR) == 0


async def test_closing_while_an_order_is_carried_out_ends_both(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, repeat=Repeat.DAILY)
    world.clock.move(timedelta(minutes=10))
    await execute("UPDATE scheduled_payment SET due_at = $1", to_micros(world.clock.now()))

    async with asyncio.timeout(30):
        await asyncio.gather(work(world), wallets.close_wallet(ctx, leave_rest=True))
    await work(world)

    found = await seen(ctx, ordered)
    assert await balance(holder) in (Money.som(100_000), Money.som(89_800))
    if found.status is ScheduleStatus.ACTIVE:  # carried out just before: the next time finds the wallet closed
        await after(world, DAY)
    assert (await seen(ctx, ordered)).status is ScheduleStatus.CANCELLED


@pytest.mark.rule("W-4.5.1a")
async def test_the_receivers_limits_hold_for_what_was_ordered_too(world: World) -> None:
    holder, friend = await world.holder(5_000_000, level="premium"), await world.holder(2_060_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx, to=friend.phone, amount=Decimal(1))

    await after(world, HOUR)

    assert await outcomes(ordered) == [(0, "refused", "TOP_UP_LIMIT_REACHED")]
    assert await balance(friend) == Money.som(2_060_000)


async def test_a_supplier_off_sale_is_paid_no_more(world: World) -> None:
    await water(world)
    ctx = await world.signed_in(await world.holder(100_000))
    ordered = await order(ctx, repeat=Repeat.DAILY)
    await execute("UPDATE supplier SET on_sale = FALSE")

    await after(world, HOUR)

    assert await outcomes(ordered) == [(0, "refused", "SUPPLIER_NOT_FOUND")]


async def test_cancelling_while_it_is_carried_out_does_one_of_the_two(world: World) -> None:
    await water(world)
    holder = await world.holder(100_000)
    ctx = await world.signed_in(holder)
    ordered = await order(ctx)
    world.clock.move(HOUR)

    await asyncio.gather(work(world), schedules.cancel_scheduled_payment(ctx, payment_id=ordered.id))

    status = (await seen(ctx, ordered)).status
    paid = await balance(holder) == Money.som(89_800)
    assert (status is ScheduleStatus.COMPLETED) == paid
    assert status in (ScheduleStatus.COMPLETED, ScheduleStatus.CANCELLED)


async def test_only_the_system_carries_out(world: World) -> None:
    with pytest.raises(Forbidden):
        await carry_out_scheduled(await world.signed_in(await world.holder()))


async def test_a_wallets_orders_are_listed_the_newest_first(world: World) -> None:
    await water(world)
    holder = await world.holder(1_000)
    ctx = await world.signed_in(holder)
    first = await order(ctx, "one")
    world.clock.move(timedelta(minutes=1))
    second = await order(ctx, "two", repeat=Repeat.MONTHLY)

    listed = await schedules.scheduled_payments(ctx, holder.wallet_id, PageRequest())

    assert listed.items == [second, first]
