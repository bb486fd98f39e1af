"""Relay's shapes: nodes with opaque ids, and connections over `resolvers.paging.Page`."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from domain.refusal import NodeNotFound, NotFound
from resolvers.paging import Page

T = TypeVar("T")
View = TypeVar("View")

First = Annotated[
    int | None, strawberry.argument(description="At most so many items from the start: 1 to 100, 20 if left out.")
]
After = Annotated[str | None, strawberry.argument(description="Only items after the one with this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="At most so many items from the end: 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Only items before the one with this cursor.")]


@strawberry.interface(description="Anything with an identity; fetch it again with `node(id:)`.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque and stable; means something to this server only.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more items follow.")
    has_previous_page: bool = strawberry.field(description="Whether items come before.")
    start_cursor: str | None = strawberry.field(description="The first item's cursor; null for an empty page.")
    end_cursor: str | None = strawberry.field(description="The last item's cursor: the next page's `after`.")


@strawberry.type(description="An item of a list with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="This item's place, for `after` and `before`.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list that can grow.")
class Connection(Generic[T]):
    page: strawberry.Private[Page[Any]]
    wrap: strawberry.Private[Callable[[Any], Any]]

    # The items are wrapped when they are asked for, once: pages of the catalogue are shown again and again.
    wrapped: strawberry.Private[list[Any] | None] = None

    @strawberry.field(description="The items with their cursors.")
    def edges(self) -> list[Edge[T]]:
        nodes = self._wrapped()
        return [Edge(cursor=cursor, node=node) for cursor, node in zip(self.page.cursors, nodes, strict=True)]

    @strawberry.field(description="The items, when cursors are not needed.")
    def nodes(self) -> list[T]:
        return self._wrapped()

    @strawberry.field(description="Where this page stands.")
    def page_info(self) -> PageInfo:
        cursors = self.page.cursors
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    def _wrapped(self) -> list[Any]:
        if self.wrapped is None:
            self.wrapped = [self.wrap(item) for item in self.page.items]
        return self.wrapped


def connection(page: Page[View], wrap: Callable[[View], T]) -> Connection[T]:
    """The page as a connection of wrapped items."""
    return Connection(page=page, wrap=wrap)


def to_global_id(kind: str, key: int | str) -> strawberry.ID:
    # Letters, digits and the colon give neither of the two characters that have no place in a URL.
    return binascii.b2a_base64(f"{kind}:{key}".encode(), newline=False).decode().rstrip("=")  # type: ignore[return-value]


def split_global_id(id_: str) -> tuple[str, str]:
    """(kind, key). Raises NodeNotFound for what `to_global_id` did not make."""
    if len(id_) > 120:
        raise NodeNotFound
    try:
        text = base64.b64decode(id_ + "=" * (-len(id_) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise NodeNotFound from error
    kind, mark, key = text.partition(":")
    if not mark or not kind or not key or "\0" in key:
        raise NodeNotFound
    return kind, key


def key_of(id_: str, kind: str, *, path: tuple[str, ...]) -> str:
    """The key inside an id that must be of this kind. Raises the NotFound problem, at `path`, for any other."""
    try:
        found, key = split_global_id(id_)
    except NodeNotFound as error:
        raise NotFound(path=path) from error
    if found != kind:
        raise NotFound(path=path)
    return key


def number_of(id_: str, kind: str, *, path: tuple[str, ...]) -> int:
    """The same for things that are numbered."""
    key = key_of(id_, kind, path=path)
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        raise NotFound(path=path)
    return int(key)
