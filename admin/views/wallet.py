"""One wallet with its limits and its history."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.views.history import shown
from admin.visit import Visit
from domain.refusal import NotFound
from resolvers import wallet as wallets
from resolvers.statement import Holding
from resolvers.subscriber import holder, note_seen
from resolvers.wallet import limits, wallet


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/wallets/{id}", look)]


async def look(visit: Visit) -> Response:
    wallet_id = visit.id()
    found, whose = await wallet(visit.ctx, wallet_id), await holder(visit.ctx, wallet_id=wallet_id)
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    history = await shown(visit, Holding("wallet", found.id, found.ledger_account_id))
    return visit.page(
        "wallet.html",
        wallet=found,
        holder=whose,
        limits=await limits(visit.ctx, found),
        life=(life := await wallets.life(visit.ctx, found)),
        steps=wallets.possible_steps(visit.ctx, found, life),
        past=await wallets.history(visit.ctx, found.id),
        identified=await wallets.identification(visit.ctx, found.id),
        redemptions=await wallets.redemptions(visit.ctx, found.id),
        may_act=visit.session is not None and visit.session.actor.role != "viewer",
        **history,
    )
