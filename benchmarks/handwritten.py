"""The yardstick: Starlette and asyncpg, written by hand for three screens, with the same tables and the same rules.

It does what a good engineer would do without GraphQL: one statement a screen, exact JSON by orjson, the transfer in one
transaction with the same locks, limits, idempotency and hash chain. It answers with the same data as the GraphQL
operations beside it, so that the ratio compares the way and not the work.
"""

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import jwt
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.clock import TASHKENT, local_day, to_micros
from domain.language import Language
from domain.ledger import entry_hash, transfer_hash
from domain.money import Money
from domain.secrets import Secrets
from resolvers.account import receipt_number
from resolvers.texts import money_text
from schema.relay import to_global_id

KEY = Secrets(os.environ["KABINET_SECRET_KEY"]).derive("access-token")
pool: asyncpg.Pool

HOME = """
SELECT p.id, p.kind, p.last_name, p.first_name, p.patronymic, p.organisation_name, p.status, p.language, s.phone,
  (SELECT json_agg(json_build_array(a.id, a.number, l.balance) ORDER BY a.opened_at, a.id)
   FROM (SELECT * FROM personal_account WHERE subscriber_id = p.id ORDER BY opened_at, id LIMIT 5) a
   JOIN ledger_account l ON l.id = a.ledger_account_id) AS accounts,
  (SELECT json_build_array(w.id, w.number, w.level, w.status, l.balance,
      (SELECT amount FROM bhm WHERE effective_from <= $2 ORDER BY effective_from DESC LIMIT 1),
      (SELECT sum(amount) FROM ledger_entry e WHERE e.account_id = l.id AND e.at >= $3 AND e.kind IN ('top_up', 'transfer_in')),
      (SELECT min(at) FROM ledger_entry e WHERE e.account_id = l.id AND e.at >= $3 AND e.kind IN ('top_up', 'transfer_in')))
   FROM wallet w JOIN ledger_account l ON l.id = w.ledger_account_id
   WHERE w.subscriber_id = p.id AND w.status <> 'closed' ORDER BY w.id LIMIT 1) AS wallet,
  (SELECT json_agg(json_build_array(u.id, u.phone, u.status, u.activated_on, u.ends_on, u.code, u.name, u.paid, u.steps))
   FROM (SELECT u.*, d.code, d.name,
           (SELECT sum(o.months) FROM product_subscription o WHERE o.subscriber_id = p.id AND o.product_id = d.id) AS paid,
           (SELECT json_agg(json_build_array(t.from_month, t.to_month, t.price)) FROM product_price_step t WHERE t.product_id = d.id) AS steps
         FROM product_subscription u JOIN product d ON d.id = u.product_id
         WHERE u.subscriber_id = p.id ORDER BY u.created_at DESC, u.id DESC LIMIT 5) u) AS subscriptions,
  (SELECT json_agg(json_build_array(r.public_id, r.status, r.total))
   FROM (SELECT * FROM product_order WHERE subscriber_id = p.id ORDER BY created_at DESC, id DESC LIMIT 5) r) AS orders
FROM session s JOIN subscriber p ON p.id = s.subscriber_id
WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $4
"""

CATALOGUE = """
SELECT t.id, t.code, t.name, t.monthly_fee,
  (SELECT json_agg(json_build_array(a.kind, a.amount, a.unit)) FROM tariff_allowance a WHERE a.tariff_id = t.id) AS allowances,
  (SELECT json_agg(json_build_array(z.code, z.name, l.unit, l.price) ORDER BY l.position)
   FROM price_line l JOIN price_zone z ON z.id = l.zone_id
   WHERE l.tariff_code = t.code AND l.price_list_id =
     (SELECT id FROM price_list WHERE effective_from <= $1 ORDER BY effective_from DESC, id DESC LIMIT 1)) AS prices
FROM tariff t WHERE NOT t.archived ORDER BY t.position, t.id LIMIT 50
"""
PRODUCTS = """
SELECT p.id, p.code, p.name,
  (SELECT json_agg(json_build_array(s.from_month, s.to_month, s.price) ORDER BY s.from_month)
   FROM product_price_step s WHERE s.product_id = p.id) AS steps
FROM product p WHERE p.on_sale ORDER BY p.position, p.id LIMIT 50
"""


def session_of(request: Request) -> int:
    token = request.headers["authorization"].removeprefix("Bearer ")
    return int(jwt.decode(token, KEY, algorithms=["HS256"])["sid"])


