"""Runs and their differences, for staff."""

from collections.abc import AsyncIterator
from typing import Any, Final

from domain.database import Row, fetch, fetch_row
from domain.reconciliation.matching import Difference, DifferenceKind, difference_of
from domain.refusal import NotFound
from domain.view import view
from resolvers.context import Context, SystemActor, the_staff
from resolvers.paging import Page, PageRequest, page
from resolvers.reconciliation.runs import RunView, run_view

_STRIDE: Final = 1_000


@view
class DifferenceView:
    """A difference with what it leads to: what the payment tops up, and who has settled it."""

    difference: Difference
    wallet_id: int | None
    account_id: int | None
    number: str | None
    settler: str


@view
class Sum:
    """How many differences of a kind there are, and how many of them are open."""

    kind: DifferenceKind
    count: int
    open: int


def _look(ctx: Context) -> None:
    if not isinstance(ctx.actor, SystemActor):
        the_staff(ctx)


async def latest_runs(ctx: Context, request: PageRequest) -> Page[tuple[RunView, int]]:
    """Runs, the newest first, each with how many of its differences are open."""
    _look(ctx)
    return await page(
        """SELECT r.*, r.begun_at AS cursor_order, r.id AS cursor_id, (SELECT count(*)
               FROM reconciliation_difference d WHERE d.run_id = r.id AND d.status = 'open') AS open
           FROM reconciliation r WHERE 1 = 1""",
        [],
        request,
        lambda row: (run_view(row), int(row["open"])),
        order="r.begun_at",
        id_="r.id",
    )


async def run_by_id(ctx: Context, run_id: int) -> RunView:
    """One run. Raises NotFound."""
    _look(ctx)
    row = await fetch_row("SELECT * FROM reconciliation WHERE id = $1", run_id)
    if row is None:
        raise NotFound
    return run_view(row)


async def sums(ctx: Context, run_id: int) -> list[Sum]:
    """How many differences of each kind a run has; kinds without any are left out."""
    _look(ctx)
    rows = await fetch(
        """SELECT kind, count(*) AS count, count(CASE WHEN status = 'open' THEN 1 END) AS open
           FROM reconciliation_difference
           WHERE run_id = $1 AND run_id IN (SELECT id FROM reconciliation WHERE status = 'done')
           GROUP BY kind ORDER BY kind""",
        run_id,
    )
    return [Sum(DifferenceKind(row["kind"]), row["count"], row["open"]) for row in rows]


# Of runs that came to their end, in the order in which they were found: a page's cursor counts backwards from nothing.
_DIFFERENCES: Final = """SELECT d.*, p.wallet_id, a.id AS owner_account_id, COALESCE(w.number, a.number) AS number,
       COALESCE(s.name, '') AS settler, -d.id AS cursor_order, -d.id AS cursor_id
FROM reconciliation_difference d JOIN reconciliation r ON r.id = d.run_id AND r.status = 'done'
LEFT JOIN payment p ON p.id = d.payment_id
LEFT JOIN wallet w ON w.id = p.wallet_id
LEFT JOIN personal_account a ON p.wallet_id IS NULL AND a.ledger_account_id = p.account_id
LEFT JOIN staff s ON s.id = d.settled_by"""


def _view(row: Row) -> DifferenceView:
    return DifferenceView(difference_of(row), row["wallet_id"], row["owner_account_id"], row["number"], row["settler"])


async def differences(
    ctx: Context, run_id: int, request: PageRequest, *, kind: str = "", status: str = ""
) -> Page[DifferenceView]:
    """A run's differences as they were found; filters that are empty leave nothing out."""
    _look(ctx)
    values: list[Any] = [run_id]
    where = "d.run_id = $1"
    for column, value in (("d.kind", kind), ("d.status", status)):
        if value:
            values.append(value)
            where += f" AND {column} = ${len(values)}"
    return await page(f"{_DIFFERENCES} WHERE {where}", values, request, _view, order="-d.id", id_="-d.id")


async def difference(ctx: Context, difference_id: int) -> DifferenceView:
    """One difference. Raises NotFound."""
    _look(ctx)
    row = await fetch_row(f"{_DIFFERENCES} WHERE d.id = $1", difference_id)
    if row is None:
        raise NotFound
    return _view(row)


async def every_difference(ctx: Context, run_id: int) -> AsyncIterator[list[DifferenceView]]:
    """All of a run's differences, a thousand at a time: for a file."""
    _look(ctx)
    last = 0
    while rows := await fetch(
        f"{_DIFFERENCES} WHERE d.run_id = $1 AND d.id > $2 ORDER BY d.id LIMIT {_STRIDE}", run_id, last
    ):
        last = rows[-1]["id"]
        yield [_view(row) for row in rows]
