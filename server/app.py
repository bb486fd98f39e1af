"""The whole server as one ASGI app: the doors, health, metrics, and what runs beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp
from tortoise.connection import get_connection

from admin.app import admin_app
from admin.settings import AdminSettings
from callbacks.click import Shop, click_routes
from callbacks.payme import payme_routes
from domain.database import CONNECTION, dialect, fetch_row
from gateways import Gateways
from gateways.bus import Bus, PostgresBus, SqliteBus
from gateways.sms import open_sms
from gateways.webhooks import HttpWebhooks
from papers.app import Papers
from resolvers.texts import translator
from resolvers.worker import Worker
from schema import root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.documents import Documents
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from schema.http.door import GraphQLDoor, at_path
from schema.http.graphiql import assets
from schema.http.persisted import BadDocument, PersistedDocuments, trusted_documents
from server.database import connect, disconnect
from server.database.connection import DatabaseUrl
from server.database.migrate import pending
from server.demo_page import demo_routes
from server.memory import settle_in
from server.observe import Counted, Observed, metrics_text, start_logging
from server.settings import BadSettings, Settings, settings
from server.surroundings import Surroundings, system_context

READY_SECONDS = 5


class Runtime:
    """What lives as long as the server: the database's connections, the bus, the worker."""

    def __init__(self, config: Settings) -> None:
        self.settings = config
        self.bus: Bus = _bus(config)
        self.surroundings = Surroundings(config, self.bus)
        self.worker: Worker | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        start_logging(self.settings.log_format)
        settle_in()
        await connect(self.settings.database_url)
        await self.bus.start()
        gateways = open_gateways(self.settings)
        stop, task = asyncio.Event(), None
        if self.settings.worker_in_server:
            self.worker = Worker(system_context(self.settings, self.bus), gateways)
            task = asyncio.create_task(self.worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            if self.worker:
                self.worker.wake()
            if task:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(task, 10)
            await self.bus.close()
            await gateways.close()
            await disconnect()


def open_gateways(config: Settings) -> Gateways:
    """The outside systems that the settings name."""
    return Gateways(sms=open_sms(config.sms_url), webhooks=HttpWebhooks(allow_private=config.development))


def _bus(config: Settings) -> Bus:
    read = DatabaseUrl.read(config.database_url)
    if read.kind == "sqlite":
        return SqliteBus(_data_version)
    wanted = {key: read.credentials[key] for key in ("host", "port", "user", "password", "database")}
    return PostgresBus(lambda: asyncpg.connect(**wanted))


async def _data_version() -> int:
    rows = await get_connection(CONNECTION).execute_query_dict("PRAGMA data_version")
    return int(rows[0]["data_version"])


def build_app(config: Settings) -> ASGIApp:
    """The app for these settings."""
    runtime = Runtime(config)
    introspection = config.introspection if config.introspection is not None else True
    limits = Limits(introspection=introspection)
    kind = CompiledEngine if config.graphql_engine == "compiled" else StockEngine
    engine = kind(
        root.build(), limits=limits, present_error=root.present_error, prepare=settle_before, observer=Counted()
    )
    door = GraphQLDoor(
        engine,
        runtime.surroundings.of,
        limits=limits,
        graphiql=config.development,
        persisted=_persisted(config, engine.documents),
        public_fields=root.PUBLIC_FIELDS,
    )
    routes: list[BaseRoute] = [
        Mount("/admin", admin_app(_admin_settings(runtime)), name="admin"),
        *Papers(runtime.surroundings.anonymous).routes(),
        Route("/health/live", _live),
        Route("/health/ready", _ready(config)),
        Route("/metrics", _metrics),
    ]
    anonymous = runtime.surroundings.anonymous
    routes += payme_routes(anonymous, config.payme_key)
    routes += click_routes(anonymous, Shop(config.click_service_id, config.click_secret))
    if config.development:
        routes.append(Mount("/graphql/graphiql", assets()))
        routes += demo_routes(runtime.surroundings)
        routes.append(Route("/", _home))
    rest = Starlette(routes=routes, lifespan=runtime.lifespan)
    app = at_path("/graphql", door, rest)
    return Observed(app, over_tls=not config.development, log_all=config.logs_all_requests)


def _persisted(config: Settings, documents: Documents) -> PersistedDocuments:
    try:
        trusted = trusted_documents(Path(config.graphql_documents), documents) if config.graphql_documents else {}
    except BadDocument as bad:
        raise BadSettings(f"KABINET_GRAPHQL_DOCUMENTS: {bad}") from None
    return PersistedDocuments(documents, trusted, trusted_only=config.graphql_trusted_only)


def _admin_settings(runtime: Runtime) -> AdminSettings:
    config = runtime.settings
    return AdminSettings(
        make_context=runtime.surroundings.anonymous,
        secret=runtime.surroundings.secrets.derive("admin-forms"),
        secure_cookies=not config.development,
        development=config.development,
        translate=translator,
    )


async def _live(_request: Request) -> Response:
    return PlainTextResponse("alive\n")


def _ready(config: Settings) -> Any:
    async def ready(_request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await fetch_row("SELECT 1 AS one")
                missing = await pending()
        except Exception as error:
            return JSONResponse({"ready": False, "database": type(error).__name__}, 503)
        if missing:
            return JSONResponse({"ready": False, "migrations": missing}, 503)
        return JSONResponse({"ready": True, "database": dialect()})

    return ready


async def _metrics(_request: Request) -> Response:
    return Response(await metrics_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _home(_request: Request) -> Response:
    return RedirectResponse("/demo")


def app() -> ASGIApp:
    """What granian's workers load."""
    return build_app(settings())
