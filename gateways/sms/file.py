"""Text messages as lines of a file, for development and for tests that read them back."""

import asyncio
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson

from domain.clock import Clock, SystemClock
from gateways.sms.gateway import SmsNotSent


class FileSms:
    """Appends `{"to", "text", "at"}` a line. Several processes may write to one file: their lines never mix."""

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()

    @classmethod
    def from_url(cls, url: str, *, clock: Clock | None = None) -> "FileSms":
        """From `file:///path/sms.jsonl`; raises ValueError for any other form."""
        found = urlsplit(url)
        path = Path(unquote(found.path))
        if found.netloc or found.query or found.fragment or not path.is_absolute() or not path.name:
            raise ValueError("the SMS address is not of the form file:///path/sms.jsonl")
        return cls(path, clock=clock)

    async def send(self, *, to: str, text: str, reference: str) -> None:
        line = orjson.dumps({"to": to, "text": text, "at": self._clock.now()}, option=orjson.OPT_APPEND_NEWLINE)
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            raise SmsNotSent(f"the file cannot be written: {error.strerror}", retry=True) from error

    async def close(self) -> None:
        return None

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The lines hold codes: nobody else reads them. One write in append mode is what keeps lines of several
        # processes whole.
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.write(file, line) != len(line):
                raise OSError(0, "a line was cut short")
        finally:
            os.close(file)
