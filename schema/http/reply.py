"""What the door answers: a status, headers and a body, sent in two messages."""

from hashlib import blake2b
from typing import Any, Final

import orjson
from starlette.types import Send

from schema.engine.errors import ErrorDict, internal
from schema.http.encoding import WORTH_BYTES, gzip, gzip_public, takes_gzip

JSON: Final = "application/json"
GRAPHQL: Final = "application/graphql-response+json"

KNOWN_BY: Final = (b"authorization", b"x-api-key")
"""The headers by which a caller says who it is."""

LIST_LENGTH_MOST: Final = 2_000

Header = tuple[bytes, bytes]

_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_PRIVATE: Final = (b"cache-control", b"no-store")
_VARY: Final = (b"vary", b"Accept, Accept-Encoding")
_PUBLIC_VARY: Final = (b"vary", b"Accept, Accept-Language, Accept-Encoding, Authorization, X-Api-Key")
_GZIPPED: Final = (b"content-encoding", b"gzip")
_TYPES: Final = {
    media_type: (b"content-type", f"{media_type}; charset=utf-8".encode()) for media_type in (JSON, GRAPHQL)
}


class Reply:
    """An answer that is ready to be sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[Header], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def send(self, send: Send) -> None:
        """Sends it all."""
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def json_reply(
    content: dict[str, Any],
    status: int,
    media_type: str,
    accept_encoding: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """The content for this caller alone."""
    body, status = _dumped(content, status)
    given = [_TYPES[media_type], _VARY, _PRIVATE, _NOSNIFF]
    if headers:
        given += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    if len(body) >= WORTH_BYTES and takes_gzip(accept_encoding):
        body = gzip(body)
        given.append(_GZIPPED)
    return Reply(status, given, body)


def public_reply(
    content: dict[str, Any], media_type: str, accept_encoding: bytes | None, known: bytes | None, max_age_seconds: int
) -> Reply:
    """The content for everybody, to be kept for a while; 304 for who has it already, as If-None-Match tells."""
    body, status = _dumped(content, 200)
    if status != 200:
        return json_reply(content, 200, media_type)
    etag = b'W/"%s"' % blake2b(body, digest_size=12).hexdigest().encode()
    kept = [
        (b"etag", etag),
        (b"cache-control", b"public, max-age=%d" % max_age_seconds),
        _PUBLIC_VARY,
        _NOSNIFF,
    ]
    if known is not None and _names(known, etag):
        return NotModified(304, kept, b"")
    kept.append(_TYPES[media_type])
    if len(body) >= WORTH_BYTES and takes_gzip(accept_encoding):
        body = gzip_public(body)
        kept.append(_GZIPPED)
    return Reply(200, kept, body)


class NotModified(Reply):
    """Without a body, and without a word about its length."""

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def refused(status: int, error: ErrorDict, headers: dict[str, str] | None = None) -> Reply:
    """One error, in the media type that everybody reads."""
    return json_reply({"errors": [error]}, status, JSON, None, headers)


def _dumped(content: dict[str, Any], status: int) -> tuple[bytes, int]:
    try:
        return orjson.dumps(content), status
    except TypeError as error:
        # A scalar of ours gave a value that is no JSON.
        return orjson.dumps({"errors": [internal(error)]}), 500


def _names(if_none_match: bytes, etag: bytes) -> bool:
    """Compared weakly (RFC 9110, 13.1.2): the same content, whatever its encoding."""
    opaque = etag.removeprefix(b"W/")
    tags = (tag.strip().removeprefix(b"W/") for tag in if_none_match[:LIST_LENGTH_MOST].split(b","))
    return any(tag in (opaque, b"*") for tag in tags)
