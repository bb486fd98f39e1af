"""Reading an offer's source files: Markdown with a front matter, one file a language (A-0).

    ---
    code: wallet
    edition: 2026-01
    published: 2026-01-15
    notice_days: 0
    language: en
    title: Public offer of the wallet
    ---
    # 1. What this is about
    1.1. The operator issues electronic money. {rule=W-4.4.1}
    a) a list's item

A heading is `# 1. Text`; a clause begins with its number; lines without one go on with the clause before. All faults of
all files are told at once, with file, line and reason.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from domain.language import Language
from domain.transliteration import to_cyrillic

LARGEST_FILE_BYTES: Final = 500_000
MOST_CLAUSES: Final = 2_000
_FIELDS: Final = ("code", "edition", "published", "notice_days", "language", "title")
_OPTIONAL: Final = ("effective",)
_HEADING: Final = re.compile(r"# (\d{1,3})\. (\S.*)")
_CLAUSE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3}){1,3})\.? (\S.*)")
_ITEM: Final = re.compile(r"([a-z])\) (\S.*)")
_RULES: Final = re.compile(r"\s*\{rule=([A-Z]-\d[\w., ]*(?:[A-Z]-\d[\w.]*)*)\}\s*$")
_HTML: Final = re.compile(r"<[a-zA-Z/!]")
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_EDITION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceFault:
    """One thing that is wrong in a file."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class BadOffer(Exception):
    """The files are no offer; `faults` are all that is to be corrected."""

    def __init__(self, faults: list[SourceFault]) -> None:
        super().__init__("; ".join(map(str, faults[:3])))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Clause:
    """A section's heading or a clause; `depth` 1 is a section. `rules` are the specification's ids that it states."""

    number: str
    depth: int
    heading: bool
    content: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The offer in one language. The hash is over what is read by people: title, numbers and contents."""

    language: Language
    title: str
    clauses: tuple[Clause, ...]

    @property
    def body(self) -> str:
        return "\n".join(f"{clause.number} {clause.content}" for clause in self.clauses)

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{self.title}\n{self.body}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ParsedOffer:
    """An edition that can be published. The hash is over its languages' hashes."""

    code: str
    edition: str
    published: date
    effective: date | None
    notice_days: int
    texts: tuple[ParsedText, ...]

    @property
    def hash(self) -> str:
        lines = sorted(f"{text.language}:{text.hash}" for text in self.texts)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(slots=True)
class _File:
    name: str
    faults: list[SourceFault]
    head: dict[str, str] = field(default_factory=dict)
    clauses: list[Clause] = field(default_factory=list)

    def fault(self, line: int, reason: str) -> None:
        self.faults.append(SourceFault(self.name, line, reason))


def parse_offer(files: Mapping[str, bytes]) -> ParsedOffer:
    """The offer in these files, one a language. Raises BadOffer with every fault.

    Uzbek in Cyrillic letters is made from the Latin text where no file has it.
    """
    faults: list[SourceFault] = []
    if not files:
        raise BadOffer([SourceFault("", 1, "no file was given")])
    read = [_read(name, content, faults) for name, content in sorted(files.items())]
    _compare(read, faults)
    if faults:
        raise BadOffer(faults)
    first = read[0].head
    texts = {
        Language(f.head["language"]): ParsedText(Language(f.head["language"]), f.head["title"], tuple(f.clauses))
        for f in read
    }
    if Language.UZ in texts and Language.UZ_CYRL not in texts:
        texts[Language.UZ_CYRL] = _in_cyrillic(texts[Language.UZ])
    return ParsedOffer(
        code=first["code"],
        edition=first["edition"],
        published=date.fromisoformat(first["published"]),
        effective=date.fromisoformat(first["effective"]) if "effective" in first else None,
        notice_days=int(first["notice_days"]),
        texts=tuple(texts[language] for language in Language if language in texts),
    )


def _in_cyrillic(text: ParsedText) -> ParsedText:
    clauses = tuple(Clause(c.number, c.depth, c.heading, to_cyrillic(c.content), c.rules) for c in text.clauses)
    return ParsedText(Language.UZ_CYRL, to_cyrillic(text.title), clauses)


def _read(name: str, content: bytes, faults: list[SourceFault]) -> _File:
    file = _File(name, faults)
    if len(content) > LARGEST_FILE_BYTES:
        file.fault(1, f"the file is larger than {LARGEST_FILE_BYTES:,} bytes")
        return file
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        file.fault(content[: error.start].count(b"\n") + 1, "this is not UTF-8")
        return file
    body = _read_head(file, lines)
    _read_clauses(file, lines, body)
    return file


