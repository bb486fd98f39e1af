"""Ordering a subscription, both ways: signed in, and from a web site (S-4, S-5)."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Annotated, Final

import strawberry

from domain.order import OrderView
from resolvers import order as orders
from resolvers.changes import order_changes
from schema import problem
from schema.challenge import OtpChallenge
from schema.context import Info
from schema.money import Money
from schema.product import Product, wrap_product
from schema.relay import Node, key_of, split_global_id, to_global_id
from schema.scalars import PhoneNumber
from schema.subscription import ProductSubscription, wrap_subscription


@strawberry.enum(description="Where an order stands. New values may come: tolerate unknown ones.")
class OrderStatus(Enum):
    ACKNOWLEDGED = strawberry.enum_value("acknowledged", description="Waits for its code; has cost nothing (S-8).")
    IN_PROGRESS = strawberry.enum_value("in_progress", description="Being carried out.")
    COMPLETED = strawberry.enum_value("completed", description="Paid and registered.")
    CANCELLED = strawberry.enum_value("cancelled", description="Its code was never entered; it has cost nothing.")
    FAILED = strawberry.enum_value("failed", description="Could not be carried out; it has cost nothing.")


# By what is stored: both enumerations have the same values.
_STATUSES: Final = {str(status.value): status for status in OrderStatus}


@strawberry.type(description="An intent that becomes real when its code is entered.")
class Order(Node):
    view: strawberry.Private[OrderView]

    @strawberry.field(description="Where it stands.")
    def status(self) -> OrderStatus:
        return _STATUSES[self.view.status]

    @strawberry.field(description="What it costs in all.")
    def total(self) -> Money:
        return Money(value=self.view.total)

    @strawberry.field(description="The months that it buys.")
    def months(self) -> int:
        return self.view.months

    @strawberry.field(description="What it buys.")
    def product(self) -> Product:
        return wrap_product(self.view.product)

    @strawberry.field(description="The number that it is for.")
    def phone(self) -> PhoneNumber:
        return PhoneNumber(self.view.phone)

    @strawberry.field(description="When it was placed.")
    def created_at(self) -> datetime:
        return self.view.created_at

    @strawberry.field(description="The code that it waits for; null when it waits for none.")
    def challenge(self, info: Info) -> OtpChallenge | None:
        waiting = self.view.challenge
        if waiting is None:
            return None
        return OtpChallenge(
            id=to_global_id("OtpChallenge", waiting.id),
            expires_at=waiting.expires_at,
            resend_at=waiting.sent_at + info.context.policy.otp_resend_wait,
        )

    @strawberry.field(description="What came of it; null until it is completed.")
    def subscription(self) -> ProductSubscription | None:
        return wrap_subscription(self.view.subscription) if self.view.subscription else None


def wrap_order(view: OrderView) -> Order:
    return Order(id=to_global_id("Order", view.public_id), view=view)


@strawberry.input(description="An order of a digital subscription.")
class OrderSubscriptionInput:
    product: strawberry.ID = strawberry.field(description="The product's code, such as `cinema`.")
    months: int = strawberry.field(description="Whole months: 1 to 24.")
    phone: PhoneNumber | None = strawberry.field(
        default=None, description="The number to activate it for; required when not signed in (S-5.1)."
    )
    account: strawberry.ID | None = strawberry.field(
        default=None, description="The personal account's number that pays; required when not signed in (S-5.1)."
    )
    idempotency_key: strawberry.ID = strawberry.field(
        description="One per intended order: repeating makes no second one."
    )


@strawberry.input(description="The code of an order.")
class ConfirmOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    code: str = strawberry.field(description="The six digits that came by SMS.")


OrderSubscriptionResult = Annotated[
    Order
    | problem.MissingInput
    | problem.InvalidPhone
    | problem.InvalidInput
    | problem.NotFound
    | problem.AccountNotFound
    | problem.AlreadySubscribed
    | problem.InsufficientFunds
    | problem.TooManyCodes
    | problem.ResendTooSoon
    | problem.IdempotencyKeyReused,
    strawberry.union("OrderSubscriptionResult", description="The order that waits for its code, or why there is none."),
]
ConfirmOrderResult = Annotated[
    Order
    | problem.NotFound
    | problem.WrongCode
    | problem.CodeExpired
    | problem.AlreadySubscribed
    | problem.PriceChanged
    | problem.InsufficientFunds,
    strawberry.union("ConfirmOrderResult", description="The completed order, or why nothing was charged."),
]


@strawberry.type
class OrderMutations:
    @strawberry.mutation(
        description="Orders a subscription and sends its code. Signed in (S-4), or with phone and account (S-5.1)."
    )
    async def order_subscription(self, info: Info, input: OrderSubscriptionInput) -> OrderSubscriptionResult:
        view = await orders.order_subscription(
            info.context,
            product=input.product,
            months=input.months,
            phone=input.phone,
            account=input.account,
            key=input.idempotency_key,
        )
        return wrap_order(view)

    @strawberry.mutation(description="Takes the price and registers the subscription, both or neither (S-5.3).")
    async def confirm_order(self, info: Info, input: ConfirmOrderInput) -> ConfirmOrderResult:
        public_id = key_of(input.order_id, "Order", path=("input", "orderId"))
        return wrap_order(await orders.confirm_order(info.context, order_id=public_id, code=input.code))


@strawberry.type
class OrderSubscriptions:
    @strawberry.subscription(description="An order, each time something happens to it.")
    async def order_changed(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> AsyncIterator[Order]:
        _, public_id = split_global_id(id)
        async for view in order_changes(info.context, public_id):
            yield wrap_order(view)
