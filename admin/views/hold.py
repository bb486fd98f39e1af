"""What is reserved of a wallet, and letting go of it with a reason."""

from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.hold import HoldStatus, HoldView
from domain.refusal import InvalidInput, NotFound
from resolvers.context import the_staff
from resolvers.hold import hold, holds, release_hold
from resolvers.subscriber import SubscriberView, holder, note_seen
from resolvers.wallet import WalletView, wallet


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/wallets/{id}/holds", look),
        door.page("/holds/{id}/release", ask_to_release),
        door.action("/holds/{id}/release", release),
    ]


async def look(visit: Visit) -> Response:
    found, whose = await _wallet(visit, visit.id())
    page = await holds(visit.ctx, found.id, visit.page_request())
    may_act = visit.session is not None and visit.session.actor.role != "viewer"
    return visit.page("holds.html", wallet=found, holder=whose, page=page, may_act=may_act)


async def ask_to_release(visit: Visit) -> Response:
    the_staff(visit.ctx, "agent")
    return await _ask(visit, await _open(visit), {})


async def release(visit: Visit) -> Response:
    reason = visit.form.text("reason")
    try:
        released = await release_hold(visit.ctx, hold_id=visit.id(), reason=reason)
    except InvalidInput as refusal:
        return await _ask(visit, await _open(visit), visit.errors(refusal), reason)
    return visit.go("wallets", released.wallet_id, "holds")


async def _ask(visit: Visit, one: HoldView, errors: dict[str, str], reason: str = "") -> Response:
    found, whose = await _wallet(visit, one.wallet_id)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    values = {"one": one, "wallet": found, "holder": whose, "errors": errors, "reason": reason}
    return visit.page("release_hold.html", status, **values)


async def _open(visit: Visit) -> HoldView:
    found = await hold(visit.ctx, visit.id())
    if found is None or found.status is not HoldStatus.AUTHORIZED:
        raise NotFound
    return found


async def _wallet(visit: Visit, wallet_id: int) -> tuple[WalletView, SubscriberView]:
    found, whose = await wallet(visit.ctx, wallet_id), await holder(visit.ctx, wallet_id=wallet_id)
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    return found, whose
