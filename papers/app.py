"""The routes of this door. Nobody signs in here: an address opens what it says, or nothing."""

import asyncio
import hashlib
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import IO, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from domain.language import LANGUAGES
from domain.refusal import NotFound
from papers.csv_file import csv_of
from papers.desk import Busy, Desk, Rate
from papers.pages import STYLE, page
from papers.pdf import receipt_pdf, statement_pdf
from papers.xlsx_file import xlsx_of
from resolvers.context import Context
from resolvers.links import LinkOver
from resolvers.receipt import checked, receipt_paper
from resolvers.statement import FileFormat, StatementPaper, statement_paper
from resolvers.texts import translator

CHECKS_A_MINUTE: Final = 60
STREAMED_SECONDS: Final = 600
CHUNK_BYTES: Final = 64 * 1024
MEDIA_TYPES: Final = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.PDF: "application/pdf",
}
PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff"}
PAGE: Final = PRIVATE | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
STYLE_ADDRESS: Final = f"/papers/{hashlib.sha256(STYLE).hexdigest()[:16]}.css"

_log = logging.getLogger("kabinet.papers")
Make = Callable[[Context, Request], Awaitable[Response]]


class Papers:
    """`make_context` gives a request's surroundings with nobody signed in."""

    def __init__(self, make_context: Callable[[Request], Context], rate: Rate | None = None) -> None:
        self._make_context = make_context
        # Setting pages and packing sheets keeps a core busy: no more than two at once, whoever asks.
        self._workshop = Desk(at_once=2, waiting=6)
        self._counter = Desk(at_once=16, waiting=0)
        self._rate = rate or Rate(a_minute=CHECKS_A_MINUTE)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/papers/statement/{token}", self._answered(self._statement)),
            Route("/papers/receipt/{token}", self._answered(self._receipt)),
            Route(STYLE_ADDRESS, _style),
            Route("/check/{code}", self._answered(self._check)),
        ]

    def _answered(self, make: Make) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            ctx = self._make_context(request)
            ctx.language = LANGUAGES.get(request.query_params.get("lang", ""), ctx.language)
            try:
                return await make(ctx, request)
            except (LinkOver, NotFound):
                return _nothing(ctx, request)
            except Busy as busy:
                return _later(ctx, busy)
            except Exception as fault:
                return _fault(ctx, fault)

        return answer

    async def _statement(self, ctx: Context, request: Request) -> Response:
        paper = await statement_paper(ctx, request.path_params["token"])
        headers = _file_headers(_name(paper))
        if request.method == "HEAD":
            return Response(media_type=MEDIA_TYPES[paper.format], headers=headers)
        if paper.format is FileFormat.CSV:
            return Streamed(csv_of(ctx, paper), paper.format, headers, self._counter, _later(ctx, Busy()))
        async with self._workshop.place():
            if paper.format is FileFormat.PDF:
                return Response(await statement_pdf(ctx, paper), media_type=MEDIA_TYPES[paper.format], headers=headers)
            file = await xlsx_of(ctx, paper)
        return Streamed(_read(file), paper.format, headers, self._counter, _later(ctx, Busy()))

    async def _receipt(self, ctx: Context, request: Request) -> Response:
        paper = await receipt_paper(ctx, request.path_params["token"])
        headers = _file_headers(f"receipt-{paper.receipt.number}.pdf")
        if request.method == "HEAD":
            return Response(media_type="application/pdf", headers=headers)
        async with self._workshop.place():
            return Response(await receipt_pdf(paper), media_type="application/pdf", headers=headers)

    async def _check(self, ctx: Context, request: Request) -> Response:
        self._rate.count(ctx.address)
        receipt = await checked(ctx, request.path_params["code"])
        return _page(ctx, "check.html", HTTPStatus.OK, receipt=receipt)


class Streamed(StreamingResponse):
    """A file sent piece by piece from one of the places at `desk`, and for ten minutes at most: slow readers hold none
    for ever. `otherwise` is the answer when there is no place."""

    def __init__(
        self, content: AsyncIterator[bytes], kind: FileFormat, headers: dict[str, str], desk: Desk, otherwise: Response
    ) -> None:
        super().__init__(content, media_type=MEDIA_TYPES[kind], headers=headers)
        self._desk = desk
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._desk.place(), asyncio.timeout(STREAMED_SECONDS):
                await super().__call__(scope, receive, send)
        except Busy:
            await self._otherwise(scope, receive, send)


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _name(paper: StatementPaper) -> str:
    """A name that every system takes: digits, letters, dashes."""
    return f"{paper.kind}-{paper.number}-{paper.first_day}-{paper.last_day}.{paper.format}"


def _file_headers(name: str) -> dict[str, str]:
    return PRIVATE | {"Content-Disposition": f'attachment; filename="{name}"'}


def _page(ctx: Context, template: str, status: HTTPStatus, **values: object) -> Response:
    text = page(ctx.language, template, style=STYLE_ADDRESS, operator=ctx.policy.operator, **values)
    return HTMLResponse(text, status, headers=PAGE | {"Content-Language": str(ctx.language), "Vary": "Accept-Language"})


def _nothing(ctx: Context, request: Request) -> Response:
    _ = translator(ctx.language).gettext
    if request.url.path.startswith("/check/"):
        heading, text = _("No such receipt"), _("Compare the address with your paper, sign by sign.")
    else:
        heading, text = _("Nothing is here"), _(LinkOver.text)
    return _page(ctx, "nothing.html", HTTPStatus.NOT_FOUND, heading=heading, text=text)


def _later(ctx: Context, busy: Busy) -> Response:
    _ = translator(ctx.language).gettext
    heading, text = _("Too much is asked for at once"), _("Try again in a minute.")
    answer = _page(ctx, "nothing.html", busy.status, heading=heading, text=text)
    answer.headers["Retry-After"] = str(busy.retry_seconds)
    return answer


def _fault(ctx: Context, fault: Exception) -> Response:
    """The id under which the fault is in the log, to be quoted; nothing of the request is written beside it."""
    fault_id = secrets.token_hex(4)
    # Where, but not what: an exception may quote a name or a number.
    where = "".join(traceback.format_tb(fault.__traceback__))
    _log.error("papers fault %s: %s\n%s", fault_id, type(fault).__name__, where)
    _ = translator(ctx.language).gettext
    heading, text = _("Something went wrong on our side"), _("Quote this: %(id)s") % {"id": fault_id}
    return _page(ctx, "nothing.html", HTTPStatus.INTERNAL_SERVER_ERROR, heading=heading, text=text)


async def _style(_request: Request) -> Response:
    keep = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(STYLE, media_type="text/css", headers=keep)
