"""Lines of a file of any size: each bounded, whatever the file holds."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from domain.reconciliation.rows import LineFault

LINE_BYTES: Final = 100_000


def bounded_lines(source: BinaryIO) -> Iterator[tuple[int, bytes | LineFault]]:
    """Each line with its number and its end; of one that is too long, only that it is."""
    number = 0
    while line := source.readline(LINE_BYTES + 1):
        number += 1
        if len(line) <= LINE_BYTES:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(LINE_BYTES)
        yield number, LineFault.TOO_LONG
