"""An operator's own SMS centre, by SMPP 3.4: one session, kept open in the background and bound again when lost.

Several messages may be on their way at once; each waits for its own answer.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog

from gateways.sms import smpp_pdu as pdu
from gateways.sms.gateway import SmsNotSent, read_address
from gateways.sms.smpp_pdu import DeliveryState, Pdu, Receipt, Submit
from gateways.sms.smpp_session import SessionLost, SmppAccount, SmppSession, SmppTimes
from gateways.sms.text import encode_gsm7, encode_ucs2, is_gsm7, parts

OnReceipt = Callable[[str, DeliveryState], Awaitable[None]]
"""Called with our reference and the message's state. When it raises, the centre is asked to send the receipt again."""

_log = structlog.get_logger(__name__)

_OPTIONS: Final = frozenset({"source", "source_ton", "source_npi", "system_type"})
_DEFAULT_PORT: Final = 2775
_GSM7, _UCS2 = 0x00, 0x08
# These are faults of the message itself (length, addresses, types, options): the same message will not fare better.
_FAULTS_OF_THE_MESSAGE: Final = frozenset(
    {0x01, 0x06, 0x07, 0x0A, 0x0B, 0x15, 0x43, 0x48, 0x49, 0x50, 0x51, 0x61, 0x62, 0x65, 0x66}
    | {0xC0, 0xC1, 0xC2, 0xC3, 0xC4}
)
_WINDOW: Final = 10
"""Unanswered messages at once: what SMPP 3.4 recommends (2.10) and centres commonly allow."""
_REMEMBERED: Final = 20_000


