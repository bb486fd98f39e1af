"""Files that people open in spreadsheets: CSV by RFC 4180, and no text that a spreadsheet would carry out."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"  # at the start of a file it says UTF-8; spreadsheets ask for it
# What a spreadsheet takes for the start of a formula; the tab and the line's ends let one hide behind them.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_rows(rows: Iterable[Sequence[str]]) -> str:
    """The rows as a part of a file."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()


def harmless(text: str) -> str:
    """The text, never a formula: people's own words reach such files."""
    return f"'{text}" if text.startswith(_FORMULA) else text
