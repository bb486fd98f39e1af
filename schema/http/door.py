"""The GraphQL door: one address for GraphQL over HTTP, its event streams, its sockets and the page to try it on.

Cross-site requests. Nothing here reads a cookie: who calls is known by the Authorization header alone (on a socket, by
the payload of connection_init), which another site's page cannot make a browser send. Besides, what another site's
page can send without asking first is a form or a plain GET. Forms are refused, for a POST must be application/json,
and a GET never runs a mutation. So neither Origin nor Sec-Fetch-Site decides anything here.
"""

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

from graphql import OperationType
from starlette.types import ASGIApp, Receive, Scope, Send

from schema.engine import answer as engines
from schema.engine.answer import Answer, Needs
from schema.engine.deadline import Deadlines
from schema.engine.documents import Documents, Operation, Refused
from schema.engine.errors import entry, internal, public_code, refusal
from schema.engine.limits import Limits
from schema.http.accept import LENGTH_MOST, choose, wish
from schema.http.caller import Caller
from schema.http.graphiql import page
from schema.http.persisted import PersistedDocuments
from schema.http.reply import GRAPHQL, JSON, KNOWN_BY, Reply, json_reply, public_reply, refused
from schema.http.request import (
    BadRequest,
    GraphQLRequest,
    check_content_type,
    loads,
    read_body,
    request_of,
    request_of_query_string,
)
from schema.http.sse import stream_answers
from schema.http.websocket import Socket, refuse_socket

EVENTS: Final = "text/event-stream"
HTML: Final = "text/html"
PUBLIC_SECONDS: Final = 60
RETRY_LATER: Final = {"Retry-After": "10"}

MakeContext = Callable[[Caller], Awaitable[Any]]


class Engine(engines.Engine, Protocol):
    """An engine that also tells what is in a document."""

    documents: Documents


STATUSES = {
    "BAD_REQUEST": 400,
    "TOO_COMPLEX": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
}


class Wanted(NamedTuple):
    """What an Accept header wants: the media type to answer in (None: none of ours), and whether events would do."""

    media_type: str | None
    events: bool


