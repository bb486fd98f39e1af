"""A sheet: a CSV file sent by staff, read so that every fault is told with the place where an editor shows it.

Commas between cells, UTF-8 (a byte order mark is let through), a heading row with known columns in any order.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

LARGEST_FILE_BYTES: Final = 1_000_000
MOST_ROWS: Final = 20_000
_LONGEST_SHOWN: Final = 80
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to correct. `line` counts from 1; `column` is the heading, empty for a whole row or file."""

    file: str
    line: int
    column: str
    reason: str
    value: str = ""

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.reason}" + (f" ({self.value})" if self.value else "")


class FaultList:
    """The faults found so far in the files of one import."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, file: str, line: int, column: str, reason: str, value: str = "") -> None:
        shown = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
        self.found.append(Fault(file, line, column[:_LONGEST_SHOWN], reason, shown))


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a sheet must have; `longest` is in characters."""

    name: str
    longest: int
    required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, trimmed, by column; a cell already found faulty is left out."""

    file: str
    line: int
    cells: Mapping[str, str]
    faults: FaultList

    def fault(self, column: str, reason: str, value: str | None = None) -> None:
        self.faults.add(self.file, self.line, column, reason, self.cells.get(column, "") if value is None else value)

    def read(self, column: str, reader: Callable[[str], T]) -> T | None:
        """What `reader` makes of the cell. None when it raises ValueError, whose text becomes the fault."""
        text = self.cells.get(column)
        if text is None:
            return None
        try:
            return reader(text)
        except ValueError as reason:
            self.fault(column, str(reason))
            return None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file. `whole` is false when some of its rows could not be read at all."""

    rows: tuple[Row, ...]
    whole: bool

    def tells(self, column: str) -> bool:
        """Whether the cells of a column are all known, so that what is not among them is not in the file."""
        return self.whole and all(column in row.cells for row in self.rows)


def read_sheet(file: str, content: bytes, columns: Sequence[Column], faults: FaultList) -> Sheet:
    """The rows under the heading of a CSV file; what is wrong with its form is added to `faults`."""
    before = len(faults.found)
    rows: tuple[Row, ...] = ()
    text = _text(file, content, faults)
    if text is not None:
        rows = tuple(_rows(file, text, columns, faults))
    return Sheet(rows, whole=all(fault.column for fault in faults.found[before:]))


def _text(file: str, content: bytes, faults: FaultList) -> str | None:
    if len(content) > LARGEST_FILE_BYTES:
        faults.add(file, 1, "", f"the file is larger than {LARGEST_FILE_BYTES:,} bytes")
        return None
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = _line_after(content[: error.start].decode("utf-8"))
        faults.add(file, line, "", "the file is not UTF-8 text", f"byte 0x{content[error.start]:02X}")
        return None
    if "\0" in text:
        faults.add(file, _line_after(text[: text.index("\0")]), "", "the file has a NUL character")
        return None
    return text


def _line_after(text: str) -> int:
    return 1 + len(_LINE_END.findall(text))


def _rows(file: str, text: str, columns: Sequence[Column], faults: FaultList) -> Iterator[Row]:
    if mark := _foreign_separator(text):
        faults.add(file, 1, "", f"cells are separated by {mark}; save the file with commas")
        return
    records = _records(file, text, faults)
    line, heading = next(records, (1, []))
    if not heading:
        faults.add(file, 1, "", "the file has no heading row")
        return
    places = _places(file, line, heading, columns, faults)
    for count, (line, cells) in enumerate(records, start=1):
        if count > MOST_ROWS:
            faults.add(file, line, "", f"the file has more than {MOST_ROWS:,} rows")
            return
        if len(cells) != len(heading):
            faults.add(file, line, "", f"the row has {len(cells)} cells, the heading has {len(heading)}")
            continue
        yield _row(file, line, {column: cells[place].strip() for column, place in places.items()}, faults)


def _foreign_separator(text: str) -> str | None:
    first_line = _LINE_END.split(text, maxsplit=1)[0]
    if "," in first_line:
        return None
    return "semicolons" if ";" in first_line else "tabs" if "\t" in first_line else None


def _records(file: str, text: str, faults: FaultList) -> Iterator[tuple[int, list[str]]]:
    """Records with the line each begins on; a quoted cell may span lines, blank lines are passed over."""
    # newline="" leaves line ends as they are, and line_num counts them as an editor does.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        faults.add(file, line, "", f"the row cannot be read as CSV, nor what follows it: {error}")


def _places(
    file: str, line: int, heading: Sequence[str], columns: Sequence[Column], faults: FaultList
) -> dict[Column, int]:
    names = [name.strip() for name in heading]
    unseen = {column.name for column in columns}
    for name in names:
        if name in unseen:
            unseen.remove(name)
        else:
            twice = any(column.name == name for column in columns)
            faults.add(file, line, name, "this column is there twice" if twice else "this column is not known", name)
    for column in columns:
        if column.name in unseen:
            faults.add(file, line, column.name, "this column is missing")
    return {column: names.index(column.name) for column in columns if column.name in names}


def _row(file: str, line: int, texts: Mapping[Column, str], faults: FaultList) -> Row:
    sound: dict[str, str] = {}
    for column, text in texts.items():
        if len(text) > column.longest:
            faults.add(file, line, column.name, f"the text is longer than {column.longest} characters", text)
        elif column.required and not text:
            faults.add(file, line, column.name, "the cell is empty")
        else:
            sound[column.name] = text
    return Row(file, line, sound, faults)
