"""Payments that came in: the list, and one with what became of it."""

from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.payment import PaymentStatus
from domain.refusal import NotFound
from resolvers.account import receipt_number
from resolvers.payment import payment, payments, providers
from resolvers.subscriber import note_look

STATUSES: Final = tuple(str(status) for status in PaymentStatus)


def routes(door: Door) -> list[BaseRoute]:
    return [door.page("/payments", look), door.page("/payments/{id}", look_at_one)]


async def look(visit: Visit) -> Response:
    chosen = {name: visit.asked(name).strip()[:64] for name in ("provider", "status", "number")}
    chosen["number"] = "".join(chosen["number"].split())
    return visit.page(
        "payments.html",
        page=await payments(visit.ctx, visit.page_request(), **chosen),
        chosen=chosen,
        providers=await providers(visit.ctx),
        statuses=STATUSES,
        here=visit.link("payments", **chosen),
    )


async def look_at_one(visit: Visit) -> Response:
    found = await payment(visit.ctx, visit.id())
    if found is None:
        raise NotFound
    await note_look(visit.ctx, "payment.seen", f"payment:{found.payment.id}")
    return visit.page("payment.html", one=found.payment, listed=found, receipt_number=receipt_number)
