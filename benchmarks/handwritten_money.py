"""A transfer written by hand: the one call of the database's own routine that Kabinet makes, and its answer as JSON."""

import hashlib
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from benchmarks import handwritten_pool as shared
from benchmarks.handwritten_pool import amount, answer, claims_of
from domain.clock import local_day, to_micros
from domain.wallet.limits import window_opens
from domain.wallet.rules import ANSWER
from schema.relay import to_global_id

SEND: Final = f"""SELECT verdict, transfer, balance FROM wallet_transfer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
AS f ({", ".join(f"{name} {type_}" for name, type_ in ANSWER.items())})"""


async def transfer(request: Request) -> Response:
    claims = claims_of(request)
    asked = orjson.loads(await request.body())["variables"]["input"]
    tiyin, subscriber = int(Decimal(asked["amount"]) * 100), int(claims["sub"])
    today = local_day(datetime.now(UTC))
    row = await shared.pool.fetchrow(
        SEND,
        subscriber,
        int(claims["sid"]),
        f"subscriber:{subscriber}:transfer",
        asked["idempotencyKey"],
        hashlib.sha256(orjson.dumps([asked["to"], tiyin])).hexdigest(),
        asked["to"],
        "",
        tiyin,
        time.time_ns() // 1000,
        today.isoformat(),
        to_micros(window_opens(today)),
    )
    if row["verdict"] != "POSTED":
        return Response(status_code=422)
    return answer(
        {
            "transfer": {
                "__typename": "Transfer",
                "id": to_global_id("Transfer", row["transfer"]),
                "amount": amount(tiyin),
                "wallet": {"balance": amount(row["balance"])},
            }
        }
    )
