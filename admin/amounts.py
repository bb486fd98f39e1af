"""Numbers as people type them."""

import re
from decimal import Decimal
from typing import Final

_NUMBER: Final = re.compile(r"[-\N{MINUS SIGN}]?[0-9]{1,18}(?:[.,][0-9]{1,2})?", re.ASCII)


def typed_number(text: str) -> Decimal | None:
    """Digits, grouped by blanks or not, and at most two behind a comma or a point; None for nothing at all.

    Raises ValueError for anything else: 1,000 might be meant as a thousand, or as one.
    """
    written = "".join(text.split())
    if not written:
        return None
    if not _NUMBER.fullmatch(written):
        raise ValueError(f"{text[:30]!r} is no number")
    return Decimal(written.replace(",", ".").replace("\N{MINUS SIGN}", "-"))
