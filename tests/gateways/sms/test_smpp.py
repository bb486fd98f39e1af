"""The client against a session with an SMS centre on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateways.sms import DeliveryState, SmsNotSent
from gateways.sms.smpp import OnReceipt, SmppGateway
from gateways.sms.smpp_session import SmppAccount, SmppTimes
from tests.gateways.smsc import Smsc

QUICK = SmppTimes(limit_seconds=0.5, enquire_seconds=60, first_pause_seconds=0.02, longest_pause_seconds=0.05)
PATIENT = SmppTimes(limit_seconds=5, enquire_seconds=60, first_pause_seconds=0.02, longest_pause_seconds=0.05)
ENQUIRING = SmppTimes(limit_seconds=0.2, enquire_seconds=0.05, first_pause_seconds=0.02, longest_pause_seconds=0.05)
RECEIPT = b"id:m1 sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD err:000 text:Kod"

Open = Callable[..., SmppGateway]


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as centre:
        yield centre


@pytest.fixture
async def open_gateway(smsc: Smsc) -> AsyncIterator[Open]:
    opened: list[SmppGateway] = []

    def open_one(
        *, times: SmppTimes = PATIENT, on_receipt: OnReceipt | None = None, password: str = "secret", source: str = ""
    ) -> SmppGateway:
        account = SmppAccount(host="127.0.0.1", port=smsc.port, system_id="kabinet", password=password, source=source)
        opened.append(SmppGateway(account, on_receipt=on_receipt, times=times))
        return opened[-1]

    yield open_one
    for gateway in opened:
        await gateway.close()


class Heard:
    """Remembers receipts; refuses the first `refusals` of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.states: list[tuple[str, DeliveryState]] = []
        self.refusals = refusals

    async def __call__(self, reference: str, state: DeliveryState) -> None:
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("the database is away")
        self.states.append((reference, state))


async def send(gateway: SmppGateway, text: str = "Kod: 1234", reference: str = "r1") -> None:
    await gateway.send(to="+998901234567", text=text, reference=reference)


async def refusal_of(gateway: SmppGateway, text: str = "Kod: 1234") -> SmsNotSent:
    with pytest.raises(SmsNotSent) as refusal:
        await send(gateway, text)
    assert text not in refusal.value.reason
    assert "secret" not in refusal.value.reason
    return refusal.value


async def test_a_message_arrives_as_it_was_sent_with_a_receipt_asked_for(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway(source="4546")

    await send(gateway, "Kod: 1234 [€]")

    (message,) = smsc.submitted
    assert smsc.binds == [("kabinet", "secret")]
    assert (message.source, message.target, message.target_ton, message.target_npi) == ("4546", "998901234567", 1, 1)
    assert (message.registered_delivery, message.esm_class, message.data_coding) == (1, 0, 0)
    assert message.short_message == b"Kod: 1234 \x1b<\x1b\x65\x1b>"
    assert message.options == {}


@pytest.mark.parametrize("text", ["Код: 1234", "Kodingiz oʻzbekcha: 1234", "🙂"])
async def test_what_gsm7_lacks_goes_as_ucs2(smsc: Smsc, open_gateway: Open, text: str) -> None:
    await send(open_gateway(), text)

    assert smsc.submitted[0].data_coding == 8
    assert smsc.submitted[0].short_message.decode("utf-16-be") == text


@pytest.mark.parametrize(("text", "encoding"), [("a" * 161, "ascii"), ("ў" * 400, "utf-16-be")])
async def test_a_text_of_several_parts_goes_whole_in_one_request(
    smsc: Smsc, open_gateway: Open, text: str, encoding: str
) -> None:
    await send(open_gateway(), text)

    (message,) = smsc.submitted
    assert message.short_message == b""
    assert message.options[0x0424].decode(encoding) == text


async def test_one_session_carries_all_messages_at_once(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()

    await asyncio.gather(*(send(gateway, f"text {number}") for number in range(50)))

    assert {message.short_message for message in smsc.submitted} == {b"text %d" % number for number in range(50)}
    assert len(smsc.submitted) == 50
    assert len(smsc.binds) == 1


@pytest.mark.parametrize("to", ["+99890123456x", "", "+", "+9989012345678901", "+٩٩٨٩٠"])
async def test_what_is_no_number_is_refused_for_good_before_the_network(
    smsc: Smsc, open_gateway: Open, to: str
) -> None:
    with pytest.raises(SmsNotSent) as refusal:
        await open_gateway().send(to=to, text="Kod", reference="r1")

    assert not refusal.value.retry
    assert (smsc.binds, smsc.submitted) == ([], [])


async def test_a_text_beyond_any_message_is_refused_for_good(smsc: Smsc, open_gateway: Open) -> None:
    refusal = await refusal_of(open_gateway(), "a" * 70_000)

    assert not refusal.retry
    assert smsc.submitted == []


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (0x58, True),
        (0x14, True),
        (0x08, True),
        (0x45, True),
        (0x400, True),
        (0x0B, False),
        (0x01, False),
        (0x66, False),
    ],
)
async def test_a_refused_message_says_whether_to_try_again(
    smsc: Smsc, open_gateway: Open, status: int, retry: bool
) -> None:
    gateway = open_gateway()
    smsc.submit_statuses.append(status)

    refusal = await refusal_of(gateway)

    assert (refusal.retry, f"{status:08x}" in refusal.reason) == (retry, True)
    assert smsc.submitted == []
    await send(gateway)
    assert (len(smsc.submitted), len(smsc.binds)) == (1, 1)


