"""Seals: every few minutes, one digest over all transfers since the last, chained, with the operator's totals.

A customer's account has a chain of its own. The operator's accounts have none, so that no movement waits for another;
what holds them is each transfer's hash, and the seal over the transfers. Whoever changes a sealed transfer and makes
its hash and whole account chains anew still does not fit the seal, and every seal is also in the audit trail.

A seal must leave nothing out. On PostgreSQL transfers take their ids from a sequence and become visible in another
order, so that a lower id may come after a higher one. Sealing looks first at the highest id that is visible and then
at which transactions are alive (`Horizon`): all lower ids had been taken by then, so only those transactions can still
bring one. Once none of them is alive, what is there up to that id is all that ever will be; an id that is not there
was rolled back. Nobody's clock is asked, and no movement waits: a long transaction only makes the seal come later. On
SQLite there is one writer, and nothing can come below what is visible.

Two that seal at once make the same seal: its number is one more than the last one's, and the second finds it taken.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import Row, dialect, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.view import view

PAGE: Final = 5_000
MOST_TRANSFERS: Final = 50_000  # of one seal: a second's work
SEALED: Final = "ledger.sealed"
_NO_END: Final = 2**62


@view
class Seal:
    """`totals`: by operator's account, the sum in tiyin of all entries up to `upto`, as JSON (what is hashed)."""

    id: int
    upto: int
    transfers: int
    totals: str
    digest: str
    at: datetime


NO_SEAL: Final = Seal(0, 0, 0, "{}", "", from_micros(0))


class Digest:
    """SHA-256 over the digest before, a line `id|hash` for each transfer in order of ids, and the seal's own line."""

    def __init__(self, before: str) -> None:
        self._hash = hashlib.sha256(f"{before}\n".encode())
        self.transfers = 0

    def add(self, transfer_id: int, transfer_hash: str) -> None:
        self._hash.update(f"{transfer_id}|{transfer_hash}\n".encode())
        self.transfers += 1

    def close(self, *, seal_id: int, upto: int, transfers: int, totals: str, at: int) -> str:
        self._hash.update(f"{seal_id}|{upto}|{transfers}|{at}|{totals}".encode())
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Horizon:
    """The highest id that is visible, and by their names the transactions that may still bring a lower one."""

    upto: int
    alive: frozenset[str]


# Every transaction holds a lock on its own virtual id for as long as it lives; that needs no privilege to be seen.
# Autovacuum has no user and takes no ids.
_ALIVE: Final = """SELECT l.virtualxid AS name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
  AND a.usesysid IS NOT NULL AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())"""
# One that has been prepared outlives its name. Kabinet prepares none.
_PREPARED: Final = "SELECT 1 FROM pg_prepared_xacts WHERE database = current_database() LIMIT 1"


async def look_ahead() -> Horizon:
    """How far a seal could reach once the transactions of now are over. Not to be called inside a transaction."""
    row = await fetch_row("SELECT COALESCE(MAX(id), 0) AS upto FROM ledger_transfer")
    assert row is not None
    # In this order: whoever is not alive at the second look had finished, or had not begun at the first.
    return Horizon(row["upto"], await _alive())


async def is_settled(horizon: Horizon) -> bool:
    """Whether nothing can come any more up to the horizon."""
    if dialect() == "sqlite":
        return True
    return not (horizon.alive & await _alive()) and await fetch_row(_PREPARED) is None


async def _alive() -> frozenset[str]:
    if dialect() == "sqlite":
        return frozenset()
    return frozenset(row["name"] for row in await fetch(_ALIVE))


async def last_seal() -> Seal:
    """The newest seal; `NO_SEAL` when there is none."""
    row = await fetch_row("SELECT * FROM ledger_seal ORDER BY id DESC LIMIT 1")
    return seal_of(row) if row else NO_SEAL


