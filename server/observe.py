"""Logs and metrics: what operators see. Neither holds phones, names, codes, tokens or what callers sent."""

import logging
import random
import sys
import time
from collections.abc import Awaitable, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.database import fetch_row
from schema.engine.answer import Answer
from schema.engine.observer import Observer

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "kabinet_http_requests",
    "HTTP requests by door, method and status.",
    ("door", "method", "status"),
    registry=REGISTRY,
)
SECONDS = Histogram("kabinet_http_seconds", "Seconds that HTTP requests took, by door.", ("door",), registry=REGISTRY)
OPERATIONS = Counter(
    "kabinet_graphql_operations",
    "GraphQL operations by kind, by how they ended and by the engine that ran them.",
    ("kind", "outcome", "engine"),
    registry=REGISTRY,
)
STOCK = Counter(
    "kabinet_graphql_stock_runs",
    "Operations that the compiled engine left to the stock one, by why.",
    ("reason",),
    registry=REGISTRY,
)
COMPILED = Counter("kabinet_graphql_compiled_documents", "Operations compiled.", registry=REGISTRY)
COMPILING = Counter("kabinet_graphql_compiling_seconds", "Seconds spent compiling operations.", registry=REGISTRY)
DATABASE = Gauge("kabinet_database_up", "1 while the database answers.", registry=REGISTRY)
OUTBOX = Gauge("kabinet_outbox_messages", "Messages in the outbox by state.", ("state",), registry=REGISTRY)
TRANSFERS = Gauge("kabinet_ledger_last_transfer", "The id of the ledger's newest transfer.", registry=REGISTRY)

log = structlog.get_logger("kabinet.http")
# Cheaper to set for every request than structlog's own variables.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
SLOW_SECONDS: Final = 1.0
DOORS: Final = ("graphql", "admin", "callbacks", "papers", "check", "health", "metrics", "demo")
# For answers that set none of their own: they are data, and nobody frames them.
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
OVER_TLS_ALONE: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


def start_logging(log_format: str) -> None:
    """One line an event, to standard error: for people, or as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _with_request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Plainly: the usual way shows local variables, which hold names and numbers.
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else console
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpx2", "httpcore", "asyncio", "tortoise", "_granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Observed:
    """Counts requests, gives each an id (X-Request-Id), and logs one line for it: door, status, milliseconds.

    With `log_all` every request has its line; without it those that failed or took `SLOW_SECONDS`, for a line costs as
    much as a small answer. Every answer leaves with the headers that keep browsers from guessing and framing;
    `over_tls` adds the one that keeps them from plain HTTP.
    """

    def __init__(self, app: ASGIApp, *, over_tls: bool, log_all: bool) -> None:
        self.app = app
        self._headers = (*HEADERS, OVER_TLS_ALONE) if over_tls else HEADERS
        self._log_all = log_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = f"{random.getrandbits(64):016x}"  # to find a line in a log by; it opens nothing
        status = 500

        def watch(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message.get("headers", ())
                there = dict(given)
                message["headers"] = [
                    *given,
                    *[header for header in self._headers if header[0] not in there],
                    (b"x-request-id", request_id.encode()),
                ]
            return send(message)

        before = REQUEST_ID.set(request_id)
        try:
            await self.app(scope, receive, watch)
        finally:
            REQUEST_ID.reset(before)
            self._tell(scope, request_id, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        door, method = _door(scope["path"]), _method(scope["method"])
        _requests(door, method, status).inc()
        _seconds(door).observe(seconds)
        wanted = self._log_all and door not in ("health", "metrics")
        if wanted or status >= 500 or seconds >= SLOW_SECONDS:
            ms = round(seconds * 1000, 1)
            log.info("request", door=door, method=method, status=status, ms=ms, request=request_id)


@lru_cache(maxsize=100)
def _operations(kind: str, outcome: str, engine: str) -> Counter:
    return OPERATIONS.labels(kind, outcome, engine)


@lru_cache(maxsize=1_000)
def _requests(door: str, method: str, status: int) -> Counter:
    return REQUESTS.labels(door, method, str(status))


@lru_cache(maxsize=100)
def _seconds(door: str) -> Histogram:
    return SECONDS.labels(door)


def _with_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id:
        event.setdefault("request", request_id)
    return event


@lru_cache(maxsize=1_000)
def _door(path: str) -> str:
    first = path.strip("/").partition("/")[0]
    return first if first in DOORS else "other"


def _method(method: str) -> str:
    return method if method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH") else "other"


class Counted(Observer):
    """Counts operations for /metrics: how they ended, which engine ran them, why the stock one had to."""

    def ended(self, kind: str, engine: str, answer: Answer) -> None:
        outcome = "refused" if not answer.executed else "errors" if answer.errors else "ok"
        _operations(kind, outcome, engine).inc()

    def fell_back(self, reason: str) -> None:
        STOCK.labels(reason).inc()

    def compiled(self, seconds: float, fields: int) -> None:
        COMPILED.inc()
        COMPILING.inc(seconds)


async def metrics_text() -> bytes:
    """All metrics in Prometheus' form. Counters are this process's own; what the database holds is everybody's."""
    try:
        row = await fetch_row(
            """SELECT (SELECT COUNT(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL) AS open,
                      (SELECT COUNT(*) FROM outbox WHERE failed_at IS NOT NULL) AS failed,
                      (SELECT MAX(id) FROM ledger_transfer) AS transfers"""
        )
    except Exception as error:
        # Drivers raise whatever they like; the counters are worth having just when the database is gone.
        log.warning("metrics without the database", error=type(error).__name__)
        row = None
    DATABASE.set(row is not None)
    if row:
        OUTBOX.labels("open").set(row["open"])
        OUTBOX.labels("failed").set(row["failed"])
        TRANSFERS.set(row["transfers"] or 0)
    return generate_latest(REGISTRY)
