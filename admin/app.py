"""The admin as one application, to be mounted at /admin."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from admin.door import Door
from admin.guard import SecurityHeaders
from admin.settings import AdminSettings
from admin.views import (
    account,
    approval,
    audit,
    catalogue,
    history,
    hold,
    home,
    ledger,
    life,
    offer,
    order,
    partner,
    payment,
    policy,
    reconciliation,
    sign_in,
    subscriber,
    supplier,
    wallet,
)


def admin_app(settings: AdminSettings) -> Starlette:
    """All pages, forms and files of the staff's door."""
    door = Door(settings)
    routes = [Route("/static/{digest}/{name:path}", door.assets.serve)]
    for area in (
        sign_in,
        home,
        subscriber,
        account,
        wallet,
        life,
        history,
        hold,
        supplier,
        order,
        catalogue,
        offer,
        partner,
        payment,
        reconciliation,
        approval,
        ledger,
        policy,
        audit,
    ):
        routes += area.routes(door)
    return Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders, secure=settings.secure_cookies)],
        exception_handlers={HTTPException: door.http_fault},
    )
