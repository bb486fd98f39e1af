"""The transfer of the plain Strawberry server, by Tortoise's models inside its transaction."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from domain.access import Session
from domain.clock import local_day, to_micros
from domain.database import CONNECTION
from domain.ledger import LedgerAccount, LedgerEntry, LedgerTransfer, entry_hash, transfer_hash
from domain.money import Money
from domain.wallet.model import Wallet
from resolvers.account import receipt_number


async def move(session: Session, to: str, amount: Money, key: str) -> tuple[Wallet, int] | None:
    """The payer's wallet and the transfer's id; None when a rule forbids it."""
    now = datetime.now(UTC)
    async with in_transaction(CONNECTION):
        claimed = await get_connection(CONNECTION).execute_query_dict(
            """INSERT INTO idempotency (scope, key, digest, at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (scope, key) DO NOTHING RETURNING key""",
            [_scope(session), key, hashlib.sha256(json.dumps([to, amount.tiyin]).encode()).hexdigest(), to_micros(now)],
        )
        source = await Wallet.get(subscriber_id=session.subscriber_id)
        target = await Wallet.get_or_none(number=to)
        if not claimed or target is None or target.id == source.id or not _open(session, source, target, now):
            return None
        ids = [source.ledger_account_id, target.ledger_account_id]  # type: ignore[attr-defined]  # Tortoise's
        held = {row.id: row for row in await LedgerAccount.filter(id__in=ids).order_by("id").select_for_update()}
        if held[ids[0]].balance < amount or not await _has_room(target, held[ids[1]], amount, now):
            return None
        transfer_id = await _write(held[ids[0]], held[ids[1]], amount, now)
        await get_connection(CONNECTION).execute_query(
            "UPDATE idempotency SET subject = $1 WHERE scope = $2 AND key = $3",
            [receipt_number(transfer_id), _scope(session), key],
        )
    return source, transfer_id


def _scope(session: Session) -> str:
    return f"subscriber:{session.subscriber_id}"


def _open(session: Session, source: Wallet, target: Wallet, now: datetime) -> bool:
    until = session.wallet_unlocked_until
    return source.status == "active" == target.status and until is not None and until > now


async def _has_room(target: Wallet, held: LedgerAccount, amount: Money, now: datetime) -> bool:
    if target.level != "light":
        return True
    bhm = await get_connection(CONNECTION).execute_query_dict(
        "SELECT amount FROM bhm WHERE effective_from <= $1 ORDER BY effective_from DESC LIMIT 1",
        [local_day(now).isoformat()],
    )
    came_in: Any = await LedgerEntry.filter(
        account_id=held.id, at__gte=now - timedelta(days=30), kind__in=["top_up", "transfer_in"]
    ).values_list("amount", flat=True)
    limit = Money(5 * bhm[0]["amount"])
    used: Money = sum(came_in, start=Money(0))
    balance: Any = held.balance
    return bool(used + amount <= limit and balance + amount <= limit)


async def _write(payer: LedgerAccount, payee: LedgerAccount, amount: Money, now: datetime) -> int:
    connection = get_connection(CONNECTION)
    rows = await connection.execute_query_dict("SELECT nextval(pg_get_serial_sequence('ledger_transfer', 'id')) AS id")
    transfer_id, legs = int(rows[0]["id"]), []
    for row, kind, change in ((payer, "transfer_out", -amount.tiyin), (payee, "transfer_in", amount.tiyin)):
        before: Any = row.balance
        after, seq = before + Money(change), row.seq + 1
        digest = entry_hash(
            before=row.head,
            transfer_id=transfer_id,
            account_id=row.id,
            seq=seq,
            kind=kind,
            amount=change,
            balance=after.tiyin,
            at=to_micros(now),
        )
        await LedgerEntry.create(
            transfer_id=transfer_id,
            account_id=row.id,
            kind=kind,
            amount=Money(change),
            at=now,
            seq=seq,
            balance_after=after,
            hash=digest,
        )
        legs.append((row.id, kind, change))
    digest = transfer_hash(transfer_id=transfer_id, kind="transfer", at=to_micros(now), memo="{}", legs=legs)
    await LedgerTransfer.create(id=transfer_id, kind="transfer", at=now, memo={}, hash=digest)
    return transfer_id
