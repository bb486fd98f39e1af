"""A small SMS centre that speaks SMPP 3.4 on loopback, for tests.

It reads and writes the protocol with its own code, not with the product's, so that a mistake in one is not hidden by
the same mistake in the other. Its behaviour is a handful of switches that a test sets while the session runs.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

BIND_TRANSCEIVER, SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x09, 0x04, 0x05, 0x06, 0x15
RESPONSE = 0x80000000
GENERIC_NACK = 0x80000000
INVALID_PASSWORD = 0x0E


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submit_sm as the centre read it, field by field."""

    source_ton: int
    source_npi: int
    source: str
    target_ton: int
    target_npi: int
    target: str
    esm_class: int
    registered_delivery: int
    data_coding: int
    short_message: bytes
    options: dict[int, bytes]
    message_id: str


@dataclass(slots=True)
class Smsc:
    """`async with Smsc() as smsc:` listens on 127.0.0.1; `stop` and `start` make it go away and come back."""

    user: str = "kabinet"
    password: str = "secret"
    port: int = 0
    bind_status: int = 0
    submit_statuses: deque[int] = field(default_factory=deque)
    """Answers for the next messages, one each; when it is empty every message is taken."""
    stalled: bool = False
    """Reads everything and answers nothing."""
    drop_on_submit: int = 0
    """The connection is cut, without an answer, on so many of the next messages."""
    nack_submits: bool = False
    receipt_on_submit: bytes | None = None
    """Sent as a deliver_sm in the same packet as the answer; `{id}` in it becomes the message's id."""
    submitted: list[Submitted] = field(default_factory=list)
    binds: list[tuple[str, str]] = field(default_factory=list)
    enquiries: int = 0
    unbinds: int = 0
    deliver_answers: dict[int, int] = field(default_factory=dict)
    """Sequence number of a deliver_sm to the status that the client answered it with."""
    answers: dict[int, int] = field(default_factory=dict)
    """Sequence number of any other request of the centre to the status of its answer."""
    _server: asyncio.Server | None = None
    _bound: list[asyncio.StreamWriter] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _sequence: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.drop()

    async def drop(self) -> None:
        """Cuts every connection, as a crash would."""
        for writer in list(self._open):
            writer.transport.abort()
        await self.until(lambda: not self._open)

    @property
    def sessions(self) -> int:
        """Bound sessions now."""
        return len(self._bound)

    @property
    def connections(self) -> int:
        """Open connections now, bound or not."""
        return len(self._open)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until `holds()` is true; fails the test after five seconds."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(holds)

    async def deliver(self, text: bytes, *, esm_class: int = 0x04, options: dict[int, bytes] | None = None) -> int:
        """Sends a deliver_sm (a receipt by default) and gives its sequence number."""
        return await self.request(DELIVER_SM, self._delivery(text, esm_class, options or {}))

    async def request(self, command: int, body: bytes = b"") -> int:
        """Sends any request to the bound client and gives its sequence number."""
        self._sequence += 1
        await self.send_raw(_pdu(command, 0, self._sequence, body))
        return self._sequence

    async def send_raw(self, data: bytes) -> None:
        writer = self._bound[-1]
        writer.write(data)
        await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                size, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                await self._answer(writer, command, status, sequence, await reader.readexactly(size - 16))
                await self._tell()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            if writer in self._bound:
                self._bound.remove(writer)
            writer.close()
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _answer(
        self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes
    ) -> None:
        if command == DELIVER_SM | RESPONSE:
            self.deliver_answers[sequence] = status
        elif command & RESPONSE:
            self.answers[sequence] = status
        elif self.stalled:
            return
        elif command == BIND_TRANSCEIVER:
            self._bind(writer, sequence, body)
        elif command == SUBMIT_SM:
            self._submit(writer, sequence, body)
        elif command == ENQUIRE_LINK:
            self.enquiries += 1
            writer.write(_pdu(command | RESPONSE, 0, sequence))
        elif command == UNBIND:
            self.unbinds += 1
            writer.write(_pdu(command | RESPONSE, 0, sequence))

    def _bind(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        user, password = (part.decode("ascii") for part in body.split(b"\0")[:2])
        self.binds.append((user, password))
        status = self.bind_status
        if (user, password) != (self.user, self.password):
            status = INVALID_PASSWORD
        writer.write(_pdu(BIND_TRANSCEIVER | RESPONSE, status, sequence, b"test\0" if status == 0 else b""))
        if status == 0:
            self._bound.append(writer)

    def _submit(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        if self.drop_on_submit:
            self.drop_on_submit -= 1
            writer.transport.abort()
            return
        if self.nack_submits:
            writer.write(_pdu(GENERIC_NACK, 0x03, sequence))
            return
        status = self.submit_statuses.popleft() if self.submit_statuses else 0
        if status:
            writer.write(_pdu(SUBMIT_SM | RESPONSE, status, sequence))
            return
        message = _read_submit(body, f"m{len(self.submitted) + 1}")
        self.submitted.append(message)
        answer = _pdu(SUBMIT_SM | RESPONSE, 0, sequence, message.message_id.encode() + b"\0")
        if self.receipt_on_submit is not None:
            self._sequence += 1
            text = self.receipt_on_submit.replace(b"{id}", message.message_id.encode())
            answer += _pdu(DELIVER_SM, 0, self._sequence, self._delivery(text, 0x04, {}))
        writer.write(answer)

    @staticmethod
    def _delivery(text: bytes, esm_class: int, options: dict[int, bytes]) -> bytes:
        head = b"\0" + b"\1\1" + b"998901234567\0" + b"\0\0" + b"4546\0" + bytes((esm_class, 0, 0)) + b"\0\0" + bytes(4)
        tail = b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in options.items())
        return head + bytes((len(text),)) + text + tail


def _pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def _read_submit(body: bytes, message_id: str) -> Submitted:
    at = 0

    def text() -> str:
        nonlocal at
        end = body.index(b"\0", at)
        found, at = body[at:end].decode("ascii"), end + 1
        return found

    def octet() -> int:
        nonlocal at
        at += 1
        return body[at - 1]

    text()
    source_ton, source_npi, source = octet(), octet(), text()
    target_ton, target_npi, target = octet(), octet(), text()
    esm_class, _protocol, _priority = octet(), octet(), octet()
    text(), text()
    registered, _replace, coding, _default, size = octet(), octet(), octet(), octet(), octet()
    short_message, at = body[at : at + size], at + size
    options: dict[int, bytes] = {}
    while at < len(body):
        tag, length = struct.unpack_from(">HH", body, at)
        options[tag] = body[at + 4 : at + 4 + length]
        at += 4 + length
    return Submitted(
        source_ton=source_ton,
        source_npi=source_npi,
        source=source,
        target_ton=target_ton,
        target_npi=target_npi,
        target=target,
        esm_class=esm_class,
        registered_delivery=registered,
        data_coding=coding,
        short_message=short_message,
        options=options,
        message_id=message_id,
    )
