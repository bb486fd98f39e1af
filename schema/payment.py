"""Money brought in by agents and banks through the API (W-4.3.1)."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Final

import strawberry

from resolvers import top_up as top_ups
from schema import problem
from schema.context import Info
from schema.money import Money
from schema.receipt import Receipt
from schema.relay import Node, to_global_id


@strawberry.enum(description="Where a payment stands. New values may come: tolerate unknown ones.")
class TopUpStatus(Enum):
    PENDING = strawberry.enum_value("pending", description="Begun; no money has moved.")
    CAPTURED = strawberry.enum_value("captured", description="The money is on the balance.")
    CANCELLED = strawberry.enum_value("cancelled", description="It never came.")
    REFUNDED = strawberry.enum_value("refunded", description="It came and was taken back.")


_STATUSES: Final = {str(status.value): status for status in TopUpStatus}


@strawberry.type(description="Money that an agent or a bank has brought in; seen by the partner that brought it.")
class TopUp(Node):
    view: strawberry.Private[top_ups.TopUpView]

    @strawberry.field(description="When it was brought in.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What is on the balance, whole (W-4.4.2).")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The agent's own commission, which the payer paid beside the amount (W-4.4.2).")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="Where it stands.")
    def status(self) -> TopUpStatus:
        return _STATUSES[self.view.status]

    @strawberry.field(description="The partner's own id of it, if one was given.")
    def external_id(self) -> strawberry.ID | None:
        return strawberry.ID(self.view.external_id) if self.view.external_id else None

    @strawberry.field(description="Its receipt (W-2.19).")
    def receipt(self) -> Receipt | None:
        return Receipt(view=self.view.receipt) if self.view.receipt else None


def wrap_top_up(view: top_ups.TopUpView) -> TopUp:
    return TopUp(id=to_global_id("TopUp", view.id), view=view)


@strawberry.input(description="Money to be brought in by an agent or a bank.")
class TopUpInput:
    to: strawberry.ID = strawberry.field(
        description="A phone (its personal account is topped up), an account's number or a wallet's number."
    )
    amount: Decimal = strawberry.field(description="So'm, at most two decimals: all of it comes to the balance.")
    commission: Decimal | None = strawberry.field(
        default=None,
        description="What the agent keeps for itself, in so'm, apart from the amount (W-4.4.2). "
        "It counts towards a Light wallet's 30 days (W-4.5.1a).",
    )
    external_id: strawberry.ID | None = strawberry.field(
        default=None, description="The partner's own id of it, used once; for reconciliation."
    )
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended top-up: sending it again never pays twice."
    )


TopUpResult = Annotated[
    TopUp
    | problem.InvalidAmount
    | problem.InvalidInput
    | problem.PayeeNotFound
    | problem.WayClosed
    | problem.PartnerLimitReached
    | problem.WalletNotActive
    | problem.TopUpLimitReached
    | problem.BalanceLimitReached
    | problem.PaymentDiffers
    | problem.IdempotencyKeyReused,
    strawberry.union("TopUpResult", description="The top-up, or why nothing came in."),
]


@strawberry.type
class PaymentMutations:
    @strawberry.mutation(description="Brings money in, at once; for partners with the scope topup:write (W-4.3.1).")
    async def top_up(self, info: Info, input: TopUpInput) -> TopUpResult:
        view = await top_ups.top_up(
            info.context,
            to=input.to,
            amount=input.amount,
            commission=input.commission,
            key=input.idempotency_key,
            external_id=input.external_id,
        )
        return wrap_top_up(view)
