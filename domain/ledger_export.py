"""The whole ledger as JSON Lines that anybody can verify without us: the form is docs/ledger-export.md.

The export is one state of the ledger. On PostgreSQL it is one snapshot. On SQLite ids come in the order of commits, so
that everything up to the last id at the beginning is one state too, and no lock is held while it is written.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.clock import to_micros
from domain.database import Row, dialect, execute, fetch, fetch_row, in_transaction
from domain.ledger_seal import Seal, seal_of

FORMAT: Final = "kabinet-ledger"
VERSION: Final = 1
PAGE: Final = 2_000
LEAST: Final = -(2**63)

Write = Callable[[bytes], object]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written; `sha256` is of everything before the last line, which repeats it."""

    transfers: int
    seals: int
    sha256: str


class _Lines:
    """Writes line by line, and knows the digest of what it has written."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._hash = hashlib.sha256()

    def add(self, line: dict[str, Any]) -> None:
        raw = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        self._hash.update(raw)
        self._write(raw)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


async def export_ledger(write: Write, *, at: datetime, tell: Tell = lambda *_: None) -> Exported:
    """Writes the ledger as it is now, page by page; `tell` is given the last id written and the last there is."""
    if dialect() == "sqlite":
        return await _export(write, at, tell)
    return await _in_snapshot(write, at, tell)


@in_transaction
async def _in_snapshot(write: Write, at: datetime, tell: Tell) -> Exported:
    # A transaction that only reads is never asked to begin anew: nothing is written twice.
    await execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return await _export(write, at, tell)


async def _export(write: Write, at: datetime, tell: Tell) -> Exported:
    row = await fetch_row("SELECT COALESCE(MAX(id), 0) AS last FROM ledger_transfer")
    assert row is not None
    lines, last = _Lines(write), int(row["last"])
    lines.add(await _header(at, last))
    seals = _seals(last)
    seal = await anext(seals, None)
    transfers = sealed = 0
    reached = LEAST  # what was slipped in below the first is shown, too
    while page := await _page(reached, last):
        for line in page:
            while seal is not None and seal.upto < line["id"]:
                lines.add(_seal_line(seal))
                seal, sealed = await anext(seals, None), sealed + 1
            lines.add(line)
        transfers, reached = transfers + len(page), page[-1]["id"]
        tell(reached, last)
    while seal is not None:
        lines.add(_seal_line(seal))
        seal, sealed = await anext(seals, None), sealed + 1
    made = Exported(transfers, sealed, lines.sha256)
    lines.add({"type": "end", "transfers": made.transfers, "seals": made.seals, "sha256": made.sha256})
    return made


async def _header(at: datetime, last: int) -> dict[str, Any]:
    rows = await fetch("SELECT id, code FROM ledger_account WHERE balance IS NULL ORDER BY id")
    return {
        "type": "header",
        "format": FORMAT,
        "version": VERSION,
        "at": to_micros(at),
        "last": last,
        "operator_accounts": {str(row["id"]): row["code"] for row in rows},
    }


async def _seals(last: int) -> AsyncIterator[Seal]:
    seen = LEAST
    while rows := await fetch(
        "SELECT * FROM ledger_seal WHERE id > $1 AND upto <= $2 ORDER BY id LIMIT 100", seen, last
    ):
        for row in rows:
            yield seal_of(row)
        seen = rows[-1]["id"]


def _seal_line(seal: Seal) -> dict[str, Any]:
    return {
        "type": "seal",
        "id": seal.id,
        "upto": seal.upto,
        "transfers": seal.transfers,
        "at": to_micros(seal.at),
        "totals": seal.totals,
        "digest": seal.digest,
    }


async def _page(after: int, last: int) -> list[dict[str, Any]]:
    transfers = await fetch(
        """SELECT id, kind, at, memo, corrects_id, hash FROM ledger_transfer
           WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3""",
        after,
        last,
        PAGE,
    )
    if not transfers:
        return []
    entries = await fetch(
        """SELECT transfer_id, account_id, kind, amount, seq, balance_after, hash FROM ledger_entry
           WHERE transfer_id BETWEEN $1 AND $2 ORDER BY id""",
        transfers[0]["id"],
        transfers[-1]["id"],
    )
    theirs: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in transfers}
    for entry in entries:
        if entry["transfer_id"] in theirs:
            theirs[entry["transfer_id"]].append(_entry(entry))
    return [_transfer(row, theirs[row["id"]]) for row in transfers]


def _transfer(row: Row, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "transfer",
        "id": row["id"],
        "kind": row["kind"],
        "at": row["at"],
        "memo": row["memo"],
        "corrects": row["corrects_id"],
        "entries": entries,
        "hash": row["hash"],
    }


def _entry(row: Row) -> dict[str, Any]:
    return {
        "account": row["account_id"],
        "kind": row["kind"],
        "amount": row["amount"],
        "seq": row["seq"],
        "balance": row["balance_after"],
        "hash": row["hash"],
    }