def _read_head(file: _File, lines: list[str]) -> int:
    """Reads the front matter; the index of the first line after it."""
    if not lines or lines[0].strip() != "---":
        file.fault(1, "the file begins with a line of three dashes and its front matter")
        return 0
    for index, line in enumerate(lines[1:], 1):
        if line.strip() == "---":
            _check_head(file, index + 1)
            return index + 1
        name, mark, value = line.partition(":")
        name = name.strip()
        if not mark or name not in (*_FIELDS, *_OPTIONAL) or name in file.head:
            file.fault(index + 1, f"a front matter's line is one of {', '.join((*_FIELDS, *_OPTIONAL))}, once each")
        else:
            file.head[name] = value.strip()
    file.fault(len(lines), "the front matter has no end: three dashes")
    return len(lines)


def _check_head(file: _File, line: int) -> None:
    for name in _FIELDS:
        if not file.head.get(name):
            file.fault(line, f"{name} is missing")
    checks: dict[str, Callable[[str], object]] = {
        "code": lambda v: _CODE.fullmatch(v),
        "edition": lambda v: _EDITION.fullmatch(v),
        "published": _is_day,
        "effective": _is_day,
        "notice_days": lambda v: v.isascii() and v.isdigit() and len(v) <= 3 and int(v) <= 366,
        "language": lambda v: v in list(Language),
        "title": lambda v: len(v) <= 200 and not _HTML.search(v),
    }
    for name, value in file.head.items():
        if value and not checks[name](value):
            file.fault(line, f"{name} is not valid: {value[:40]!r}")


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _read_clauses(file: _File, lines: list[str], start: int) -> None:
    numbers: dict[str, int] = {}
    parent = ""
    for index in range(start, len(lines)):
        text = lines[index].strip()
        if not text:
            continue
        if "\0" in text or _HTML.search(text):
            file.fault(index + 1, "no HTML and no NUL: an offer is plain text")
            continue
        clause = _clause(text, parent)
        if clause is None:
            _go_on(file, index, text)
            continue
        if clause.number in numbers:
            file.fault(index + 1, f"number {clause.number} stands at line {numbers[clause.number]} already")
        numbers.setdefault(clause.number, index + 1)
        if not clause.heading and clause.number.partition(".")[0] not in numbers:
            file.fault(index + 1, f"clause {clause.number} has no section {clause.number.partition('.')[0]} before it")
        if not clause.number.endswith(")"):
            parent = clause.number
        file.clauses.append(clause)
    if not file.clauses:
        file.fault(max(len(lines), 1), "the offer has no clauses")
    elif len(file.clauses) > MOST_CLAUSES:
        file.fault(len(lines), f"the offer has more than {MOST_CLAUSES:,} clauses")


def _clause(text: str, parent: str) -> Clause | None:
    text, rules = _without_rules(text)
    if heading := _HEADING.fullmatch(text):
        return Clause(heading[1], 1, True, heading[2], rules)
    if numbered := _CLAUSE.fullmatch(text):
        return Clause(numbered[1], numbered[1].count(".") + 1, False, numbered[2], rules)
    if (item := _ITEM.fullmatch(text)) and parent:
        return Clause(f"{parent}.{item[1]})", parent.count(".") + 2, False, item[2], rules)
    return None


def _without_rules(text: str) -> tuple[str, tuple[str, ...]]:
    """The line as people read it, and the rules named at its end."""
    found = _RULES.search(text)
    if found is None:
        return text, ()
    return text[: found.start()], tuple(re.split(r"[, ]+", found[1].strip()))


def _go_on(file: _File, index: int, text: str) -> None:
    if text.startswith("#") or not file.clauses:
        file.fault(index + 1, "a heading is `# 1. Text`; a clause begins with its number")
        return
    last, (more, rules) = file.clauses[-1], _without_rules(text)
    content = f"{last.content} {more}".strip()
    file.clauses[-1] = Clause(last.number, last.depth, last.heading, content, (*last.rules, *rules))


def _compare(read: list[_File], faults: list[SourceFault]) -> None:
    """All files speak of one edition, each in its own language, with the same numbers."""
    first, languages = read[0], set()
    for file in read:
        language = file.head.get("language", "")
        if language in languages:
            file.fault(1, f"there are two files in {language}")
        languages.add(language)
        for name in ("code", "edition", "published", "effective", "notice_days"):
            if file.head.get(name) != first.head.get(name):
                file.fault(1, f"{name} is another than in {first.name}")
        ours, theirs = [c.number for c in file.clauses], [c.number for c in first.clauses]
        if ours != theirs and ours and theirs:
            missing = next((n for n in theirs if n not in ours), None) or next((n for n in ours if n not in theirs), "")
            file.fault(1, f"its clauses are not those of {first.name}: see {missing or 'their order'}")
