import pytest

from domain.money import Money
from domain.product import PriceStep
from resolvers.paging import PageRequest
from resolvers.product import product, product_by_id, products
from tests.resolvers.shop import Shop


@pytest.fixture
async def shop(db: str) -> Shop:
    return Shop()


@pytest.mark.rule("S-2")
async def test_a_product_shows_its_price_steps_and_the_old_price(shop: Shop) -> None:
    product_id = await shop.add_product(steps=((7, None, 25_000), (1, 6, 10_000)))

    shown = await product(shop.stranger(), "cinema")

    assert shown is not None
    assert shown.steps == (PriceStep(1, 6, Money.som(10_000)), PriceStep(7, None, Money.som(25_000)))
    assert shown.old_price == Money.som(25_000)
    assert shown == await product_by_id(shop.stranger(), product_id)


@pytest.mark.rule("S-3")
async def test_a_product_tells_that_its_traffic_is_free(shop: Shop) -> None:
    await shop.add_product()

    shown = await product(shop.stranger(), "cinema")

    assert shown is not None
    assert shown.zero_rated is True


async def test_names_come_in_the_language_asked_for_or_the_nearest(shop: Shop) -> None:
    await shop.add_product()
    shown = await product(shop.stranger(), "cinema")

    assert shown is not None
    assert shown.name_in(shop.stranger().language) == "Cinema"
    assert shown.description_in(shop.stranger().language) == ""


@pytest.mark.rule("S-4.2")
async def test_the_shop_lists_what_is_on_sale_in_its_own_order(shop: Shop) -> None:
    for position, (code, on_sale) in enumerate([("a", True), ("b", False), ("c", True), ("d", True)]):
        await shop.add_product(code, on_sale=on_sale, position=10 - position)

    first = await products(shop.stranger(), PageRequest.of(first=2))
    rest = await products(shop.stranger(), PageRequest.of(first=2, after=first.cursors[-1]))

    assert [one.code for one in first.items + rest.items] == ["d", "c", "a"]
    assert all(one.steps for one in first.items)


async def test_a_product_off_sale_is_still_found_by_its_code(shop: Shop) -> None:
    await shop.add_product("retired", on_sale=False)

    shown = await product(shop.stranger(), "retired")

    assert shown is not None
    assert shown.on_sale is False
    assert await product(shop.stranger(), "never") is None
