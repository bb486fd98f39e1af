"""One statement from beginning to end: read in a thread of its own, kept and compared slice by slice.

Others work on between the slices, and whoever looks sees how far it is. A process that dies leaves a run that has not
been heard of for a while: the worker marks it as failed, and the statement can be compared anew.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO, Final

from domain.audit import note
from domain.clock import from_micros, local_day, local_midnight, to_micros
from domain.database import Row, execute, fetch, fetch_row, in_transaction
from domain.reconciliation.matching import (
    Statement,
    find_differences,
    find_missing_there,
    forget_lines,
    keep,
    keep_unreadable,
)
from domain.reconciliation.reading import is_provider, read_statement
from domain.reconciliation.rows import FileFault, Line, ProviderRow, UnreadableFile
from domain.refusal import InvalidInput
from domain.view import view
from resolvers.context import Context, SystemActor, the_staff

log = logging.getLogger("kabinet.reconciliation")

BATCH_LINES: Final = 2_000
SLICE_LINES: Final = 20_000
UNREADABLE_KEPT: Final = 1_000
STALE_AFTER: Final = timedelta(minutes=10)
INTERRUPTED: Final = "interrupted"

Tell = Callable[[int, int], None]  # how much is done, of how much


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a statement covers, both included, in Tashkent."""

    first: date
    last: date

    def bounds(self) -> tuple[int, int]:
        """From the first moment to before the last, in microseconds."""
        return to_micros(local_midnight(self.first)), to_micros(local_midnight(self.last + timedelta(days=1)))


