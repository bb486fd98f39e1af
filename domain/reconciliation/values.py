"""Ids, amounts, times and states as statements write them. Each raises BadLine."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from domain.clock import TASHKENT, to_micros
from domain.money import LARGEST_SOM, TIYIN_PER_SOM, exact_tiyin
from domain.reconciliation.rows import BadLine, LineFault, TheirState

LONGEST_ID: Final = 100
_SPACES: Final = re.compile(r"[ \u00a0\u2009\u202f]")
_SOM: Final = re.compile(r"[0-9]{1,14}([.,][0-9]{1,6})?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}", re.ASCII)  # a thousand, or three decimals: nobody can tell
_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[0-9]{12,13}", re.ASCII)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4})([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

STATES: Final[Mapping[str, TheirState]] = {
    **dict.fromkeys(("performed", "2", "paid", "success", "successful", "confirmed", "completed", "captured"),
                    TheirState.PERFORMED),
    **dict.fromkeys(("pending", "1", "created", "waiting", "processing", "prepared"), TheirState.PENDING),
    **dict.fromkeys(("cancelled", "canceled", "-1", "-2", "reversed", "refunded", "rejected", "failed", "error"),
                    TheirState.CANCELLED),
}  # fmt: skip


def external_id(text: str, prefix: str = "") -> str:
    """Their id of a payment, as we store it."""
    text = text.strip()
    if not text or len(text) > LONGEST_ID - len(prefix) or not text.isprintable():
        raise BadLine(LineFault.NO_ID)
    return prefix + text


def som(text: str) -> int:
    """So'm as a decimal text, `1 000,50` or `1000.5`, in tiyin; never a float."""
    text = _SPACES.sub("", text)
    if not _SOM.fullmatch(text) or _THOUSANDS.fullmatch(text):
        raise BadLine(LineFault.BAD_AMOUNT)
    tiyin = exact_tiyin(Decimal(text.replace(",", ".")))
    return _in_bounds(tiyin or 0)


def tiyin(text: str) -> int:
    """Whole tiyin."""
    text = _SPACES.sub("", text)
    if not _WHOLE.fullmatch(text):
        raise BadLine(LineFault.BAD_AMOUNT)
    return _in_bounds(int(text))


def _in_bounds(amount: int) -> int:
    if not 0 < amount <= LARGEST_SOM * TIYIN_PER_SOM:
        raise BadLine(LineFault.BAD_AMOUNT)
    return amount


def instant(text: str) -> int:
    """Milliseconds since 1970, or a written moment: ISO 8601, also `31.12.2026 23:59:59`; Tashkent's unless it says."""
    text = text.strip()
    if _MILLISECONDS.fullmatch(text):
        at = int(text) * 1000
        if not to_micros(_EARLIEST) <= at < to_micros(_LATEST):
            raise BadLine(LineFault.BAD_TIME)
        return at
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise BadLine(LineFault.BAD_TIME)
    day = found[1] if "-" in found[1] else "-".join(reversed(found[1].split(".")))
    try:
        read = datetime.fromisoformat(day + (found[2] or "") + (found[5] or ""))
        read = read if read.tzinfo else read.replace(tzinfo=TASHKENT)
        if not _EARLIEST <= read < _LATEST:
            raise BadLine(LineFault.BAD_TIME)
    except (ValueError, OverflowError):
        raise BadLine(LineFault.BAD_TIME) from None
    return to_micros(read)


def state(text: str) -> TheirState:
    """The words and numbers that payment systems use."""
    found = STATES.get(text.strip().lower())
    if found is None:
        raise BadLine(LineFault.BAD_STATE)
    return found


def click_state(text: str) -> TheirState:
    """Click tells a number, too: 2 is confirmed, 0 and 1 are under way, below zero is an error."""
    text = text.strip().lower()
    if re.fullmatch(r"-[0-9]{1,6}", text):
        return TheirState.CANCELLED
    return TheirState.PENDING if text == "0" else state(text)


def plain(value: Any) -> str:
    """A JSON value that stands for a text: a text or a whole number; anything else reads as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and abs(value) < 10**18 else ""
