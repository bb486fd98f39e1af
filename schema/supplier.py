"""Suppliers in the API: whom a wallet can pay."""

from decimal import Decimal
from enum import Enum
from typing import Annotated, Final

import strawberry

from domain import supplier as domain_supplier
from resolvers import supplier as suppliers
from resolvers.paging import PageRequest
from schema.context import Info
from schema.money import Language, Money, money_or_none
from schema.relay import After, Before, Connection, First, Last, Node, connection, to_global_id

InLanguage = Annotated[
    Language | None, strawberry.argument(description="Another language than the caller's; null: the caller's.")
]


@strawberry.enum(description="Which characters a contract number has. New values may come: tolerate unknown ones.")
class ReferenceKind(Enum):
    DIGITS = strawberry.enum_value("digits", description="Digits alone: show the keyboard for numbers.")
    LETTERS_DIGITS = strawberry.enum_value("letters_digits", description="Latin letters and digits.")


_KINDS: Final = {str(kind.value): kind for kind in ReferenceKind}


@strawberry.type(description="What is taken on top of a payment (W-4.4.4): percent and fixed sum, within bounds.")
class Commission:
    terms: strawberry.Private[domain_supplier.Commission]

    @strawberry.field(description='Percent of the amount, such as "1.50".')
    def percent(self) -> Decimal:
        return self.terms.percent

    @strawberry.field(description="What is added to that.")
    def fixed(self) -> Money:
        return Money(value=self.terms.fixed)

    @strawberry.field(description="The least that is taken.")
    def least(self) -> Money:
        return Money(value=self.terms.least)

    @strawberry.field(description="The most that is taken; null: without limit.")
    def most(self) -> Money | None:
        return money_or_none(self.terms.most)


@strawberry.type(description="Somebody that wallets pay: electricity, internet, a school.")
class Supplier(Node):
    view: strawberry.Private[domain_supplier.SupplierView]

    @strawberry.field(description="Its stable code, such as `electricity`.")
    def code(self) -> str:
        return self.view.code

    @strawberry.field(description="What people call it.")
    def name(self, info: Info, language: InLanguage = None) -> str:
        return self.view.name_in(language.tag if language else info.context.language)

    @strawberry.field(description="The company's name, as receipts have it.")
    def legal_name(self) -> str:
        return self.view.terms.legal_name

    @strawberry.field(description="Its taxpayer's number: nine digits.")
    def stir(self) -> str:
        return self.view.terms.stir

    @strawberry.field(description="What the contract number is called here: show it beside the field.")
    def reference_label(self, info: Info, language: InLanguage = None) -> str:
        return self.view.reference_label_in(language.tag if language else info.context.language)

    @strawberry.field(description="Which characters the contract number has.")
    def reference_kind(self) -> ReferenceKind:
        return _KINDS[self.view.terms.reference.kind]

    @strawberry.field(description="How many characters it has at least.")
    def reference_least(self) -> int:
        return self.view.terms.reference.least

    @strawberry.field(description="How many characters it has at most.")
    def reference_most(self) -> int:
        return self.view.terms.reference.most

    @strawberry.field(description="What is taken on top; `paymentPreview` works it out for an amount.")
    def commission(self) -> Commission:
        return Commission(terms=self.view.terms.commission)

    @strawberry.field(description="Whether it can be paid now.")
    def on_sale(self) -> bool:
        return self.view.terms.on_sale


def wrap_supplier(view: domain_supplier.SupplierView) -> Supplier:
    return Supplier(id=to_global_id("Supplier", view.id), view=view)


@strawberry.type
class SupplierQueries:
    @strawberry.field(description="The suppliers that can be paid now.")
    async def suppliers(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Annotated[
            str, strawberry.argument(description="A part of the name in any language, of the code or of the STIR.")
        ] = "",
    ) -> Connection[Supplier]:
        request = PageRequest.of(first, after, last, before)
        return connection(await suppliers.suppliers(info.context, request, search), wrap_supplier)

    @strawberry.field(description="One supplier by its code, whether it can be paid now or not; null if there is none.")
    async def supplier(
        self, info: Info, code: Annotated[str, strawberry.argument(description="Such as `electricity`.")]
    ) -> Supplier | None:
        view = await suppliers.supplier(info.context, code)
        return wrap_supplier(view) if view else None
