"""What GraphQL fields are given: our Context, as Strawberry's info carries it."""

import strawberry

from resolvers.context import Context

Info = strawberry.Info[Context, None]
