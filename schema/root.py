"""The whole schema, put together from its areas."""

from typing import Annotated, Any, Final

import strawberry
from graphql import GraphQLError, GraphQLSchema, lexicographic_sort_schema, print_schema
from strawberry.schema.config import StrawberryConfig

from domain.refusal import NodeNotFound, RequestFault
from resolvers import (
    access,
    account,
    favourite,
    hold,
    offer,
    order,
    product,
    schedule,
    subscription,
    supplier,
    tariff,
    top_up,
    wallet,
)
from resolvers.context import Context
from resolvers.texts import problem_text, translator
from schema import problem
from schema.access import AccessMutations, AccessQueries, wrap_subscriber
from schema.account import wrap_account, wrap_entry
from schema.context import Info
from schema.favourite import FavouriteMutations, wrap_favourite
from schema.fiscal import FiscalMutations
from schema.hold import HoldMutations, wrap_hold
from schema.offer import OfferMutations, OfferQueries, wrap_offer
from schema.order import OrderMutations, OrderSubscriptions, wrap_order
from schema.paying import PayingMutations, PayingQueries
from schema.payment import PaymentMutations, wrap_top_up
from schema.product import ProductQueries, wrap_product
from schema.relay import Node, split_global_id
from schema.scalars import SCALARS
from schema.schedule import ScheduleMutations, wrap_scheduled_payment
from schema.subscription import SubscriptionMutations, wrap_subscription
from schema.supplier import SupplierQueries, wrap_supplier
from schema.tariff import TariffQueries, wrap_tariff
from schema.wallet import WalletMutations, WalletQueries, WalletSubscriptions, wrap_wallet
from schema.wallet_life import WalletLifeMutations
from schema.wallet_state import wrap_redemption

PUBLIC_FIELDS: Final = frozenset({"tariff", "tariffs", "product", "products", "offer", "offers", "clauseOfRule"})
"""What everybody reads the same, in each language: with all below them they never look at who asks."""


@strawberry.type(description="Reading.")
class Query(AccessQueries, WalletQueries, TariffQueries, ProductQueries, OfferQueries, SupplierQueries, PayingQueries):
    @strawberry.field(description="Anything by its id, if the caller may see it.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="From any `id` field.")]
    ) -> Node | None:
        kind, key = split_global_id(id)
        found = await _find(info.context, kind, key)
        if found is None:
            raise NodeNotFound
        return found


async def _find(ctx: Context, kind: str, key: str) -> Node | None:
    if kind == "Order":
        ordered = await order.order(ctx, key)
        return wrap_order(ordered) if ordered else None
    if kind not in _NUMBERED or not (key.isascii() and key.isdigit() and len(key) <= 18):
        raise NodeNotFound
    load, wrap = _NUMBERED[kind]
    view = await load(ctx, int(key))
    return wrap(view) if view else None


async def _myself(ctx: Context, subscriber_id: int) -> access.SubscriberView | None:
    me = await access.me(ctx)
    return me if me and me.id == subscriber_id else None


_NUMBERED: dict[str, tuple[Any, Any]] = {
    "Account": (account.account, wrap_account),
    "Entry": (account.entry, wrap_entry),
    "Favourite": (favourite.favourite, wrap_favourite),
    "Hold": (hold.hold, wrap_hold),
    "Offer": (offer.offer_by_id, wrap_offer),
    "Product": (product.product_by_id, wrap_product),
    "ProductSubscription": (subscription.subscription, wrap_subscription),
    "ScheduledPayment": (schedule.scheduled_payment, wrap_scheduled_payment),
    "Subscriber": (_myself, wrap_subscriber),
    "Supplier": (supplier.supplier_by_id, wrap_supplier),
    "Tariff": (tariff.tariff_by_id, wrap_tariff),
    "Redemption": (wallet.redemption, wrap_redemption),
    "TopUp": (top_up.top_up_by_id, wrap_top_up),
    "Wallet": (wallet.wallet, wrap_wallet),
}


@strawberry.type(description="Writing: one mutation per intent.")
class Mutation(
    AccessMutations,
    OrderMutations,
    SubscriptionMutations,
    WalletMutations,
    WalletLifeMutations,
    PaymentMutations,
    HoldMutations,
    PayingMutations,
    FavouriteMutations,
    ScheduleMutations,
    OfferMutations,
    FiscalMutations,
): ...


@strawberry.type(description="Being told: streams of changes.")
class Subscription(WalletSubscriptions, OrderSubscriptions): ...


def build() -> strawberry.Schema:
    """The schema, ready to run."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=problem.all_types(),
        exception_handlers=problem.handlers(),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    _describe_inputs(schema._schema)
    return schema


def _describe_inputs(schema: GraphQLSchema) -> None:
    """A mutation's one argument is told by its type: the sentence is written once."""
    assert schema.mutation_type is not None
    for field in schema.mutation_type.fields.values():
        for argument in field.args.values():
            argument.description = argument.description or getattr(argument.type, "of_type", argument.type).description


def printed() -> str:
    """The schema's text, sorted, as it is committed in schema.graphql."""
    return print_schema(lexicographic_sort_schema(build()._schema)) + "\n"


def present_error(error: GraphQLError, context: Any) -> dict[str, Any] | None:
    """Top-level errors in the caller's language: our own faults by their text, others behind a translated opening."""
    if not isinstance(context, Context):
        return None
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, RequestFault):
        return {"message": problem_text(cause, context.language)}
    opening = translator(context.language).gettext("The request is not valid.")
    return {"message": f"{opening} {error.message[:300]}"}
