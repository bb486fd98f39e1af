"""Open streams of changes, for GraphQL subscriptions: what the caller may see, each time it has changed."""

from collections.abc import AsyncIterator

from domain.clock import to_micros
from domain.database import fetch_row
from domain.order import OrderView
from domain.refusal import NodeNotFound, Unauthenticated
from resolvers.context import Context, SubscriberActor, the_subscriber
from resolvers.order import order
from resolvers.wallet import WalletView, my_wallet, wallet


async def wallet_changes(ctx: Context) -> AsyncIterator[WalletView]:
    """The caller's wallet after each change, until the session ends. Raises NodeNotFound when there is none."""
    the_subscriber(ctx)
    mine = await my_wallet(ctx)
    if mine is None:
        raise NodeNotFound
    async with ctx.listen(f"wallet:{mine.id}") as changes:
        async for _ in changes:
            await _require_session(ctx)
            view = await wallet(ctx, mine.id)
            if view is not None:
                yield view


async def order_changes(ctx: Context, public_id: str) -> AsyncIterator[OrderView]:
    """An order after each change, for its owner, or for whoever has the id of a web site's order."""
    found = await order(ctx, public_id)
    if found is None:
        raise NodeNotFound
    async with ctx.listen(f"order:{found.id}") as changes:
        async for _ in changes:
            await _require_session(ctx)
            view = await order(ctx, public_id)
            if view is not None:
                yield view


async def _require_session(ctx: Context) -> None:
    """A stream outlives requests: it must not outlive the session that it was opened in."""
    if not isinstance(ctx.actor, SubscriberActor):
        return
    live = await fetch_row(
        "SELECT 1 FROM session WHERE id = $1 AND ended_at IS NULL AND expires_at > $2",
        ctx.actor.session_id,
        to_micros(ctx.clock.now()),
    )
    if live is None:
        raise Unauthenticated
