import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.access import TooManyCodes
from domain.database import execute, fetch
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.order import AccountNotFound, OrderKind, OrderSource, OrderStatus
from domain.refusal import (
    IdempotencyKeyReused,
    InvalidInput,
    InvalidPhone,
    MissingInput,
    NotFound,
    Refusal,
)
from domain.subscription import AlreadySubscribed
from resolvers.order import order_subscription
from tests.resolvers.shop import Buyer, Shop

OTHER = "+998931112233"


@pytest.fixture
async def shop(db: str) -> Shop:
    shop = Shop()
    await shop.add_product()
    return shop


@pytest.fixture
async def buyer(shop: Shop) -> Buyer:
    return await shop.add_buyer()


async def from_web(shop: Shop, **given: Any) -> Any:
    asked: dict[str, Any] = {"product": "cinema", "months": 1, "key": shop.key(), "phone": None, "account": None}
    return await order_subscription(shop.stranger(), **(asked | given))


@pytest.mark.rule("S-4.6")
@pytest.mark.rule("S-8")
async def test_an_order_waits_for_its_code_and_takes_nothing(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer, months=7)

    assert (placed.status, placed.total, placed.kind) == (OrderStatus.ACKNOWLEDGED, Money.som(85_000), OrderKind.FIRST)
    assert placed.challenge is not None
    assert placed.challenge.expires_at == shop.clock.now() + timedelta(minutes=10)
    assert placed.subscription is None
    assert await shop.balance(buyer) == 500_000
    assert await fetch("SELECT id FROM product_subscription") == []
    assert [row["topic"] for row in await fetch("SELECT topic FROM outbox")] == ["otp"]


@pytest.mark.rule("S-4.5")
async def test_the_cabinet_takes_the_number_signed_in_with_and_its_account(shop: Shop, buyer: Buyer) -> None:
    placed = await shop.order(buyer, phone=None)

    assert (placed.phone, placed.account_id, placed.source) == (buyer.phone, buyer.account_id, OrderSource.CABINET)


@pytest.mark.rule("S-4.5")
async def test_another_number_of_the_subscriber_pays_from_its_own_account(shop: Shop, buyer: Buyer) -> None:
    second = await shop.add_number(buyer.subscriber_id, OTHER, 50_000)

    placed = await shop.order(buyer, phone="93 111-22-33", account=second.account)

    assert (placed.phone, placed.account_id) == (OTHER, second.account_id)


@pytest.mark.rule("S-5.1")
@pytest.mark.parametrize(
    ("given", "refusal", "path"),
    [
        ({}, MissingInput, "phone"),
        ({"phone": " ", "account": "1"}, MissingInput, "phone"),
        ({"phone": "+998901234567"}, MissingInput, "account"),
        ({"phone": "+998901234567", "account": "  "}, MissingInput, "account"),
        ({"phone": "12345", "account": "1"}, InvalidPhone, "phone"),
    ],
)
async def test_a_web_order_names_the_field_that_is_missing(
    shop: Shop, buyer: Buyer, given: dict[str, str], refusal: type[Refusal], path: str
) -> None:
    before = await shop.state()

    with pytest.raises(refusal) as refused:
        await from_web(shop, **given)

    assert refused.value.path == ("input", path)
    assert refused.value.rule == ("S-5.1" if refusal is MissingInput else None)
    assert await shop.state() == before


@pytest.mark.rule("S-5.1")
@pytest.mark.parametrize("wrong", ["phone", "account", "both", "another's account"])
async def test_a_pair_that_does_not_match_never_tells_which_is_wrong(shop: Shop, buyer: Buyer, wrong: str) -> None:
    other = await shop.add_buyer(OTHER)
    given = {
        "phone": {"phone": "+998955554433", "account": buyer.account},
        "account": {"phone": buyer.phone, "account": "1000000009"},
        "both": {"phone": "+998955554433", "account": "1000000009"},
        "another's account": {"phone": buyer.phone, "account": other.account},
    }[wrong]
    before = await shop.state()

    with pytest.raises(AccountNotFound) as refused:
        await from_web(shop, **given)

    assert (refused.value.rule, refused.value.path, refused.value.facts) == ("S-5.1", ("input", "account"), {})
    assert await shop.state() == before


