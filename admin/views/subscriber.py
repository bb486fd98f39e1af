"""One subscriber, whole."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.views.names import product_names
from admin.visit import Visit
from domain.refusal import NotFound
from resolvers.account import receipt_number
from resolvers.subscriber import CardEntry, note_seen, subscriber_card


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/subscribers/{id}", card)]


async def card(visit: Visit) -> Response:
    subscriber_id = visit.id()
    found = await subscriber_card(visit.ctx, subscriber_id)
    if found is None:
        raise NotFound
    await note_seen(visit.ctx, subscriber_id)
    rows = [(line.entry, _owner(visit, line), receipt_number(line.entry.transfer_id)) for line in found.entries]
    names = await product_names(visit, [line.entry for line in found.entries])
    return visit.page("subscriber.html", card=found, rows=rows, names=names, now=visit.ctx.clock.now())


def _owner(visit: Visit, line: CardEntry) -> tuple[str, str]:
    if line.owner == "wallet":
        return visit.texts.gettext("Wallet"), visit.link("wallets", line.owner_id)
    return line.number, visit.link("accounts", line.owner_id)
