"""A transfer written by hand: the same locks, limits, idempotency and hash chain as Kabinet's, in one transaction."""

import hashlib
import json
import time
from decimal import Decimal

import orjson
from starlette.requests import Request
from starlette.responses import Response

from benchmarks import handwritten_pool
from benchmarks.handwritten_pool import amount, answer, session_of
from domain.ledger import entry_hash, transfer_hash
from resolvers.account import receipt_number
from schema.relay import to_global_id


async def transfer(request: Request) -> Response:
    asked = orjson.loads(await request.body())["variables"]["input"]
    tiyin, now = int(Decimal(asked["amount"]) * 100), time.time_ns() // 1000
    async with handwritten_pool.pool.acquire() as db, db.transaction():
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
