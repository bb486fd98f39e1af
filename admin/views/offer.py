"""Public offers: the texts that hold, on any day and in any language, and what a subscriber has consented to."""

from datetime import date

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.language import Language
from domain.refusal import NotFound
from resolvers.offer import acceptances, offer, offer_text, offers
from resolvers.subscriber import note_seen, subscriber


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/offers", look_at_all),
        door.page("/offers/{code}", look_at_one),
        door.page("/subscribers/{id}/consents", look_at_consents),
    ]


async def look_at_all(visit: Visit) -> Response:
    return visit.page("offers.html", page=await offers(visit.ctx, visit.page_request()))


async def look_at_one(visit: Visit) -> Response:
    """The edition that holds, or held, on a day (today unless `on` says another), in the language asked for."""
    on, language = _day(visit.asked("on")), visit.asked("language")
    found = await offer(visit.ctx, visit.code(), on)
    if found is None or (language and language not in list(Language)):
        raise NotFound
    text = await offer_text(visit.ctx, found.edition_id, Language(language) if language else None)
    return visit.page("offer.html", offer=found, text=text, on=on.isoformat() if on else "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise NotFound from error


async def look_at_consents(visit: Visit) -> Response:
    whose = await subscriber(visit.ctx, visit.id())
    if whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    page = await acceptances(visit.ctx, whose.id, visit.page_request())
    return visit.page("consents.html", holder=whose, page=page)
