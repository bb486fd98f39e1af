"""Load from plain asyncio streams: keep-alive HTTP/1.1, a fixed number of connections, bounded in time."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


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


async def run(
    port: int, make: Callable[[int], bytes], *, seconds: float, connections: int, is_good: Callable[[bytes], bool]
) -> Measured:
    """Sends what `make(n)` gives, as fast as answers come, for `seconds`."""
    measured = Measured()
    counter = iter(range(10**9))
    started = time.perf_counter()
    ends = started + seconds
    await asyncio.gather(*(_client(port, make, counter, ends, measured, is_good) for _ in range(connections)))
    measured.seconds = time.perf_counter() - started
    return measured


async def _client(
    port: int,
    make: Callable[[int], bytes],
    counter: Iterator[int],
    ends: float,
    measured: Measured,
    is_good: Callable[[bytes], bool],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < ends:
            message = make(next(counter))
            begun = time.perf_counter()
            writer.write(message)
            status, body = await asyncio.wait_for(_answer(reader), 30)
            measured.latencies.append(time.perf_counter() - begun)
            measured.requests += 1
            if status != 200 or not is_good(body):
                measured.failures += 1
                measured.first_failure = measured.first_failure or body[:300]
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = 0
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    body = await reader.readexactly(length) if length else b""
    return int(lines[0].split(b" ")[1]), body
