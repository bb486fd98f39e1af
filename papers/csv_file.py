"""A statement as CSV (RFC 4180): for programs, and for spreadsheets that take care of themselves."""

from collections.abc import AsyncIterator

from papers.words import columns
from resolvers.context import Context
from resolvers.spreadsheet import MARK, csv_rows, harmless
from resolvers.statement import Line, StatementPaper, lines_of


async def csv_of(ctx: Context, paper: StatementPaper) -> AsyncIterator[bytes]:
    """The file, a page of entries at a time."""
    yield (MARK + csv_rows([columns(paper.language)])).encode()
    async for page in lines_of(ctx, paper):
        yield csv_rows([_cells(line) for line in page]).encode()


def _cells(line: Line) -> list[str]:
    at = line.at.isoformat(timespec="seconds")
    return [at, line.what, harmless(line.details), str(line.amount.amount), str(line.balance.amount), line.receipt]
