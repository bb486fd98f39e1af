"""What the operator switches and enters while Kabinet runs: ways of topping up, upgrades, BHM."""

from datetime import date
from decimal import Decimal

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.amounts import typed_number
from admin.door import Door
from admin.visit import Visit
from domain.clock import local_day
from domain.refusal import InvalidAmount, InvalidInput, Refusal
from resolvers.bhm import add_bhm, bhm_values, withdraw_bhm
from resolvers.switch import set_switch, switches


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/settings", look),
        door.action("/settings/switches", switch),
        door.action("/settings/bhm", enter_bhm),
        door.action("/settings/bhm/withdraw", take_back_bhm),
    ]


async def look(visit: Visit) -> Response:
    return await _page(visit, {})


async def switch(visit: Visit) -> Response:
    on = visit.form.text("on")
    if on not in ("yes", "no"):
        raise InvalidInput(path=("on",))
    await set_switch(visit.ctx, code=visit.form.text("code"), on=on == "yes")
    return visit.go("settings")


async def enter_bhm(visit: Visit) -> Response:
    try:
        amount = _amount(visit.form.text("amount"))
        await add_bhm(visit.ctx, effective_from=_day(visit.form.text("effectiveFrom")), amount=amount)
    except Refusal as refusal:
        return await _page(visit, visit.errors(refusal))
    return visit.go("settings")


async def take_back_bhm(visit: Visit) -> Response:
    day = _day(visit.form.text("effectiveFrom"))
    if day is None:
        raise InvalidInput(path=("effectiveFrom",))
    await withdraw_bhm(visit.ctx, effective_from=day)
    return visit.go("settings")


async def _page(visit: Visit, errors: dict[str, str]) -> Response:
    return visit.page(
        "settings.html",
        422 if errors else 200,
        switches=await switches(visit.ctx),
        values=await bhm_values(visit.ctx),
        today=local_day(visit.ctx.clock.now()),
        form=visit.form,
        errors=errors,
        is_admin=visit.session is not None and visit.session.actor.role == "admin",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _amount(text: str) -> Decimal:
    try:
        amount = typed_number(text)
    except ValueError:
        amount = None
    if amount is None:
        raise InvalidAmount(path=("amount",))
    return amount
