"""What keeps strangers' pages from speaking in the staff's name, and what every answer says to the browser."""

import hashlib
import hmac
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM_BYTES: Final = 64_000
FORM_FIELDS: Final = 100
FORM_TYPE: Final = "application/x-www-form-urlencoded"
KEY_FIELD: Final = "form_key"

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


class BadForm(Exception):
    """A form that no page of ours has sent, or one too large. `status` is the answer's."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent; a field that was left out reads as empty."""

    values: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.values.get(name, "")


def form_key(secret: bytes, bearer: str) -> str:
    """What a form carries to show that it came from a page given to this session (or, before one, this browser)."""
    return hmac.new(secret, b"form\x1f" + bearer.encode(), hashlib.sha256).hexdigest()


async def read_form(request: Request) -> Form:
    """The form of a request, at most 64 kB and 100 fields. Raises BadForm."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise BadForm(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > FORM_BYTES:
                raise BadForm(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict")
    except (ValueError, ClientDisconnect) as error:
        raise BadForm(HTTPStatus.BAD_REQUEST) from error
    if any("\0" in value for _, value in fields):
        raise BadForm(HTTPStatus.BAD_REQUEST)
    return Form(dict(fields))


def require_own_page(request: Request) -> None:
    """Raises BadForm when the browser says that another site's page sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        raise BadForm(HTTPStatus.FORBIDDEN)
    origin = request.headers.get("origin")
    # The host alone: behind a proxy that ends TLS the scheme that we see is not the browser's.
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise BadForm(HTTPStatus.FORBIDDEN)


def require_form_key(form: Form, secret: bytes, bearer: str) -> None:
    """Raises BadForm unless the form carries the key of this session."""
    expected = form_key(secret, bearer)
    if not bearer or not hmac.compare_digest(form.text(KEY_FIELD).encode(), expected.encode()):
        raise BadForm(HTTPStatus.FORBIDDEN)


class SecurityHeaders:
    """Puts the policy on every answer, files and faults included; pages are never kept by browsers or proxies."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
            # Not no-referrer: browsers would then hide the origin of our own forms from us.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex",
        }
        if secure:
            self.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)
