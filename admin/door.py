"""From a request to a view and back: who may in, whether a form is ours, what a refusal looks like."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from admin.assets import Assets
from admin.guard import BadForm, read_form, require_form_key, require_own_page
from admin.pages import Pages
from admin.settings import AdminSettings
from admin.upload import read_upload
from admin.visit import Visit
from domain.refusal import BadPage, Forbidden, NodeNotFound, NotFound, Refusal, Unauthenticated
from resolvers.context import the_staff

View = Callable[[Visit], Awaitable[Response]]
LANGUAGE_COOKIE_SECONDS: Final = 365 * 24 * 3600
_log = logging.getLogger("kabinet.admin")


class Door:
    """The admin's routes are made by `page` and `action`; both see to all that a view need not know."""

    def __init__(self, settings: AdminSettings) -> None:
        self.settings = settings
        self.pages = Pages(settings)
        self.assets = Assets(development=settings.development)

    def cookie(self, name: str) -> str:
        """A cookie's name: with HTTPS the prefix makes browsers keep it to this host."""
        return f"__Host-kabinet-{name}" if self.settings.secure_cookies else f"kabinet-{name}"

    def page(self, path: str, view: View, *, anyone: bool = False) -> Route:
        """A page to look at, for staff who have signed in unless `anyone` may."""
        return Route(path, self._endpoint(view, anyone), methods=["GET"])

    def action(self, path: str, view: View, *, anyone: bool = False) -> Route:
        """Something to be done, by one of our own forms only."""
        return Route(path, self._endpoint(view, anyone), methods=["POST"])

    def upload(self, path: str, view: View, *, role: str, most_bytes: int) -> Route:
        """A form of ours with a file, of staff with this role: whoever has another is refused before it is read."""

        async def with_file(visit: Visit) -> Response:
            the_staff(visit.ctx, role)
            secret = self.settings.secret
            visit.upload = await read_upload(
                visit.request, most_bytes=most_bytes, check=lambda form: require_form_key(form, secret, visit.bearer)
            )
            visit.form = visit.upload.form
            return await view(visit)

        return Route(path, self._endpoint(with_file, False, has_file=True), methods=["POST"])

    def _endpoint(
        self, view: View, anyone: bool, *, has_file: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                visit = await Visit.of(self, request)
            except Exception as fault:
                return self._without_visit(fault)
            try:
                if request.method == "POST":
                    require_own_page(request)
                if request.method == "POST" and not has_file:
                    visit.form = await read_form(request)
                    require_form_key(visit.form, self.settings.secret, visit.bearer)
                if not anyone:
                    visit.require_session()
                response = await view(visit)
            except Exception as fault:
                response = self._fault(visit, fault)
            self._set_cookies(visit, response)
            return response

        return answer

    def _fault(self, visit: Visit, fault: Exception) -> Response:
        match fault:
            case Unauthenticated():
                return _to_sign_in(visit)
            case Forbidden():
                return visit.page("fault.html", HTTPStatus.FORBIDDEN, kind="forbidden", fault_id="")
            case NotFound() | NodeNotFound() | BadPage():
                return visit.page("fault.html", HTTPStatus.NOT_FOUND, kind="missing", fault_id="")
            case Refusal():
                message = visit.texts.refusal(fault)
                return visit.page("refused.html", HTTPStatus.UNPROCESSABLE_ENTITY, message=message, rule=fault.rule)
            case BadForm():
                return visit.page("fault.html", fault.status, kind="form", fault_id="")
            case HTTPException():
                kind = "missing" if fault.status_code == HTTPStatus.NOT_FOUND else "form"
                return visit.page("fault.html", fault.status_code, kind=kind, fault_id="")
        return visit.page("fault.html", HTTPStatus.INTERNAL_SERVER_ERROR, kind="internal", fault_id=_logged(fault))

    def _without_visit(self, fault: Exception) -> Response:
        """The last resort, when not even the session can be read: no page frame without it."""
        return Response(f"Error {_logged(fault)}", HTTPStatus.INTERNAL_SERVER_ERROR, media_type="text/plain")

    async def http_fault(self, request: Request, fault: Exception) -> Response:
        """No such page, or not that way: told in the same frame."""
        try:
            visit = await Visit.of(self, request)
        except Exception as worse:
            return self._without_visit(worse)
        return self._fault(visit, fault)

    def _set_cookies(self, visit: Visit, response: Response) -> None:
        for name, value in visit.cookies:
            if value is None:
                response.delete_cookie(
                    self.cookie(name), secure=self.settings.secure_cookies, httponly=True, samesite="lax"
                )
            else:
                response.set_cookie(
                    self.cookie(name),
                    value,
                    max_age=LANGUAGE_COOKIE_SECONDS if name == "language" else None,
                    secure=self.settings.secure_cookies,
                    httponly=True,
                    samesite="lax",
                )


def _to_sign_in(visit: Visit) -> Response:
    back = visit.here if visit.request.method == "GET" and visit.here != "/" and not visit.live else ""
    address = visit.link("sign-in", next=back)
    if visit.live:
        # A part of a page cannot show the form: the whole page goes there.
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": quote(address, safe="/?=&%")})
    return visit.go("sign-in", next=back)


def _logged(fault: Exception) -> str:
    """The id under which the fault is in the log, to be quoted; nothing of the request is written beside it."""
    fault_id = secrets.token_hex(4)
    _log.error("admin fault %s", fault_id, exc_info=fault)
    return fault_id
