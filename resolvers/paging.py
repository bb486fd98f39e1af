"""Pages of lists that grow: Relay's first/after and last/before over a stable order, one statement a page.

A list is ordered by an integer and the row's id, newest first; a cursor is that pair, so that rows that come in
between move nothing.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar, overload

from domain.database import Row, fetch
from domain.refusal import BadPage
from domain.view import view

T = TypeVar("T")
R = TypeVar("R")
DEFAULT_SIZE = 20
LARGEST_SIZE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a caller asked of a list; `size` is 1 to 100. `backwards` pages from the list's end."""

    size: int = DEFAULT_SIZE
    after: tuple[int, int] | None = None
    before: tuple[int, int] | None = None
    backwards: bool = False

    @staticmethod
    def of(
        first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> "PageRequest":
        """Raises BadPage for sizes out of range, first and last together, and cursors that are not ours."""
        return _requested(first, after, last, before)

    @property
    def form(self) -> tuple[bool, bool, bool]:
        """What the text of its statement depends on."""
        return self.after is not None, self.before is not None, self.backwards

    @property
    def values(self) -> tuple[int, ...]:
        """What the places of `Sorted.cut` stand for: one more than the page holds tells whether there are more."""
        return (*(self.after or ()), *(self.before or ()), self.size + 1)


@lru_cache(maxsize=1_000)
def _requested(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """The same few are asked for again and again; what raises is not kept."""
    size = first if first is not None else last if last is not None else DEFAULT_SIZE
    if (first is not None and last is not None) or not 1 <= size <= LARGEST_SIZE:
        raise BadPage
    return PageRequest(size, read_cursor(after), read_cursor(before), last is not None)


@view
class Page(Generic[T]):
    """A slice of a list in the list's own order, with a cursor for each item."""

    items: list[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


class Cursors(Sequence[str]):
    """The cursors of a page's items, each made when it is looked at: most callers want none, or the last one."""

    __slots__ = ("_places",)

    def __init__(self, places: list[tuple[int, int]]) -> None:
        self._places = places

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> "Cursors": ...

    def __getitem__(self, index: int | slice) -> "str | Cursors":
        if isinstance(index, slice):
            return Cursors(self._places[index])
        return make_cursor(*self._places[index])

    def __iter__(self) -> Iterator[str]:
        return (make_cursor(*place) for place in self._places)

    def __len__(self) -> int:
        return len(self._places)


def make_cursor(order: int, id_: int) -> str:
    # Digits, points and minus signs give none of the characters that have no place in a URL.
    return binascii.b2a_base64(b"%d.%d" % (order, id_), newline=False).decode()


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


@dataclass(frozen=True, slots=True)
class Sorted:
    """A list's stable order: an integer column and the id's, newest (largest) first unless `ascending`."""

    order: str
    id_: str = "id"
    ascending: bool = False

    def cut(self, form: tuple[bool, bool, bool], first: int) -> str:
        """The end of a statement, from AND on, that cuts out the page of a request of this form.

        Its values (`PageRequest.values`) take the places from `$first` on.
        """
        after, before, backwards = form
        text, place = "", first
        for asked, comparison in ((after, ">" if self.ascending else "<"), (before, "<" if self.ascending else ">")):
            if asked:
                one, two = f"${place}", f"${place + 1}"
                text += f" AND ({self.order} {comparison} {one} OR ({self.order} = {one}"
                text += f" AND {self.id_} {comparison} {two}))"
                place += 2
        direction = "ASC" if self.ascending != backwards else "DESC"
        return f"{text} ORDER BY {self.order} {direction}, {self.id_} {direction} LIMIT ${place}"


_PLACE: Final[Callable[[Any], tuple[int, int]]] = itemgetter("cursor_order", "cursor_id")


def cut_page(
    rows: list[R], request: PageRequest, make: Callable[[R], T], place: Callable[[R], tuple[int, int]] = _PLACE
) -> Page[T]:
    """The page in the rows of such a statement, which hold `cursor_order` and `cursor_id`, or what `place` gives."""
    more = len(rows) > request.size
    rows = rows[: request.size]
    if request.backwards:
        rows.reverse()
    return Page(
        items=list(map(make, rows)),
        cursors=Cursors(list(map(place, rows))),
        has_next=request.before is not None if request.backwards else more,
        has_previous=more if request.backwards else request.after is not None,
    )


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
    cut = Sorted(order, id_, ascending).cut(request.form, len(values) + 1)
    return cut_page(await fetch(select + cut, *values, *request.values), request, make)
