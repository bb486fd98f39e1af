"""Identity documents of Uzbekistan: the passport's or card's number, and the PINFL with the birth date inside it.

A PINFL is 14 digits: century and sex, the birth date as DDMMYY, three for the area, three in series, a check digit. A
birth date that is not the holder's is a refusal; a wrong check digit only makes staff look twice.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Final

from domain.refusal import InvalidInput

_DOCUMENT: Final = re.compile(r"[A-Z]{2}[0-9]{7}", re.ASCII)
_PINFL: Final = re.compile(r"[1-6][0-9]{13}", re.ASCII)
_WEIGHTS: Final = (7, 3, 1)


class DocumentKind(StrEnum):
    PASSPORT = "passport"
    ID_CARD = "id_card"


def read_document_number(text: str) -> str:
    """Two letters and seven digits. Raises InvalidInput."""
    number = "".join(text.split()).upper()
    if not _DOCUMENT.fullmatch(number):
        raise InvalidInput(rule="W-4.2.1", path=("documentNumber",))
    return number


def read_pinfl(text: str) -> str:
    """Fourteen digits with a day of the calendar inside. Raises InvalidInput."""
    pinfl = "".join(text.split())
    if not _PINFL.fullmatch(pinfl) or born_of(pinfl) is None:
        raise InvalidInput(rule="W-4.2.1", path=("pinfl",))
    return pinfl


def born_of(pinfl: str) -> date | None:
    """The birth date inside a PINFL; None for a day that no calendar has."""
    century = 1800 + 100 * ((int(pinfl[0]) - 1) // 2)
    try:
        return date(century + int(pinfl[5:7]), int(pinfl[3:5]), int(pinfl[1:3]))
    except ValueError:
        return None


def pinfl_is_plausible(pinfl: str) -> bool:
    """Whether the check digit is right: the sum of the others times 7, 3, 1 in turn, modulo 10."""
    total = sum(int(digit) * _WEIGHTS[place % 3] for place, digit in enumerate(pinfl[:13]))
    return total % 10 == int(pinfl[13])
