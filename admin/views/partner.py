"""Partners: who they are, where they are told of entitlements, the beginnings of their keys."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from resolvers.partner import partners


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/partners", look)]


async def look(visit: Visit) -> Response:
    return visit.page("partners.html", page=await partners(visit.ctx, visit.page_request()))
