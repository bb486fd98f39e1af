"""Opening and closing the connections behind the models."""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from tortoise import Tortoise, context
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection

from domain.database import CONNECTION, dialect
from domain.models import MODEL_MODULES

BUSY_TIMEOUT_MS = 30_000


class BadDatabaseUrl(ValueError):
    """KABINET_DATABASE_URL is not of a form that is understood."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """`sqlite:///relative.db`, `sqlite:////absolute.db` or `postgres://user:password@host:port/name`."""

    kind: Literal["sqlite", "postgres"]
    credentials: dict[str, Any]

    @classmethod
    def read(cls, url: str) -> "DatabaseUrl":
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            path = unquote(parts.path[1:] if not parts.netloc else parts.netloc + parts.path)
            if not path:
                raise BadDatabaseUrl("the database URL names no file: write sqlite:///kabinet.db")
            return cls("sqlite", {"file_path": path})
        if parts.scheme in ("postgres", "postgresql"):
            try:
                port = parts.port or 5432
            except ValueError as error:
                raise BadDatabaseUrl("the database URL's port is not a number") from error
            return cls(
                "postgres", _postgres(parts.path, parts.hostname, port, parts.username, parts.password, parts.query)
            )
        raise BadDatabaseUrl("the database URL begins neither with sqlite:// nor with postgres://")


def _postgres(
    path: str, host: str | None, port: int, user: str | None, password: str | None, query: str
) -> dict[str, Any]:
    name = unquote(path.lstrip("/"))
    if not name:
        raise BadDatabaseUrl("the database URL names no database: write postgres://user@host:port/name")
    given = dict(parse_qsl(query))
    return {
        "host": given.get("host", unquote(host) if host else "127.0.0.1"),
        "port": port,
        "user": unquote(user) if user else None,
        "password": unquote(password) if password else None,
        "database": name,
        "minsize": int(given.get("minsize", "2")),
        "maxsize": int(given.get("maxsize", "12")),
        "application_name": "kabinet",
        "server_settings": {"timezone": "UTC"},
    }


def tortoise_config(url: str) -> dict[str, Any]:
    """Tortoise's configuration for the URL, on our own backends (see the two modules beside this one)."""
    read = DatabaseUrl.read(url)
    if read.kind == "sqlite":
        engine = "server.database.sqlite_immediate"
        read.credentials.update(
            busy_timeout=BUSY_TIMEOUT_MS, synchronous="NORMAL", cache_size=-32_000, temp_store="MEMORY"
        )
    else:
        engine = "server.database.asyncpg_release"
    return {
        "connections": {CONNECTION: {"engine": engine, "credentials": read.credentials}},
        "apps": {"kabinet": {"models": MODEL_MODULES, "default_connection": CONNECTION}},
        "use_tz": True,
        "timezone": "UTC",
    }


async def connect(url: str) -> None:
    """Makes the models usable in this process; the connections themselves open at the first statement."""
    # Tortoise keeps statements by model, whichever database they were made for: a process that changes over must not.
    EXECUTOR_CACHE.clear()
    # Without the global fallback, requests would not see what a lifespan task has initialised.
    await Tortoise.init(config=tortoise_config(url), _enable_global_fallback=True)


async def bear_any_text() -> None:
    """Lets this process read texts that are no UTF-8, which SQLite takes from whoever writes into its file.

    What cannot be read of them is replaced: for who looks for what is wrong, and must not stop at it.
    """
    if dialect() == "sqlite":
        async with get_connection(CONNECTION).acquire_connection() as opened:
            opened.text_factory = lambda raw: raw.decode(errors="replace")


async def disconnect() -> None:
    """Closes the connections; the process can then connect elsewhere."""
    opened = context.get_current_context()
    if opened is not None:
        await opened.close_connections()
