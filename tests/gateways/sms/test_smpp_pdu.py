import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.sms.smpp_pdu import Pdu, Receipt, Unreadable, read_message_id, read_pdu, read_receipt

WORD = st.integers(min_value=0, max_value=0xFFFFFFFF)


def read(data: bytes) -> Pdu:
    async def feed() -> Pdu:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read_pdu(reader)

    return asyncio.run(feed())


@given(WORD, WORD, WORD, st.binary(max_size=300))
def test_a_pdu_is_read_as_it_was_written(command: int, status: int, sequence: int, body: bytes) -> None:
    written = Pdu(command, status, sequence, body)

    assert read(written.encode()) == written


@pytest.mark.parametrize("size", [0, 15, 70_001, 0xFFFFFFFF])
def test_a_size_that_no_pdu_has_is_unreadable(size: int) -> None:
    with pytest.raises(Unreadable):
        read(size.to_bytes(4, "big") + bytes(12))


@given(st.binary(max_size=200))
def test_any_body_is_a_receipt_or_none_or_unreadable(body: bytes) -> None:
    try:
        found = read_receipt(body)
    except Unreadable:
        return
    assert found is None or isinstance(found, Receipt)


@given(st.binary(max_size=80))
def test_a_message_id_ends_where_its_text_ends(body: bytes) -> None:
    assert read_message_id(body).encode("latin-1") == body.split(b"\0")[0]
