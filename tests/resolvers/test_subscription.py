import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from domain.clock import local_day
from domain.database import fetch
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.order import OrderKind, OrderStatus
from domain.refusal import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, Unauthenticated
from domain.subscription import SubscriptionOver, SubscriptionStatus, SubscriptionView
from resolvers.context import Context
from resolvers.paging import PageRequest
from resolvers.subscription import (
    cancel_subscription,
    expire_due,
    extend_subscription,
    renew_due,
    set_renewal,
    subscription,
    subscriptions,
    subscriptions_of,
    tell_renewals,
)
from tests.resolvers.shop import Buyer, Shop

OTHER = "+998931112233"
ACTIVE, SUSPENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.SUSPENDED
EXPIRED, CANCELLED = SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED
Act = Callable[[Context, int], Awaitable[Any]]


@pytest.fixture
async def shop(db: str) -> Shop:
    shop = Shop()
    await shop.add_product(partner_id=await shop.add_partner())
    return shop


@pytest.fixture
async def buyer(shop: Shop) -> Buyer:
    return await shop.add_buyer()


@pytest.fixture
async def held(shop: Shop, buyer: Buyer) -> SubscriptionView:
    """One month from 2 November to 2 December 2026."""
    bought = (await shop.buy(buyer)).subscription
    assert bought is not None
    return bought


async def now_is(shop: Shop, held: SubscriptionView) -> SubscriptionView:
    seen = await subscription(shop.staff(), held.id)
    assert seen is not None
    return seen


async def work(shop: Shop) -> None:
    """One round of the worker."""
    for task in (tell_renewals, renew_due, expire_due):
        await task(shop.worker())


async def extend(ctx: Context, subscription_id: int) -> Any:
    return await extend_subscription(ctx, subscription_id=subscription_id, months=1, key="extend")


async def cancel(ctx: Context, subscription_id: int) -> Any:
    return await cancel_subscription(ctx, subscription_id=subscription_id)


async def renew(ctx: Context, subscription_id: int) -> Any:
    return await set_renewal(ctx, subscription_id=subscription_id, on=True)


async def dont_renew(ctx: Context, subscription_id: int) -> Any:
    return await set_renewal(ctx, subscription_id=subscription_id, on=False)


# Looking


