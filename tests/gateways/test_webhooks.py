import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from domain.clock import TASHKENT
from gateways import Gateways
from gateways.sms.fake import FakeSms
from gateways.webhooks import FakeWebhooks, HttpWebhooks, WebhookNotTaken, is_public, signature_headers
from tests.gateways.receiver import Receiver

OLD = "whsec_" + base64.b64encode(b"the old secret of 24 byte").decode()
NEW = "whsec_" + base64.b64encode(b"the new secret of 24 byte").decode()
OTHER = "whsec_" + base64.b64encode(b"somebody else's secret...").decode()
BODY = '{"type":"order.completed","note":"oʻzbekcha"}'.encode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as listening:
        yield listening


@pytest.fixture
async def webhooks() -> AsyncIterator[HttpWebhooks]:
    gateway = HttpWebhooks(allow_private=True, limit_seconds=5)
    yield gateway
    await gateway.close()


def now() -> datetime:
    return datetime.now(TASHKENT)


async def post(gateway: HttpWebhooks, url: str, *, secrets: Sequence[str] = (NEW,), at: datetime | None = None) -> None:
    await gateway.post(url=url, secrets=secrets, message_id="msg_1", at=at or now(), body=BODY)


async def refusal_of(gateway: HttpWebhooks, url: str, *, at: datetime | None = None) -> WebhookNotTaken:
    with pytest.raises(WebhookNotTaken) as refusal:
        await post(gateway, url, at=at)
    return refusal.value


def resolving_to(*addresses: str) -> "Resolving":
    return Resolving(addresses)


