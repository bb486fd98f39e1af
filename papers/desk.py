"""What keeps one caller from spending the server: few at work, few in the queue, so many looks a minute."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

BUSY_SECONDS: Final = 5


class Busy(Exception):
    """There is no place now. `retry_seconds`: when to ask again; `status`: the answer's."""

    def __init__(self, retry_seconds: int = BUSY_SECONDS, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE) -> None:
        super().__init__(status.phrase)
        self.retry_seconds = retry_seconds
        self.status = status


class Desk:
    """So many works at once, and so many that wait for their turn; whoever comes then is sent away."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._chairs = waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for as long as the block lasts. Raises Busy."""
        if self._places.locked() and self._waiting >= self._chairs:
            raise Busy
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()


class Rate:
    """At most so many looks a minute from one address, counted in this process alone; of few addresses at a time."""

    def __init__(self, *, a_minute: int, addresses: int = 10_000, now: Callable[[], float] = time.monotonic) -> None:
        self._most = a_minute
        self._addresses = addresses
        self._now = now
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def count(self, address: str) -> None:
        """Counts a look. Raises Busy for one too many."""
        now = self._now()
        minute = int(now // 60)
        since, looks = self._seen.pop(address, (minute, 0))
        looks = looks + 1 if since == minute else 1
        self._seen[address] = (minute, looks)
        if len(self._seen) > self._addresses:
            self._seen.popitem(last=False)
        if looks > self._most:
            raise Busy(60 - int(now % 60), HTTPStatus.TOO_MANY_REQUESTS)
