"""What differs between a statement and our payments: found by joins, a slice of the statement at a time.

A payment is the same when the provider and its id are: a time at the edge of the period moves nothing. Of lines with
the same id the first one counts. Cancelled on their side and unknown on ours is no difference: no money moved.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from domain.clock import from_micros
from domain.database import Row, dialect, execute, fetch_row, in_one_hop, in_transaction
from domain.money import Money
from domain.reconciliation.rows import ProviderRow, UnreadableLine
from domain.view import view


class DifferenceKind(StrEnum):
    MISSING_HERE = "missing_here"  # they have it, we do not
    MISSING_THERE = "missing_there"  # it is on a balance here, and within the period; they do not have it
    AMOUNT_DIFFERS = "amount_differs"
    STATE_DIFFERS = "state_differs"
    DUPLICATE_THERE = "duplicate_there"  # the same id once more
    UNREADABLE_LINE = "unreadable_line"


@view
class Difference:
    """One thing that differs, theirs beside ours, and what became of it."""

    id: int
    run_id: int
    kind: DifferenceKind
    line: int | None
    fault: str | None
    external_id: str | None
    their_amount: Money | None
    their_at: datetime | None
    their_state: str | None
    payment_id: int | None
    our_amount: Money | None
    our_status: str | None
    status: str
    resolution: str | None
    reason: str | None
    proposal_id: int | None
    settled_by: int | None
    settled_at: datetime | None


def difference_of(row: Row) -> Difference:
    return Difference(
        id=row["id"],
        run_id=row["run_id"],
        kind=DifferenceKind(row["kind"]),
        line=row["line"],
        fault=row["fault"],
        external_id=row["external_id"],
        their_amount=_money(row["their_amount"]),
        their_at=_instant(row["their_at"]),
        their_state=row["their_state"],
        payment_id=row["payment_id"],
        our_amount=_money(row["our_amount"]),
        our_status=row["our_status"],
        status=row["status"],
        resolution=row["resolution"],
        reason=row["reason"],
        proposal_id=row["proposal_id"],
        settled_by=row["settled_by"],
        settled_at=_instant(row["settled_at"]),
    )


def _money(tiyin: int | None) -> Money | None:
    return None if tiyin is None else Money(tiyin)


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


async def keep(run_id: int, rows: Sequence[ProviderRow]) -> None:
    """Writes lines of the statement, to be compared; one transaction, or part of the caller's."""
    if not rows:
        return
    columns = ([r.line for r in rows], [r.external_id for r in rows], [r.amount for r in rows],
               [r.at for r in rows], [str(r.state) for r in rows])  # fmt: skip
    if dialect() == "sqlite":

        def write(connection: sqlite3.Connection) -> None:
            lines = zip([run_id] * len(rows), *columns, strict=True)
            connection.executemany("INSERT INTO reconciliation_line VALUES (?, ?, ?, ?, ?, ?)", lines)

        await in_one_hop(write)
        return
    await execute(
        """INSERT INTO reconciliation_line SELECT $1, * FROM
           unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])""",
        run_id,
        *columns,
    )


async def keep_unreadable(run_id: int, lines: Sequence[UnreadableLine]) -> None:
    """Writes lines that could not be read, as differences."""
    for one in lines:
        await execute(
            "INSERT INTO reconciliation_difference (run_id, kind, line, fault) VALUES ($1, $2, $3, $4)",
            run_id,
            str(DifferenceKind.UNREADABLE_LINE),
            one.line,
            str(one.fault),
        )


_OUR_STATE: Final = "CASE p.status WHEN 'captured' THEN 'performed' WHEN 'pending' THEN 'pending' ELSE 'cancelled' END"
_SLICE: Final = """FROM reconciliation_line r LEFT JOIN payment p ON p.provider = $2 AND p.external_id = r.external_id
WHERE r.run_id = $1 AND r.line BETWEEN $3 AND $4"""
# A look into the index for each line, whatever the planner thinks of the table: its lines have come just now, and a
# join that is planned for a few of them takes all day for a million.
_FIRST: Final = """(SELECT min(f.line) FROM reconciliation_line f
    WHERE f.run_id = r.run_id AND f.external_id = r.external_id)"""
