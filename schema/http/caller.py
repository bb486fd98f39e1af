"""Who calls, as far as the wire tells: the headers and the network address, read without any framework."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from starlette.types import Scope


class HasHost(Protocol):
    """A network address."""

    @property
    def host(self) -> str: ...


class Connection(Protocol):
    """What a context may be made from; `Caller` is one, and so is Starlette's HTTPConnection."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def client(self) -> HasHost | None: ...


class Address(NamedTuple):
    """A network address, as the server below tells it."""

    host: str
    port: int | None = None


@lru_cache(maxsize=256)
def _name(key: str) -> bytes:
    """A header's name as the wire has it; those who ask for headers are few."""
    return key.lower().encode("latin-1", "replace")


class Headers(Mapping[str, str]):
    """Headers by their names in whatever case. What was sent several times is one text with commas (RFC 9110, 5.3).

    `raw` has the names in lower case as bytes, for who looks only for names that it knows.
    """

    __slots__ = ("raw",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        pairs = pairs if isinstance(pairs, list) else list(pairs)
        raw = dict(pairs)
        self.raw: dict[bytes, bytes] = raw if len(raw) == len(pairs) else _joined(pairs)

    def get(self, key: str, default: Any = None, /) -> Any:
        value = self.raw.get(_name(key))
        return default if value is None else value.decode("latin-1")

    def __getitem__(self, key: str) -> str:
        return self.raw[_name(key)].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self.raw)

    def __len__(self) -> int:
        return len(self.raw)


class Caller:
    """The other end of a request or a socket; `said` takes the place of headers of the same name."""

    __slots__ = ("client", "headers")

    def __init__(self, scope: Scope, said: Mapping[bytes, bytes] | None = None) -> None:
        self.headers = Headers(scope["headers"])
        if said:
            self.headers.raw.update(said)
        client = scope.get("client")
        self.client = Address(*client) if client else None


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    raw: dict[bytes, bytes] = {}
    for name, value in pairs:
        raw[name] = raw[name] + b", " + value if name in raw else value
    return raw