async def test_a_generic_nack_is_a_refusal(smsc: Smsc, open_gateway: Open) -> None:
    smsc.nack_submits = True

    refusal = await refusal_of(open_gateway())

    assert refusal.retry
    assert smsc.submitted == []


async def test_a_centre_that_forgot_the_bind_is_bound_again(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    smsc.submit_statuses.append(0x04)

    assert (await refusal_of(gateway)).retry
    await smsc.until(lambda: len(smsc.binds) == 2)
    await send(gateway)

    assert len(smsc.submitted) == 1


async def test_a_refused_bind_is_told_and_tried_again(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway(times=QUICK)
    smsc.bind_status = 0x0D

    refusal = await refusal_of(gateway)
    smsc.bind_status = 0
    await smsc.until(lambda: smsc.sessions == 1)
    await send(gateway)

    assert refusal.retry
    assert refusal.reason == "the SMS centre refused to bind: status 0x0000000d"
    assert len(smsc.submitted) == 1


async def test_being_bound_already_elsewhere_is_no_bind(smsc: Smsc, open_gateway: Open) -> None:
    smsc.bind_status = 0x05

    refusal = await refusal_of(open_gateway(times=QUICK))

    assert refusal.reason == "the SMS centre refused to bind: status 0x00000005"


async def test_a_wrong_password_sends_nothing(smsc: Smsc, open_gateway: Open) -> None:
    refusal = await refusal_of(open_gateway(times=QUICK, password="other"))

    assert refusal.retry
    assert "other" not in refusal.reason
    assert smsc.submitted == []


async def test_nobody_at_the_address_is_told_in_time(smsc: Smsc, open_gateway: Open) -> None:
    await smsc.stop()

    refusal = await refusal_of(open_gateway(times=QUICK))

    assert (refusal.reason, refusal.retry) == ("the SMS centre cannot be reached", True)


async def test_a_centre_that_stalls_does_not_hold_the_sender(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway(times=QUICK)
    await send(gateway)
    smsc.stalled = True

    refusal = await refusal_of(gateway)

    assert (refusal.reason, refusal.retry) == ("the SMS centre did not answer in time", True)


async def test_a_centre_that_stalls_at_the_bind_does_not_hold_the_sender(smsc: Smsc, open_gateway: Open) -> None:
    smsc.stalled = True

    refusal = await refusal_of(open_gateway(times=QUICK))

    assert refusal.retry
    assert smsc.submitted == []


async def test_a_cut_connection_is_told_at_once_and_bound_again(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    smsc.drop_on_submit = 1

    refusal = await refusal_of(gateway)
    await send(gateway, "again")

    assert (refusal.reason, refusal.retry) == ("the connection to the SMS centre was lost", True)
    assert [message.short_message for message in smsc.submitted] == [b"again"]
    assert len(smsc.binds) == 2


async def test_all_who_wait_are_told_when_the_connection_is_cut(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    await send(gateway)
    smsc.stalled = True
    waiting = [asyncio.create_task(send(gateway)) for _ in range(5)]
    await asyncio.sleep(0)

    await smsc.drop()
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(result, SmsNotSent) and result.retry for result in results)


async def test_a_centre_that_comes_back_is_bound_without_anyone_asking(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway(times=QUICK)
    await send(gateway)

    await smsc.stop()
    lost = await refusal_of(gateway, "given up")
    await smsc.start()
    await smsc.until(lambda: smsc.sessions == 1)
    await send(gateway, "after")

    assert lost.retry
    assert [message.short_message for message in smsc.submitted] == [b"Kod: 1234", b"after"]


async def test_a_quiet_session_is_kept_alive(smsc: Smsc, open_gateway: Open) -> None:
    open_gateway(times=ENQUIRING).start()

    await smsc.until(lambda: smsc.enquiries >= 3)

    assert len(smsc.binds) == 1


async def test_a_silent_centre_is_hung_up_on_and_bound_again(smsc: Smsc, open_gateway: Open) -> None:
    open_gateway(times=ENQUIRING).start()
    await smsc.until(lambda: smsc.sessions == 1)

    smsc.stalled = True
    await smsc.until(lambda: smsc.sessions == 0)
    smsc.stalled = False
    await smsc.until(lambda: smsc.sessions == 1)

    assert smsc.connections == 1


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x04" + bytes(12), b"\xff\xff\xff\xff" + bytes(12)]
)
async def test_garbage_ends_the_session_and_a_new_one_begins(smsc: Smsc, open_gateway: Open, garbage: bytes) -> None:
    gateway = open_gateway()
    await send(gateway)

    await smsc.send_raw(garbage)
    await smsc.until(lambda: len(smsc.binds) == 2 and smsc.sessions == 1)
    await send(gateway)

    assert len(smsc.submitted) == 2


async def test_an_unbind_of_the_centre_is_answered_and_bound_again(smsc: Smsc, open_gateway: Open) -> None:
    open_gateway().start()
    await smsc.until(lambda: smsc.sessions == 1)

    sequence = await smsc.request(0x06)
    await smsc.until(lambda: len(smsc.binds) == 2)

    assert smsc.answers[sequence] == 0


async def test_what_the_centre_asks_is_answered(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    await send(gateway)

    alive, unknown = await smsc.request(0x15), await smsc.request(0x777)
    await smsc.request(0x102, b"alert")
    await smsc.send_raw(b"\0\0\0\x10" + b"\x80\0\0\x04" + bytes(4) + b"\0\0\xff\xff")
    await smsc.until(lambda: len(smsc.answers) == 2)
    await send(gateway)

    assert smsc.answers == {alive: 0, unknown: 3}
    assert (len(smsc.submitted), len(smsc.binds)) == (2, 1)


@pytest.mark.parametrize("state", list(DeliveryState))
async def test_a_receipt_is_handed_on_with_our_reference(smsc: Smsc, open_gateway: Open, state: DeliveryState) -> None:
    heard = Heard()
    await send(open_gateway(on_receipt=heard), reference="our-7")

    sequence = await smsc.deliver(RECEIPT.replace(b"DELIVRD", state.value.encode()))
    await smsc.until(lambda: sequence in smsc.deliver_answers)

    assert heard.states == [("our-7", state)]
    assert smsc.deliver_answers == {sequence: 0}


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT.replace(b"2603011200", b"260301120059"),
        RECEIPT.replace(b"err:000", b"err:0A1"),
        RECEIPT.replace(b"text:Kod", b"Text:\xd0\x9a\xff\x00"),
        b"stat:DELIVRD id:m1",
        b"id:m1 stat:delivrd",
        b"id:m1 sub:001 dlvrd:001 submit date: done date: stat:DELIVRD err: text:",
    ],
)
async def test_a_receipt_is_read_however_the_centre_writes_it(smsc: Smsc, open_gateway: Open, receipt: bytes) -> None:
    heard = Heard()
    await send(open_gateway(on_receipt=heard))

    sequence = await smsc.deliver(receipt, options={0x0423: b"\x03\x00\xff", 0x1400: b"\x80\x81"})
    await smsc.until(lambda: sequence in smsc.deliver_answers)

    assert heard.states == [("r1", DeliveryState.DELIVERED)]
    assert len(smsc.binds) == 1


async def test_the_id_beside_the_text_of_a_receipt_counts_before_the_one_in_it(smsc: Smsc, open_gateway: Open) -> None:
    heard = Heard()
    await send(open_gateway(on_receipt=heard))

    sequence = await smsc.deliver(RECEIPT.replace(b"id:m1", b"id:109"), options={0x001E: b"m1\0"})
    await smsc.until(lambda: sequence in smsc.deliver_answers)

    assert heard.states == [("r1", DeliveryState.DELIVERED)]


async def test_a_receipt_in_the_same_packet_as_the_answer_finds_its_message(smsc: Smsc, open_gateway: Open) -> None:
    heard = Heard()
    smsc.receipt_on_submit = b"id:{id} stat:DELIVRD"

    await send(open_gateway(on_receipt=heard))
    await smsc.until(lambda: bool(smsc.deliver_answers))

    assert heard.states == [("r1", DeliveryState.DELIVERED)]


async def test_a_state_that_nobody_knows_is_unknown(smsc: Smsc, open_gateway: Open) -> None:
    heard = Heard()
    await send(open_gateway(on_receipt=heard))

    sequence = await smsc.deliver(b"id:m1 stat:SKIPPED")
    await smsc.until(lambda: sequence in smsc.deliver_answers)

    assert heard.states == [("r1", DeliveryState.UNKNOWN)]


@pytest.mark.parametrize(
    ("text", "esm_class"),
    [(b"Hello from a telephone", 0x00), (b"id:other stat:DELIVRD", 0x04), (b"nonsense", 0x04), (b"", 0x04)],
)
async def test_what_is_no_receipt_of_ours_is_answered_and_dropped(
    smsc: Smsc, open_gateway: Open, text: bytes, esm_class: int
) -> None:
    heard = Heard()
    await send(open_gateway(on_receipt=heard))

    sequence = await smsc.deliver(text, esm_class=esm_class)
    await smsc.until(lambda: sequence in smsc.deliver_answers)

    assert heard.states == []
    assert smsc.deliver_answers == {sequence: 0}


async def test_a_deliver_sm_that_ends_early_does_not_end_the_session(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    await send(gateway)

    sequence = await smsc.request(0x05, b"\0\1")
    await smsc.until(lambda: sequence in smsc.deliver_answers)
    await send(gateway)

    assert (len(smsc.submitted), len(smsc.binds)) == (2, 1)


async def test_a_receipt_that_could_not_be_kept_is_asked_for_again(smsc: Smsc, open_gateway: Open) -> None:
    heard = Heard(refusals=1)
    gateway = open_gateway(on_receipt=heard)
    await send(gateway)

    first = await smsc.deliver(RECEIPT)
    await smsc.until(lambda: first in smsc.deliver_answers)
    again = await smsc.deliver(RECEIPT)
    await smsc.until(lambda: again in smsc.deliver_answers)
    await send(gateway)

    assert smsc.deliver_answers == {first: 0x64, again: 0}
    assert heard.states == [("r1", DeliveryState.DELIVERED)]
    assert len(smsc.binds) == 1


async def test_one_who_dawdles_over_a_receipt_does_not_hold_messages(smsc: Smsc, open_gateway: Open) -> None:
    async def dawdle(reference: str, state: DeliveryState) -> None:
        await asyncio.Event().wait()

    gateway = open_gateway(on_receipt=dawdle, times=QUICK)
    await send(gateway)

    sequence = await smsc.deliver(RECEIPT)
    await send(gateway)
    await smsc.until(lambda: sequence in smsc.deliver_answers)

    assert len(smsc.submitted) == 2
    assert smsc.deliver_answers == {sequence: 0x64}


async def test_closing_says_goodbye_and_sends_no_more(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    await send(gateway)

    await gateway.close()
    await gateway.close()
    refusal = await refusal_of(gateway)

    await smsc.until(lambda: smsc.connections == 0)
    assert (smsc.unbinds, len(smsc.submitted), len(smsc.binds)) == (1, 1, 1)
    assert (refusal.reason, refusal.retry) == ("the gateway is closed", True)


async def test_closing_does_not_wait_for_a_centre_that_stalls(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway(times=QUICK)
    await send(gateway)
    smsc.stalled = True

    await gateway.close()

    await smsc.until(lambda: smsc.connections == 0)


async def test_a_sender_that_gives_up_leaves_the_session_in_order(smsc: Smsc, open_gateway: Open) -> None:
    gateway = open_gateway()
    await send(gateway)
    smsc.stalled = True
    impatient = asyncio.create_task(send(gateway))
    await asyncio.sleep(0)

    impatient.cancel()
    await asyncio.wait({impatient})
    smsc.stalled = False
    await send(gateway)

    assert impatient.cancelled()
    assert len(smsc.binds) == 1
