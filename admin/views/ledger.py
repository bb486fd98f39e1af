"""The operator's own accounts: what is on them, and how far the ledger is sealed."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from resolvers.ledger import operator_books


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/books", look)]


async def look(visit: Visit) -> Response:
    return visit.page("books.html", books=await operator_books(visit.ctx))
