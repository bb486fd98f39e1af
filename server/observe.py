"""Logs and metrics: what operators see. Neither holds phones, names, codes, tokens or what callers sent."""

import logging
import sys
import time
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.database import fetch_row
from domain.secrets import new_public_id
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
DOORS: Final = ("graphql", "admin", "callbacks", "health", "metrics", "demo")
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
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
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

    Every answer leaves with the headers that keep browsers from guessing and framing; `over_tls` adds the one that
    keeps them from plain HTTP.
    """

    def __init__(self, app: ASGIApp, *, over_tls: bool) -> None:
        self.app = app
        self._headers = (*HEADERS, OVER_TLS_ALONE) if over_tls else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        door, request_id, began = _door(scope["path"]), new_public_id()[:16], time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                given = list(message.get("headers", ()))
                there = {name for name, _ in given}
                missing = [header for header in self._headers if header[0] not in there]
                message["headers"] = [*given, *missing, (b"x-request-id", request_id.encode())]
            await send(message)

        structlog.contextvars.bind_contextvars(request=request_id)
        try:
            await self.app(scope, receive, watch)
        finally:
            took = time.perf_counter() - began
            REQUESTS.labels(door, _method(scope["method"]), str(status)).inc()
            SECONDS.labels(door).observe(took)
            if door not in ("health", "metrics") or status >= 500:
                log.info("request", door=door, method=_method(scope["method"]), status=status, ms=round(took * 1000, 1))
            structlog.contextvars.unbind_contextvars("request")


def _door(path: str) -> str:
    first = path.strip("/").partition("/")[0]
    return first if first in DOORS else "other"


def _method(method: str) -> str:
    return method if method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH") else "other"


class Counted(Observer):
    """Counts operations for /metrics: how they ended, which engine ran them, why the stock one had to."""

    def ended(self, kind: str, engine: str, answer: Answer) -> None:
        outcome = "refused" if not answer.executed else "errors" if answer.errors else "ok"
        OPERATIONS.labels(kind, outcome, engine).inc()

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