class Resolving:
    """A resolver that says what it is told and counts how often it is asked."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.addresses


async def test_the_body_arrives_as_it_is_with_headers_that_verify(receiver: Receiver, webhooks: HttpWebhooks) -> None:
    at = now()

    await post(webhooks, f"http://127.0.0.1:{receiver.port}/hooks?a=b", at=at)

    (got,) = receiver.got
    assert (got.line, got.body) == ("POST /hooks?a=b HTTP/1.1", BODY)
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["webhook-timestamp"] == str(int(at.timestamp()))
    assert Webhook(NEW).verify(got.body, got.headers)["type"] == "order.completed"


def test_while_secrets_change_either_verifies_and_no_other() -> None:
    headers = signature_headers(secrets=[NEW, OLD], message_id="msg_1", at=now(), body=BODY)

    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (NEW, OLD):
        Webhook(secret).verify(BODY, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY + b" ", headers)


def test_the_zone_of_the_time_does_not_change_the_signature() -> None:
    utc = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

    in_utc = signature_headers(secrets=[NEW], message_id="m", at=utc, body=BODY)
    in_tashkent = signature_headers(secrets=[NEW], message_id="m", at=utc.astimezone(TASHKENT), body=BODY)

    assert in_utc == in_tashkent
    assert in_utc["webhook-timestamp"] == "1772355600"


async def test_unsigned_or_without_a_zone_nothing_is_posted(receiver: Receiver, webhooks: HttpWebhooks) -> None:
    url = f"http://127.0.0.1:{receiver.port}/"

    with pytest.raises(ValueError, match="signed with"):
        await post(webhooks, url, secrets=())
    with pytest.raises(ValueError, match="signed with"):
        await post(webhooks, url, at=datetime(2026, 3, 1))  # noqa: DTZ001 the point
    for malformed in ("whsec_", "whsec_a"):
        with pytest.raises(ValueError, match="whsec_ and base64"):
            await post(webhooks, url, secrets=(malformed,))

    assert receiver.got == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_success(receiver: Receiver, webhooks: HttpWebhooks, status: int) -> None:
    receiver.answer = f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode()

    await post(webhooks, f"http://127.0.0.1:{receiver.port}/")

    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (301, True),
        (307, True),
        (400, True),
        (401, True),
        (404, True),
        (410, False),
        (429, True),
        (500, True),
        (503, True),
    ],
)
async def test_anything_else_is_failure_and_only_gone_is_for_good(
    receiver: Receiver, webhooks: HttpWebhooks, status: int, retry: bool
) -> None:
    elsewhere = f"http://127.0.0.1:{receiver.port}/elsewhere"
    receiver.answer = f"HTTP/1.1 {status} X\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n".encode()

    refusal = await refusal_of(webhooks, f"http://127.0.0.1:{receiver.port}/")

    assert (refusal.reason, refusal.retry, refusal.retry_after_seconds) == (
        f"the receiver answered {status}",
        retry,
        None,
    )
    assert [got.line for got in receiver.got] == ["POST / HTTP/1.1"]


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120),
        (503, "0", 0),
        (503, "Sun, 01 Mar 2026 09:05:00 GMT", 300),
        (503, "Sun, 01 Mar 2026 08:00:00 GMT", 0),
        (429, "999999999", 86_400),
        (429, "Sun, 01 Mar 2099 08:00:00 -0000", 86_400),
        (429, "soon", None),
        (429, "-5", None),
        (429, "9" * 5000, None),
        (500, "120", None),
        (410, "120", None),
    ],
)
async def test_a_receiver_may_ask_to_wait(
    receiver: Receiver, webhooks: HttpWebhooks, status: int, header: str, seconds: int | None
) -> None:
    receiver.answer = f"HTTP/1.1 {status} X\r\nretry-after: {header}\r\ncontent-length: 0\r\n\r\n".encode()

    refusal = await refusal_of(
        webhooks, f"http://127.0.0.1:{receiver.port}/", at=datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    )

    assert refusal.retry_after_seconds == seconds


async def test_a_body_without_end_is_left_after_64_kb(receiver: Receiver, webhooks: HttpWebhooks) -> None:
    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    receiver.endless_body = True

    await post(webhooks, f"http://127.0.0.1:{receiver.port}/")

    assert len(receiver.got) == 1
    # What the buffers of two sockets hold comes on top of what was read.
    assert receiver.sent_bytes < 20_000_000


async def test_a_body_that_never_comes_does_not_undo_the_answer(receiver: Receiver) -> None:
    receiver.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
    receiver.silent_body = True
    gateway = HttpWebhooks(allow_private=True, limit_seconds=0.2)

    await post(gateway, f"http://127.0.0.1:{receiver.port}/")
    await gateway.close()

    assert len(receiver.got) == 1


async def test_a_receiver_that_stalls_does_not_hold_the_sender(receiver: Receiver) -> None:
    receiver.stalled = True
    gateway = HttpWebhooks(allow_private=True, limit_seconds=0.2)

    refusal = await refusal_of(gateway, f"http://127.0.0.1:{receiver.port}/")
    await gateway.close()

    assert (refusal.reason, refusal.retry) == ("the receiver did not answer in time", True)


async def test_a_name_server_that_stalls_does_not_hold_the_sender() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    gateway = HttpWebhooks(resolve=never, limit_seconds=0.05)

    refusal = await refusal_of(gateway, "https://hooks.example/")
    await gateway.close()

    assert (refusal.reason, refusal.retry) == ("the receiver did not answer in time", True)


@pytest.mark.parametrize("answer", [b"", b"SMTP ready\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"])
async def test_an_answer_that_is_not_http_may_be_tried_again(
    receiver: Receiver, webhooks: HttpWebhooks, answer: bytes
) -> None:
    receiver.answer = answer
    receiver.silent_body = answer != b""
    if not answer:
        receiver.answer = b"H"
        receiver.silent_body = False
        await receiver.__aexit__()

    refusal = await refusal_of(webhooks, f"http://127.0.0.1:{receiver.port}/")

    assert refusal.retry
    assert "cannot be reached" in refusal.reason


async def test_the_name_is_asked_once_and_tls_is_for_the_name() -> None:
    async with Receiver(tls=True) as receiver:
        resolve = resolving_to("127.0.0.1")
        gateway = HttpWebhooks(allow_private=True, resolve=resolve, tls=receiver.trusted(), limit_seconds=5)

        await post(gateway, f"https://hooks.example:{receiver.port}/h")
        await gateway.close()

        assert resolve.asked == [("hooks.example", receiver.port)]
        assert receiver.names == ["hooks.example"]
        assert receiver.got[0].headers["host"] == f"hooks.example:{receiver.port}"


async def test_a_certificate_for_another_name_is_refused_even_right_after_the_right_one() -> None:
    async with Receiver(tls=True) as receiver:
        receiver.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        resolve = resolving_to("127.0.0.1")
        gateway = HttpWebhooks(allow_private=True, resolve=resolve, tls=receiver.trusted(), limit_seconds=5)

        await post(gateway, f"https://hooks.example:{receiver.port}/")
        refusal = await refusal_of(gateway, f"https://victim.example:{receiver.port}/")
        await gateway.close()

        assert (refusal.reason, refusal.retry) == ("the receiver cannot be reached: ConnectError", True)
        assert len(receiver.got) == 1


async def test_the_next_address_is_tried_when_one_takes_no_connection(receiver: Receiver) -> None:
    gateway = HttpWebhooks(allow_private=True, resolve=resolving_to("::1", "127.0.0.1"), limit_seconds=5)

    await post(gateway, f"http://hooks.example:{receiver.port}/")
    await gateway.close()

    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 an address to refuse
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
    ],
)
async def test_an_address_of_our_own_network_is_never_called(address: str) -> None:
    resolve = resolving_to("93.184.215.14", address)
    gateway = HttpWebhooks(resolve=resolve, limit_seconds=5)

    refusal = await refusal_of(gateway, "https://hooks.example/")
    await gateway.close()

    assert (refusal.reason, refusal.retry) == ("the receiver's address is not public", False)
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "195.158.31.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]", "0"]
)
async def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        gateway = HttpWebhooks(limit_seconds=5)

        refusal = await refusal_of(gateway, f"https://{host}:{listening.getsockname()[1]}/")
        await gateway.close()

        assert refusal.reason in (
            "the receiver's address is not public",
            "the receiver's name has no address",
            "the address cannot be read",
        )
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:password@hooks.example/",
        "https://hooks.example:port/",
        "https://[::1/",
        "https://hooks.example/\r\nx: y",
        "//hooks.example/",
    ],
)
async def test_an_address_that_is_not_https_is_refused_before_its_name_is_asked(url: str) -> None:
    resolve = resolving_to("93.184.215.14")
    gateway = HttpWebhooks(resolve=resolve, limit_seconds=5)

    refusal = await refusal_of(gateway, url)
    await gateway.close()

    assert not refusal.retry
    assert resolve.asked == []


async def test_a_name_without_an_address_may_be_tried_again() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    gateway = HttpWebhooks(resolve=unknown, limit_seconds=5)

    refusal = await refusal_of(gateway, "https://hooks.example/")
    await gateway.close()

    assert (refusal.reason, refusal.retry) == ("the receiver's name has no address", True)


async def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        gateway = HttpWebhooks(allow_private=True, limit_seconds=5)

        await post(gateway, f"http://127.0.0.1:{receiver.port}/")
        await gateway.close()

        assert (len(receiver.got), proxy.connections) == (1, 0)


async def test_the_fake_keeps_what_was_posted_and_fails_as_often_as_told() -> None:
    webhooks = FakeWebhooks()
    webhooks.fail(retry_after_seconds=30)

    with pytest.raises(WebhookNotTaken) as refusal:
        await webhooks.post(url="https://a.example/", secrets=[NEW], message_id="m1", at=now(), body=BODY)
    assert (refusal.value.retry, refusal.value.retry_after_seconds, webhooks.posted) == (True, 30, [])
    await webhooks.post(url="https://a.example/", secrets=[NEW], message_id="m1", at=now(), body=BODY)

    assert [(posted.url, posted.message_id, posted.body) for posted in webhooks.posted] == [
        ("https://a.example/", "m1", BODY)
    ]


async def test_closing_the_gateways_closes_each() -> None:
    sms, webhooks = FakeSms(), FakeWebhooks()

    await Gateways(sms=sms, webhooks=webhooks).close()

    assert (sms.closed, webhooks.closed) == (True, True)
