import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from domain.access import CodeExpired, WrongCode
from domain.database import fetch, fetch_row
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.order import OrderSource, OrderStatus, PriceChanged
from domain.refusal import (
    Forbidden,
    NotFound,
    Unauthenticated,
)
from domain.subscription import SubscriptionStatus
from resolvers.order import confirm_order, lapse_orders, order, order_subscription, orders, orders_of
from resolvers.paging import PageRequest
from tests.resolvers.shop import Buyer, Shop, publish_offer, set_prices

OTHER = "+998931112233"


@pytest.fixture
async def shop(db: str) -> Shop:
    shop = Shop()
    await shop.add_product()
    return shop


@pytest.fixture
async def buyer(shop: Shop) -> Buyer:
    return await shop.add_buyer()


# Entering the code


@pytest.mark.rule("S-4.7")
@pytest.mark.rule("S-5.3")
async def test_the_code_takes_the_price_and_activates_the_subscription(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer, months=3)

    done = await shop.confirm(buyer, placed)

    held = done.subscription
    assert done.status is OrderStatus.COMPLETED
    assert done.challenge is None
    assert held is not None
    assert (held.status, held.phone, held.months, held.auto_renew) == (
        SubscriptionStatus.ACTIVE,
        buyer.phone,
        3,
        False,
    )
    assert (held.activated_on, held.ends_on, held.days_left) == (date(2026, 11, 2), date(2027, 2, 2), 92)
    assert await shop.balance(buyer) == 470_000
    assert shop.announced == [f"order:{done.id}"]


async def test_a_charge_explains_itself(shop: Shop, buyer: Buyer) -> None:
    done = await shop.buy(buyer, months=2)

    row = await fetch_row(
        """SELECT t.memo, e.kind, e.amount FROM product_order o JOIN ledger_transfer t ON t.id = o.transfer_id
           JOIN ledger_entry e ON e.transfer_id = t.id AND e.account_id = $1""",
        buyer.ledger_account_id,
    )

    assert row is not None
    assert (row["kind"], row["amount"]) == ("subscription", -2_000_000)
    for fact in ('"product": "cinema"', '"months": 2', '"from_month": 1', f'"order": "{done.public_id}"'):
        assert fact in row["memo"]


@pytest.mark.rule("S-5.2")
@pytest.mark.rule("S-5.4")
async def test_a_web_order_is_confirmed_and_seen_by_who_has_its_id(shop: Shop, buyer: Buyer) -> None:
    asked: dict[str, Any] = {"product": "cinema", "months": 1, "phone": "901234567", "account": buyer.account}
    placed = await order_subscription(shop.stranger(), **asked, key="web-1")

    await confirm_order(shop.stranger(), order_id=placed.public_id, code=await shop.code(placed))
    seen = await order(shop.stranger(), placed.public_id)

    assert seen is not None
    assert (seen.status, seen.source) == (OrderStatus.COMPLETED, OrderSource.WEB)
    assert await shop.balance(buyer) == 490_000


@pytest.mark.parametrize("who", ["another subscriber", "nobody"])
async def test_a_cabinet_order_is_its_subscribers_alone(shop: Shop, buyer: Buyer, who: str) -> None:
    placed = await shop.order(buyer)
    other = shop.signed_in(await shop.add_buyer(OTHER)) if who == "another subscriber" else shop.stranger()
    before = await shop.state()

    with pytest.raises(NotFound):
        await confirm_order(other, order_id=placed.public_id, code=await shop.code(placed))

    assert await order(other, placed.public_id) is None
    assert await shop.state() == before


async def test_an_unknown_order_is_not_found(shop: Shop, buyer: Buyer) -> None:
    with pytest.raises(NotFound) as refused:
        await confirm_order(shop.signed_in(buyer), order_id="0" * 32, code="123456")

    assert refused.value.path == ("input", "orderId")


@pytest.mark.rule("S-8")
async def test_a_wrong_code_is_counted_and_changes_nothing_else(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer)
    before = await shop.state()

    with pytest.raises(WrongCode) as refused:
        await confirm_order(shop.signed_in(buyer), order_id=placed.public_id, code=await shop.wrong_code(placed))

    after = await shop.state()
    assert refused.value.tries_left == 4
    assert after.pop("otp_challenge")[0]["wrong_tries"] == 1
    before.pop("otp_challenge")
    assert after == before
    assert (await shop.confirm(buyer, placed)).status is OrderStatus.COMPLETED


@pytest.mark.rule("S-5.3")
@pytest.mark.rule("R-3")
async def test_money_that_is_gone_by_then_leaves_all_as_it_was_and_the_code_good(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer)
    await shop.move(buyer, -495_000)
    before = await shop.state()

    with pytest.raises(InsufficientFunds) as refused:
        await shop.confirm(buyer, placed)

    assert (refused.value.available, refused.value.needed) == (Money.som(5_000), Money.som(10_000))
    assert await shop.state() == before
    await shop.move(buyer, 5_000)
    assert (await shop.confirm(buyer, placed)).status is OrderStatus.COMPLETED
    assert await shop.balance(buyer) == 0


