"""One SMPP 3.4 session with an SMS centre: bind, questions and answers, keeping it alive, receipts, its end.

A session counts as lost when the centre ends it, sends what is not SMPP, or leaves an enquire_link unanswered; whoever
waits for an answer on it is told at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from gateways.sms import smpp_pdu as pdu
from gateways.sms.gateway import TIME_LIMIT_SECONDS
from gateways.sms.smpp_pdu import Pdu, Receipt

_log = structlog.get_logger(__name__)

_RECEIPTS_WAITING: Final = 1_000
_LOST: Final = "the connection to the SMS centre was lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppAccount:
    """Where the centre is, and who we are there. `source` is the sender that telephones show; empty: the centre's."""

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    source: str = ""
    source_ton: int = 0
    source_npi: int = 0
    system_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppTimes:
    """All in seconds."""

    limit_seconds: float = TIME_LIMIT_SECONDS
    enquire_seconds: float = 30.0
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0


class SessionLost(Exception):
    """The session ended or never began; the text says how."""


class SmppSession:
    """One connection to the centre, from bind to its end."""

    def __init__(self, account: SmppAccount, times: SmppTimes, hand_on: Callable[[Receipt], Awaitable[None]]) -> None:
        self._account = account
        self._times = times
        self._hand_on = hand_on
        self._waiting: dict[int, tuple[asyncio.Future[Pdu], Callable[[Pdu], None] | None]] = {}
        self._deliveries: asyncio.Queue[Pdu] = asyncio.Queue(_RECEIPTS_WAITING)
        self._sequence = 0
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connects and binds; raises SessionLost when either fails."""
        try:
            async with asyncio.timeout(self._times.limit_seconds):
                reader, self._writer = await asyncio.open_connection(self._account.host, self._account.port)
                self._tasks.append(asyncio.create_task(self._read(reader), name="smpp reader"))
                answer = await self.ask(pdu.BIND_TRANSCEIVER, self._bind_body())
        except TimeoutError:
            raise SessionLost("the SMS centre did not answer in time") from None
        except (OSError, UnicodeError):
            raise SessionLost("the SMS centre cannot be reached") from None
        if answer.command != pdu.BIND_TRANSCEIVER | pdu.RESPONSE or answer.status != pdu.OK:
            raise SessionLost(f"the SMS centre refused to bind: status 0x{answer.status:08x}")

    async def run(self) -> None:
        """Keeps the session alive; raises SessionLost when it ends."""
        self._tasks.append(asyncio.create_task(self._enquire(), name="smpp enquire_link"))
        self._tasks.append(asyncio.create_task(self._deliver(), name="smpp receipts"))
        raise SessionLost(await self._ended)

    async def ask(self, command: int, body: bytes, *, taken: Callable[[Pdu], None] | None = None) -> Pdu:
        """Sends a request and gives its answer; `taken` sees the answer first. Raises SessionLost."""
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        sequence = self._sequence
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = (answer, taken)
        try:
            await self._write(Pdu(command, pdu.OK, sequence, body))
            either: set[asyncio.Future[Any]] = {answer, self._ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiting[sequence]
        if not answer.done():
            raise SessionLost(self._ended.result())
        return answer.result()

    def end(self, reason: str) -> None:
        """Ends the session; only the first reason is kept."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def hang_up(self) -> None:
        """Closes the connection at once; whoever waits for an answer is told. A second call does nothing."""
        self.end(_LOST)
        if self._writer is not None:
            self._writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _bind_body(self) -> bytes:
        account = self._account
        return pdu.bind_body(system_id=account.system_id, password=account.password, system_type=account.system_type)

    async def _write(self, unit: Pdu) -> None:
        if self._writer is None or self._ended.done():
            raise SessionLost(_LOST)
        try:
            self._writer.write(unit.encode())
            await self._writer.drain()
        except OSError:
            self.end(_LOST)
            raise SessionLost(_LOST) from None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                unit = await pdu.read_pdu(reader)
                if unit.is_answer():
                    self._settle(unit)
                else:
                    await self._serve(unit)
        except (asyncio.IncompleteReadError, OSError, SessionLost):
            self.end(_LOST)
        except pdu.Unreadable as unreadable:
            self.end(f"the SMS centre sent {unreadable}")

    def _settle(self, unit: Pdu) -> None:
        answer, taken = self._waiting.get(unit.sequence, (None, None))
        if answer is None or answer.done():
            return
        if taken is not None:
            taken(unit)
        answer.set_result(unit)

    async def _serve(self, unit: Pdu) -> None:
        if unit.command == pdu.DELIVER_SM:
            try:
                self._deliveries.put_nowait(unit)
            except asyncio.QueueFull:
                await self._answer(unit, pdu.QUEUE_FULL)
        elif unit.command in (pdu.ENQUIRE_LINK, pdu.UNBIND):
            await self._answer(unit, pdu.OK)
            if unit.command == pdu.UNBIND:
                self.end("the SMS centre ended the session")
        elif unit.command != pdu.ALERT_NOTIFICATION:
            await self._write(Pdu(pdu.RESPONSE, pdu.INVALID_COMMAND, unit.sequence))

    async def _answer(self, unit: Pdu, status: int) -> None:
        # deliver_sm_resp carries an empty message id.
        body = b"\0" if unit.command == pdu.DELIVER_SM else b""
        await self._write(Pdu(unit.command | pdu.RESPONSE, status, unit.sequence, body))

    async def _enquire(self) -> None:
        while True:
            await asyncio.sleep(self._times.enquire_seconds)
            try:
                async with asyncio.timeout(self._times.limit_seconds):
                    await self.ask(pdu.ENQUIRE_LINK, b"")
            except (TimeoutError, SessionLost):
                self.end("the SMS centre fell silent")
                return

    async def _deliver(self) -> None:
        with suppress(SessionLost):
            while True:
                unit = await self._deliveries.get()
                await self._answer(unit, await self._receive(unit))

    async def _receive(self, unit: Pdu) -> int:
        """The status to answer a deliver_sm with. Whatever is wrong with one receipt, the session goes on."""
        try:
            receipt = pdu.read_receipt(unit.body)
        except pdu.Unreadable as unreadable:
            # Asking for it again would bring the same bytes.
            _log.warning("smpp_receipt_unreadable", reason=str(unreadable))
            return pdu.OK
        if receipt is None:
            return pdu.OK
        try:
            async with asyncio.timeout(self._times.limit_seconds):
                await self._hand_on(receipt)
        except Exception as error:
            _log.warning("smpp_receipt_not_kept", error=type(error).__name__)
            return pdu.TRY_AGAIN
        return pdu.OK
