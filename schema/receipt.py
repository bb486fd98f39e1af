"""Receipts, with the operator's details and what the tax office's module registered."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Final

import strawberry

from domain import policy
from resolvers import account as accounts
from resolvers import receipt as receipts
from resolvers.links import Download as DownloadView
from schema.context import Info
from schema.fiscal import FiscalReceipt
from schema.money import Language, Money


@strawberry.type(description="A file to be fetched by whoever holds its address, without signing in: keep it private.")
class Download:
    url: str = strawberry.field(description="Where it is: a GET gives the file.")
    expires_at: datetime = strawberry.field(description="Until when; ask for another address then.")


def wrap_download(view: DownloadView) -> Download:
    return Download(url=view.url, expires_at=view.expires_at)


@strawberry.type(description="Who runs this installation, as receipts name them (W-2.19).")
class Operator:
    name: str | None = strawberry.field(description="The company's name; null where it has not been set.")
    stir: str | None = strawberry.field(description="Its taxpayer's number, nine digits.")
    address: str | None = strawberry.field(description="Its address.")
    phone: str | None = strawberry.field(description="Where to call about a receipt.")


def wrap_operator(operator: policy.Operator) -> Operator:
    return Operator(
        name=operator.name or None,
        stir=operator.stir or None,
        address=operator.address or None,
        phone=operator.phone or None,
    )


@strawberry.enum(name="AdjustmentReason", description="Why staff corrected a balance. Tolerate unknown values.")
class AdjustmentReason(Enum):
    WRONG_AMOUNT = strawberry.enum_value("wrong_amount", description="A movement was of another amount than it should.")
    DUPLICATE = strawberry.enum_value("duplicate", description="The same was carried out twice.")
    NOT_CREDITED = strawberry.enum_value("not_credited", description="Money that was paid had not arrived.")
    SERVICE_FAULT = strawberry.enum_value("service_fault", description="A service did not do what was paid for.")
    GOODWILL = strawberry.enum_value("goodwill", description="A favour to the customer.")
    RECONCILIATION = strawberry.enum_value("reconciliation", description="A payment system's books say otherwise.")
    OTHER = strawberry.enum_value("other", description="Another reason, which staff can tell.")


_REASONS: Final = {str(reason.value): reason for reason in AdjustmentReason}


@strawberry.type(description="The proof of one movement of money (W-2.19).")
class Receipt:
    view: strawberry.Private[accounts.ReceiptView]
    page: strawberry.Private[accounts.ReceiptsOfPage | None] = None

    @strawberry.field(description="The receipt's number, to be read to staff.")
    def number(self) -> str:
        return self.view.number

    @strawberry.field(description="When the movement was carried out.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="Who paid: number and masked phone; empty when the money came from outside.")
    def payer(self) -> str:
        return self.view.payer

    @strawberry.field(description="Who received: number and masked phone.")
    def recipient(self) -> str:
        return self.view.recipient

    @strawberry.field(description="The amount itself.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The commission on top of it.")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="Amount and commission.")
    def total(self) -> Money:
        return Money(value=self.view.total)

    @strawberry.field(description="What it was for, in the caller's language.")
    def purpose(self, info: Info) -> str:
        return receipts.purpose_text(self.view.purpose, info.context.language)

    @strawberry.field(description="Why a balance was corrected; null for a movement that is no correction by staff.")
    def adjustment_reason(self) -> AdjustmentReason | None:
        return _REASONS.get(self.view.adjusted_for or "")

    @strawberry.field(description="The operator whose receipt it is.")
    def operator(self, info: Info) -> Operator:
        return wrap_operator(info.context.policy.operator)

    @strawberry.field(
        description="A public page that proves the receipt and shows no personal data; it stands behind the QR code."
    )
    def check_url(self, info: Info) -> str:
        return receipts.check_url(info.context, self.view.number)

    @strawberry.field(description="The receipt as a PDF, in the caller's language unless another is asked for.")
    def pdf(
        self,
        info: Info,
        language: Annotated[
            Language | None, strawberry.argument(description="The paper's language; the caller's if left out.")
        ] = None,
    ) -> Download:
        tag = language.tag if language else None
        return wrap_download(receipts.receipt_link(info.context, self.view.transfer_id, tag))

    @strawberry.field(description="What the tax office's module registered of it; null when nothing was.")
    async def fiscal(self) -> FiscalReceipt | None:
        one = self.page.fiscal_of(self.view.transfer_id) if self.page else receipts.fiscal_of(self.view)
        found = await one
        return FiscalReceipt(view=found) if found else None
