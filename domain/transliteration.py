"""Uzbek in Cyrillic letters from Uzbek in Latin ones, for texts that are written once (C-6).

The letters are those of the official alphabets. Words that are not Uzbek stay as they are: addresses, codes, and
abbreviations that are the same in both (SMS, PIN); {places} of messages, too.
"""

import re
from typing import Final

# An abbreviation keeps its letters with a suffix behind it, too: PINni is PINни.
_ABBREVIATIONS: Final = "SMS|PIN|QR|API|TOTP|PDF|CSV|UZS|eSIM|SIM|IP|ID|VPN|URL|Wi-Fi|JSON|JavaScript|GraphQL|OTP|htmx"
_KEPT: Final = re.compile(
    r"\{[^{}]*\}|<[^<>]*>|\bhttps?://\S+|\b[\w.-]+@[\w.-]+\b|\b(?:[\w-]+\.)+(?:uz|com|org|net)\b"
    rf"|\b(?:Kabinet|Light|Premium|Welcome)\b|\b(?:{_ABBREVIATIONS})(?![A-Z])"
    r"|\b[A-Z]{1,2}-\d[\w.]*|\b\w*\d\w*\b|%\(\w+\)\w"
)
_WORDS: Final = {"bhm": "бҳм", "stir": "стир", "jshshir": "жшшир"}
_MARKS: Final = "ʻʼ‘’'`"
_PAIRS: Final = {
    **{f"o{mark}": "ў" for mark in _MARKS},
    **{f"g{mark}": "ғ" for mark in _MARKS},
    "sh": "ш",
    "ch": "ч",
    "ya": "я",
    "yo": "ё",
    "yu": "ю",
    "ye": "е",
}
_LETTERS: Final = dict(zip("abdefghijklmnopqrstuvxyz", "абдефгҳижклмнопқрстувхйз", strict=True))
# Borrowed words have ц; elsewhere t and s meet where a suffix begins: ketsa is кетса, ketsin кетсин.
_TS: Final = re.compile(r"ts(?=e|iya|iy|io)", re.IGNORECASE)
_TS_FIRST: Final = re.compile(r"ts", re.IGNORECASE)
# Where the Latin spelling has lost the ц of a borrowed word: kvitansiya; but pensiya, komissiya have an s.
_LOST_TS: Final = frozenset({"kvitan", "ak"})
_VOWELS: Final = frozenset("aeiouаеёиоуўэюя")
_WORD: Final = re.compile(rf"[A-Za-z](?:[A-Za-z{_MARKS}]*[A-Za-z{_MARKS}])?")


def to_cyrillic(text: str) -> str:
    """The text in Cyrillic letters; what is no Uzbek word stays as it is."""
    out, last = [], 0
    for kept in _KEPT.finditer(text):
        out += [_WORD.sub(_word, text[last : kept.start()]), kept.group()]
        last = kept.end()
    out.append(_WORD.sub(_word, text[last:]))
    return "".join(out)


def _word(found: re.Match[str]) -> str:
    word = found.group()
    known = _WORDS.get(word.lower())
    if known is not None:
        return known.upper() if word.isupper() else known
    letters, place = [], 0
    while place < len(word):
        letter, length = _letter(word, place)
        source = word[place : place + length]
        letters.append(_cased(letter, source, word))
        place += length
    return "".join(letters)


def _letter(word: str, place: int) -> tuple[str, int]:
    pair = word[place : place + 2].lower()
    before = word[place - 1].lower() if place else ""
    if pair == "yo" and place + 2 < len(word) and word[place + 2] in _MARKS:
        return "й", 1  # yoʻ is й and ў
    if pair == "ye" and before and before not in _VOWELS and before not in _MARKS:
        return ("ъе" if before == "b" else "ье"), 2  # obyekt, premyera
    if pair in _PAIRS:
        return _PAIRS[pair], 2
    if (_TS if place else _TS_FIRST).match(word, place):
        return "ц", 2
    if word[:place].lower() in _LOST_TS and word[place:].lower().startswith("siya"):
        return "ц", 1
    one = word[place].lower()
    if one == "e":
        return ("э" if not before or before in _VOWELS else "е"), 1
    if one in _MARKS:
        return _mark(word, place), 1
    return _LETTERS.get(one, word[place]), 1


def _mark(word: str, place: int) -> str:
    """The sign of separation is ъ after a vowel and within a word; s and h that it keeps apart need none."""
    after = word[place + 1 : place + 2].lower()
    if not place or (not after and word[place] != "ʼ"):
        return word[place]  # a quotation mark around the word
    return "" if word[place - 1 : place].lower() == "s" and after == "h" else "ъ"


def _cased(letter: str, source: str, word: str) -> str:
    if source[0].isupper():
        return letter.upper() if word.isupper() else letter[:1].upper() + letter[1:]
    if source[0] in _MARKS and word.isupper():
        return letter.upper()
    return letter