class SmppGateway:
    """Sends through one SMPP session per process. The first `send` opens it; `start` opens it before that.

    `on_receipt` hears of the messages that this process sent (the last 20,000); a receipt of any other is answered and
    dropped.
    """

    def __init__(
        self, account: SmppAccount, *, on_receipt: OnReceipt | None = None, times: SmppTimes | None = None
    ) -> None:
        self._account = account
        self._times = times or SmppTimes()
        self._on_receipt = on_receipt
        self._references: OrderedDict[str, str] = OrderedDict()
        self._window = asyncio.Semaphore(_WINDOW)
        self._bound = asyncio.Event()
        self._session: SmppSession | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._why_not_bound = "not connected yet"
        self._closed = False

    @classmethod
    def from_url(cls, url: str, *, on_receipt: OnReceipt | None = None) -> "SmppGateway":
        """From `smpp://user:password@host:port?source=4546&source_ton=0&source_npi=1`. Raises ValueError."""
        return cls(read_account(url), on_receipt=on_receipt)

    def start(self) -> None:
        """Opens the session in the background, so that receipts arrive before anything is sent."""
        if (self._keeper is None or self._keeper.done()) and not self._closed:
            self._keeper = asyncio.create_task(self._keep_bound(), name="smpp session")

    async def send(self, *, to: str, text: str, reference: str) -> None:
        """Returns when the centre has taken the message; raises SmsNotSent otherwise."""
        submit = self._submit_for(to, text)
        if self._closed:
            raise SmsNotSent("the gateway is closed", retry=True)
        self.start()
        try:
            async with asyncio.timeout(self._times.limit_seconds), self._window:
                await self._bound.wait()
                if self._session is None:
                    raise SessionLost(self._why_not_bound)
                answer = await self._session.ask(pdu.SUBMIT_SM, submit.body(), taken=self._remember(reference))
        except TimeoutError:
            why = "the SMS centre did not answer in time" if self._bound.is_set() else self._why_not_bound
            raise SmsNotSent(why, retry=True) from None
        except SessionLost as lost:
            raise SmsNotSent(str(lost), retry=True) from lost
        self._judge(answer)

    async def close(self) -> None:
        """Unbinds politely within two seconds, then hangs up."""
        self._closed = True
        self._why_not_bound = "the gateway is closed"
        if self._session is not None:
            with suppress(TimeoutError, SessionLost):
                async with asyncio.timeout(min(2.0, self._times.limit_seconds)):
                    await self._session.ask(pdu.UNBIND, b"")
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
            self._keeper = None

    def _submit_for(self, to: str, text: str) -> Submit:
        gsm7 = is_gsm7(text)
        message = encode_gsm7(text) if gsm7 else encode_ucs2(text)
        target = to.removeprefix("+")
        if not (target.isascii() and target.isdigit() and len(target) <= 15) or len(message) > 0xFFFF:
            raise SmsNotSent("the number or the text cannot be put into a message", retry=False)
        return Submit(
            source=self._account.source,
            source_ton=self._account.source_ton,
            source_npi=self._account.source_npi,
            target=target,
            data_coding=_GSM7 if gsm7 else _UCS2,
            message=message,
            in_parts=parts(text) > 1,
        )

    def _remember(self, reference: str) -> Callable[[Pdu], None]:
        """Runs as the answer is read, before anything after it: a receipt may follow in the same packet."""

        def taken(answer: Pdu) -> None:
            if answer.status == pdu.OK and (message_id := pdu.read_message_id(answer.body)):
                self._references[message_id] = reference
                while len(self._references) > _REMEMBERED:
                    self._references.popitem(last=False)

        return taken

    def _judge(self, answer: Pdu) -> None:
        if answer.command == pdu.SUBMIT_SM | pdu.RESPONSE and answer.status == pdu.OK:
            return
        if answer.status == pdu.WRONG_BIND_STATE and self._session is not None:
            self._session.end("the SMS centre forgot the session")
        reason = f"the SMS centre refused the message: status 0x{answer.status:08x}"
        raise SmsNotSent(reason, retry=answer.status not in _FAULTS_OF_THE_MESSAGE)

    async def _keep_bound(self) -> None:
        pause_seconds = self._times.first_pause_seconds
        while True:
            session = SmppSession(self._account, self._times, self._hand_on)
            try:
                await session.open()
                _log.info("smpp_bound", host=self._account.host)
                pause_seconds = self._times.first_pause_seconds
                self._session = session
                self._bound.set()
                await session.run()
            except SessionLost as lost:
                if not self._closed:
                    self._why_not_bound = str(lost)
                _log.warning("smpp_session_lost", host=self._account.host, reason=str(lost))
            finally:
                self._bound.clear()
                self._session = None
                await session.hang_up()
            # Between half and all of the pause, so that many processes do not come back in step.
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))  # noqa: S311 not a secret
            pause_seconds = min(pause_seconds * 2, self._times.longest_pause_seconds)

    async def _hand_on(self, receipt: Receipt) -> None:
        reference = self._references.get(receipt.message_id)
        if reference is None:
            _log.info("smpp_receipt_of_unknown_message", state=receipt.state)
        elif self._on_receipt is not None:
            await self._on_receipt(reference, receipt.state)


def read_account(url: str) -> SmppAccount:
    """From `smpp://user:password@host:port`; raises ValueError in one line that holds nothing of the address."""
    address = read_address(url, options=_OPTIONS)
    options = address.options
    source = options.get("source", "")
    system_type = options.get("system_type", "")
    texts = (address.user, 15), (address.password, 64), (source, 20), (system_type, 12)
    if any(not text.isascii() or "\0" in text or len(text) > longest for text, longest in texts):
        raise ValueError("the SMS address: its user, password, source or system_type is too long or not ASCII")
    # A name has no numbering plan; for digits the centre decides unless told.
    named = bool(source) and not source.isdigit()
    return SmppAccount(
        host=address.host,
        port=address.port or _DEFAULT_PORT,
        system_id=address.user,
        password=address.password,
        source=source,
        source_ton=_octet(options, "source_ton", pdu.ALPHANUMERIC if named else 0),
        source_npi=_octet(options, "source_npi", 0),
        system_type=system_type,
    )


def _octet(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not (text.isascii() and text.isdigit() and int(text) <= 255):
        raise ValueError(f"the SMS address: {name} is a number from 0 to 255")
    return int(text)
