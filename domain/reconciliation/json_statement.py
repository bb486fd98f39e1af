"""Payme's answer to GetStatement, turned round: the transactions as Payme's side has them.

The array is read object by object, each bounded: the file's size and what it nests to cost nothing. A file with an
object a line is read the same way.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from domain.reconciliation import values
from domain.reconciliation.rows import (
    BadLine,
    FileFault,
    Line,
    LineFault,
    ProviderRow,
    UnreadableFile,
    UnreadableLine,
)

OBJECT_BYTES: Final = 65_536
_CHUNK_BYTES: Final = 4_096
_HEAD_BYTES: Final = 16_384
_MARK: Final = b"\xef\xbb\xbf"
_BETWEEN: Final = b" \t\r\n,"
_TEXT: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_MARKS: Final = re.compile(rb'["\\{}]')
_TOKEN: Final = re.compile(_TEXT + rb'|["{}]', re.DOTALL)
# The bracket of the transactions: first in the file, or behind their name, with no object closed before it.
_ARRAY: Final = re.compile(rb'\[|\{(?:[^"{}\[\]]|' + _TEXT + rb'|\{)*?"transactions"\s*:\s*\[', re.DOTALL)


def read_json(source: BinaryIO) -> Iterator[Line]:
    """Raises UnreadableFile; where the file breaks off, after what could be read."""
    for place, text in enumerate(_objects(source), 1):
        if text is None:
            yield UnreadableLine(place, LineFault.TOO_LONG)
            continue
        try:
            yield _row(place, text)
        except BadLine as bad:
            yield UnreadableLine(place, bad.fault)


def _row(place: int, text: bytes) -> ProviderRow:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise BadLine(LineFault.NOT_JSON) from None
    given: dict[str, Any] = read if isinstance(read, dict) else {}
    return ProviderRow(
        line=place,
        external_id=values.external_id(values.plain(given.get("id"))),
        amount=values.tiyin(values.plain(given.get("amount"))),
        at=values.instant(values.plain(given.get("time"))),
        state=values.state(values.plain(given.get("state"))),
    )


def _objects(source: BinaryIO) -> Iterator[bytes | None]:
    """The objects of the array, or those that stand line by line; None for one that is too long."""
    data = _Bytes(source)
    in_array, begun = _find_array(data), False
    while byte := data.next():
        if byte in _BETWEEN:
            continue
        if byte == b"]" and in_array:
            return
        if byte != b"{":
            raise UnreadableFile(FileFault.NOT_A_STATEMENT)
        text = _object(data)
        if not in_array and not begun and _is_another_answer(text):
            raise UnreadableFile(FileFault.NOT_A_STATEMENT)
        begun = True
        yield text
    if in_array:
        raise UnreadableFile(FileFault.CUT_SHORT)


def _is_another_answer(text: bytes | None) -> bool:
    """Whether what stands where the first transaction would is an answer of its own: an error, for example."""
    try:
        read = json.loads(text or b"null")
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(read, dict) and "amount" not in read and not read.keys().isdisjoint(("result", "error", "jsonrpc"))
    )


def _find_array(data: "_Bytes") -> bool:
    """Goes to behind the bracket that opens the transactions; False when the file is an object a line.

    The answer around the array (`{"jsonrpc": …, "result": {"transactions": [`) is small: its head is looked at alone.
    """
    head = data.ahead(_HEAD_BYTES)
    begun = len(head) - len(head.removeprefix(_MARK).lstrip())
    if begun == len(head):
        raise UnreadableFile(FileFault.EMPTY)
    array = _ARRAY.match(head, begun)
    data.skip(array.end() if array else begun)
    return array is not None


def _object(data: "_Bytes") -> bytes | None:
    """The rest of an object whose brace is behind us, with that brace."""
    size = _CHUNK_BYTES
    while True:
        text = data.ahead(min(size, OBJECT_BYTES))
        depth = 1
        for token in _TOKEN.finditer(text):
            match token[0]:
                case b"{":
                    depth += 1
                case b"}":
                    depth -= 1
                case b'"':  # a text that does not end in what we have
                    break
            if depth == 0:
                data.skip(token.end())
                return b"{" + text[: token.end()]
        if len(text) >= OBJECT_BYTES:
            _skip_object(data)
            return None
        if len(text) < size:
            raise UnreadableFile(FileFault.CUT_SHORT)
        size *= 2


def _skip_object(data: "_Bytes") -> None:
    """Goes behind an object that is too long to be kept, however long it is."""
    depth, in_text, behind = 1, False, 0
    while text := data.ahead(OBJECT_BYTES):
        for found in _MARKS.finditer(text):
            at, mark = found.start(), found[0]
            if at < behind:  # what a backslash stands before
                continue
            if mark == b'"':
                in_text = not in_text
            elif mark == b"\\":
                behind = at + 2
            elif not in_text:
                depth += 1 if mark == b"{" else -1
                if depth == 0:
                    data.skip(at + 1)
                    return
        data.skip(len(text))
        behind = max(behind - len(text), 0)
    raise UnreadableFile(FileFault.CUT_SHORT)


class _Bytes:
    """A file with a look ahead; what is behind us is forgotten."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self._held, self._at = source, b"", 0

    def ahead(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the file's end."""
        while len(self._held) - self._at < size:
            more = self._source.read(_CHUNK_BYTES)
            if not more:
                break
            self._held, self._at = self._held[self._at :] + more, 0
        return self._held[self._at : self._at + size]

    def next(self) -> bytes:
        byte = self.ahead(1)
        self._at += 1
        return byte

    def skip(self, size: int) -> None:
        self._at += size
