"""Partners: who they are, where they are told of entitlements, how much they may bring in."""

from decimal import Decimal

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.amounts import typed_number
from admin.door import Door
from admin.visit import Visit
from domain.refusal import InvalidAmount, NotFound
from resolvers.context import the_staff
from resolvers.partner import PartnerView, partner, partners, set_top_up_limits


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/partners", look),
        door.page("/partners/{id}/limits", ask_limits),
        door.action("/partners/{id}/limits", keep_limits),
    ]


async def look(visit: Visit) -> Response:
    return visit.page("partners.html", page=await partners(visit.ctx, visit.page_request()))


async def ask_limits(visit: Visit) -> Response:
    """How much the partner may bring in with one top-up and in a day (W-4.3.1)."""
    the_staff(visit.ctx, "admin")
    found = await _partner(visit)
    typed = {
        name: "" if money is None else f"{money.amount.normalize():f}"
        for name, money in (("most", found.top_up_most), ("dayMost", found.top_up_day_most))
    }
    return visit.page("partner_limits.html", one=found, typed=typed, errors={})


async def keep_limits(visit: Visit) -> Response:
    found = await _partner(visit)
    typed = {name: visit.form.text(name).strip()[:30] for name in ("most", "dayMost")}
    try:
        amounts = {name: _amount(name, text) for name, text in typed.items()}
        await set_top_up_limits(visit.ctx, code=found.code, most=amounts["most"], day_most=amounts["dayMost"])
    except InvalidAmount as refusal:
        return visit.page("partner_limits.html", 422, one=found, typed=typed, errors=visit.errors(refusal))
    return visit.go("partners")


def _amount(name: str, text: str) -> Decimal | None:
    try:
        return typed_number(text)
    except ValueError:
        raise InvalidAmount(path=(name,)) from None


async def _partner(visit: Visit) -> PartnerView:
    found = await partner(visit.ctx, visit.id())
    if found is None:
        raise NotFound
    return found
