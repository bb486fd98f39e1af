"""Digital products and their price plans."""

from typing import Annotated

import strawberry

from domain import product as domain_product
from resolvers import product as products
from resolvers.paging import PageRequest
from schema.context import Info
from schema.money import Language, Money, money_or_none
from schema.relay import After, Before, Connection, First, Last, Node, connection, to_global_id

InLanguage = Annotated[
    Language | None, strawberry.argument(description="Another language than the caller's; null: the caller's.")
]


@strawberry.type(description="The price of a month, for a run of months of the subscription (S-2).")
class PriceStep:
    step: strawberry.Private[domain_product.PriceStep]

    @strawberry.field(description="The first month that it holds for, counted from 1.")
    def from_month(self) -> int:
        return self.step.from_month

    @strawberry.field(description="The last month that it holds for; null: for ever.")
    def to_month(self) -> int | None:
        return self.step.to_month

    @strawberry.field(description="The price of one month.")
    def price(self) -> Money:
        return Money(value=self.step.price)


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
        return [PriceStep(step=step) for step in self.view.steps]

    @strawberry.field(description="The earlier price, to be shown struck through; null if there is none.")
    def old_price(self) -> Money | None:
        return money_or_none(self.view.old_price)

    @strawberry.field(description="Whether it can be ordered now.")
    def on_sale(self) -> bool:
        return self.view.on_sale

    @strawberry.field(description="Whether its traffic is free for the operator's own subscribers (S-3).")
    def zero_rated(self) -> bool:
        return self.view.zero_rated


def wrap_product(view: domain_product.ProductView) -> Product:
    return Product(id=to_global_id("Product", view.id), view=view)


@strawberry.type
class ProductQueries:
    @strawberry.field(description="The digital products on sale.")
    async def products(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Product]:
        return connection(
            await products.products(info.context, PageRequest.of(first, after, last, before)), wrap_product
        )

    @strawberry.field(description="One product by its code; null if there is none.")
    async def product(
        self, info: Info, code: Annotated[str, strawberry.argument(description="Such as `cinema`.")]
    ) -> Product | None:
        view = await products.product(info.context, code)
        return wrap_product(view) if view else None