def money(tiyin: int) -> dict[str, str]:
    value = Money(tiyin)
    return {"amount": str(value.amount), "currency": "UZS", "formatted": money_text(value, Language.EN)}


def amount(tiyin: int) -> dict[str, str]:
    return {"amount": str(Money(tiyin).amount)}


def amount_formatted(tiyin: int) -> dict[str, str]:
    value = Money(tiyin)
    return {"amount": str(value.amount), "formatted": money_text(value, Language.EN)}


def answer(data: object) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")


async def home(request: Request) -> Response:
    now = datetime.now(UTC)
    today = local_day(now)
    window = to_micros(datetime.combine(today - timedelta(days=29), datetime.min.time(), TASHKENT))
    row = await pool.fetchrow(HOME, session_of(request), today.isoformat(), window, to_micros(now))
    if row is None:
        return Response(status_code=401)
    name = row["organisation_name"] or " ".join(filter(None, (row["last_name"], row["first_name"], row["patronymic"])))
    wallet = orjson.loads(row["wallet"]) if row["wallet"] else None
    return answer(
        {
            "viewer": {
                "subscriber": {
                    "id": to_global_id("Subscriber", row["id"]),
                    "kind": row["kind"].upper(),
                    "name": name,
                    "phone": row["phone"],
                    "status": row["status"].upper(),
                },
                "language": row["language"].upper().replace("-", "_"),
                "accounts": {
                    "nodes": [
                        {"id": to_global_id("Account", a[0]), "number": a[1], "balance": money(a[2])}
                        for a in orjson.loads(row["accounts"] or "[]")
                    ]
                },
                "wallet": _wallet(wallet) if wallet else None,
                "subscriptions": {
                    "nodes": [_subscription(u, today) for u in orjson.loads(row["subscriptions"] or "[]")]
                },
                "orders": {
                    "nodes": [
                        {"id": to_global_id("Order", o[0]), "status": o[1].upper(), "total": amount(o[2])}
                        for o in orjson.loads(row["orders"] or "[]")
                    ]
                },
            }
        }
    )


def _wallet(w: list[Any]) -> dict[str, Any]:
    light = w[2] == "light"
    limit, used = 5 * w[5], int(w[6] or 0)
    return {
        "id": to_global_id("Wallet", w[0]),
        "number": w[1],
        "level": w[2].upper(),
        "status": w[3].upper(),
        "balance": money(w[4]),
        "limits": {
            "topUpLimit": amount(limit) if light else None,
            "topUpLeft": amount(max(limit - used, 0)) if light else None,
            "balanceLimit": amount(limit) if light else None,
            "resetsAt": str(w[7]) if light and w[7] else None,
        },
    }


def _subscription(u: list[Any], today: date) -> dict[str, Any]:
    steps = u[8]
    price = next(step[2] for step in steps if step[0] <= u[7] + 1 and (step[1] is None or u[7] + 1 <= step[1]))
    left = (datetime.fromisoformat(u[4]).date() - today).days
    return {
        "id": to_global_id("ProductSubscription", u[0]),
        "phone": u[1],
        "status": u[2].upper(),
        "activatedOn": u[3],
        "endsOn": u[4],
        "daysLeft": max(left, 0),
        "price": amount(price),
        "product": {"code": u[5], "name": orjson.loads(u[6])["en"]},
    }


async def catalogue(request: Request) -> Response:
    tariffs = await pool.fetch(CATALOGUE, local_day(datetime.now(UTC)).isoformat())
    products = await pool.fetch(PRODUCTS)
    return answer(
        {
            "tariffs": {
                "nodes": [
                    {
                        "id": to_global_id("Tariff", t["id"]),
                        "code": t["code"],
                        "name": orjson.loads(t["name"])["en"],
                        "monthlyFee": amount_formatted(t["monthly_fee"]),
                        "allowances": [
                            {"kind": a[0].upper(), "amount": str(a[1]), "unit": a[2].upper()}
                            for a in orjson.loads(t["allowances"] or "[]")
                        ],
                        "prices": [
                            {
                                "zone": {"code": p[0], "name": orjson.loads(p[1]).get("en")},
                                "unit": p[2].upper(),
                                "price": amount_formatted(p[3]),
                            }
                            for p in orjson.loads(t["prices"] or "[]")
                        ],
                    }
                    for t in tariffs
                ]
            },
            "products": {
                "nodes": [
                    {
                        "id": to_global_id("Product", p["id"]),
                        "code": p["code"],
                        "name": orjson.loads(p["name"])["en"],
                        "priceSteps": [
                            {"fromMonth": s[0], "toMonth": s[1], "price": amount_formatted(s[2])}
                            for s in orjson.loads(p["steps"] or "[]")
                        ],
                    }
                    for p in products
                ]
            },
        }
    )


