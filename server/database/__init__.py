"""Connecting to the database that a URL names: a SQLite file, or PostgreSQL."""

from server.database.connection import bear_any_text, connect, disconnect
from server.database.migrate import migrate

__all__ = ["bear_any_text", "connect", "disconnect", "migrate"]
