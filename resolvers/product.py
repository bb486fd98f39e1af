"""The shop's shelves: anybody may look."""

from domain.product import ProductView
from resolvers.catalogue import catalogue, catalogue_at_hand
from resolvers.context import Context
from resolvers.paging import Page, PageRequest
from resolvers.shelf import Shelf


async def product_shelf(ctx: Context) -> Shelf[ProductView]:
    """What is on sale, in the shop's own order."""
    return (await catalogue(ctx)).products


def product_shelf_at_hand(ctx: Context) -> Shelf[ProductView] | None:
    """The same without waiting, if this request has looked at the catalogue already."""
    known = catalogue_at_hand(ctx)
    return known.products if known is not None else None


async def products(ctx: Context, request: PageRequest) -> Page[ProductView]:
    """A page of `product_shelf`."""
    return (await product_shelf(ctx)).page(request)


async def product(ctx: Context, code: str) -> ProductView | None:
    """One product by its code, on sale or not; None when there is none."""
    return (await catalogue(ctx)).product_by_code.get(code)


async def product_by_id(ctx: Context, product_id: int) -> ProductView | None:
    """One product by its id, on sale or not; None when there is none."""
    return (await catalogue(ctx)).product_by_id.get(product_id)
