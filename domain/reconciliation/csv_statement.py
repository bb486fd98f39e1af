"""A statement as CSV: a head with the columns' names, commas or semicolons, UTF-8.

A quoted field may run over several lines, as far as a record may be long; when its quote never ends, only the line that
opened it is lost, not the rest of the file.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from domain.reconciliation.lines import LINE_BYTES, bounded_lines
from domain.reconciliation.rows import (
    BadLine,
    FileFault,
    Line,
    LineFault,
    ProviderRow,
    TheirState,
    UnreadableFile,
    UnreadableLine,
)

RECORD_LINES: Final = 50
_HEAD_LINES: Final = 20

Numbered = tuple[int, str | LineFault]


@dataclass(frozen=True, slots=True)
class Columns:
    """Of which columns a payment is read, each by any of its names, and how; without a state's column all are paid."""

    external_id: Sequence[str]
    amount: Sequence[str]
    at: Sequence[str]
    state: Sequence[str]
    read_id: Callable[[str], str]
    read_amount: Callable[[str], int]
    read_at: Callable[[str], int]
    read_state: Callable[[str], TheirState]


def read_csv(source: BinaryIO, columns: Columns) -> Iterator[Line]:
    """Raises UnreadableFile before the first line, when the head is not one."""
    lines = _Pushed(_decoded(source))
    head, separator = _head(lines)
    places = _places(head, columns)
    for number, record in _records(lines, separator):
        if isinstance(record, LineFault):
            yield UnreadableLine(number, record)
            continue
        try:
            yield _row(number, record, len(head), places, columns)
        except BadLine as bad:
            yield UnreadableLine(number, bad.fault)


def _decoded(source: BinaryIO) -> Iterator[Numbered]:
    for number, line in bounded_lines(source):
        if isinstance(line, LineFault):
            yield number, line
            continue
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield number, LineFault.NOT_UTF8
            continue
        yield number, LineFault.WRONG_FIELDS if "\0" in text else text


class _Pushed:
    """Lines, some of which may be given back to be read again."""

    def __init__(self, lines: Iterator[Numbered]) -> None:
        self._lines, self._back = lines, list[Numbered]()

    def __iter__(self) -> "_Pushed":
        return self

    def __next__(self) -> Numbered:
        return self._back.pop() if self._back else next(self._lines)

    def give_back(self, lines: Sequence[Numbered]) -> None:
        self._back += reversed(lines)


def _head(lines: _Pushed) -> tuple[list[str], str]:
    for number, line in lines:
        if line is LineFault.NOT_UTF8:
            raise UnreadableFile(FileFault.NOT_UTF8)
        if isinstance(line, LineFault) or number > _HEAD_LINES:
            raise UnreadableFile(FileFault.NOT_A_STATEMENT)
        if line.strip():
            separator = max(",;\t", key=line.count)
            try:
                [record] = csv.reader([line.strip()], delimiter=separator, strict=True)
            except (csv.Error, ValueError):
                raise UnreadableFile(FileFault.NOT_A_STATEMENT) from None
            return [name.strip().lower() for name in record], separator
    raise UnreadableFile(FileFault.EMPTY)


def _places(head: list[str], columns: Columns) -> Mapping[str, int | None]:
    def place(names: Sequence[str], *, needed: bool = True) -> int | None:
        for name in names:
            if name in head:
                return head.index(name)
        if needed:
            raise UnreadableFile(FileFault.NO_COLUMN, names[0])
        return None

    return {
        "id": place(columns.external_id),
        "amount": place(columns.amount),
        "at": place(columns.at),
        "state": place(columns.state, needed=False),
    }


def _records(lines: _Pushed, separator: str) -> Iterator[tuple[int, list[str] | LineFault]]:
    for number, line in lines:
        if isinstance(line, LineFault):
            yield number, line
        elif line.strip():
            yield number, _record(line, lines, separator)


def _record(line: str, lines: _Pushed, separator: str) -> list[str] | LineFault:
    whole, taken = line, list[Numbered]()
    while whole.count('"') % 2:
        following = next(lines, None)
        if following is not None:
            taken.append(following)
        text = following[1] if following else None
        if not isinstance(text, str) or len(taken) >= RECORD_LINES or len(whole) + len(text) > LINE_BYTES:
            lines.give_back(taken)
            return LineFault.BAD_QUOTES
        whole += text
    try:
        [record] = csv.reader([whole.rstrip("\r\n")], delimiter=separator, strict=True)
    except csv.Error:
        return LineFault.BAD_QUOTES
    except ValueError:
        return LineFault.WRONG_FIELDS
    return record


def _row(number: int, record: list[str], width: int, places: Mapping[str, int | None], columns: Columns) -> ProviderRow:
    if len(record) != width:
        raise BadLine(LineFault.WRONG_FIELDS)

    def value(name: str) -> str:
        place = places[name]
        assert place is not None
        return record[place]

    return ProviderRow(
        line=number,
        external_id=columns.read_id(value("id")),
        amount=columns.read_amount(value("amount")),
        at=columns.read_at(value("at")),
        state=TheirState.PERFORMED if places["state"] is None else columns.read_state(value("state")),
    )
