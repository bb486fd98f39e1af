"""Content negotiation: which of our media types an Accept header wants most (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# What comes after in a header is not read: nobody asks for so much in earnest.
LENGTH_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """How much a media type is wanted: `quality` 0 to 1, `named` if not only by a wildcard."""

    quality: float
    named: bool


def wish(accept: str, media_type: str) -> Wish:
    """What the header says of one media type: the most specific range that fits decides."""
    kind = media_type.partition("/")[0]
    best_quality, best_fit = 0.0, -1
    for range_, quality in _ranges(accept[:LENGTH_MOST]):
        fit = {media_type: 2, f"{kind}/*": 1, "*/*": 0}.get(range_, -1)
        if fit > best_fit:
            best_quality, best_fit = quality, fit
    return Wish(best_quality, best_fit == 2)


def choose(accept: str, offers: Sequence[str]) -> str | None:
    """The offer that is wanted most; among equals one that is named, then the first. None if nothing fits."""
    wishes = [(wish(accept, offer), -place, offer) for place, offer in enumerate(offers)]
    wanted = [(w.quality, w.named, place, offer) for w, place, offer in wishes if w.quality > 0]
    return max(wanted)[3] if wanted else None


@lru_cache(maxsize=256)
def _ranges(accept: str) -> tuple[tuple[str, float], ...]:
    if not accept.strip():
        return (("*/*", 1.0),)
    ranges = []
    for part in accept.split(","):
        range_, *parameters = (piece.strip().lower() for piece in part.split(";"))
        values = {name.strip(): value.strip() for name, _, value in (p.partition("=") for p in parameters)}
        if values.get("charset", "utf-8").strip('"') in ("utf-8", "utf8"):
            ranges.append((range_, _quality(values.get("q", "1"))))
    return tuple(ranges)


def _quality(text: str) -> float:
    """A weight that is none counts as no wish."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
