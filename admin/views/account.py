"""One personal account with its history."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.views.history import shown
from admin.visit import Visit
from domain.refusal import NotFound
from resolvers.account import account
from resolvers.statement import Holding
from resolvers.subscriber import holder, note_seen


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/accounts/{id}", look)]


async def look(visit: Visit) -> Response:
    account_id = visit.id()
    found, whose = await account(visit.ctx, account_id), await holder(visit.ctx, account_id=account_id)
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    history = await shown(visit, Holding("account", found.id, found.ledger_account_id))
    return visit.page(
        "account.html",
        account=found,
        holder=whose,
        **history,
    )
