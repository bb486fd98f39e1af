"""A list that is kept in memory in its own order: pages are cut from it as a statement would give them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, Generic, TypeVar

from resolvers.paging import Page, PageRequest, make_cursor

T = TypeVar("T")
Made = TypeVar("Made")
MOST_KEPT: Final = 64


class Shelf(Generic[T]):
    """Items in ascending order of their places, (order, id): the pair that `resolvers.paging` makes cursors of.

    It never changes; what is made of it may be kept with it (`keep`, `mapped`).
    """

    def __init__(self, places: Iterable[tuple[int, int]], items: Iterable[T]) -> None:
        self.places = list(places)
        self.items = list(items)
        self._cursors = [make_cursor(*place) for place in self.places]
        self._kept: dict[Hashable, Any] = {}

    def page(self, request: PageRequest) -> Page[T]:
        """The same page that `resolvers.paging.page` gives of a list that goes up."""
        start = bisect_right(self.places, request.after) if request.after is not None else 0
        end = bisect_left(self.places, request.before) if request.before is not None else len(self.places)
        more = end - start > request.size
        if more and request.backwards:
            start = end - request.size
        elif more:
            end = start + request.size
        return Page(
            items=self.items[start:end],
            cursors=self._cursors[start:end],
            has_next=request.before is not None if request.backwards else more,
            has_previous=more if request.backwards else request.after is not None,
        )

    def keep(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` made for this key, as long as the shelf lives. Callers choose keys, so only so many are kept."""
        found = self._kept.get(key)
        if found is None:
            found = make()
            if len(self._kept) < MOST_KEPT:
                self._kept[key] = found
        made: Made = found
        return made

    def mapped(self, make: Callable[[T], Made]) -> "Shelf[Made]":
        """A shelf of what `make` makes of each item, in the same places; made once. `make` must be one function."""
        return self.keep(make, lambda: Shelf(self.places, map(make, self.items)))
