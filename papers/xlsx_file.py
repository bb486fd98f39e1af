"""A statement as a workbook: written row by row to a file of its own, so that a long one is never in memory."""

import asyncio
import tempfile
from typing import IO, Any

from xlsxwriter import Workbook

from papers.words import columns
from resolvers.context import Context
from resolvers.statement import Line, StatementPaper, lines_of
from resolvers.texts import translator

# Text is text: nothing becomes a formula, a link or a number by how it looks.
PLAIN = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


async def xlsx_of(ctx: Context, paper: StatementPaper) -> IO[bytes]:
    """The whole file, at its start; closing it takes it away."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    try:
        sheet = await asyncio.to_thread(_Sheet, file, paper)
        async for page in lines_of(ctx, paper):
            await asyncio.to_thread(sheet.add, page)
        await asyncio.to_thread(sheet.close)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


class _Sheet:
    def __init__(self, file: IO[bytes], paper: StatementPaper) -> None:
        self._book: Any = Workbook(file, PLAIN)
        self._book.set_properties({"title": translator(paper.language).gettext("Statement"), "author": paper.holder})
        self._sheet = self._book.add_worksheet(paper.number)
        self._when = self._book.add_format({"num_format": "dd.mm.yyyy hh:mm:ss", "align": "left"})
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        self._row = 1
        for place, width in enumerate((19, 22, 44, 18, 18, 16)):
            self._sheet.set_column(place, place, width)
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, columns(paper.language), self._book.add_format({"bold": True, "bottom": 1}))

    def add(self, lines: list[Line]) -> None:
        for line in lines:
            sheet, row = self._sheet, self._row
            sheet.write_datetime(row, 0, line.at.replace(tzinfo=None), self._when)
            sheet.write_string(row, 1, line.what)
            sheet.write_string(row, 2, line.details)
            sheet.write_number(row, 3, line.amount.amount, self._money)
            sheet.write_number(row, 4, line.balance.amount, self._money)
            sheet.write_string(row, 5, line.receipt)
            self._row += 1

    def close(self) -> None:
        self._book.close()
