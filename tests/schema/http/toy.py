"""A toy schema that has one of everything that the door must handle, and a door around it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from schema.http.caller import Caller
from schema.http.door import GraphQLDoor, at_path
from schema.http.graphiql import assets
from schema.http.persisted import PersistedDocuments

CUSTOMER = "998901234567"


class Unauthenticated(Exception):
    graphql_code = "UNAUTHENTICATED"
    text = "Sign in first."


class Forbidden(Exception):
    graphql_code = "FORBIDDEN"


class TooOften(Exception):
    graphql_code = "RATE_LIMITED"
    retry_after_seconds = 7


@dataclass
class Record:
    """What happened, so that a test can prove that nothing did."""

    mutations: int = 0
    contexts: int = 0
    open_streams: int = 0


@dataclass
class ToyContext:
    caller: str
    record: Record
    notes: dict[str, Any] = field(default_factory=dict)


Info = strawberry.Info[ToyContext, None]


@strawberry.type
class Item:
    id: strawberry.ID
    name: str = "thing"

    @strawberry.field
    async def parts(self) -> list["Item"]:
        return []


@strawberry.type
class ItemEdge:
    cursor: str
    node: Item


@strawberry.type
class ItemConnection:
    edges: list[ItemEdge]


@strawberry.input
class Deep:
    inner: "Deep | None" = None
    text: str | None = None


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "world"

    @strawberry.field
    def echo(self, text: str = "", number: int = 0, real: float = 0.0, texts: list[str] | None = None) -> str:
        return text

    @strawberry.field
    def deep(self, deep: Deep | None = None) -> bool:
        return deep is not None

    @strawberry.field
    def me(self) -> "Query":
        return Query()

    @strawberry.field
    def caller(self, info: Info) -> str:
        return info.context.caller

    @strawberry.field
    def items(self, first: int | None = None, last: int | None = None) -> ItemConnection:
        count = min(first or last or 2, 5)
        return ItemConnection(
            edges=[ItemEdge(cursor=str(n), node=Item(id=strawberry.ID(str(n)))) for n in range(count)]
        )

    @strawberry.field
    def broken(self, secret: str = "") -> str | None:
        raise ValueError(f"cannot use {secret!r} for {CUSTOMER}")

    @strawberry.field
    def forbidden(self) -> str | None:
        raise Forbidden("That is not yours.")

    @strawberry.field
    def private(self) -> str | None:
        raise Unauthenticated

    @strawberry.field
    def misfit(self) -> str | None:
        raise GraphQLError("internal words")

    @strawberry.field
    def huge(self) -> int | None:
        return 2**40

    @strawberry.field
    def missing(self) -> str:
        return None  # type: ignore[return-value]  # breaks its promise on purpose

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def poke(self, info: Info) -> bool:
        info.context.record.mutations += 1
        return True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info, to: int = 3, pause: float = 0.0, size: int = 0) -> AsyncGenerator[str, None]:
        info.context.record.open_streams += 1
        try:
            for n in range(to):
                await asyncio.sleep(pause)
                yield str(n) + "x" * size
        finally:
            info.context.record.open_streams -= 1

    @strawberry.subscription
    async def faulty(self) -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError(f"secret {CUSTOMER}")

    @strawberry.subscription
    async def closed_to_you(self) -> AsyncGenerator[int, None]:
        for _ in range(1):
            raise Forbidden("No stream for you.")
        yield 1


toy_schema = strawberry.Schema(Query, Mutation, Subscription)


@dataclass
class Toy:
    """The door as an application, and what happened behind it."""

    app: ASGIApp
    record: Record
    door: GraphQLDoor
    rest: Starlette


def toy(
    *,
    graphiql: bool = False,
    present_error: Any = None,
    trusted: dict[str, str] | None = None,
    trusted_only: bool = False,
    automatic_tokens: int = 100,
    **limits: Any,
) -> Toy:
    """An application with the door at /graphql. `Authorization` decides how the context turns out."""
    record = Record()
    bounds = Limits(**limits)

    async def make_context(caller: Caller) -> ToyContext:
        record.contexts += 1
        match caller.headers.get("authorization", ""):
            case "Bearer wrong":
                raise Unauthenticated
            case "Bearer eager":
                raise TooOften("Slow down.")
            case "Bearer broken":
                raise RuntimeError(f"the database of {CUSTOMER} is gone")
            case said:
                return ToyContext(said.removeprefix("Bearer "), record)

    engine = StockEngine(toy_schema, limits=bounds, present_error=present_error)
    persisted = PersistedDocuments(engine.documents, trusted, trusted_only=trusted_only, tokens_most=automatic_tokens)
    door = GraphQLDoor(
        engine,
        make_context,
        limits=bounds,
        graphiql=graphiql,
        persisted=persisted,
        public_fields=frozenset({"hello", "items", "echo"}),
    )
    rest = Starlette(routes=[Mount("/graphql/graphiql", assets())] if graphiql else [])
    return Toy(at_path("/graphql", door, rest), record, door, rest)