@view
class RunView:
    """A reconciliation for staff; `fault` of a failed one is a FileFault or "interrupted".

    `period_until` is the first moment after the period.
    """

    id: int
    provider: str
    source: str
    status: str
    fault: str | None
    detail: str
    period_from: datetime | None
    period_until: datetime | None
    size_bytes: int
    read_bytes: int
    lines: int
    unreadable: int
    matched: int
    begun_by: str
    begun_at: datetime
    ended_at: datetime | None

    @property
    def share(self) -> int:
        """How much of the file has been read, in percent."""
        return min(100 * self.read_bytes // self.size_bytes, 100) if self.size_bytes else 100


def run_view(row: Row) -> RunView:
    return RunView(
        id=row["id"],
        provider=row["provider"],
        source=row["source"],
        status=row["status"],
        fault=row["fault"],
        detail=row["detail"],
        period_from=_instant(row["period_from"]),
        period_until=_instant(row["period_until"]),
        size_bytes=row["size_bytes"],
        read_bytes=row["read_bytes"],
        lines=row["lines"],
        unreadable=row["unreadable"],
        matched=row["matched"],
        begun_by=row["begun_by"],
        begun_at=from_micros(row["begun_at"]),
        ended_at=_instant(row["ended_at"]),
    )


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


@in_transaction
async def begin(ctx: Context, *, provider: str, source: str, size_bytes: int, period: Period | None) -> RunView:
    """Notes that a statement is going to be compared; `source` is the file's name. Admins and commands only.

    Raises InvalidInput for an unknown provider and for a period that ends before it begins.
    """
    if not isinstance(ctx.actor, SystemActor):
        the_staff(ctx, "admin")
    if not is_provider(provider) or (provider.startswith("partner:") and not await _partner(provider)):
        raise InvalidInput(path=("provider",))
    bounds: tuple[int | None, int | None] = (None, None)
    if period is not None:
        if not date(2000, 1, 1) <= period.first <= period.last < date(2200, 1, 1):
            raise InvalidInput(path=("until",))
        bounds = period.bounds()
    now = ctx.clock.now()
    row = await fetch_row(
        """INSERT INTO reconciliation (provider, source, period_from, period_until, size_bytes, begun_by, begun_at,
                                       told_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING *""",
        provider,
        "".join(character for character in source if character.isprintable())[:200],
        *bounds,
        size_bytes,
        ctx.actor.label,
        to_micros(now),
    )
    assert row is not None
    await note(ctx.actor.label, "reconciliation.begun", f"reconciliation:{row['id']}", now, provider=provider)
    return run_view(row)


async def _partner(provider: str) -> bool:
    return await fetch_row("SELECT 1 FROM partner WHERE code = $1", provider.removeprefix("partner:")) is not None


async def reconcile(
    ctx: Context, file: BinaryIO, *, provider: str, source: str, period: Period | None, tell: Tell
) -> RunView:
    """Begins and carries out in one; gives the run as it ended."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    run = await begin(ctx, provider=provider, source=source, size_bytes=size, period=period)
    return await carry_out(ctx, run, file, tell)


async def carry_out(ctx: Context, run: RunView, file: BinaryIO, tell: Tell = lambda done, of: None) -> RunView:
    """Compares the whole file; gives the run as it ended, failed for a file that cannot be read.

    Whatever else goes wrong is raised, and the run is marked as interrupted.
    """
    try:
        bounds = await _load(ctx, run, file, tell)
        await _match(ctx, run, bounds)
    except UnreadableFile as unreadable:
        await _fail(ctx, run.id, unreadable.fault, unreadable.detail)
    except BaseException:
        await asyncio.shield(_fail(ctx, run.id, INTERRUPTED))
        raise
    row = await fetch_row("SELECT * FROM reconciliation WHERE id = $1", run.id)
    assert row is not None, "runs are never deleted"
    return run_view(row)


async def _load(ctx: Context, run: RunView, file: BinaryIO, tell: Tell) -> tuple[int, int]:
    """Keeps the statement's lines; gives the period: the one told, or the whole days that the lines cover."""
    statement = await asyncio.to_thread(read_statement, run.provider, file)
    lines = unreadable = 0
    earliest, latest = None, None
    while batch := await asyncio.to_thread(_take, statement):
        rows = [line for line in batch if isinstance(line, ProviderRow)]
        bad = [line for line in batch if not isinstance(line, ProviderRow)]
        await keep(run.id, rows)
        await keep_unreadable(run.id, bad[: max(UNREADABLE_KEPT - unreadable, 0)])
        lines, unreadable = lines + len(batch), unreadable + len(bad)
        if rows:
            earliest = min(row.at for row in rows) if earliest is None else min(earliest, *(row.at for row in rows))
            latest = max(row.at for row in rows) if latest is None else max(latest, *(row.at for row in rows))
        done = file.tell()
        await _tell(ctx, run.id, read_bytes=done, lines=lines, unreadable=unreadable)
        tell(done, run.size_bytes)
    if run.period_from is not None and run.period_until is not None:
        return to_micros(run.period_from), to_micros(run.period_until)
    if earliest is None or latest is None:
        raise UnreadableFile(FileFault.NO_PERIOD)
    return Period(local_day(from_micros(earliest)), local_day(from_micros(latest))).bounds()


def _take(statement: Iterator[Line]) -> list[Line]:
    return list(islice(statement, BATCH_LINES))


async def _match(ctx: Context, run: RunView, bounds: tuple[int, int]) -> None:
    begin, end = bounds
    statement = Statement(run.id, run.provider, begin, end)
    await _tell(ctx, run.id, status="matching", period_from=begin, period_until=end)
    found = await fetch_row("SELECT max(line) AS last FROM reconciliation_line WHERE run_id = $1", run.id)
    slices = range(0, (found["last"] if found and found["last"] else 0) + 1, SLICE_LINES)
    matched = 0
    for first in slices:
        matched += await find_differences(statement, first, first + SLICE_LINES - 1)
        await _tell(ctx, run.id, matched=matched)
    await find_missing_there(statement)
    for first in slices:
        await forget_lines(run.id, first, first + SLICE_LINES - 1)
    await _end(ctx, run.id, matched)


@in_transaction
async def _end(ctx: Context, run_id: int, matched: int) -> None:
    now = ctx.clock.now()
    await _tell(ctx, run_id, status="done", ended_at=to_micros(now))
    row = await fetch_row("SELECT count(*) AS found FROM reconciliation_difference WHERE run_id = $1", run_id)
    assert row is not None
    subject, found = f"reconciliation:{run_id}", row["found"]
    await note(ctx.actor.label, "reconciliation.done", subject, now, matched=matched, differing=found)


async def _tell(ctx: Context, run_id: int, **changed: Any) -> None:
    places = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, 3))
    at = to_micros(ctx.clock.now())
    await execute(f"UPDATE reconciliation SET told_at = $2, {places} WHERE id = $1", run_id, at, *changed.values())


@in_transaction
async def _fail(ctx: Context, run_id: int, fault: str, detail: str = "") -> None:
    now = ctx.clock.now()
    await execute("DELETE FROM reconciliation_line WHERE run_id = $1", run_id)
    row = await fetch_row(
        """UPDATE reconciliation SET status = 'failed', fault = $2, detail = $3, ended_at = $4
           WHERE id = $1 AND status IN ('loading', 'matching') RETURNING id""",
        run_id,
        str(fault),
        detail,
        to_micros(now),
    )
    if row:
        await note(ctx.actor.label, "reconciliation.failed", f"reconciliation:{run_id}", now, fault=str(fault))


async def fail_stale(ctx: Context, *, batch: int = 10) -> int:
    """Marks runs that nobody carries out any more as failed; gives how many."""
    stale = await fetch(
        "SELECT id FROM reconciliation WHERE status IN ('loading', 'matching') AND told_at < $1 LIMIT $2",
        to_micros(ctx.clock.now() - STALE_AFTER),
        batch,
    )
    for row in stale:
        await _fail(ctx, row["id"], INTERRUPTED)
    return len(stale)