def seal_of(row: Row) -> Seal:
    """The seal in a row of the table."""
    return Seal(row["id"], row["upto"], row["transfers"], row["totals"], row["digest"], from_micros(row["at"]))


async def seal(horizon: Horizon, *, by: str, at: datetime) -> Seal | None:
    """Seals what a settled horizon covers, at most `MOST_TRANSFERS` in one seal.

    None when there is nothing to seal, or when another process has just sealed it.
    """
    last = await last_seal()
    digest, upto = Digest(last.digest), last.upto
    while digest.transfers < MOST_TRANSFERS:
        most = min(PAGE, MOST_TRANSFERS - digest.transfers)
        rows = await sealable(upto, horizon.upto, most)
        for row in rows:
            digest.add(row["id"], row["hash"])
        if not rows:
            break
        upto = rows[-1]["id"]
    if digest.transfers == 0:
        return None
    totals = totals_text(added(read_totals(last.totals), await operator_sums(last.upto, upto)))
    transfers, id_ = digest.transfers, last.id + 1
    closed = digest.close(seal_id=id_, upto=upto, transfers=transfers, totals=totals, at=to_micros(at))
    made = Seal(id_, upto, transfers, totals, closed, at)
    return made if await _write(made, by) else None


@in_transaction
async def _write(made: Seal, by: str) -> bool:
    row = await fetch_row(
        """INSERT INTO ledger_seal (id, upto, transfers, totals, digest, at)
           SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM ledger_seal WHERE id = $1)
           ON CONFLICT (id) DO NOTHING RETURNING id""",
        made.id,
        made.upto,
        made.transfers,
        made.totals,
        made.digest,
        to_micros(made.at),
    )
    if row is not None:
        facts = {"upto": made.upto, "transfers": made.transfers, "digest": made.digest}
        await note(by, SEALED, f"seal:{made.id}", made.at, **facts)
    return row is not None


async def sealable(after: int, upto: int, most: int) -> list[Row]:
    """The first transfers after one id, up to another: their ids and hashes."""
    return await fetch(
        "SELECT id, hash FROM ledger_transfer WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3", after, upto, most
    )


async def operator_sums(after: int, upto: int) -> dict[int, int]:
    """The sums in tiyin of the operator's accounts over the transfers after one id, up to another."""
    rows = await fetch(
        """SELECT e.account_id, SUM(e.amount) AS total FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
           WHERE e.transfer_id > $1 AND e.transfer_id <= $2 AND a.balance IS NULL GROUP BY e.account_id""",
        after,
        upto,
    )
    return {row["account_id"]: int(row["total"]) for row in rows}


def added(totals: Mapping[int, int], more: Mapping[int, int]) -> dict[int, int]:
    """Both sums together, in the order of accounts."""
    return {account: totals.get(account, 0) + more.get(account, 0) for account in sorted({*totals, *more})}


def totals_text(totals: Mapping[int, int]) -> str:
    """The one way in which totals are written: JSON in the order of accounts, without blanks."""
    return json.dumps({str(account): totals[account] for account in sorted(totals)}, separators=(",", ":"))


def read_totals(text: str) -> dict[int, int]:
    return {int(account): int(total) for account, total in json.loads(text).items()}


@view
class OperatorBalance:
    """What is on one of the operator's own accounts: below zero where money has come from."""

    account_id: int
    code: str
    balance: Money


async def operator_balances(codes: Iterable[str] = ()) -> list[OperatorBalance]:
    """The operator's accounts, all or those of these codes: what the last seal says and what has come since."""
    last = await last_seal()
    totals = added(read_totals(last.totals), await operator_sums(last.upto, _NO_END))
    rows = await fetch("SELECT id, code FROM ledger_account WHERE balance IS NULL ORDER BY id")
    wanted = set(codes)
    return [
        OperatorBalance(row["id"], row["code"] or "", Money(totals.get(row["id"], 0)))
        for row in rows
        if not wanted or row["code"] in wanted
    ]
