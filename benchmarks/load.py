"""Load from one asyncio loop: keep-alive HTTP/1.1, a fixed number of connections, bounded in time.

A bare protocol for each connection, on uvloop, so that the load takes a small part of a core: what it sends is ready
before the round begins, and of an answer it looks at the head and at what `is_good` looks at.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, cast

LONGEST_WAIT_SECONDS: Final = 60


@dataclass(slots=True)
class Measured:
    """One round's figures; latencies in seconds."""

    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    first_failure: bytes = b""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def request(path: str, body: bytes, token: str | None = None) -> bytes:
    """The bytes of one POST of JSON."""
    head = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        "Accept: application/json",
        "Accept-Language: en",
        f"Content-Length: {len(body)}",
    ]
    if token:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """Sends, waits for the whole answer, sends the next; `done` is set when the time is over or the peer is gone."""

    def __init__(
        self, make: Callable[[], bytes | None], measured: Measured, is_good: Callable[[int, bytes], bool]
    ) -> None:
        self._make, self._measured, self._is_good = make, measured, is_good
        self._parts: list[bytes] = []
        self._missing = -1  # of the answer's body; below zero: the head is not here yet
        self._status = 0
        self._begun = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            data = b"".join((*self._parts, data))
            self._parts.clear()
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._parts.append(data)
                return
            self._status, self._missing = int(data[9:12]), _length(data[:end])
            data = data[end + 4 :]
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing == 0:
            self._answered()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self._measured.failures += 1
            self._measured.first_failure = self._measured.first_failure or b"the server closed the connection"
            self.done.set_result(None)

    def _send(self) -> None:
        message = self._make()
        if message is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._missing = -1
        self._begun = time.perf_counter()
        self._transport.write(message)

    def _answered(self) -> None:
        measured = self._measured
        measured.latencies.append(time.perf_counter() - self._begun)
        measured.requests += 1
        body = b"".join(self._parts)
        self._parts.clear()
        if not self._is_good(self._status, body):
            measured.failures += 1
            measured.first_failure = measured.first_failure or body[:300]
        self._send()


def _length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    if start < 0:
        raise ValueError("an answer without Content-Length")
    return int(head[start + 15 :].split(b"\r\n", 1)[0])


async def run(
    port: int,
    messages: Iterator[bytes],
    *,
    seconds: float,
    connections: int,
    is_good: Callable[[int, bytes], bool],
) -> Measured:
    """Sends `messages` as fast as answers come, until they end or `seconds` are over."""
    measured = Measured()
    started = time.perf_counter()
    ends = started + seconds

    def make() -> bytes | None:
        return next(messages, None) if time.perf_counter() < ends else None

    loop = asyncio.get_running_loop()
    opened = await asyncio.gather(
        *(
            loop.create_connection(lambda: _Connection(make, measured, is_good), "127.0.0.1", port)
            for _ in range(connections)
        )
    )
    done = (protocol.done for _, protocol in opened)
    await asyncio.wait_for(asyncio.gather(*done), seconds + LONGEST_WAIT_SECONDS)
    measured.seconds = time.perf_counter() - started
    return measured


async def ask(port: int, message: bytes) -> bytes:
    """One request's answer. Raises ValueError unless it is a 200."""
    answers: list[tuple[int, bytes]] = []

    def keep(status: int, body: bytes) -> bool:
        answers.append((status, body))
        return True

    await run(port, iter([message]), seconds=LONGEST_WAIT_SECONDS, connections=1, is_good=keep)
    if not answers or answers[0][0] != 200:
        raise ValueError(f"no good answer: {answers[:1]!r:.600}")
    return answers[0][1]