class GraphQLDoor:
    """An ASGI application for one path, requests and sockets alike; no framework stands in front of it.

    `make_context` is called once for each operation, and once more when a socket opens. It may refuse by raising an
    exception with a `graphql_code` (see `errors`), and with `retry_after_seconds` if waiting helps.

    A GET for nothing but `public_fields` by a caller who does not say who that is may be kept by everybody for
    `PUBLIC_SECONDS`: those fields, with all below them, must depend on the document, its variables and the language.
    """

    def __init__(
        self,
        engine: Engine,
        make_context: MakeContext,
        *,
        limits: Limits,
        graphiql: bool,
        persisted: PersistedDocuments | None = None,
        public_fields: frozenset[str] = frozenset(),
    ) -> None:
        self.engine = engine
        self.make_context = make_context
        self.limits = limits
        self.graphiql = graphiql
        self.persisted = persisted or PersistedDocuments(engine.documents)
        self._public_fields = public_fields | {"__typename"}
        self._bodies = Deadlines(limits.body_seconds)
        self._open_sockets = 0
        self._open_streams: Counter[bytes | None] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        try:
            reply = await self._respond(scope, receive, send)
        except BadRequest as bad:
            reply = refused(bad.status, entry(bad.message, bad.code), bad.headers)
            if bad.hang_up and scope["http_version"] in ("1.0", "1.1"):
                reply.headers.append((b"connection", b"close"))
        except Exception as error:
            reply = _turned_away(error)
        if reply is not None:
            await reply.send(send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open_sockets >= self.limits.sockets:
            await refuse_socket(receive, send)
            return
        self._open_sockets += 1
        try:
            socket = Socket(self.engine, self.make_context, self.persisted, self.limits, scope, receive, send)
            await socket.serve()
        finally:
            self._open_sockets -= 1

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> Reply | None:
        """The reply, or None when it was streamed."""
        method: str = scope["method"]
        if method not in ("POST", "GET"):
            raise BadRequest("Use POST, or GET for queries.", 405, {"Allow": "GET, POST"})
        caller = Caller(scope)
        offers_page = method == "GET" and self.graphiql and not _asks_something(scope["query_string"])
        wanted = _wanted(caller.headers.raw.get(b"accept", b"")[:LENGTH_MOST], offers_page)
        if wanted.media_type == HTML:
            return page(scope["path"])
        if wanted.media_type is None:
            raise BadRequest(f"The answer can be {', '.join(_offers(offers_page))}.", 406)
        asked = await self._read(method, caller, scope, receive)
        text = self.persisted.text_of(asked)
        if isinstance(text, Answer):
            return _answered(text, wanted.media_type, caller)
        if method == "GET" and wanted.media_type == EVENTS:
            self._refuse_mutation(text, asked)
        context = await self.make_context(caller)
        if asked.hash is not None:
            self.persisted.remember(asked)
        if wanted.media_type != EVENTS:
            answer = await self.engine.execute(
                text, asked.variables, asked.operation_name, context, allow_mutation=method == "POST"
            )
            if answer.needs is not Needs.STREAM or not wanted.events:
                if method == "GET" and self._is_public(caller, text, asked, answer):
                    return _for_everybody(answer, wanted.media_type, caller)
                return _answered(answer, wanted.media_type, caller)
        with self._one_more_stream(caller):
            events = self._events(text, asked, context, method == "POST")
            await stream_answers(events, receive, send, self.limits)
        return None

    @contextlib.contextmanager
    def _one_more_stream(self, caller: Caller) -> Iterator[None]:
        """A stream is open for as long as its caller likes: nobody takes the place of all others."""
        who, open_ = caller.headers.raw.get(b"authorization"), self._open_streams
        if who is not None and open_[who] >= self.limits.streams_each:
            raise BadRequest("You have too many streams open.", 429, RETRY_LATER, code="RATE_LIMITED")
        if open_.total() >= self.limits.streams:
            raise BadRequest("Too many streams are open now.", 503, RETRY_LATER, code="UNAVAILABLE")
        open_[who] += 1
        try:
            yield
        finally:
            open_[who] -= 1
            if not open_[who]:
                del open_[who]

    async def _read(self, method: str, caller: Caller, scope: Scope, receive: Receive) -> GraphQLRequest:
        if method == "GET":
            return request_of_query_string(scope["query_string"], self.limits)
        headers = caller.headers.raw
        check_content_type(headers)
        return request_of(loads(await read_body(receive, headers, self.limits, self._bodies)))

    def _refuse_mutation(self, text: str, asked: GraphQLRequest) -> None:
        """Before a stream of events begins with 200. The engine refuses it too."""
        operation = self._operation(text, asked)
        if operation is not None and operation.kind is OperationType.MUTATION:
            raise BadRequest("A mutation needs POST.", 405, {"Allow": "POST"})

    def _is_public(self, caller: Caller, text: str, asked: GraphQLRequest, answer: Answer) -> bool:
        if not answer.executed or answer.errors or not caller.headers.raw.keys().isdisjoint(KNOWN_BY):
            return False
        operation = self._operation(text, asked)
        return operation is not None and self._public_fields.issuperset(operation.roots)

    def _operation(self, text: str, asked: GraphQLRequest) -> Operation | None:
        """The operation that is asked for; None if there is none, which the engine will say."""
        try:
            return self.engine.documents.read(text).operation(asked.operation_name)
        except Refused:
            return None

    async def _events(
        self, text: str, asked: GraphQLRequest, context: Any, may_mutate: bool
    ) -> AsyncGenerator[Answer, None]:
        outcome = await self.engine.subscribe(
            text, asked.variables, asked.operation_name, context, allow_mutation=may_mutate
        )
        if isinstance(outcome, Answer):
            yield outcome
            return
        try:
            async for answer in outcome:
                yield answer
        finally:
            await outcome.aclose()


def at_path(path: str, door: ASGIApp, rest: ASGIApp) -> ASGIApp:
    """An application that has the door at this path, in front of another one that has everything else."""
    paths = (path, f"{path}/")

    def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (door if scope.get("path") in paths else rest)(scope, receive, send)

    return app


def _asks_something(query_string: bytes) -> bool:
    return any(part.startswith((b"query=", b"documentId=", b"extensions=")) for part in query_string.split(b"&"))


def _offers(offers_page: bool) -> list[str]:
    return [JSON, GRAPHQL, *([HTML] if offers_page else []), EVENTS]


@lru_cache(maxsize=256)
def _wanted(accept: bytes, offers_page: bool) -> Wanted:
    text = accept.decode("latin-1")
    offers = _offers(offers_page)
    if wish(text, GRAPHQL).named:
        # By a wildcard alone a caller means plain JSON.
        offers[:2] = [GRAPHQL, JSON]
    return Wanted(choose(text, offers), wish(text, EVENTS).named)


def _answered(answer: Answer, media_type: str, caller: Caller) -> Reply:
    """The status says of application/json only whether HTTP went well; older clients read nothing else as JSON."""
    if media_type == EVENTS:
        media_type = GRAPHQL
    accept_encoding = caller.headers.raw.get(b"accept-encoding")
    if answer.needs is Needs.POST:
        return json_reply(answer.as_dict(), 405, media_type, accept_encoding, {"Allow": "POST"})
    status = 200 if answer.executed or media_type == JSON else 400
    return json_reply(answer.as_dict(), status, media_type, accept_encoding)


def _for_everybody(answer: Answer, media_type: str, caller: Caller) -> Reply:
    headers = caller.headers.raw
    known, accept_encoding = headers.get(b"if-none-match"), headers.get(b"accept-encoding")
    return public_reply(answer.as_dict(), media_type, accept_encoding, known, PUBLIC_SECONDS)


def _turned_away(error: Exception) -> Reply:
    """The reply to an exception before execution: the context's refusal, or a fault of ours."""
    if public_code(error) is None:
        return refused(500, internal(error))
    told = refusal(error)
    extensions = told["extensions"]
    headers = {}
    if extensions["code"] == "UNAUTHENTICATED":
        headers["WWW-Authenticate"] = "Bearer"
    if "retryAfterSeconds" in extensions:
        headers["Retry-After"] = str(extensions["retryAfterSeconds"])
    return refused(STATUSES[extensions["code"]], told, headers)
