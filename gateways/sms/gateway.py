"""What every way out for text messages promises, and how its address is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

TIME_LIMIT_SECONDS: Final = 10.0
"""How long one step over the network may take."""


class SmsNotSent(Exception):
    """The message was not taken; `retry` says whether the same message may be taken later.

    After a lost connection or a time limit nobody knows whether it was taken: a retry may send it twice, giving up may
    send it never. The reason is for logs: it holds no phone number, no text and no password.
    """

    def __init__(self, reason: str, retry: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


class SmsGateway(Protocol):
    """Hands text messages to whoever carries them."""

    async def send(self, *, to: str, text: str, reference: str) -> None:
        """Returns once the message is taken. `to` is +998 and nine digits, `reference` our own id of the message.

        Raises SmsNotSent. Never waits longer than its time limits.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections; a second call does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address such as `smpp://user:password@host:port?source=4546`, decoded."""

    user: str
    password: str = field(repr=False)
    host: str
    port: int | None
    options: Mapping[str, str]

    def base_url(self) -> str:
        """`https://host[:port]`, or plain http where the address says `?scheme=http`."""
        scheme = self.options.get("scheme", "https")
        if scheme not in ("http", "https"):
            raise ValueError("the SMS address: scheme is http or https")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}" if self.port is None else f"{scheme}://{host}:{self.port}"


def read_address(url: str, *, options: frozenset[str]) -> Address:
    """Raises ValueError for an incomplete address or an option not in `options`; never repeats any of the address.

    The standard parser's own messages quote what they could not read, which may be the password, so they are dropped.
    """
    try:
        found = urlsplit(url)
        port = found.port
        pairs = parse_qsl(found.query, keep_blank_values=True, strict_parsing=bool(found.query))
    except ValueError:
        raise ValueError(
            "the SMS address cannot be read: write special characters in its user and password as %XX"
        ) from None
    if not (found.username and found.password and found.hostname) or found.path.strip("/") or found.fragment:
        raise ValueError("the SMS address is not of the form scheme://user:password@host")
    given = dict(pairs)
    if not given.keys() <= options or len(given) < len(pairs):
        raise ValueError(f"the SMS address takes these options, once each: {', '.join(sorted(options))}")
    return Address(unquote(found.username), unquote(found.password), found.hostname, port, given)
