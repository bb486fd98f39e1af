"""What is sold and what it costs: tariffs, editions of the price list, products."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.refusal import NotFound
from domain.tariff import UnknownDestination
from resolvers.product import product, products
from resolvers.tariff import call_price, price_list, price_lists, tariff, tariffs


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/tariffs", look_at_tariffs),
        door.page("/tariffs/{code}", look_at_tariff),
        door.page("/price-lists", look_at_price_lists),
        door.page("/price-lists/{code}", look_at_price_list),
        door.page("/products", look_at_products),
        door.page("/products/{code}", look_at_product),
    ]


async def look_at_tariffs(visit: Visit) -> Response:
    return visit.page("tariffs.html", page=await tariffs(visit.ctx, visit.page_request()))


async def look_at_tariff(visit: Visit) -> Response:
    """The tariff; and when a number is asked about, what a call to it costs."""
    found, to, price, errors = await tariff(visit.ctx, visit.code()), visit.asked("to")[:40], None, {}
    if found is None:
        raise NotFound
    if to:
        try:
            price = await call_price(visit.ctx, to=to, tariff=found.code)
        except UnknownDestination as refusal:
            errors = visit.errors(refusal)
    return visit.page("tariff.html", tariff=found, to=to, price=price, errors=errors)


async def look_at_price_lists(visit: Visit) -> Response:
    return visit.page("price_lists.html", page=await price_lists(visit.ctx, visit.page_request()))


async def look_at_price_list(visit: Visit) -> Response:
    found = await price_list(visit.ctx, visit.code())
    if found is None:
        raise NotFound
    head, lines = found
    return visit.page("price_list.html", head=head, lines=lines)


async def look_at_products(visit: Visit) -> Response:
    return visit.page("products.html", page=await products(visit.ctx, visit.page_request()))


async def look_at_product(visit: Visit) -> Response:
    found = await product(visit.ctx, visit.code())
    if found is None:
        raise NotFound
    return visit.page("product.html", product=found)
