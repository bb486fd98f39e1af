"""One order, and one subscription with what an agent may do to it."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.refusal import NotFound
from domain.subscription import SubscriptionView
from resolvers.account import account
from resolvers.context import the_staff
from resolvers.order import order
from resolvers.subscriber import SubscriberView, note_seen, subscriber
from resolvers.subscription import cancel_subscription, set_renewal, subscription


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/orders/{id}", look_at_order),
        door.page("/subscriptions/{id}", look_at_subscription),
        door.page("/subscriptions/{id}/cancel", ask_to_cancel),
        door.action("/subscriptions/{id}/cancel", cancel),
        door.action("/subscriptions/{id}/renewal", switch_renewal_off),
    ]


async def look_at_order(visit: Visit) -> Response:
    found = await order(visit.ctx, visit.code("id"))
    if found is None:
        raise NotFound
    whose, payer = await _holder(visit, found.subscriber_id), await account(visit.ctx, found.account_id)
    return visit.page("order.html", order=found, holder=whose, account=payer)


async def look_at_subscription(visit: Visit) -> Response:
    found, whose = await _subscription(visit)
    may_act = visit.session is not None and visit.session.actor.role != "viewer"
    payer = await account(visit.ctx, found.account_id)
    return visit.page("subscription.html", one=found, holder=whose, account=payer, may_act=may_act)


async def ask_to_cancel(visit: Visit) -> Response:
    the_staff(visit.ctx, "agent")
    found, whose = await _subscription(visit)
    if found.is_over:
        return visit.go("subscriptions", found.id)
    return visit.page("cancel_subscription.html", one=found, holder=whose)


async def cancel(visit: Visit) -> Response:
    await cancel_subscription(visit.ctx, subscription_id=visit.id())
    return visit.go("subscriptions", visit.id())


async def switch_renewal_off(visit: Visit) -> Response:
    await set_renewal(visit.ctx, subscription_id=visit.id(), on=False)
    return visit.go("subscriptions", visit.id())


async def _subscription(visit: Visit) -> tuple[SubscriptionView, SubscriberView]:
    found = await subscription(visit.ctx, visit.id())
    if found is None:
        raise NotFound
    return found, await _holder(visit, found.subscriber_id)


async def _holder(visit: Visit, subscriber_id: int) -> SubscriberView:
    whose = await subscriber(visit.ctx, subscriber_id)
    assert whose is not None, "orders and subscriptions are somebody's"
    await note_seen(visit.ctx, subscriber_id)
    return whose
