"""Content-Encoding of answers: gzip for what is worth it, to those who take it (RFC 9110, 12.5.3).

Why compressing is safe although answers hold what is private: decision 10.
"""

import zlib
from functools import lru_cache
from typing import Final

# Below this the headers weigh as much as what would be saved.
WORTH_BYTES: Final = 1_024
LENGTH_MOST: Final = 1_000
# Measured on answers of 2 to 60 kB: level 1 saves almost all that level 6 does, in about half its time on long ones.
QUICK_LEVEL: Final = 1
CAREFUL_LEVEL: Final = 6
KEPT_BYTES_MOST: Final = 256 * 1024
_GZIP_FORMAT: Final = 31


def takes_gzip(accept_encoding: bytes | None) -> bool:
    """Whether a caller with this header wants gzip at least as much as nothing."""
    return accept_encoding is not None and _takes_gzip(accept_encoding[:LENGTH_MOST])


def gzip(body: bytes) -> bytes:
    """The body compressed quickly."""
    return zlib.compress(body, QUICK_LEVEL, _GZIP_FORMAT)


def gzip_public(body: bytes) -> bytes:
    """The body compressed well, and kept so for the next who ask for the same."""
    return _gzip_kept(body) if len(body) <= KEPT_BYTES_MOST else gzip(body)


@lru_cache(maxsize=32)
def _gzip_kept(body: bytes) -> bytes:
    return zlib.compress(body, CAREFUL_LEVEL, _GZIP_FORMAT)


@lru_cache(maxsize=256)
def _takes_gzip(accept_encoding: bytes) -> bool:
    wanted: dict[str, float] = {}
    for part in accept_encoding.decode("latin-1").lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding:
            wanted["gzip" if coding == "x-gzip" else coding] = _quality(parameters)
    quality = wanted.get("gzip", wanted.get("*", 0.0))
    return quality > 0 and quality >= wanted.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    """A weight that is none counts as no wish."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0
