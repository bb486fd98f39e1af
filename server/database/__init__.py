"""Connecting to the database that a URL names: a SQLite file, or PostgreSQL."""

from server.database.connection import connect, disconnect
from server.database.migrate import migrate

__all__ = ["connect", "disconnect", "migrate"]
