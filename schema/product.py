"""Digital products and their price plans."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Annotated, TypeVar

import strawberry

from domain import product as domain_product
from resolvers import product as products
from resolvers.context import Context
from resolvers.paging import PageRequest
from resolvers.shelf import Shelf
from schema.context import Info
from schema.engine.lasting import promise
from schema.money import Language, Money, money_or_none
from schema.relay import After, Before, Connection, First, Last, Node, connection, to_global_id

T = TypeVar("T")
View = TypeVar("View")
InLanguage = Annotated[
    Language | None, strawberry.argument(description="Another language than the caller's; null: the caller's.")
]


@strawberry.type(description="The price of a month, for a run of months of the subscription (S-2).")
class PriceStep:
    from_month: int = strawberry.field(description="The first month that it holds for, counted from 1.")
    to_month: int | None = strawberry.field(description="The last month that it holds for; null: for ever.")
    price: Money = strawberry.field(description="The price of one month.")


@strawberry.type(description="Something sold as a subscription: a cinema, music, an antivirus.")
class Product(Node):
    view: strawberry.Private[domain_product.ProductView]

    @strawberry.field(description="The product's stable code, such as `cinema`.")
    def code(self) -> str:
        return self.view.code

    @strawberry.field(description="Its name.")
    def name(self, info: Info, language: InLanguage = None) -> str:
        return self.view.name_in(language.tag if language else info.context.language)

    @strawberry.field(description="What it is (S-4.4).")
    def description(self, info: Info, language: InLanguage = None) -> str:
        return self.view.description_in(language.tag if language else info.context.language)

    @strawberry.field(description="Its prices by month of the subscription.")
    def price_steps(self) -> list[PriceStep]:
        return self._price_steps

    @strawberry.field(description="The earlier price, to be shown struck through; null if there is none.")
    def old_price(self) -> Money | None:
        return money_or_none(self.view.old_price)

    @strawberry.field(description="Whether it can be ordered now.")
    def on_sale(self) -> bool:
        return self.view.on_sale

    @strawberry.field(description="Whether its traffic is free for the operator's own subscribers (S-3).")
    def zero_rated(self) -> bool:
        return self.view.zero_rated

    # The catalogue keeps its products, and each what it has shown once.
    @cached_property
    def _price_steps(self) -> list[PriceStep]:
        return [
            PriceStep(from_month=step.from_month, to_month=step.to_month, price=Money(value=step.price))
            for step in self.view.steps
        ]


def wrap_product(view: domain_product.ProductView) -> Product:
    return Product(id=to_global_id("Product", view.id), view=view)


def shelf_page(shelf: Shelf[View], request: PageRequest, wrap: Callable[[View], T]) -> Connection[T]:
    """A page of a kept list, made once for the same page of the same list: objects that the engine finds ready.

    Nothing below it may look at who asks or at the time: of the request, its language alone.
    """
    shown = shelf.mapped(wrap)
    return shown.keep(request, lambda: promise(connection(shown.page(request), _as_it_is), _language))


async def shelf_page_later(
    shelf: Awaitable[Shelf[View]], request: PageRequest, wrap: Callable[[View], T]
) -> Connection[T]:
    """The same of a shelf that is still to be looked at."""
    return shelf_page(await shelf, request, wrap)


def _language(context: Context) -> str:
    return context.language


def _as_it_is(item: T) -> T:
    return item


@strawberry.type
class ProductQueries:
    @strawberry.field(description="The digital products on sale.", graphql_type=Connection[Product])
    def products(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Product] | Awaitable[Connection[Product]]:
        request = PageRequest.of(first, after, last, before)
        shelf = products.product_shelf_at_hand(info.context)
        if shelf is not None:
            return shelf_page(shelf, request, wrap_product)
        return shelf_page_later(products.product_shelf(info.context), request, wrap_product)

    @strawberry.field(description="One product by its code; null if there is none.")
    async def product(
        self, info: Info, code: Annotated[str, strawberry.argument(description="Such as `cinema`.")]
    ) -> Product | None:
        view = await products.product(info.context, code)
        return wrap_product(view) if view else None
