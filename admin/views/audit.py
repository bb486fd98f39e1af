"""Who did what."""

import re
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.refusal import NotFound
from resolvers.audit import trail

SUBJECT: Final = re.compile(r"[a-z_]{1,20}:[A-Za-z0-9._-]{1,40}", re.ASCII)


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/audit/{subject}", look)]


async def look(visit: Visit) -> Response:
    subject = str(visit.request.path_params["subject"])
    if not SUBJECT.fullmatch(subject):
        raise NotFound
    return visit.page("trail.html", subject=subject, page=await trail(visit.ctx, subject, visit.page_request()))
