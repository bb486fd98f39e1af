"""How a text fits into text messages: GSM-7 where every character has a place in its alphabet, UCS-2 otherwise.

A text with ʻ, ’ or a Cyrillic letter is UCS-2 as a whole, so a part holds less than half as much of it.
"""

from typing import Final

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = dict(
    zip((0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65), "\f^{}\\[~]|€", strict=True),
)
_ESCAPE: Final = 0x1B
# The escape itself takes a place in the alphabet but is no character: a text that holds it is not GSM-7.
_CODES: Final = {character: bytes((code,)) for code, character in enumerate(_BASIC) if code != _ESCAPE} | {
    character: bytes((_ESCAPE, code)) for code, character in _EXTENSION.items()
}

GSM7_ONE_PART: Final = 160
"""Septets in a message of one part; each of several parts has 7 fewer, taken by the header that joins them."""
GSM7_EACH_PART: Final = 153
UCS2_ONE_PART: Final = 70
"""16-bit code units in a message of one part; each of several parts has 3 fewer."""
UCS2_EACH_PART: Final = 67


def is_gsm7(text: str) -> bool:
    """True when every character is in the GSM 03.38 alphabet or its extension table."""
    return all(character in _CODES for character in text)


def encode_gsm7(text: str) -> bytes:
    """One septet an octet, as SMPP carries them; raises ValueError for a text that is not GSM-7."""
    if not is_gsm7(text):
        raise ValueError("the text has characters outside the GSM-7 alphabet")
    return b"".join(_CODES[character] for character in text)


def encode_ucs2(text: str) -> bytes:
    """Big-endian 16-bit code units; half a surrogate pair, which no telephone can show, becomes a question mark."""
    return text.encode("utf-16-be", errors="replace")


def parts(text: str) -> int:
    """How many message parts the text takes (an empty text takes one), which is what an operator charges for.

    A character of two units (an extension character, a surrogate pair) never straddles two parts.
    """
    gsm7 = is_gsm7(text)
    widths = [len(_CODES[c]) for c in text] if gsm7 else [len(encode_ucs2(c)) // 2 for c in text]
    one_part, each_part = (GSM7_ONE_PART, GSM7_EACH_PART) if gsm7 else (UCS2_ONE_PART, UCS2_EACH_PART)
    if sum(widths) <= one_part:
        return 1
    count, used = 1, 0
    for width in widths:
        if used + width > each_part:
            count, used = count + 1, 0
        used += width
    return count


def fits_one_part(text: str) -> bool:
    """True for at most 160 GSM-7 septets or 70 UCS-2 code units: what every one-time code must be."""
    return parts(text) == 1
