import asyncio
from datetime import date
from typing import Any

import pytest

from domain.database import fetch
from domain.refusal import Forbidden
from domain.subscription import SUSPENDED_DAYS, SubscriptionStatus, SubscriptionView
from resolvers.context import Context
from resolvers.subscription import (
    cancel_subscription,
    expire_due,
    extend_subscription,
    renew_due,
    set_renewal,
    subscription,
    tell_renewals,
)
from tests.resolvers.shop import Buyer, Shop

OTHER = "+998931112233"
ACTIVE, SUSPENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.SUSPENDED
EXPIRED, CANCELLED = SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED


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


@pytest.mark.rule("R-1")
async def test_renewal_is_off_until_the_subscriber_switches_it_on(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    assert held.auto_renew is False
    with pytest.raises(Forbidden):
        await renew(shop.staff("admin"), held.id)

    switched = await renew(shop.signed_in(buyer), held.id)

    assert switched.auto_renew is True
    (proof,) = await fetch("SELECT actor, action FROM audit_event")
    assert proof == {"actor": f"subscriber:{buyer.subscriber_id}", "action": "subscription.renewal_on"}
    assert (await dont_renew(shop.staff("agent"), held.id)).auto_renew is False


@pytest.mark.rule("S-7")
async def test_a_renewal_is_told_once_and_charged_on_the_end_day(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    await renew(shop.signed_in(buyer), held.id)
    shop.pass_days(26)
    await work(shop)
    assert await shop.messages() == []
    shop.pass_days(1)
    await work(shop)
    await work(shop)
    assert await shop.messages() == ["Cinema: renews on 02.12.2026 for 1 month, 10 000 UZS. Switch off in the cabinet."]
    shop.pass_days(2)
    await work(shop)
    assert await shop.balance(buyer) == 490_000

    shop.pass_days(1)
    await work(shop)
    await work(shop)

    assert await shop.balance(buyer) == 480_000
    assert (await now_is(shop, held)).ends_on == date(2027, 1, 2)


@pytest.mark.rule("R-2")
async def test_the_message_tells_the_price_step_to_come(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await extend_subscription(shop.signed_in(buyer), subscription_id=held.id, months=5, key="a")
    await renew(shop.signed_in(buyer), held.id)
    shop.clock.at = shop.clock.at.replace(year=2027, month=4, day=30)

    await work(shop)

    assert await shop.messages() == ["Cinema: renews on 02.05.2027 for 1 month, 25 000 UZS. Switch off in the cabinet."]


@pytest.mark.rule("S-7")
async def test_a_renewal_is_never_charged_untold(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await renew(shop.signed_in(buyer), held.id)
    shop.pass_days(30)

    assert await renew_due(shop.worker()) == 0

    assert await shop.balance(buyer) == 490_000


@pytest.mark.rule("S-7")
@pytest.mark.rule("T-26")
async def test_a_renewal_that_cannot_be_paid_suspends_and_never_makes_debt(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    await renew(shop.signed_in(buyer), held.id)
    await shop.move(buyer, -485_000)
    shop.pass_days(30)
    await work(shop)
    assert (await now_is(shop, held)).status is ACTIVE

    shop.pass_days(1)
    await work(shop)

    assert (await now_is(shop, held)).status is SUSPENDED
    assert await shop.balance(buyer) == 5_000
    assert [event["event"] for event in await shop.events()] == ["subscription.activated", "subscription.ended"]


@pytest.mark.rule("S-7")
@pytest.mark.rule("T-27")
async def test_money_that_comes_on_the_end_day_renews(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await renew(shop.signed_in(buyer), held.id)
    await shop.move(buyer, -490_000)
    shop.pass_days(30)
    await work(shop)
    await shop.move(buyer, 10_000)

    await work(shop)

    assert await shop.balance(buyer) == 0
    assert (await now_is(shop, held)).ends_on == date(2027, 1, 2)


@pytest.mark.rule("S-7")
async def test_a_suspended_subscription_goes_on_from_the_day_it_is_extended(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    await suspended(shop, buyer, held)
    await shop.move(buyer, 100_000)
    shop.pass_days(9)

    done = await extend(shop.signed_in(buyer), held.id)

    assert done.subscription is not None
    assert (done.subscription.status, done.subscription.ends_on) == (ACTIVE, date(2027, 1, 12))
    assert (await shop.events())[-1]["event"] == "subscription.activated"


async def test_a_suspended_subscription_waits_a_while_and_then_is_over(
    shop: Shop, buyer: Buyer, held: SubscriptionView
) -> None:
    await suspended(shop, buyer, held)
    shop.pass_days(SUSPENDED_DAYS - 1)
    await work(shop)
    assert (await now_is(shop, held)).status is SUSPENDED

    shop.pass_days(1)
    await work(shop)

    assert (await now_is(shop, held)).stored_status is EXPIRED


async def suspended(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await renew(shop.signed_in(buyer), held.id)
    await shop.move(buyer, -490_000)
    shop.pass_days(31)
    await work(shop)
    await work(shop)
    assert (await now_is(shop, held)).status is SUSPENDED


@pytest.mark.rule("R-2")
async def test_a_free_trial_never_becomes_paid_by_itself(shop: Shop, buyer: Buyer) -> None:
    await shop.add_product("trial", ((1, 1, 0), (2, None, 5_000)))
    held = (await shop.buy(buyer, product="trial")).subscription
    assert held is not None
    await renew(shop.signed_in(buyer), held.id)

    for _ in range(32):
        shop.pass_days(1)
        await work(shop)

    assert await shop.balance(buyer) == 500_000
    assert (await now_is(shop, held)).status is SUSPENDED
    assert await shop.messages() == [
        "Cinema: the free period ends on 02.12.2026. Then 5 000 UZS a month: extend it in the cabinet."
    ]


@pytest.mark.rule("S-7")
async def test_workers_at_once_renew_once(shop: Shop, buyer: Buyer, held: SubscriptionView) -> None:
    await renew(shop.signed_in(buyer), held.id)
    shop.pass_days(30)
    await tell_renewals(shop.worker())

    counted = await asyncio.gather(*(renew_due(shop.worker()) for _ in range(6)))

    assert sum(counted) == 1
    assert await shop.balance(buyer) == 480_000


@pytest.mark.parametrize("waits_for", ["money", "a yes"])
async def test_those_who_wait_hold_up_nobody(shop: Shop, buyer: Buyer, held: SubscriptionView, waits_for: str) -> None:
    await renew(shop.signed_in(buyer), held.id)
    if waits_for == "money":
        await shop.move(buyer, -490_000)
    else:
        await cancel(shop.signed_in(buyer), held.id)
        await shop.add_product("trial", ((1, 1, 0), (2, None, 5_000)))
        trial = (await shop.buy(buyer, product="trial")).subscription
        assert trial is not None
        await renew(shop.signed_in(buyer), trial.id)
    other = await shop.add_buyer(OTHER)
    theirs = (await shop.buy(other)).subscription
    assert theirs is not None
    await renew(shop.signed_in(other), theirs.id)
    shop.pass_days(30)
    await tell_renewals(shop.worker())

    assert await renew_due(shop.worker(), batch=1) == 1

    assert await shop.balance(other) == 480_000