@pytest.mark.rule("S-4.5")
@pytest.mark.parametrize(("mistake", "path"), [("phone", "phone"), ("account", "account")])
async def test_the_cabinet_orders_for_ones_own_numbers_only(shop: Shop, buyer: Buyer, mistake: str, path: str) -> None:
    other = await shop.add_buyer(OTHER)
    given: dict[str, Any] = {"phone": other.phone} if mistake == "phone" else {"account": other.account}
    before = await shop.state()

    with pytest.raises(AccountNotFound) as refused:
        await shop.order(buyer, **given)

    assert (refused.value.rule, refused.value.path) == ("S-4.5", ("input", path))
    assert await shop.state() == before


@pytest.mark.parametrize("table", ["subscriber", "subscriber_number"])
async def test_nothing_is_sold_to_a_number_that_is_not_in_service(shop: Shop, buyer: Buyer, table: str) -> None:
    await execute(f"UPDATE {table} SET status = 'suspended'")

    with pytest.raises(AccountNotFound):
        await from_web(shop, phone=buyer.phone, account=buyer.account)


@pytest.mark.parametrize(
    ("given", "refusal", "path"),
    [
        ({"months": 0}, InvalidInput, "months"),
        ({"months": 25}, InvalidInput, "months"),
        ({"months": -1}, InvalidInput, "months"),
        ({"product": "opera"}, NotFound, "product"),
        ({"product": "retired"}, NotFound, "product"),
        ({"key": " "}, InvalidInput, "idempotencyKey"),
    ],
)
async def test_an_order_for_what_is_not_sold_changes_nothing(
    shop: Shop, buyer: Buyer, given: dict[str, Any], refusal: type[Refusal], path: str
) -> None:
    await shop.add_product("retired", on_sale=False)
    before = await shop.state()

    with pytest.raises(refusal) as refused:
        await shop.order(buyer, **given)

    assert refused.value.path == ("input", path)
    assert await shop.state() == before


@pytest.mark.rule("R-3")
@pytest.mark.rule("S-8")
async def test_an_order_beyond_the_balance_sends_no_code(shop: Shop) -> None:
    poor = await shop.add_buyer(OTHER, 4_000)
    before = await shop.state()

    with pytest.raises(InsufficientFunds) as refused:
        await shop.order(poor)

    assert (refused.value.available, refused.value.needed) == (Money.som(4_000), Money.som(10_000))
    assert refused.value.rule == "R-3"
    assert await shop.state() == before


async def test_a_number_that_holds_the_product_is_told_to_extend(shop: Shop, buyer: Buyer) -> None:
    bought = await shop.buy(buyer)
    before = await shop.state()

    with pytest.raises(AlreadySubscribed) as refused:
        await shop.order(buyer)

    assert bought.subscription is not None
    assert refused.value.subscription_id == bought.subscription.id
    assert await shop.state() == before


async def test_the_same_key_gives_the_same_order_and_one_code(shop: Shop, buyer: Buyer) -> None:
    first = await shop.order(buyer, key="one")

    again = await shop.order(buyer, key="one")

    assert again == first
    assert len(await fetch("SELECT id FROM otp_challenge")) == 1


async def test_the_same_key_for_another_order_is_refused(shop: Shop, buyer: Buyer) -> None:
    await shop.order(buyer, key="one")
    before = await shop.state()

    with pytest.raises(IdempotencyKeyReused):
        await shop.order(buyer, months=2, key="one")

    assert await shop.state() == before


async def test_many_orders_at_once_with_one_key_are_one(shop: Shop, buyer: Buyer) -> None:
    placed = await asyncio.gather(*(shop.order(buyer, key="one") for _ in range(8)))

    assert len({one.public_id for one in placed}) == 1
    assert len(await fetch("SELECT id FROM product_order")) == 1


@pytest.mark.rule("C-4")
async def test_codes_for_orders_are_limited_too(shop: Shop, buyer: Buyer) -> None:
    for _ in range(8):
        await shop.order(buyer)
    before = await shop.state()

    with pytest.raises(TooManyCodes):
        await shop.order(buyer)

    assert await shop.state() == before