_AGAIN: Final = f"({_FIRST} < r.line)"
_NO_MONEY: Final = f"(r.state = 'cancelled' AND {_OUR_STATE} = 'cancelled')"
# Which lines differ in which way; without a payment of ours, what is compared with it is NULL and so not true.
_WHERE: Final = {
    DifferenceKind.DUPLICATE_THERE: _AGAIN,
    DifferenceKind.MISSING_HERE: f"p.id IS NULL AND r.state <> 'cancelled' AND NOT {_AGAIN}",
    DifferenceKind.AMOUNT_DIFFERS: f"p.amount <> r.amount AND NOT {_NO_MONEY} AND NOT {_AGAIN}",
    DifferenceKind.STATE_DIFFERS: f"p.id IS NOT NULL AND {_OUR_STATE} <> r.state AND NOT {_AGAIN}",
}
_AGREES: Final = f"""NOT {_AGAIN} AND CASE WHEN p.id IS NULL THEN r.state = 'cancelled'
    ELSE {_OUR_STATE} = r.state AND (p.amount = r.amount OR r.state = 'cancelled') END"""
_COLUMNS: Final = """(run_id, kind, line, external_id, their_amount, their_at, their_state,
                      payment_id, our_amount, our_status)"""
_MISSING_THERE: Final = f"""INSERT INTO reconciliation_difference {_COLUMNS}
SELECT CAST($1 AS BIGINT), 'missing_there', CAST(NULL AS BIGINT), p.external_id, CAST(NULL AS BIGINT),
       CAST(NULL AS BIGINT), CAST(NULL AS TEXT), p.id, p.amount, p.status
FROM payment p
WHERE p.provider = $2 AND p.status = 'captured'
  AND ((p.provider_at >= $3 AND p.provider_at < $4)
       OR (p.provider_at IS NULL AND p.captured_at >= $3 AND p.captured_at < $4))
  AND (SELECT min(r.line) FROM reconciliation_line r WHERE r.run_id = $1 AND r.external_id = p.external_id) IS NULL
ORDER BY p.id"""


@dataclass(frozen=True, slots=True)
class Statement:
    """Which run compares whose statement, and of which time: `begin` to before `end`, in microseconds."""

    run_id: int
    provider: str
    begin: int
    end: int


@in_transaction
async def find_differences(statement: Statement, first: int, last: int) -> int:
    """Compares the lines `first` to `last`; gives how many of them agree with us."""
    values: tuple[Any, ...] = (statement.run_id, statement.provider, first, last)
    for kind, where in _WHERE.items():
        await execute(
            f"""INSERT INTO reconciliation_difference {_COLUMNS}
                SELECT r.run_id, '{kind}', r.line, r.external_id, r.amount, r.at, r.state, p.id, p.amount, p.status
                {_SLICE} AND {where} ORDER BY r.line""",
            *values,
        )
    row = await fetch_row(f"SELECT count(*) AS agreeing {_SLICE} AND {_AGREES}", *values)
    assert row is not None
    return int(row["agreeing"])


@in_transaction
async def find_missing_there(statement: Statement) -> None:
    """Finds what is on our balances and not in the statement: payments by the provider's time, else by ours."""
    await execute(_MISSING_THERE, statement.run_id, statement.provider, statement.begin, statement.end)


async def forget_lines(run_id: int, first: int, last: int) -> None:
    """Clears lines that have been compared; the differences keep what matters of them."""
    await execute("DELETE FROM reconciliation_line WHERE run_id = $1 AND line BETWEEN $2 AND $3", run_id, first, last)
