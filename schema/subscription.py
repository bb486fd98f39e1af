"""A subscriber's hold on a digital product: looking, extending, cancelling, renewal."""

from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final

import strawberry

from domain.phone import masked
from domain.subscription import SubscriptionView
from resolvers import subscription as subscriptions
from schema import problem
from schema.context import Info
from schema.money import Money
from schema.product import Product, wrap_product
from schema.relay import Node, number_of, to_global_id
from schema.scalars import PhoneNumber

if TYPE_CHECKING:
    from schema.order import Order


@strawberry.enum(description="Where a subscription stands. New values may come: tolerate unknown ones.")
class SubscriptionStatus(Enum):
    PENDING = strawberry.enum_value("pending", description="Registered, not let in yet.")
    ACTIVE = strawberry.enum_value("active", description="The holder is let in.")
    SUSPENDED = strawberry.enum_value("suspended", description="A renewal could not be paid (S-7).")
    EXPIRED = strawberry.enum_value("expired", description="Its time is over: order anew.")
    CANCELLED = strawberry.enum_value("cancelled", description="The holder gave it up.")


# By what is stored: both enumerations have the same values.
_STATUSES: Final = {str(status.value): status for status in SubscriptionStatus}


@strawberry.type(description="A subscriber's hold on a digital product for a period.")
class ProductSubscription(Node):
    view: strawberry.Private[SubscriptionView]

    @strawberry.field(description="The product.")
    def product(self) -> Product:
        return wrap_product(self.view.product)

    @strawberry.field(description="The number that it was activated for; the partner lets that number in (S-5.6).")
    def phone(self) -> PhoneNumber:
        return PhoneNumber(self.view.phone)

    @strawberry.field(description="The same number with its middle hidden, for lists (S-4.7).")
    def phone_masked(self) -> str:
        return masked(self.view.phone)

    @strawberry.field(description="Where it stands.")
    def status(self) -> SubscriptionStatus:
        return _STATUSES[self.view.status]

    @strawberry.field(description="The day on which it began.")
    def activated_on(self) -> date | None:
        return self.view.activated_on

    @strawberry.field(description="Its last day.")
    def ends_on(self) -> date | None:
        return self.view.ends_on

    @strawberry.field(description="End date minus today, in days of Tashkent (S-6).")
    def days_left(self) -> int | None:
        return self.view.days_left

    @strawberry.field(description="How many months were paid for this product in all: the price follows them (S-2).")
    def months_paid(self) -> int:
        return self.view.paid_months

    @strawberry.field(description="What the next month costs (S-2).")
    def price(self) -> Money:
        return Money(value=self.view.price)

    @strawberry.field(description="Whether it renews itself at its end (S-7).")
    def auto_renew(self) -> bool:
        return self.view.auto_renew


def wrap_subscription(view: SubscriptionView) -> ProductSubscription:
    return ProductSubscription(id=to_global_id("ProductSubscription", view.id), view=view)


@strawberry.input(description="Months to add to a subscription.")
class ExtendSubscriptionInput:
    subscription_id: strawberry.ID = strawberry.field(description="The subscription.")
    months: int = strawberry.field(description="Whole months: 1 to 24.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="One per intended extension: repeating never pays twice."
    )


@strawberry.input(description="A subscription to give up.")
class CancelSubscriptionInput:
    subscription_id: strawberry.ID = strawberry.field(description="The subscription.")


@strawberry.input(description="Whether a subscription renews itself.")
class SetRenewalInput:
    subscription_id: strawberry.ID = strawberry.field(description="The subscription.")
    on: bool = strawberry.field(description="True: charge for another month when its end comes, never into debt (S-7).")


ExtendSubscriptionResult = Annotated[
    Annotated["Order", strawberry.lazy("schema.order")]
    | problem.NotFound
    | problem.InvalidInput
    | problem.SubscriptionOver
    | problem.InsufficientFunds
    | problem.IdempotencyKeyReused,
    strawberry.union("ExtendSubscriptionResult", description="The completed order, or why nothing was charged."),
]
CancelSubscriptionResult = Annotated[
    ProductSubscription | problem.NotFound | problem.SubscriptionOver,
    strawberry.union("CancelSubscriptionResult", description="The cancelled subscription, or why it is not."),
]
SetRenewalResult = Annotated[
    ProductSubscription | problem.NotFound | problem.SubscriptionOver,
    strawberry.union("SetRenewalResult", description="The subscription, or why nothing was changed."),
]


def _id(id_: str) -> int:
    return number_of(id_, "ProductSubscription", path=("input", "subscriptionId"))


@strawberry.type
class SubscriptionMutations:
    @strawberry.mutation(description="Adds months to a subscription and charges for them at once (S-6).")
    async def extend_subscription(self, info: Info, input: ExtendSubscriptionInput) -> ExtendSubscriptionResult:
        from schema.order import wrap_order

        view = await subscriptions.extend_subscription(
            info.context, subscription_id=_id(input.subscription_id), months=input.months, key=input.idempotency_key
        )
        return wrap_order(view)

    @strawberry.mutation(description="Gives a subscription up at once; nothing is refunded.")
    async def cancel_subscription(self, info: Info, input: CancelSubscriptionInput) -> CancelSubscriptionResult:
        view = await subscriptions.cancel_subscription(info.context, subscription_id=_id(input.subscription_id))
        return wrap_subscription(view)

    @strawberry.mutation(description="Switches a subscription's renewal on or off (S-7).")
    async def set_renewal(self, info: Info, input: SetRenewalInput) -> SetRenewalResult:
        view = await subscriptions.set_renewal(info.context, subscription_id=_id(input.subscription_id), on=input.on)
        return wrap_subscription(view)
