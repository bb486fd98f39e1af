"""Fiscal receipts: what the tax office's module registered of a movement, and the module's way to tell it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain import fiscal
from domain import money as domain_money
from domain.statement import BadFilter, aware, bound
from resolvers import receipt as receipts
from schema import problem
from schema.context import Info
from schema.money import Money


@strawberry.type(description="One thing sold, on a fiscal receipt. Amounts include VAT.")
class FiscalItem:
    view: strawberry.Private[fiscal.FiscalItem]

    @strawberry.field(description="What it is: 63 characters at most.")
    def name(self) -> str:
        return self.view.name

    @strawberry.field(description="Its code in the national catalogue (MXIK, IKPU): seventeen digits.")
    def mxik(self) -> str:
        return self.view.mxik

    @strawberry.field(description="The code of its package in that catalogue.")
    def package_code(self) -> str:
        return self.view.package_code

    @strawberry.field(description="How many were sold.")
    def units(self) -> int:
        return self.view.units

    @strawberry.field(description="The price of one.")
    def price(self) -> Money:
        return Money(value=self.view.price)

    @strawberry.field(description="What they cost together.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The rate of VAT in percent.")
    def vat_percent(self) -> int:
        return self.view.vat_percent

    @strawberry.field(description="The VAT in the amount.")
    def vat(self) -> Money:
        return Money(value=self.view.vat)

    @strawberry.field(description="STIR or PINFL of the commission agent who sold it; null when nobody stood between.")
    def agent(self) -> str | None:
        return self.view.agent


@strawberry.type(description="What the tax office's module registered of a movement.")
class FiscalReceipt:
    view: strawberry.Private[fiscal.FiscalReceipt]

    @strawberry.field(description="The terminal that registered it.")
    def terminal(self) -> str:
        return self.view.terminal

    @strawberry.field(description="The receipt's number at that terminal.")
    def receipt_number(self) -> str:
        return self.view.receipt_number

    @strawberry.field(description="When it was registered.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="Its fiscal sign.")
    def sign(self) -> str:
        return self.view.sign

    @strawberry.field(description="The tax office's page of it: show it as a QR code.")
    def qr_url(self) -> str:
        return self.view.qr_url

    @strawberry.field(description="What was sold; empty where the module told no items.")
    def items(self) -> list[FiscalItem]:
        return [FiscalItem(view=item) for item in self.view.items]


@strawberry.input(description="One thing sold. Amounts include VAT.")
class FiscalItemInput:
    name: str = strawberry.field(description="What it is: 63 characters at most.")
    mxik: str = strawberry.field(description="Its code in the national catalogue: seventeen digits.")
    package_code: str = strawberry.field(description="The code of its package in that catalogue.")
    units: int = strawberry.field(description="How many were sold.")
    price: Decimal = strawberry.field(description="The price of one, so'm with at most two decimals.")
    amount: Decimal = strawberry.field(description="What they cost together.")
    vat_percent: int = strawberry.field(description="The rate of VAT in percent.")
    vat: Decimal = strawberry.field(description="The VAT in the amount.")
    agent: str | None = strawberry.field(
        default=None, description="STIR (9 digits) or PINFL (14) of the commission agent who sold it."
    )

    def item(self) -> fiscal.FiscalItem:
        return fiscal.FiscalItem(
            name=self.name,
            mxik=self.mxik,
            package_code=self.package_code,
            units=self.units,
            price=_exact(self.price),
            amount=_exact(self.amount),
            vat_percent=self.vat_percent,
            vat=_exact(self.vat),
            agent=self.agent,
        )


def _exact(som: Decimal) -> domain_money.Money:
    """The amount; for what is none, one that the domain refuses at its place."""
    try:
        return bound(som) or domain_money.ZERO
    except BadFilter:
        return domain_money.Money(-1)


@strawberry.input(description="What the tax office's module registered of a movement.")
class RecordFiscalReceiptInput:
    receipt: strawberry.ID = strawberry.field(description="The number of the movement's receipt.")
    terminal: str = strawberry.field(description="The terminal that registered it.")
    receipt_number: str = strawberry.field(description="The receipt's number at that terminal.")
    at: datetime = strawberry.field(description="When it was registered.")
    sign: str = strawberry.field(description="Its fiscal sign.")
    qr_url: str = strawberry.field(description="The tax office's page of it.")
    items: list[FiscalItemInput] = strawberry.field(description="What was sold: a hundred things at most.")


RecordFiscalReceiptResult = Annotated[
    FiscalReceipt | problem.NotFound | problem.InvalidInput | problem.FiscalReceiptExists,
    strawberry.union("RecordFiscalReceiptResult", description="What is kept now, or why nothing was."),
]


@strawberry.type
class FiscalMutations:
    @strawberry.mutation(
        description="Keeps a movement's fiscal receipt; for partners with the scope `fiscal:write`. "
        "The same one again changes nothing, another one is refused."
    )
    async def record_fiscal_receipt(self, info: Info, input: RecordFiscalReceiptInput) -> RecordFiscalReceiptResult:
        receipt = fiscal.FiscalReceipt(
            terminal=input.terminal,
            receipt_number=input.receipt_number,
            at=aware(input.at),
            sign=input.sign,
            qr_url=input.qr_url,
            items=tuple(item.item() for item in input.items),
        )
        return FiscalReceipt(view=await receipts.record_fiscal(info.context, number=input.receipt, receipt=receipt))
