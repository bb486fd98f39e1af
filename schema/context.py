"""What GraphQL fields are given: our Context, as Strawberry's info carries it."""

from typing import Final

import strawberry

from resolvers.access import settle
from resolvers.context import Context

Info = strawberry.Info[Context, None]

SETTLE_THEMSELVES: Final = frozenset({"viewer", "transfer"})
"""Root fields whose own statement looks the session up, if they are asked for alone."""


async def settle_before(ctx: Context, roots: tuple[str, ...]) -> None:
    """Called before an operation runs, with its root fields: looks up whose the request is, unless they do."""
    resolved = [name for name in roots if name != "__typename"]
    if len(resolved) != 1 or resolved[0] not in SETTLE_THEMSELVES:
        await settle(ctx)
