"""The yardstick: Starlette and asyncpg, written by hand for five screens, with the same tables and the same rules.

It does what a good engineer would do without GraphQL: one statement a screen, exact JSON by orjson, the transfer in one
transaction with the same locks, limits, idempotency and hash chain. It answers with the same data as the GraphQL
operations beside it, so that the ratio compares the way and not the work. `/ready` is the bar for the catalogue: its
data as a Python object that is there already, written out anew for each request.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks import handwritten_pool as shared
from benchmarks.handwritten_money import transfer
from benchmarks.handwritten_pool import amount, amount_formatted, answer, lifespan, money, session_of
from domain.clock import TASHKENT, from_micros, local_day, to_micros
from domain.wallet.limits import leaves_window
from resolvers.paging import make_cursor
from schema.relay import to_global_id

# A subscriber's newest subscriptions, each with what it was paid in all and what its product costs in which month.
subscriptions_of = """(SELECT json_agg(json_build_array(u.id, u.phone, u.status, u.activated_on, u.ends_on, u.auto_renew,
                            u.code, u.name, u.paid, u.steps))
   FROM (SELECT u.*, d.code, d.name,
           (SELECT sum(o.months) FROM product_subscription o WHERE o.subscriber_id = p.id AND o.product_id = d.id) AS paid,
           (SELECT json_agg(json_build_array(t.from_month, t.to_month, t.price)) FROM product_price_step t WHERE t.product_id = d.id) AS steps
         FROM product_subscription u JOIN product d ON d.id = u.product_id
         WHERE u.subscriber_id = p.id ORDER BY u.created_at DESC, u.id DESC LIMIT {first}) u) AS subscriptions"""
HOME = f"""
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
  {subscriptions_of.format(first=5)},
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
     (SELECT e.id FROM price_list e WHERE e.effective_from <= $1 AND EXISTS
        (SELECT 1 FROM price_line m WHERE m.price_list_id = e.id AND m.tariff_code = t.code)
      ORDER BY e.effective_from DESC, e.id DESC LIMIT 1)) AS prices
FROM tariff t WHERE NOT t.archived ORDER BY t.position, t.id LIMIT 50
"""
PRODUCTS = """
SELECT p.id, p.code, p.name,
  (SELECT json_agg(json_build_array(s.from_month, s.to_month, s.price) ORDER BY s.from_month)
   FROM product_price_step s WHERE s.product_id = p.id) AS steps
FROM product p WHERE p.on_sale ORDER BY p.position, p.id LIMIT 50
"""

SUBSCRIPTIONS = f"""
SELECT {subscriptions_of.format(first=20)} FROM session s JOIN subscriber p ON p.id = s.subscriber_id
WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
"""

STATEMENT = """
SELECT l.balance,
  (SELECT json_agg(json_build_array(e.id, e.at, e.kind, e.amount, e.balance_after, e.seq))
   FROM (SELECT * FROM ledger_entry WHERE account_id = l.id ORDER BY seq DESC, id DESC LIMIT 21) e) AS entries
FROM session s JOIN wallet w ON w.subscriber_id = s.subscriber_id AND w.status <> 'closed'
JOIN ledger_account l ON l.id = w.ledger_account_id
WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
ORDER BY CASE WHEN w.phone = s.phone THEN 0 ELSE 1 END, w.id LIMIT 1
"""

kept: dict[str, Any] = {}

Handler = Callable[[Request], Awaitable[Response]]
TAKES_BODY: Final = "TAKES_BODY" in os.environ


async def home(request: Request) -> Response:
    now = datetime.now(UTC)
    today = local_day(now)
    window = to_micros(datetime.combine(today - timedelta(days=29), datetime.min.time(), TASHKENT))
    row = await shared.pool.fetchrow(HOME, session_of(request), today.isoformat(), window, to_micros(now))
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
                    "nodes": [_subscription(u, today, amount) for u in orjson.loads(row["subscriptions"] or "[]")]
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
            "resetsAt": leaves_window(from_micros(w[7])).isoformat() if light and w[7] else None,
        },
    }


def _subscription(u: list[Any], today: date, write: Callable[[int], dict[str, str]]) -> dict[str, Any]:
    month, ends_on = u[8] + 1, date.fromisoformat(u[4])
    price = next(step[2] for step in u[9] if step[0] <= month and (step[1] is None or month <= step[1]))
    status = "expired" if u[2] == "active" and ends_on < today and not u[5] else u[2]
    return {
        "id": to_global_id("ProductSubscription", u[0]),
        "phone": u[1],
        "status": status.upper(),
        "activatedOn": u[3],
        "endsOn": u[4],
        "daysLeft": max((ends_on - today).days, 0) if status == "active" else 0,
        "price": write(price),
        "product": {"code": u[6], "name": orjson.loads(u[7])["en"]},
    }


async def subscriptions(request: Request) -> Response:
    now = datetime.now(UTC)
    today = local_day(now)
    row = await shared.pool.fetchrow(SUBSCRIPTIONS, session_of(request), to_micros(now))
    if row is None:
        return Response(status_code=401)
    held = orjson.loads(row["subscriptions"] or "[]")
    nodes = [_subscription(u, today, amount_formatted) for u in held]
    return answer({"viewer": {"subscriptions": {"nodes": nodes}}})


async def statement(request: Request) -> Response:
    row = await shared.pool.fetchrow(STATEMENT, session_of(request), to_micros(datetime.now(UTC)))
    if row is None:
        return Response(status_code=401)
    entries = orjson.loads(row["entries"] or "[]")
    edges = [_entry(e) for e in entries[:20]]
    page = {"hasNextPage": len(entries) > 20, "endCursor": edges[-1]["cursor"] if edges else None}
    balance = amount(row["balance"])
    return answer({"viewer": {"wallet": {"balance": balance, "entries": {"edges": edges, "pageInfo": page}}}})


def _entry(e: list[Any]) -> dict[str, Any]:
    return {
        "cursor": make_cursor(e[5], e[0]),
        "node": {
            "id": to_global_id("Entry", e[0]),
            "at": from_micros(e[1]).isoformat(),
            "kind": e[2].upper(),
            "amount": amount_formatted(e[3]),
            "balanceAfter": amount(e[4]),
        },
    }


async def catalogue(_request: Request) -> Response:
    return answer(await _catalogue())


async def ready(_request: Request) -> Response:
    if "catalogue" not in kept:
        kept["catalogue"] = await _catalogue()
    return answer(kept["catalogue"])


async def _catalogue() -> dict[str, Any]:
    tariffs = await shared.pool.fetch(CATALOGUE, local_day(datetime.now(UTC)).isoformat())
    products = await shared.pool.fetch(PRODUCTS)
    return {
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


def _taking_the_body(handler: Handler) -> Handler:
    """The same for who takes the request's body out of the server first, as whoever has parameters must."""

    async def taking(request: Request) -> Response:
        await request.body()
        return await handler(request)

    return taking


app = Starlette(
    routes=[
        Route(f"/{handler.__name__}", _taking_the_body(handler) if TAKES_BODY else handler, methods=["POST"])
        for handler in (home, catalogue, ready, statement, subscriptions, transfer)
    ],
    lifespan=lifespan,
)
