"""SMPP 3.4 on the wire: the few PDUs that a client of an SMS centre needs, and delivery receipts.

Reading is tolerant where centres differ: unknown commands, statuses and optional parameters pass through, a receipt's
other fields (dates with or without seconds, error numbers that are no numbers) are never looked at.
"""

import re
import struct
from asyncio import StreamReader
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BIND_TRANSCEIVER: Final = 0x00000009
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
ENQUIRE_LINK: Final = 0x00000015
ALERT_NOTIFICATION: Final = 0x00000102
RESPONSE: Final = 0x80000000
"""Set in the command of an answer; alone it is generic_nack."""

OK: Final = 0x00
INVALID_COMMAND: Final = 0x03
WRONG_BIND_STATE: Final = 0x04
QUEUE_FULL: Final = 0x14
TRY_AGAIN: Final = 0x64

INTERNATIONAL: Final = 1
ALPHANUMERIC: Final = 5
ISDN: Final = 1

_HEADER: Final = struct.Struct(">IIII")
_OPTION: Final = struct.Struct(">HH")
_MAX_SIZE_BYTES: Final = 70_000
_MESSAGE_PAYLOAD: Final = 0x0424
_RECEIPTED_MESSAGE_ID: Final = 0x001E
_RECEIPT_CLASS, _CLASS_MASK, _HAS_HEADER = 0x04, 0x3C, 0x40
_RECEIPT_ID: Final = re.compile(rb"\bid:([^\s]+)", re.IGNORECASE)
_RECEIPT_STATE: Final = re.compile(rb"\bstat:([A-Z]+)", re.IGNORECASE)


class Unreadable(ValueError):
    """What arrived is not SMPP."""


class DeliveryState(StrEnum):
    """What a delivery receipt says of a message; the first four are its end."""

    DELIVERED = "DELIVRD"
    EXPIRED = "EXPIRED"
    UNDELIVERABLE = "UNDELIV"
    REJECTED = "REJECTD"
    ACCEPTED = "ACCEPTD"
    ENROUTE = "ENROUTE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Pdu:
    """One protocol unit: a request, or the answer to the request with the same sequence number."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def encode(self) -> bytes:
        return _HEADER.pack(_HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    def is_answer(self) -> bool:
        return bool(self.command & RESPONSE)


@dataclass(frozen=True, slots=True)
class Submit:
    """A message on its way to the centre; `target` is digits with the country code and without a plus."""

    source: str
    source_ton: int
    source_npi: int
    target: str
    data_coding: int
    message: bytes
    in_parts: bool

    def body(self) -> bytes:
        """A text of several parts goes whole, as message_payload: the centre cuts it, so all of it is taken or none."""
        head = b"\0" + _address(self.source_ton, self.source_npi, self.source)
        head += _address(INTERNATIONAL, ISDN, self.target)
        # esm_class, protocol, priority; no schedule, no validity; a receipt is asked for; no replacing.
        head += bytes((0, 0, 0)) + b"\0\0" + bytes((1, 0, self.data_coding, 0))
        if self.in_parts:
            return head + b"\0" + _OPTION.pack(_MESSAGE_PAYLOAD, len(self.message)) + self.message
        return head + bytes((len(self.message),)) + self.message


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the message that the centre had given this id."""

    message_id: str
    state: DeliveryState


async def read_pdu(reader: StreamReader) -> Pdu:
    """Raises Unreadable for a size that no PDU has, IncompleteReadError at the end of the connection."""
    size, command, status, sequence = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if not _HEADER.size <= size <= _MAX_SIZE_BYTES:
        raise Unreadable(f"a PDU of {size} bytes")
    return Pdu(command, status, sequence, await reader.readexactly(size - _HEADER.size))


def bind_body(*, system_id: str, password: str, system_type: str) -> bytes:
    """The body of bind_transceiver: version 3.4, no address range."""
    return b"".join((_text(system_id), _text(password), _text(system_type), bytes((0x34, 0, 0)), b"\0"))


def read_message_id(body: bytes) -> str:
    """The centre's id in the body of submit_sm_resp."""
    return body.split(b"\0", 1)[0].decode("latin-1")


def read_receipt(body: bytes) -> Receipt | None:
    """The receipt in the body of a deliver_sm; None for a message from a telephone. Raises Unreadable."""
    try:
        esm_class, message, options = _read_delivery(body)
    except (IndexError, ValueError, struct.error) as error:
        raise Unreadable("a deliver_sm that ends early") from error
    if esm_class & _CLASS_MASK != _RECEIPT_CLASS:
        return None
    if esm_class & _HAS_HEADER and message:
        message = message[1 + message[0] :]
    state = _RECEIPT_STATE.search(message)
    named = _RECEIPT_ID.search(message)
    # The optional parameter has the id just as submit_sm_resp gave it; the text may have it in another base.
    message_id = options.get(_RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0") or (named[1] if named else b"")
    if not message_id or state is None:
        raise Unreadable("a receipt without an id or a state")
    return Receipt(message_id.decode("latin-1"), _state(state[1].decode("ascii").upper()))


def _state(word: str) -> DeliveryState:
    try:
        return DeliveryState(word)
    except ValueError:
        return DeliveryState.UNKNOWN


def _read_delivery(body: bytes) -> tuple[int, bytes, dict[int, bytes]]:
    at = body.index(b"\0") + 1
    for _ in ("source", "target"):
        at = body.index(b"\0", at + 2) + 1
    esm_class = body[at]
    at += 3
    for _ in ("schedule", "validity"):
        at = body.index(b"\0", at) + 1
    size = body[at + 4]
    message, at = body[at + 5 : at + 5 + size], at + 5 + size
    options: dict[int, bytes] = {}
    while at < len(body):
        tag, length = _OPTION.unpack_from(body, at)
        options[tag] = body[at + _OPTION.size : at + _OPTION.size + length]
        at += _OPTION.size + length
    return esm_class, message or options.get(_MESSAGE_PAYLOAD, b""), options


def _address(ton: int, npi: int, digits: str) -> bytes:
    return bytes((ton, npi)) + _text(digits)


def _text(text: str) -> bytes:
    return text.encode("ascii") + b"\0"
