"""Both doors in this process, over a world whose clock the tests move."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from callbacks.click import Shop, click_routes
from callbacks.payme import payme_routes
from resolvers.context import Context
from tests.callbacks.click_simulator import SECRET, SERVICE_ID, ClickSimulator
from tests.callbacks.payme_simulator import KEY, PaymeSimulator
from tests.support.world import World


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    def make_context(_: Request) -> Context:
        return world.context()

    routes = [*payme_routes(make_context, KEY), *click_routes(make_context, Shop(SERVICE_ID, SECRET))]
    transport = httpx2.ASGITransport(app=Starlette(routes=routes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kabinet", trust_env=False) as client:
        yield client


@pytest.fixture
def payme(http: httpx2.AsyncClient) -> PaymeSimulator:
    return PaymeSimulator(http)


@pytest.fixture
def click(http: httpx2.AsyncClient) -> ClickSimulator:
    return ClickSimulator(http)
