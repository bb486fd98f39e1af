"""Pages cut from memory are the pages that a statement would give."""

from itertools import product as combinations
from typing import Any

from resolvers.paging import Page, PageRequest, page
from resolvers.shelf import MOST_KEPT, Shelf
from tests.resolvers.shop import Shop

# Two share a position: the id decides between them.
POSITIONS = (3, 1, 7, 3, 10)


def facts(page: Page[Any]) -> list[Any]:
    return [page.items, list(page.cursors), page.has_next, page.has_previous]


async def test_a_page_is_the_one_that_the_database_would_cut(db: str) -> None:
    shop = Shop()
    for n, position in enumerate(POSITIONS):
        await shop.add_product(f"p{n}", steps=(), position=position)
    statement = "SELECT p.id, p.position AS cursor_order, p.id AS cursor_id FROM product p WHERE 1 = 1"
    whole = await page(statement, [], PageRequest(100), lambda row: row, order="p.position", id_="p.id", ascending=True)
    shelf = Shelf([(row["cursor_order"], row["cursor_id"]) for row in whole.items], [row["id"] for row in whole.items])
    bounds = [None, shelf.places[0], shelf.places[2], shelf.places[4], (5, 0), (0, 0), (2**62, 2**62)]

    for size, after, before, backwards in combinations((1, 2, 5, 100), bounds, bounds, (False, True)):
        request = PageRequest(size, after, before, backwards)
        cut = await page(statement, [], request, lambda row: row["id"], order="p.position", id_="p.id", ascending=True)
        assert facts(shelf.page(request)) == facts(cut), request


def test_what_is_made_of_a_shelf_is_made_once_and_not_without_end() -> None:
    shelf = Shelf([(1, 1), (2, 2)], ["a", "b"])

    assert shelf.mapped(str.upper) is shelf.mapped(str.upper)
    assert shelf.mapped(str.upper).items == ["A", "B"]
    assert facts(shelf.mapped(str.lower).page(PageRequest(1))) == facts(shelf.page(PageRequest(1)))

    made = [shelf.keep(n, lambda n=n: [n]) for n in range(MOST_KEPT * 2)]  # type: ignore[misc]
    again = [shelf.keep(n, lambda n=n: [n]) for n in range(MOST_KEPT * 2)]  # type: ignore[misc]
    assert again == made
    assert sum(one is two for one, two in zip(made, again, strict=True)) < MOST_KEPT
