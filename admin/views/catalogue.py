"""What is sold: products with their prices."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.refusal import NotFound
from resolvers.product import product, products


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/products", look_at_products), door.page("/products/{code}", look_at_product)]


async def look_at_products(visit: Visit) -> Response:
    return visit.page("products.html", page=await products(visit.ctx, visit.page_request()))


async def look_at_product(visit: Visit) -> Response:
    found = await product(visit.ctx, visit.code())
    if found is None:
        raise NotFound
    return visit.page("product.html", product=found)