@pytest.mark.rule("S-4.7")
async def test_the_cabinet_shows_ones_own_subscriptions(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    other = await shop.add_buyer(OTHER)
    await shop.buy(other)

    mine = await subscriptions(shop.signed_in(buyer), PageRequest())

    assert mine.items == [held]
    assert await subscription(shop.signed_in(buyer), held.id) == held
    assert await subscription(shop.signed_in(other), held.id) is None


@pytest.mark.rule("S-6")
async def test_days_left_change_at_midnight_in_tashkent(shop: Shop, held: SubscriptionView) -> None:
    assert held.days_left == 30
    shop.clock.at = shop.clock.at.replace(hour=18, minute=59)
    assert (await now_is(shop, held)).days_left == 30

    shop.clock.at = shop.clock.at.replace(hour=19, minute=0)

    assert (await now_is(shop, held)).days_left == 29


async def test_staff_and_the_products_partner_may_look(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    partner_id = held.product.partner_id
    assert partner_id is not None
    stranger = await shop.add_partner("other")

    assert (await subscriptions_of(shop.staff("viewer"), buyer.subscriber_id, PageRequest())).items == [held]
    assert await subscription(shop.partner(partner_id, "subscription:read"), held.id) == held
    assert await subscription(shop.partner(stranger, "subscription:read"), held.id) is None
    with pytest.raises(Forbidden):
        await subscription(shop.partner(partner_id, "order:write"), held.id)
    with pytest.raises(Forbidden):
        await subscriptions_of(shop.signed_in(buyer), buyer.subscriber_id, PageRequest())
    with pytest.raises(Unauthenticated):
        await subscriptions(shop.stranger(), PageRequest())


# Extending


@pytest.mark.rule("S-2")
@pytest.mark.rule("S-6")
async def test_extending_adds_months_at_the_price_of_their_number(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    await extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=2, key="a")

    done = await extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=4, key="b")

    assert (done.status, done.kind, done.total) == (OrderStatus.COMPLETED, OrderKind.EXTENSION, Money.som(55_000))
    assert done.subscription is not None
    assert (done.subscription.ends_on, done.subscription.paid_months) == (date(2027, 6, 2), 7)
    assert done.subscription.price == Money.som(25_000)
    assert await shop.balance(buyer) == 500_000 - 10_000 - 20_000 - 55_000


async def test_extending_many_times_at_once_with_one_key_charges_once(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    answers = await asyncio.gather(*(extend(shop.signed_in(buyer), held.id) for _ in range(10)))

    assert len({answer.public_id for answer in answers}) == 1
    assert await shop.balance(buyer) == 480_000
    assert (await now_is(shop, held)).months == 2


@pytest.mark.rule("S-2")
async def test_extensions_at_once_with_different_keys_count_every_month(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    calls = [
        extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=1, key=f"{n}") for n in range(8)
    ]

    answers = await asyncio.gather(*calls)

    assert sorted(answer.total for answer in answers) == [Money.som(10_000)] * 5 + [Money.som(25_000)] * 3
    assert await shop.balance(buyer) == 500_000 - 60_000 - 75_000
    assert (await now_is(shop, held)).ends_on == date(2027, 8, 2)


@pytest.mark.parametrize(("months", "path"), [(0, "months"), (25, "months")])
async def test_extending_by_an_impossible_number_of_months_changes_nothing(
    shop: Shop, buyer: Buyer, held: SubscriptionView, months: int, path: str
) -> None:
    before = await shop.state()

    with pytest.raises(InvalidInput) as refused:
        await extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=months, key="a")

    assert refused.value.path == ("input", path)
    assert await shop.state() == before


async def test_a_key_used_for_another_extension_is_refused(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await extend(shop.signed_in(buyer), held.id)
    before = await shop.state()

    with pytest.raises(IdempotencyKeyReused):
        await extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=3, key="extend")

    assert await shop.state() == before


@pytest.mark.rule("R-3")
async def test_extending_beyond_the_balance_changes_nothing(shop: Shop) -> None:
    poor = await shop.add_buyer(OTHER, 12_000)
    held = (await shop.buy(poor)).subscription
    assert held is not None
    before = await shop.state()

    with pytest.raises(InsufficientFunds) as refused:
        await extend(shop.signed_in(poor), held.id)

    assert (refused.value.available, refused.value.needed) == (Money.som(2_000), Money.som(10_000))
    assert await shop.state() == before


@pytest.mark.parametrize("act", [extend, cancel, renew, dont_renew])
async def test_a_strangers_subscription_is_not_found(shop: Shop, held: SubscriptionView, act: Act) -> None:
    other = await shop.add_buyer(OTHER)
    before = await shop.state()

    with pytest.raises(NotFound) as refused:
        await act(shop.signed_in(other), held.id)
    with pytest.raises(Unauthenticated):
        await act(shop.stranger(), held.id)

    assert refused.value.path == ("input", "subscriptionId")
    assert await shop.state() == before


@pytest.mark.parametrize("noted", [False, True])
@pytest.mark.parametrize("act", [extend, cancel, renew])
async def test_an_expired_subscription_is_ordered_anew(
    shop: Shop, buyer: Buyer, held: SubscriptionView, act: Act, noted: bool
) -> None:
    shop.pass_days(31)
    if noted:
        await expire_due(shop.worker())
    before = await shop.state()

    with pytest.raises(SubscriptionOver) as refused:
        await act(shop.signed_in(buyer), held.id)

    assert (refused.value.status, refused.value.rule) == (EXPIRED, "S-6")
    assert await shop.state() == before


# Cancelling


async def test_a_cancelled_subscription_ends_at_once_without_a_refund(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    cancelled = await cancel(shop.signed_in(buyer), held.id)

    assert (cancelled.status, cancelled.days_left, cancelled.auto_renew) == (CANCELLED, 0, False)
    assert await shop.balance(buyer) == 490_000
    assert (await shop.events())[-1]["event"] == "subscription.ended"


async def test_cancelling_again_gives_the_same_answer(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    first = await cancel(shop.signed_in(buyer), held.id)
    before = await shop.state()

    again = await cancel(shop.signed_in(buyer), held.id)

    assert again == first
    assert await shop.state() == before


@pytest.mark.parametrize("act", [extend, renew, dont_renew])
async def test_a_cancelled_subscription_never_comes_back(
    shop: Shop, buyer: Buyer, held: SubscriptionView, act: Act
) -> None:
    await cancel(shop.signed_in(buyer), held.id)
    before = await shop.state()

    with pytest.raises(SubscriptionOver) as refused:
        await act(shop.signed_in(buyer), held.id)

    assert refused.value.status is CANCELLED
    assert await shop.state() == before


async def test_an_agent_may_cancel_for_a_subscriber_and_a_viewer_may_not(shop: Shop, held: SubscriptionView) -> None:
    with pytest.raises(Forbidden):
        await cancel(shop.staff("viewer"), held.id)

    await cancel(shop.staff("agent"), held.id)

    (noted,) = await fetch("SELECT actor, action, subject FROM audit_event")
    assert noted == {"actor": "staff:1", "action": "subscription.cancel", "subject": f"subscription:{held.id}"}


@pytest.mark.rule("S-2")
async def test_months_go_on_counting_after_a_cancellation(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=5, key="a")
    await cancel(shop.signed_in(buyer), held.id)

    again = await shop.order(buyer)

    assert again.total == Money.som(25_000)


# The end


@pytest.mark.rule("S-6")
async def test_a_subscription_expires_after_its_last_day(shop: Shop, held: SubscriptionView) -> None:
    shop.pass_days(30)
    await work(shop)
    assert (await now_is(shop, held)).status is ACTIVE

    shop.pass_days(1)

    assert (await now_is(shop, held)).status is EXPIRED
    assert await expire_due(shop.worker()) == 1
    assert await expire_due(shop.worker()) == 0
    assert (await now_is(shop, held)).stored_status is EXPIRED
    assert local_day(shop.clock.now()) == date(2026, 12, 3)


@pytest.mark.rule("S-9")
async def test_the_partner_is_told_each_change_once_and_in_order(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    await extend(shop.signed_in(buyer), held.id)
    shop.pass_days(62)

    await asyncio.gather(*(expire_due(shop.worker()) for _ in range(5)))

    told = [(event["id"], event["event"], event["data"]["endsOn"]) for event in await shop.events()]
    assert told == [
        (f"evt_{held.id}_1", "subscription.activated", "2026-12-02"),
        (f"evt_{held.id}_2", "subscription.extended", "2027-01-02"),
        (f"evt_{held.id}_3", "subscription.ended", "2027-01-02"),
    ]
    assert {row["stream"] for row in await fetch("SELECT stream FROM outbox WHERE topic = 'webhook'")} == {
        f"subscription:{held.id}"
    }


async def test_extending_against_the_end_has_one_winner(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    shop.pass_days(31)

    answers = await asyncio.gather(
        extend(shop.signed_in(buyer), held.id), expire_due(shop.worker()), return_exceptions=True
    )

    assert isinstance(answers[0], SubscriptionOver)
    assert await shop.balance(buyer) == 490_000


@pytest.mark.parametrize("task", [tell_renewals, renew_due, expire_due])
async def test_only_the_worker_does_the_workers_work(shop: Shop, buyer: Buyer, task: Callable[..., Any]) -> None:
    for ctx in (shop.stranger(), shop.signed_in(buyer), shop.staff("admin")):
        with pytest.raises(Forbidden):
            await task(ctx)