@pytest.mark.rule("R-2")
async def test_a_price_that_has_changed_is_not_taken(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer)
    await set_prices(placed.product.id, (1, None, 12_000))
    before = await shop.state()

    with pytest.raises(PriceChanged) as refused:
        await shop.confirm(buyer, placed)

    assert refused.value.total == Money.som(12_000)
    assert await shop.state() == before


async def test_a_completed_order_is_given_again_and_nothing_is_taken(shop: Shop, buyer: Buyer) -> None:
    done = await shop.buy(buyer)
    before = await shop.state()

    again = await confirm_order(shop.signed_in(buyer), order_id=done.public_id, code="000000")

    assert again == done
    assert await shop.state() == before


@pytest.mark.rule("S-5.3")
async def test_twenty_confirmations_at_once_charge_once(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer)

    answers = await asyncio.gather(*(shop.confirm(buyer, placed) for _ in range(20)))

    assert {answer.status for answer in answers} == {OrderStatus.COMPLETED}
    assert await shop.balance(buyer) == 490_000
    assert len(await fetch("SELECT id FROM product_subscription")) == 1


async def test_two_orders_for_one_number_at_once_make_one_subscription(shop: Shop, buyer: Buyer) -> None:
    first, second = await shop.order(buyer), await shop.order(buyer)

    answers = await asyncio.gather(shop.confirm(buyer, first), shop.confirm(buyer, second), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadySubscribed", "OrderView"]
    assert await shop.balance(buyer) == 490_000
    assert len(await fetch("SELECT id FROM product_subscription")) == 1


@pytest.mark.rule("S-2")
async def test_two_numbers_of_one_subscriber_at_once_never_count_the_same_months(shop: Shop, buyer: Buyer) -> None:
    second = await shop.add_number(buyer.subscriber_id, OTHER, 500_000)
    one, two = await shop.order(buyer, months=6), await shop.order(second, months=6)

    answers = await asyncio.gather(shop.confirm(buyer, one), shop.confirm(second, two), return_exceptions=True)

    (changed,) = (answer for answer in answers if isinstance(answer, PriceChanged))
    assert changed.total == Money.som(150_000)
    assert await shop.balance(buyer) + await shop.balance(second) == 940_000


@pytest.mark.rule("S-2")
async def test_months_go_on_counting_when_it_is_ordered_anew(shop: Shop, buyer: Buyer) -> None:
    await shop.buy(buyer, months=6)
    shop.pass_days(182)  # the end has passed, and no worker has come by

    again = await shop.buy(buyer, months=1)

    assert again.total == Money.som(25_000)
    assert again.subscription is not None
    assert again.subscription.paid_months == 7
    rows = await fetch("SELECT status FROM product_subscription ORDER BY id")
    assert [row["status"] for row in rows] == ["expired", "active"]


@pytest.mark.rule("A-6.6.1")
async def test_a_postpaid_account_may_go_below_zero(shop: Shop) -> None:
    firm = await shop.add_buyer("+998995000001", 0, postpaid=True)

    await shop.buy(firm)

    assert await shop.balance(firm) == -10_000


async def test_a_free_month_is_no_movement_of_money(shop: Shop, buyer: Buyer) -> None:
    await shop.add_product("trial", ((1, 1, 0), (2, None, 5_000)))

    done = await shop.buy(buyer, product="trial")

    assert done.status is OrderStatus.COMPLETED
    assert await shop.balance(buyer) == 500_000


@pytest.mark.rule("A-3.7")
@pytest.mark.rule("R-1")
async def test_the_code_is_the_consent_to_the_offer_in_force(shop: Shop, buyer: Buyer) -> None:
    edition_id = await publish_offer()

    done = await shop.buy(buyer)

    (accepted,) = await fetch("SELECT * FROM offer_acceptance")
    assert (accepted["edition_id"], accepted["subscriber_id"], accepted["phone"], accepted["text_hash"]) == (
        edition_id,
        buyer.subscriber_id,
        buyer.phone,
        "text",
    )
    assert accepted["occasion"] == f"order:{done.public_id}"
    assert accepted["proof"].startswith("otp:")
    assert (await fetch("SELECT acceptance_id FROM product_order"))[0]["acceptance_id"] == accepted["id"]


@pytest.mark.rule("S-5.5")
@pytest.mark.rule("S-5.6")
async def test_the_partner_is_told_the_number_to_let_in(shop: Shop, buyer: Buyer) -> None:
    partner_id = await shop.add_partner()
    await shop.add_product("music", partner_id=partner_id)

    done = await shop.buy(buyer, product="music")

    (event,) = await shop.events()
    assert done.subscription is not None
    assert (event["partner"], event["event"]) == (partner_id, "subscription.activated")
    assert event["id"] == f"evt_{done.subscription.id}_1"
    assert (event["data"]["phone"], event["data"]["endsOn"]) == (buyer.phone, "2026-12-02")


# Orders whose code is never entered


@pytest.mark.rule("S-8")
async def test_an_order_whose_code_was_never_entered_costs_nothing(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer)
    shop.clock.move(timedelta(minutes=10))

    seen = await order(shop.signed_in(buyer), placed.public_id)

    assert seen is not None
    assert (seen.status, seen.challenge) == (OrderStatus.CANCELLED, None)
    assert await shop.balance(buyer) == 500_000


@pytest.mark.rule("S-8")
@pytest.mark.parametrize("noted", [False, True])
async def test_a_code_that_comes_too_late_buys_nothing(shop: Shop, buyer: Buyer, noted: bool) -> None:
    placed = await shop.order(buyer)
    shop.clock.move(timedelta(minutes=10))
    if noted:
        await lapse_orders(shop.worker())
    before = await shop.state()

    with pytest.raises(CodeExpired) as refused:
        await shop.confirm(buyer, placed)

    assert refused.value.rule == "S-8"
    assert await shop.state() == before


@pytest.mark.rule("S-8")
async def test_lapsing_is_noted_once_however_many_workers_there_are(shop: Shop, buyer: Buyer) -> None:
    await shop.buy(buyer)
    other = await shop.add_buyer(OTHER)
    lapsing = [await shop.order(other) for _ in range(5)]
    shop.announced.clear()
    shop.clock.move(timedelta(minutes=10))

    counted = await asyncio.gather(*(lapse_orders(shop.worker(), batch=3) for _ in range(4)))

    assert sum(counted) <= 5
    assert await lapse_orders(shop.worker()) == 5 - sum(counted)
    assert sorted(shop.announced) == sorted(f"order:{one.id}" for one in lapsing)
    assert await lapse_orders(shop.worker()) == 0


# Who may


async def test_lists_show_ones_own_orders_newest_first(shop: Shop, buyer: Buyer) -> None:
    other = await shop.add_buyer(OTHER)
    await shop.order(other)
    placed = []
    for _ in range(3):
        shop.clock.move(timedelta(seconds=1))
        placed.append(await shop.order(buyer))

    first = await orders(shop.signed_in(buyer), PageRequest.of(first=2))
    rest = await orders(shop.signed_in(buyer), PageRequest.of(first=2, after=first.cursors[-1]))

    assert [one.id for one in first.items + rest.items] == [one.id for one in reversed(placed)]
    assert (first.has_next, rest.has_next) == (True, False)


async def test_staff_see_a_subscribers_orders_and_nobody_else_does(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer)

    seen = await orders_of(shop.staff("viewer"), buyer.subscriber_id, PageRequest())

    assert [one.id for one in seen.items] == [placed.id]
    assert await order(shop.staff("viewer"), placed.public_id) == placed
    with pytest.raises(Forbidden):
        await orders_of(shop.signed_in(buyer), buyer.subscriber_id, PageRequest())
    with pytest.raises(Unauthenticated):
        await orders(shop.stranger(), PageRequest())
    with pytest.raises(Forbidden):
        await lapse_orders(shop.staff("admin"))


async def test_an_agent_orders_for_a_subscriber_who_then_tells_the_code(shop: Shop, buyer: Buyer) -> None:
    asked: dict[str, Any] = {
        "product": "cinema",
        "months": 1,
        "phone": buyer.phone,
        "account": buyer.account,
        "key": "desk-1",
    }
    with pytest.raises(Forbidden):
        await order_subscription(shop.staff("viewer"), **asked)

    placed = await order_subscription(shop.staff("agent"), **asked)
    done = await confirm_order(shop.staff("agent"), order_id=placed.public_id, code=await shop.code(placed))

    assert (done.source, done.status) == (OrderSource.STAFF, OrderStatus.COMPLETED)


async def test_a_partner_orders_its_own_products_only(shop: Shop, buyer: Buyer) -> None:
    partner_id = await shop.add_partner()
    await shop.add_product("music", partner_id=partner_id)
    asked: dict[str, Any] = {"months": 1, "phone": buyer.phone, "account": buyer.account, "key": "site-1"}
    with pytest.raises(Forbidden):
        await order_subscription(shop.partner(partner_id, "catalogue:read"), product="music", **asked)
    with pytest.raises(NotFound):
        await order_subscription(shop.partner(partner_id, "order:write"), product="cinema", **asked)

    placed = await order_subscription(shop.partner(partner_id, "order:write"), product="music", **asked)

    assert placed.source is OrderSource.WEB
