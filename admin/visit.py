"""One request to the admin: who comes, in which language, and how an answer is made for them."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from admin.guard import Form, form_key
from admin.texts import Texts
from admin.upload import Upload
from domain.language import Language, negotiate
from domain.refusal import NotFound, Refusal, Unauthenticated
from domain.secrets import new_token
from resolvers.context import Context
from resolvers.paging import PageRequest
from resolvers.staff import StaffSessionView, staff_session

if TYPE_CHECKING:
    from admin.door import Door

LONGEST_ID: Final = 18
LONGEST_CODE: Final = 64


@dataclass(slots=True)
class Visit:
    """`token` is the session's, or empty; `stranger` tells browsers apart that have no session yet."""

    door: "Door"
    request: Request
    ctx: Context
    texts: Texts
    session: StaffSessionView | None
    token: str
    stranger: str
    form: Form = field(default_factory=Form)
    upload: Upload | None = None
    cookies: list[tuple[str, str | None]] = field(default_factory=list)

    @classmethod
    async def of(cls, door: "Door", request: Request) -> "Visit":
        ctx = door.settings.make_context(request)
        token = request.cookies.get(door.cookie("staff"), "")
        session = await staff_session(token, ctx.clock.now()) if token else None
        if session is None:
            token = ""
        elif session.whole:
            ctx = ctx.acting_as(session.actor)
        ctx.language = _language(session, request, door.cookie("language"))
        visit = cls(
            door,
            request,
            ctx,
            door.pages.texts(ctx.language),
            session,
            token,
            request.cookies.get(door.cookie("visit"), ""),
        )
        if not token and not visit.stranger:
            visit.stranger = new_token()
            visit.cookies.append(("visit", visit.stranger))
        return visit

    @property
    def signed_in(self) -> bool:
        return self.session is not None and self.session.whole

    @property
    def bearer(self) -> str:
        """What this browser's forms are bound to."""
        return self.token or self.stranger

    @property
    def live(self) -> bool:
        """Whether a part of the page on screen asks, rather than the browser for a page."""
        return self.request.headers.get("hx-request") == "true"

    def require_session(self) -> None:
        """Raises Unauthenticated unless both steps of signing in are done."""
        if not self.signed_in:
            raise Unauthenticated

    def asked(self, name: str) -> str:
        """A parameter of the address; empty when it is not there."""
        return self.request.query_params.get(name, "")

    def id(self) -> int:
        """The number in the address. Raises NotFound for what is none, or one that no database could hold."""
        digits = str(self.request.path_params["id"])
        if not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID):
            raise NotFound
        return int(digits)

    def code(self, name: str = "code") -> str:
        """The code in the address. Raises NotFound for one that is longer than ours or holds what ours never do."""
        code = str(self.request.path_params[name])
        if not code.isprintable() or len(code) > LONGEST_CODE:
            raise NotFound
        return code

    def page_request(self) -> PageRequest:
        """Which part of a list is asked for. Raises BadPage for a cursor that is not ours."""
        return PageRequest.of(after=self.asked("after") or None)

    def link(self, *parts: object, **query: object) -> str:
        """The address of a page: link("subscribers", 12), with a query if one is given."""
        path = "/".join(quote(str(part), safe="") for part in parts)
        query_text = urlencode({name: str(value) for name, value in query.items() if value not in (None, "")})
        return f"{self.base}/{path}" + (f"?{query_text}" if query_text else "")

    @property
    def base(self) -> str:
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    @property
    def here(self) -> str:
        """This page below the admin, with its query: what to come back to."""
        path = self.request.scope["path"].removeprefix(self.base) or "/"
        query = self.request.url.query
        return f"{path}?{query}" if query else path

    @property
    def section(self) -> str:
        """The first word of this page's path: which part of the menu it belongs to."""
        return self.here.partition("?")[0].split("/")[1]

    def inside(self, path: str) -> str:
        """The address of a path below the admin; its first page for what is no such path, such as another site."""
        safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
        return self.base + (path if safe else "/")

    def page(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> Response:
        """The page from a template."""
        everywhere = {
            "visit": self,
            "link": self.link,
            "asset": lambda name: self.base + self.door.assets.address(name),
            "form_key": form_key(self.door.settings.secret, self.bearer),
        }
        return HTMLResponse(self.door.pages.render(self.ctx.language, template, everywhere | values), status)

    def go(self, *parts: object, **query: object) -> Response:
        """On to another page, after a form."""
        return RedirectResponse(self.link(*parts, **query), HTTPStatus.SEE_OTHER)

    def go_inside(self, path: str) -> Response:
        return RedirectResponse(self.inside(path), HTTPStatus.SEE_OTHER)

    def errors(self, refusal: Refusal) -> dict[str, str]:
        """The refusal's sentence by the field that it is about ("" when it is about none)."""
        return {refusal.path[-1] if refusal.path else "": self.texts.refusal(refusal)}

    def keep_session(self, token: str) -> None:
        """The browser gets this session's token; forms shown from now on are bound to it."""
        self.token = token
        self.cookies += [("staff", token), ("visit", None)]

    def drop_session(self) -> None:
        self.session, self.token = None, ""
        self.cookies.append(("staff", None))


def _language(session: StaffSessionView | None, request: Request, cookie: str) -> Language:
    if session is not None and session.whole:
        return session.language
    chosen = request.cookies.get(cookie)
    if chosen in list(Language):
        return Language(chosen)
    return negotiate(request.headers.get("accept-language")) or Language.UZ
