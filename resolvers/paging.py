"""Pages of lists that grow: Relay's first/after and last/before over a stable order, one statement a page.

A list is ordered by an integer and the row's id, newest first; a cursor is that pair, so that rows that come in
between move nothing.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from domain.database import Row, fetch
from domain.refusal import BadPage

T = TypeVar("T")
DEFAULT_SIZE = 20
LARGEST_SIZE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a caller asked of a list; `size` is 1 to 100. `backwards` pages from the list's end."""

    size: int = DEFAULT_SIZE
    after: tuple[int, int] | None = None
    before: tuple[int, int] | None = None
    backwards: bool = False

    @classmethod
    def of(
        cls, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> "PageRequest":
        """Raises BadPage for sizes out of range, first and last together, and cursors that are not ours."""
        size = first if first is not None else last if last is not None else DEFAULT_SIZE
        if (first is not None and last is not None) or not 1 <= size <= LARGEST_SIZE:
            raise BadPage
        return cls(size, read_cursor(after), read_cursor(before), last is not None)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list in the list's own order, with a cursor for each item."""

    items: list[T]
    cursors: list[str]
    has_next: bool
    has_previous: bool


def make_cursor(order: int, id_: int) -> str:
    return base64.urlsafe_b64encode(f"{order}.{id_}".encode()).decode()


def read_cursor(cursor: str | None) -> tuple[int, int] | None:
    """Raises BadPage for what `make_cursor` did not make."""
    if cursor is None:
        return None
    try:
        order, id_ = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode().split(".")
        read = int(order), int(id_)
    except (ValueError, binascii.Error) as error:
        raise BadPage from error
    if len(cursor) > 60 or any(abs(number) >= 2**63 for number in read):
        raise BadPage
    return read


async def page(
    select: str,
    values: list[Any],
    request: PageRequest,
    make: Callable[[Row], T],
    *,
    order: str,
    id_: str = "id",
    ascending: bool = False,
) -> Page[T]:
    """One page of `select` (a statement that ends in its WHERE clause, with places $1 … for `values`).

    `order` and `id_` are the columns of the stable order, newest (largest) first unless `ascending`. The row must
    hold them as `cursor_order` and `cursor_id`.
    """
    places = list(values)
    text = select
    for bound, comparison in ((request.after, ">" if ascending else "<"), (request.before, "<" if ascending else ">")):
        if bound is not None:
            places += bound
            one, two = f"${len(places) - 1}", f"${len(places)}"
            text += f" AND ({order} {comparison} {one} OR ({order} = {one} AND {id_} {comparison} {two}))"
    direction = "ASC" if ascending != request.backwards else "DESC"
    places.append(request.size + 1)
    text += f" ORDER BY {order} {direction}, {id_} {direction} LIMIT ${len(places)}"
    rows = await fetch(text, *places)
    more = len(rows) > request.size
    rows = rows[: request.size]
    if request.backwards:
        rows.reverse()
    return Page(
        items=[make(row) for row in rows],
        cursors=[make_cursor(row["cursor_order"], row["cursor_id"]) for row in rows],
        has_next=request.before is not None if request.backwards else more,
        has_previous=more if request.backwards else request.after is not None,
    )
