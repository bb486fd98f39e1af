"""The GraphQL door: one address for GraphQL over HTTP, its event streams, its sockets and the page to try it on.

Cross-site requests. Nothing here reads a cookie: who calls is known by the Authorization header alone (on a socket, by
the payload of connection_init), which another site's page cannot make a browser send. Besides, what another site's
page can send without asking first is a form or a plain GET. Forms are refused, for a POST must be application/json,
and a GET never runs a mutation. So neither Origin nor Sec-Fetch-Site decides anything here.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from schema.engine.answer import Answer, Engine, Needs
from schema.engine.errors import ErrorDict, entry, internal, public_code, refusal
from schema.engine.limits import Limits
from schema.http.accept import choose, wish
from schema.http.graphiql import assets, page
from schema.http.request import (
    BadRequest,
    CallerGone,
    GraphQLRequest,
    check_content_type,
    loads,
    read_body,
    request_of,
    request_of_query_string,
)
from schema.http.sse import stream_answers
from schema.http.websocket import Socket, refuse_socket

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"
HTML = "text/html"

MakeContext = Callable[[HTTPConnection], Awaitable[Any]]

STATUSES = {
    "BAD_REQUEST": 400,
    "TOO_COMPLEX": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
}
ALWAYS = {"Vary": "Accept", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class GraphQLDoor:
    """An ASGI endpoint for `Route` and `WebSocketRoute` alike; `routes` gives all that it needs.

    `make_context` is called once for each operation, and once more when a socket opens. It may refuse by raising an
    exception with a `graphql_code` (see `errors`), and with `retry_after_seconds` if waiting helps.
    """

    def __init__(self, engine: Engine, make_context: MakeContext, *, limits: Limits, graphiql: bool) -> None:
        self.engine = engine
        self.make_context = make_context
        self.limits = limits
        self.graphiql = graphiql
        self._open_sockets = 0

    def routes(self, path: str = "/graphql") -> list[BaseRoute]:
        """The door at this path, with the page's files below it if there is a page."""
        routes: list[BaseRoute] = [Route(path, self), WebSocketRoute(path, self)]
        if self.graphiql:
            routes.append(Mount(f"{path}/graphiql", assets()))
        return routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        try:
            response = await self._respond(Request(scope, receive), receive, send)
        except CallerGone:
            return
        except BadRequest as bad:
            response = _refused(bad.status, entry(bad.message, "BAD_REQUEST"), bad.headers)
            if bad.hang_up and scope["http_version"] in ("1.0", "1.1"):
                response.headers["Connection"] = "close"
        except Exception as error:
            response = _turned_away(error)
        if response is not None:
            await response(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open_sockets >= self.limits.sockets:
            await refuse_socket(receive, send)
            return
        self._open_sockets += 1
        try:
            await Socket(self.engine, self.make_context, self.limits, scope, receive, send).serve()
        finally:
            self._open_sockets -= 1

    async def _respond(self, request: Request, receive: Receive, send: Send) -> Response | None:
        """The response, or None when it was streamed."""
        accept = ", ".join(request.headers.getlist("accept"))
        is_get = request.method == "GET"
        if not is_get and request.method != "POST":
            raise BadRequest("Use POST, or GET for queries.", 405, {"Allow": "GET, POST"})
        # By a wildcard alone a caller means plain JSON.
        offers = [GRAPHQL, JSON] if wish(accept, GRAPHQL).named else [JSON, GRAPHQL]
        if is_get and self.graphiql and "query" not in request.query_params:
            offers.append(HTML)
        offers.append(EVENTS)
        media_type = choose(accept, offers)
        if media_type is None:
            raise BadRequest(f"The answer can be {', '.join(offers)}.", 406)
        if media_type == HTML:
            return page(request.url.path)
        return await self._run(request, receive, send, media_type, accept)

    async def _run(
        self, request: Request, receive: Receive, send: Send, media_type: str, accept: str
    ) -> Response | None:
        asked = await self._read(request, receive)
        may_mutate = request.method == "POST"
        context = await self.make_context(request)
        if media_type != EVENTS:
            answer = await self.engine.execute(
                asked.query, asked.variables, asked.operation_name, context, allow_mutation=may_mutate
            )
            if answer.needs is not Needs.STREAM or not wish(accept, EVENTS).named:
                return _answered(answer, media_type)
        await stream_answers(self._events(asked, context, may_mutate), receive, send, self.limits)
        return None

    async def _read(self, request: Request, receive: Receive) -> GraphQLRequest:
        if request.method == "GET":
            return request_of_query_string(request.scope["query_string"], self.limits)
        check_content_type(request.headers)
        return request_of(loads(await read_body(receive, request.headers, self.limits)))

    async def _events(self, asked: GraphQLRequest, context: Any, may_mutate: bool) -> AsyncGenerator[Answer, None]:
        outcome = await self.engine.subscribe(
            asked.query, asked.variables, asked.operation_name, context, allow_mutation=may_mutate
        )
        if isinstance(outcome, Answer):
            yield outcome
            return
        try:
            async for answer in outcome:
                yield answer
        finally:
            await outcome.aclose()


def _answered(answer: Answer, media_type: str) -> Response:
    """The status says of application/json only whether HTTP went well; older clients read nothing else as JSON."""
    if answer.needs is Needs.POST:
        return _json(answer.as_dict(), 405, media_type, {"Allow": "POST"})
    status = 200 if answer.executed or media_type == JSON else 400
    return _json(answer.as_dict(), status, media_type)


def _turned_away(error: Exception) -> Response:
    """The response to an exception before execution: the context's refusal, or a fault of ours."""
    if public_code(error) is None:
        return _refused(500, internal(error))
    refused = refusal(error)
    extensions = refused["extensions"]
    headers = {}
    if extensions["code"] == "UNAUTHENTICATED":
        headers["WWW-Authenticate"] = "Bearer"
    if "retryAfterSeconds" in extensions:
        headers["Retry-After"] = str(extensions["retryAfterSeconds"])
    return _refused(STATUSES[extensions["code"]], refused, headers)


def _refused(status: int, error: ErrorDict, headers: dict[str, str] | None = None) -> Response:
    return _json({"errors": [error]}, status, JSON, headers)


def _json(body: dict[str, Any], status: int, media_type: str, headers: dict[str, str] | None = None) -> Response:
    try:
        content = orjson.dumps(body)
    except TypeError as error:
        # A scalar of ours gave a value that is no JSON.
        content, status = orjson.dumps({"errors": [internal(error)]}), 500
    headers = {**ALWAYS, **(headers or {}), "Content-Type": f"{media_type}; charset=utf-8"}
    return Response(content, status, headers)
