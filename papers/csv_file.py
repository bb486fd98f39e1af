"""A statement as CSV (RFC 4180): for programs, and for spreadsheets that take care of themselves."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Final

from papers.words import columns
from resolvers.context import Context
from resolvers.statement import Line, StatementPaper, lines_of

MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"  # at the start of a file it says UTF-8; spreadsheets ask for it
# What a spreadsheet takes for the start of a formula; the tab and the line's ends let one hide behind them.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def csv_of(ctx: Context, paper: StatementPaper) -> AsyncIterator[bytes]:
    """The file, a page of entries at a time."""
    yield (MARK + _rows([columns(paper.language)])).encode()
    async for page in lines_of(ctx, paper):
        yield _rows([_cells(line) for line in page]).encode()


def _rows(rows: list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()


def _cells(line: Line) -> list[str]:
    at = line.at.isoformat(timespec="seconds")
    return [at, line.what, harmless(line.details), str(line.amount.amount), str(line.balance.amount), line.receipt]


def harmless(text: str) -> str:
    """The text, never a formula: people's own words reach the details."""
    return f"'{text}" if text.startswith(_FORMULA) else text
