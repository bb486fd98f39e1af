"""Products by the names that people know: a movement's memo has their codes."""

from collections.abc import Iterable

from admin.visit import Visit
from resolvers.account import EntryView
from resolvers.product import product


async def product_names(visit: Visit, entries: Iterable[EntryView]) -> dict[str, str]:
    """The names, by code, of the products that the movements were for."""
    codes = {str(entry.memo["product"]) for entry in entries if "product" in entry.memo}
    found = [await product(visit.ctx, code) for code in sorted(codes)]
    return {one.code: one.name_in(visit.ctx.language) for one in found if one is not None}
