"""A server with the demo data, as a newcomer has it."""

from collections.abc import AsyncIterator

import pytest

from domain.language import Language
from domain.secrets import Secrets
from resolvers.context import Context, SystemActor
from server.database import connect, disconnect
from server.demo import load_demo
from server.settings import DEVELOPMENT_SECRET
from tests.support.api import Client
from tests.support.server import RunningServer, running_server


@pytest.fixture
async def demo_url(database_url: str) -> str:
    """A database with the demo data in it."""
    await connect(database_url)
    await load_demo(Context(actor=SystemActor(), secrets=Secrets(DEVELOPMENT_SECRET), language=Language.EN))
    await disconnect()
    return database_url


@pytest.fixture
async def server(demo_url: str) -> AsyncIterator[RunningServer]:
    async with running_server(demo_url) as running:
        yield running


@pytest.fixture
async def client(server: RunningServer) -> AsyncIterator[Client]:
    async with Client(server.base_url, server.sms_file) as one:
        yield one
