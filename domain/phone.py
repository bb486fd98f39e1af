"""Subscriber numbers: +998 and nine digits (`number` in the spec's terms, MSISDN in the field's)."""

import re
from typing import Final

from domain.refusal import InvalidPhone, MissingInput

_SEPARATORS: Final = re.compile(r"[\s\-().]+")
_LOCAL: Final = re.compile(r"(?:\+?998)?([0-9]{9})", re.ASCII)
# Mobile and city codes begin with 2 to 9 in practice; a leading 0 or 1 is a typing error or a short number.
_CODES: Final = re.compile(r"[2-9][0-9]{8}", re.ASCII)


def read_phone(text: str | None, *, path: tuple[str, ...]) -> str:
    """E.164 of a number of Uzbekistan written in any usual way: +998 90 123-45-67, 998901234567, 901234567.

    Raises MissingInput for nothing and InvalidPhone for anything else.
    """
    if text is None or not text.strip():
        raise MissingInput(rule="S-5.1", path=path)
    found = _LOCAL.fullmatch(_SEPARATORS.sub("", text)) if len(text) <= 32 else None
    if found is None or not _CODES.fullmatch(found[1]):
        raise InvalidPhone(path=path)
    return f"+998{found[1]}"


def masked(phone: str) -> str:
    """+998 90 *** ** 67: what a list or a stranger may see (S-4.7, W-4.4.5)."""
    return f"{phone[:4]} {phone[4:6]} *** ** {phone[-2:]}"


def pretty(phone: str) -> str:
    """+998 90 123 45 67, as people write it."""
    return f"{phone[:4]} {phone[4:6]} {phone[6:9]} {phone[9:11]} {phone[11:]}"
