"""Outgoing webhooks, signed as Standard Webhooks says: partners' servers learn what happened, and that we said it.

The address comes from a partner, so a request must not become a way into our own network: the name is resolved once,
every address it has must be public, and the connection goes to one of the addresses that were checked.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

import httpx2
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

TOTAL_LIMIT_SECONDS: Final = 15.0
_CONNECT_LIMIT_SECONDS: Final = 5.0
_READ_LIMIT_SECONDS: Final = 10.0
_READ_AT_MOST_BYTES: Final = 64 * 1024
_LONGEST_WAIT_SECONDS: Final = 24 * 60 * 60
_GONE: Final = 410
_ASKS_TO_WAIT: Final = frozenset({429, 503})
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives every IP address of a host name; raises OSError when there is none."""


class WebhookNotTaken(Exception):
    """The receiver did not answer 2xx.

    `retry` is False when the receiver is gone (410) or its address may not be called. `retry_after_seconds` is what the
    receiver asked for (429, 503), one day at most; None when it did not. The reason is for logs and for the partner.
    """

    def __init__(self, reason: str, retry: bool, retry_after_seconds: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.retry_after_seconds = retry_after_seconds


class WebhookGateway(Protocol):
    """Posts one event to one receiver."""

    async def post(self, *, url: str, secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> None:
        """Returns when the receiver answered 2xx; raises WebhookNotTaken otherwise, after 15 seconds at the latest.

        `secrets` are `whsec_…`, all of them valid while one replaces another: each signs. `message_id` stays the same
        when the event is posted again, `at` (aware) is the time of this try. `body` is JSON.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections; a second call does nothing."""
        ...


class HttpWebhooks:
    """Webhooks over HTTPS to public addresses; `allow_private` (development) also lets plain HTTP and any address."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        limit_seconds: float = TOTAL_LIMIT_SECONDS,
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve or resolve_by_system
        self._limit_seconds = limit_seconds
        self._client = httpx2.AsyncClient(
            verify=tls or True,
            # A proxy from the environment would connect in our place, unchecked.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(_READ_LIMIT_SECONDS, connect=_CONNECT_LIMIT_SECONDS),
            # Connections are pooled by address: one that was opened for another name on the same address would be
            # used again without asking for this name's certificate. So none is kept.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def post(self, *, url: str, secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> None:
        """See WebhookGateway. Raises ValueError for no secrets, a malformed one, or a time without a zone."""
        headers = {
            "content-type": "application/json",
            "user-agent": "Kabinet",
            **signature_headers(secrets=secrets, message_id=message_id, at=at, body=body),
        }
        deadline = asyncio.get_running_loop().time() + self._limit_seconds
        response = await self._answer_to(self._readable(url), headers, body, deadline)
        try:
            await _drain(response, deadline)
        finally:
            await response.aclose()
        _judge(response, at)

    async def close(self) -> None:
        await self._client.aclose()

    def _readable(self, text: str) -> httpx2.URL:
        try:
            url = httpx2.URL(text)
        except (httpx2.InvalidURL, ValueError):
            raise WebhookNotTaken("the address cannot be read", retry=False) from None
        allowed = ("https", "http") if self._allow_private else ("https",)
        if url.scheme not in allowed or not url.host or url.userinfo:
            raise WebhookNotTaken("the address is not of the form https://host/path", retry=False)
        return url

    async def _answer_to(
        self, url: httpx2.URL, headers: dict[str, str], body: bytes, deadline: float
    ) -> httpx2.Response:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._connect(url, headers, body)
        except (TimeoutError, httpx2.TimeoutException):
            raise WebhookNotTaken("the receiver did not answer in time", retry=True) from None
        except httpx2.HTTPError as error:
            raise WebhookNotTaken(f"the receiver cannot be reached: {type(error).__name__}", retry=True) from error

    async def _connect(self, url: httpx2.URL, headers: dict[str, str], body: bytes) -> httpx2.Response:
        """The head of the answer from the first address that takes a connection."""
        addresses = await self._addresses(url)
        for address in addresses[:-1]:
            with suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._ask(url, address, headers, body)
        return await self._ask(url, addresses[-1], headers, body)

    async def _ask(self, url: httpx2.URL, address: str, headers: dict[str, str], body: bytes) -> httpx2.Response:
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            headers={"host": url.netloc.decode("ascii"), **headers},
            content=body,
            # The name that TLS asks for, and that the certificate must be for.
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        return await self._client.send(request, stream=True)

    async def _addresses(self, url: httpx2.URL) -> Sequence[str]:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(url.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise WebhookNotTaken("the receiver's name has no address", retry=True)
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise WebhookNotTaken("the receiver's address is not public", retry=False)
        return addresses


@dataclass(frozen=True, slots=True)
class PostedWebhook:
    """A webhook as it was handed over."""

    url: str
    secrets: tuple[str, ...]
    message_id: str
    at: datetime
    body: bytes


class FakeWebhooks:
    """Keeps what was posted in `posted`, oldest first; refuses as often as `fail` says, keeping nothing of those."""

    def __init__(self) -> None:
        self.posted: list[PostedWebhook] = []
        self.closed = False
        self._failures: list[WebhookNotTaken] = []

    def fail(
        self,
        times: int = 1,
        *,
        reason: str = "told to fail",
        retry: bool = True,
        retry_after_seconds: int | None = None,
    ) -> None:
        """The next `times` webhooks are not taken."""
        self._failures += [WebhookNotTaken(reason, retry, retry_after_seconds) for _ in range(times)]

    async def post(self, *, url: str, secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.posted.append(PostedWebhook(url, tuple(secrets), message_id, at, body))

    async def close(self) -> None:
        self.closed = True


def signature_headers(*, secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """webhook-id, webhook-timestamp and webhook-signature, the last with one signature for each secret."""
    if not secrets or at.tzinfo is None:
        raise ValueError("a webhook is signed with at least one secret and an aware time")
    # The library takes the clock's face for UTC, whatever the zone.
    at_utc = at.astimezone(UTC)
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at_utc.timestamp())),
        "webhook-signature": " ".join(_key(secret).sign(message_id, at_utc, text) for secret in secrets),
    }


def _key(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        raise ValueError("a webhook secret is whsec_ and base64") from None


def is_public(address: str) -> bool:
    """False for loopback, private, link-local (the clouds' metadata), shared, multicast and reserved addresses.

    An IPv6 address that carries an IPv4 address is judged by what it carries; tunnels are refused.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour is not None or ip.teredo is not None or ip.is_site_local or ip in _LOCAL_NAT64:
            return False
        carried = ip.ipv4_mapped
        if ip in _NAT64:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = carried or ip
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Every address that the system's resolver gives for the host, in its order of preference."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _drain(response: httpx2.Response, deadline: float) -> None:
    """Reads a little of the body, so that the receiver can finish; its status has decided already."""
    read_bytes = 0
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout_at(deadline):
            async for chunk in response.aiter_raw():
                read_bytes += len(chunk)
                if read_bytes >= _READ_AT_MOST_BYTES:
                    return


def _judge(response: httpx2.Response, at: datetime) -> None:
    status = response.status_code
    if response.is_success:
        return
    wait_seconds = _retry_after(response.headers.get("retry-after"), at) if status in _ASKS_TO_WAIT else None
    raise WebhookNotTaken(f"the receiver answered {status}", retry=status != _GONE, retry_after_seconds=wait_seconds)


def _retry_after(text: str | None, at: datetime) -> int | None:
    """Seconds from `at`; the header has seconds or a date. What cannot be read asks for nothing."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return min(int(text), _LONGEST_WAIT_SECONDS)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0, int((until - at).total_seconds())), _LONGEST_WAIT_SECONDS)
