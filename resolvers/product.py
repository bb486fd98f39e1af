"""The shop's shelves: anybody may look."""

from domain.database import fetch_row
from domain.product import ProductView, product_columns, product_view
from resolvers.context import Context
from resolvers.paging import Page, PageRequest, page


async def products(ctx: Context, request: PageRequest) -> Page[ProductView]:
    """What is on sale, in the shop's own order."""
    return await page(
        f"SELECT {product_columns()}, p.position AS cursor_order, p.id AS cursor_id FROM product p WHERE p.on_sale",
        [],
        request,
        product_view,
        order="p.position",
        id_="p.id",
        ascending=True,
    )


async def product(ctx: Context, code: str) -> ProductView | None:
    """One product by its code, on sale or not; None when there is none."""
    row = await fetch_row(f"SELECT {product_columns()} FROM product p WHERE p.code = $1", code)
    return product_view(row) if row else None


async def product_by_id(ctx: Context, product_id: int) -> ProductView | None:
    """One product by its id, on sale or not; None when there is none."""
    row = await fetch_row(f"SELECT {product_columns()} FROM product p WHERE p.id = $1", product_id)
    return product_view(row) if row else None
