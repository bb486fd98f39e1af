"""What the hand-written handlers share: connections, who is asking, how money and answers are written."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import jwt
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from domain.language import Language
from domain.money import Money
from domain.secrets import Secrets
from resolvers.texts import money_text

KEY = Secrets(os.environ["KABINET_SECRET_KEY"]).derive("access-token")
pool: asyncpg.Pool


async def _nothing_to_reset(_connection: Any) -> None:
    """The handlers leave nothing behind in a session, so that they need not spend a round trip on it, as Kabinet."""


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    global pool
    url = os.environ["KABINET_DATABASE_URL"]
    reset = None if "RESETS" in os.environ else _nothing_to_reset
    pool = await asyncpg.create_pool(url, min_size=8, max_size=12, reset=reset)
    yield
    await pool.close()


def claims_of(request: Request) -> dict[str, Any]:
    token = request.headers["authorization"].removeprefix("Bearer ")
    claims: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"])
    return claims


def session_of(request: Request) -> int:
    return int(claims_of(request)["sid"])


def amount(tiyin: int) -> dict[str, str]:
    return {"amount": str(Money(tiyin).amount)}


def amount_formatted(tiyin: int) -> dict[str, str]:
    value = Money(tiyin)
    return {"amount": str(value.amount), "formatted": money_text(value, Language.EN)}


def money(tiyin: int) -> dict[str, str]:
    value = Money(tiyin)
    return {"amount": str(value.amount), "currency": "UZS", "formatted": money_text(value, Language.EN)}


def answer(data: object) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")
