"""What GraphQL fields are given: our Context, as Strawberry's info carries it."""

from typing import Final

import strawberry

from resolvers.access import settle
from resolvers.catalogue import catalogue
from resolvers.context import Context

Info = strawberry.Info[Context, None]

SETTLE_THEMSELVES: Final = frozenset({"viewer", "transfer", "pay"})
"""Root fields whose own statement looks the session up, if they are asked for alone."""

CATALOGUE: Final = frozenset({"tariffs", "products"})
"""Root fields that show the catalogue, whose version is read once for all of them."""


async def settle_before(ctx: Context, roots: tuple[str, ...]) -> None:
    """Called before an operation runs, with its root fields: looks up what all of them need.

    That is whose the request is, unless the field does that itself, and which catalogue there is, if they show it.
    """
    resolved = [name for name in roots if name != "__typename"]
    if len(resolved) != 1 or resolved[0] not in SETTLE_THEMSELVES:
        await settle(ctx)
    if not CATALOGUE.isdisjoint(resolved):
        await catalogue(ctx)
