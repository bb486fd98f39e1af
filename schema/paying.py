"""Paying suppliers in the API: what it will cost, and doing it (W-4.4.4)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from resolvers import supplier as suppliers
from schema import problem
from schema.context import Info
from schema.money import Money
from schema.receipt import Receipt
from schema.relay import to_global_id
from schema.supplier import Supplier, wrap_supplier
from schema.wallet import Wallet, wrap_wallet


@strawberry.type(description="A payment to a supplier that has been carried out (W-4.4.7).")
class Payment:
    view: strawberry.Private[suppliers.PaymentView]

    @strawberry.field(description="The movement's id.")
    def id(self) -> strawberry.ID:
        return to_global_id("Payment", self.view.id)

    @strawberry.field(description="When it was carried out.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What the supplier gets.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="What was taken on top.")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="Both together: what has left the wallet.")
    def total(self) -> Money:
        return Money(value=self.view.amount + self.view.commission)

    @strawberry.field(description="Who was paid.")
    async def supplier(self, info: Info) -> Supplier:
        view = await suppliers.supplier_by_id(info.context, self.view.supplier_id)
        assert view is not None, "suppliers are kept"
        return wrap_supplier(view)

    @strawberry.field(description="Its receipt (W-2.19).")
    def receipt(self) -> Receipt:
        return Receipt(view=self.view.receipt)

    @strawberry.field(description="The caller's wallet as it stands now.")
    def wallet(self) -> Wallet:
        return wrap_wallet(self.view.wallet)


@strawberry.type(description="What a payment would cost: show it before confirming (W-4.4.5).")
class PaymentPreview:
    view: strawberry.Private[suppliers.PreviewView]

    @strawberry.field(description="Who would be paid.")
    def supplier(self) -> Supplier:
        return wrap_supplier(self.view.supplier)

    @strawberry.field(description="The contract number as it will be sent: without spaces and hyphens.")
    def reference(self) -> str:
        return self.view.reference

    @strawberry.field(description="What the supplier would get.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="What would be taken on top.")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="What would leave the wallet.")
    def total(self) -> Money:
        return Money(value=self.view.total)


@strawberry.input(description="A payment to a supplier.")
class PayInput:
    supplier: strawberry.ID = strawberry.field(description="The supplier's code.")
    reference: str = strawberry.field(description="The contract number; spaces and hyphens in it do not matter.")
    amount: Decimal = strawberry.field(description="What the supplier is to get: so'm, at most two decimals.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended payment: sending it again never pays twice."
    )


PayResult = Annotated[
    Payment
    | problem.InvalidAmount
    | problem.InvalidInput
    | problem.SupplierNotFound
    | problem.WalletMissing
    | problem.WalletLocked
    | problem.WalletNotActive
    | problem.NotToppedUpYet
    | problem.InsufficientFunds
    | problem.IdempotencyKeyReused,
    strawberry.union("PayResult", description="The payment, or why nothing was moved."),
]
PaymentPreviewResult = Annotated[
    PaymentPreview | problem.InvalidAmount | problem.InvalidInput | problem.SupplierNotFound,
    strawberry.union("PaymentPreviewResult", description="What it would cost, or what is wrong with it."),
]


@strawberry.type
class PayingQueries:
    @strawberry.field(description="What paying a supplier would cost now (W-4.4.5).")
    async def payment_preview(
        self,
        info: Info,
        supplier: Annotated[strawberry.ID, strawberry.argument(description="The supplier's code.")],
        reference: Annotated[str, strawberry.argument(description="The contract number.")],
        amount: Annotated[Decimal, strawberry.argument(description="So'm, at most two decimals.")],
    ) -> PaymentPreviewResult:
        view = await suppliers.payment_preview(info.context, supplier=supplier, reference=reference, amount=amount)
        return PaymentPreview(view=view)


@strawberry.type
class PayingMutations:
    @strawberry.mutation(description="Pays a supplier from the caller's wallet, at once and finally (W-4.4.4).")
    async def pay(self, info: Info, input: PayInput) -> PayResult:
        view = await suppliers.pay(
            info.context,
            supplier=input.supplier,
            reference=input.reference,
            amount=input.amount,
            key=input.idempotency_key,
        )
        return Payment(view=view)