async def transfer(request: Request) -> Response:
    asked = orjson.loads(await request.body())["variables"]["input"]
    tiyin, now = int(Decimal(asked["amount"]) * 100), time.time_ns() // 1000
    async with pool.acquire() as db, db.transaction():
        who = await db.fetchrow(
            """SELECT subscriber_id, phone, wallet_unlocked_until AS until FROM session
               WHERE id = $1 AND ended_at IS NULL""",
            session_of(request),
        )
        digest = hashlib.sha256(json.dumps([asked["to"], tiyin]).encode()).hexdigest()
        if not await db.fetchval(
            """INSERT INTO idempotency (scope, key, digest, at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (scope, key) DO NOTHING RETURNING key""",
            f"subscriber:{who['subscriber_id']}",
            asked["idempotencyKey"],
            digest,
            now,
        ):
            return Response(status_code=409)
        source = await db.fetchrow(
            "SELECT id, ledger_account_id FROM wallet WHERE subscriber_id = $1", who["subscriber_id"]
        )
        target = await db.fetchrow("SELECT id, ledger_account_id FROM wallet WHERE number = $1", asked["to"])
        held = await db.fetch(
            """SELECT w.id, w.level, w.status, w.first_top_up_at, a.id AS account, a.balance, a.seq, a.head
               FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
               WHERE w.id IN ($1, $2) ORDER BY a.id FOR UPDATE""",
            source["id"],
            target["id"],
        )
        rows = {row["id"]: row for row in held}
        payer, payee = rows[source["id"]], rows[target["id"]]
        if payer["status"] != "active" or payee["status"] != "active" or payer["balance"] < tiyin or who["until"] < now:
            return Response(status_code=422)
        if payee["level"] == "light":
            facts = await db.fetchrow(
                """SELECT (SELECT amount FROM bhm ORDER BY effective_from DESC LIMIT 1) AS bhm, sum(amount) AS used
                   FROM ledger_entry WHERE account_id = $1 AND at >= $2 AND kind IN ('top_up', 'transfer_in')""",
                payee["account"],
                now - 30 * 86_400_000_000,
            )
            if int(facts["used"] or 0) + tiyin > 5 * facts["bhm"] or payee["balance"] + tiyin > 5 * facts["bhm"]:
                return Response(status_code=422)
        transfer_id = await db.fetchval("SELECT nextval(pg_get_serial_sequence('ledger_transfer', 'id'))")
        legs = [(payer, "transfer_out", -tiyin), (payee, "transfer_in", tiyin)]
        for row, kind, change in legs:
            after, seq = row["balance"] + change, row["seq"] + 1
            head = entry_hash(
                before=row["head"], transfer_id=transfer_id, account_id=row["account"], seq=seq, kind=kind,
                amount=change, balance=after, at=now,
            )  # fmt: skip
            await db.execute(
                """INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
                transfer_id, row["account"], kind, change, now, seq, after, head,
            )  # fmt: skip
        digest = transfer_hash(
            transfer_id=transfer_id, kind="transfer", at=now, memo="{}",
            legs=[(row["account"], kind, change) for row, kind, change in legs],
        )  # fmt: skip
        await db.execute(
            "INSERT INTO ledger_transfer (id, kind, at, memo, hash) VALUES ($1, 'transfer', $2, '{}', $3)",
            transfer_id, now, digest,
        )  # fmt: skip
        await db.execute(
            "UPDATE idempotency SET subject = $1 WHERE scope = $2 AND key = $3",
            receipt_number(transfer_id), f"subscriber:{who['subscriber_id']}", asked["idempotencyKey"],
        )  # fmt: skip
    return answer(
        {
            "transfer": {
                "__typename": "Transfer",
                "id": to_global_id("Transfer", transfer_id),
                "amount": amount(tiyin),
                "wallet": {"balance": amount(payer["balance"] - tiyin)},
            }
        }
    )


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    global pool
    pool = await asyncpg.create_pool(os.environ["KABINET_DATABASE_URL"], min_size=8, max_size=12)
    yield
    await pool.close()


app = Starlette(
    routes=[
        Route("/home", home, methods=["POST"]),
        Route("/catalogue", catalogue, methods=["POST"]),
        Route("/transfer", transfer, methods=["POST"]),
    ],
    lifespan=lifespan,
)
