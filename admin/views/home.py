"""The first page and the search: a field to write into, and whoever fits."""

from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from resolvers.staff import desk
from resolvers.subscriber import search_subscribers

MOST: Final = 20


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/", home), door.page("/subscribers", search)]


async def home(visit: Visit) -> Response:
    return visit.page("home.html", q="", found=[], most=MOST, desk=await desk(visit.ctx))


async def search(visit: Visit) -> Response:
    """Who fits `q`. Who is the only one with a whole number is opened at once, unless the search is still going on."""
    # The key that leads to the field, pressed before the page listened, is written into it.
    text = visit.asked("q").strip().removeprefix("/").strip()
    if not text:
        return await home(visit)
    found = await search_subscribers(visit.ctx, text, MOST)
    if len(found) == 1 and found[0].matched and not visit.live:
        return visit.go("subscribers", found[0].id)
    return visit.page("home.html", q=text[:100], found=found, most=MOST, desk=None)
