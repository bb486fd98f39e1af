"""Transfers on SQLite: the use case beside the same statements given straight to `sqlite3`, one commit a transfer."""

import asyncio
import hashlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.data import load_subscribers
from domain.ledger import entry_hash, transfer_hash
from domain.secrets import Secrets
from resolvers.context import Context, SubscriberActor
from resolvers.wallet import transfer
from server.database.connection import connect, disconnect

SUBSCRIBERS: Final = 600
SENDERS: Final = 16
ROUNDS: Final = 3
SECONDS: Final = 2.0
AMOUNT: Final = 100
DAY_MICROS: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Money:
    """Transfers a second, the median round's."""

    ours: float
    raw: float

    @property
    def ratio(self) -> float:
        return self.ours / self.raw


@dataclass(frozen=True, slots=True)
class Payer:
    """A holder with an unlocked wallet."""

    actor: SubscriberActor
    wallet_id: int
    account_id: int
    number: str


async def measure_sqlite() -> Money:
    """Both in turn, on one file, on this process's cores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        secret = "kabinet-benchmark-secret-of-enough-characters"
        load_subscribers({"KABINET_DATABASE_URL": f"sqlite:///{path}", "KABINET_SECRET_KEY": secret}, SUBSCRIBERS)
        payers = _sign_in(path)
        await connect(f"sqlite:///{path}")
        ours, raw, keys = [], [], map(str, count())
        try:
            for _ in range(ROUNDS):
                ours.append(await _ours(payers, Secrets(secret), keys))
                raw.append(_raw(path, payers, keys))
        finally:
            await disconnect()
    return Money(statistics.median(ours), statistics.median(raw))


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=30)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA cache_size = -32000")
    database.execute("PRAGMA foreign_keys = ON")
    return database


def _sign_in(path: Path) -> list[Payer]:
    database = _open(path)
    now = time.time_ns() // 1000
    rows = database.execute(
        """SELECT w.id, w.number, w.phone, w.subscriber_id, w.ledger_account_id FROM wallet w
           JOIN ledger_account a ON a.id = w.ledger_account_id
           WHERE w.status = 'active' AND w.level = 'premium' AND a.balance > 1000000"""
    ).fetchall()
    payers = []
    for row in rows:
        session = database.execute(
            """INSERT INTO session (subscriber_id, phone, created_at, expires_at, wallet_unlocked_until)
               VALUES (?, ?, ?, ?, ?)""",
            (row["subscriber_id"], row["phone"], now, now + DAY_MICROS, now + DAY_MICROS),
        ).lastrowid
        actor = SubscriberActor(row["subscriber_id"], session or 0, row["phone"])
        payers.append(Payer(actor, row["id"], row["ledger_account_id"], row["number"]))
    database.close()
    return payers


async def _ours(payers: list[Payer], secrets: Secrets, keys: Iterator[str]) -> float:
    """Transfers a second by as many senders as a server has at once."""
    pairs, done = _pairs(payers), 0
    started = time.perf_counter()

    async def send() -> None:
        nonlocal done
        while time.perf_counter() < started + SECONDS:
            payer, payee = next(pairs)
            ctx = Context(actor=payer.actor, secrets=secrets)
            await transfer(ctx, to=payee.number, amount=Decimal("1.00"), key=next(keys))
            done += 1

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return done / (time.perf_counter() - started)


def _raw(path: Path, payers: list[Payer], keys: Iterator[str]) -> float:
    database, pairs, done = _open(path), _pairs(payers), 0
    started = time.perf_counter()
    while time.perf_counter() < started + SECONDS:
        payer, payee = next(pairs)
        database.execute("BEGIN IMMEDIATE")
        _send(database, payer, payee.number, next(keys), time.time_ns() // 1000)
        database.execute("COMMIT")
        done += 1
    rate = done / (time.perf_counter() - started)
    database.close()
    return rate


def _pairs(payers: list[Payer]) -> Iterator[tuple[Payer, Payer]]:
    size = len(payers)
    return ((payers[n % size], payers[(n + size // 7 + 1) % size]) for n in count())


def _send(database: sqlite3.Connection, payer: Payer, to: str, key: str, now: int) -> None:
    ask = database.execute
    scope = payer.actor.label
    digest = hashlib.sha256(json.dumps([to, AMOUNT]).encode()).hexdigest()
    ask("INSERT INTO idempotency (scope, key, digest, at) VALUES (?, ?, ?, ?)", (scope, f"raw-{key}", digest, now))
    until = ask("SELECT wallet_unlocked_until FROM session WHERE id = ?", (payer.actor.session_id,)).fetchone()[0]
    target = ask("SELECT id FROM wallet WHERE number = ?", (to,)).fetchone()[0]
    held = ask(
        """SELECT w.id, w.status, a.id AS account, a.balance, a.seq, a.head FROM wallet w
           JOIN ledger_account a ON a.id = w.ledger_account_id WHERE w.id IN (?, ?)""",
        (payer.wallet_id, target),
    ).fetchall()
    rows = {row["id"]: row for row in held}
    assert until > now
    assert all(row["status"] == "active" for row in held)
    assert rows[payer.wallet_id]["balance"] >= AMOUNT
    transfer_id = _write(database, rows[payer.wallet_id], rows[target], now)
    ask("UPDATE idempotency SET subject = ? WHERE scope = ? AND key = ?", (str(transfer_id), scope, f"raw-{key}"))


def _write(database: sqlite3.Connection, payer: Any, payee: Any, now: int) -> int:
    transfer_id = int(database.execute("SELECT MAX(id) + 1 FROM ledger_transfer").fetchone()[0])
    legs = []
    for row, kind, change in ((payer, "transfer_out", -AMOUNT), (payee, "transfer_in", AMOUNT)):
        balance, seq, account = row["balance"] + change, row["seq"] + 1, row["account"]
        digest = entry_hash(
            before=row["head"],
            transfer_id=transfer_id,
            account_id=account,
            seq=seq,
            kind=kind,
            amount=change,
            balance=balance,
            at=now,
        )
        database.execute(
            """INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (transfer_id, account, kind, change, now, seq, balance, digest),
        )
        legs.append((account, kind, change))
    digest = transfer_hash(transfer_id=transfer_id, kind="transfer", at=now, memo="{}", legs=legs)
    database.execute(
        "INSERT INTO ledger_transfer (id, kind, at, memo, hash) VALUES (?, 'transfer', ?, '{}', ?)",
        (transfer_id, now, digest),
    )
    return transfer_id
