"""A price list: an edition of the public offer's annex, read from its CSV file (T-1, T-2, T-3).

One file holds one edition and any number of tariffs. A row is the price of a zone for a unit; its `destinations` are
countries (`KZ`), continents (`continent:EU`) and names of files of dialling prefixes, apart by spaces, or nothing for a
price that goes nowhere, such as a daily fee. Nothing here touches the database.
"""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from domain.money import TIYIN_PER_SOM
from domain.tariff.countries import CONTINENT_OF_COUNTRY, CONTINENTS
from domain.tariff.sheet import LARGEST_FILE_BYTES, Column, Fault, FaultList, Row, Sheet, read_sheet

LARGEST_PRICE_SOM: Final = 10**12

_LINE_COLUMNS: Final = (
    Column("edition", 40),
    Column("effective_from", 10),
    Column("order_no", 40),
    Column("order_date", 10),
    Column("tariff", 40),
    Column("zone", 40),
    Column("zone_name_en", 120),
    Column("destinations", 2_000, required=False),
    Column("unit", 20),
    Column("price_uzs", 20),
)
_PREFIX_COLUMNS: Final = (Column("zone", 40), Column("network", 120), Column("prefix", 20))

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PRICE: Final = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?")
_PREFIX: Final = re.compile(r"[1-9][0-9]{0,14}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_CONTINENT_MARK: Final = "continent:"
T = TypeVar("T")


class Unit(StrEnum):
    """What one price is for."""

    MINUTE = "minute"
    SMS = "sms"
    MEGABYTE = "megabyte"
    DAY = "day"
    MONTH = "month"
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class ZonePrefix:
    """A dialling prefix (digits, no plus) that belongs to a zone, and the network behind it (T-3)."""

    prefix: str
    network: str


@dataclass(frozen=True, slots=True)
class PriceLine:
    """The price of one unit in a zone of a tariff, VAT included (T-1). Countries are ISO 3166-1 alpha-2."""

    tariff: str
    zone_code: str
    zone_name: str
    unit: Unit
    price_tiyin: int
    countries: frozenset[str] = frozenset()
    continents: frozenset[str] = frozenset()
    prefixes: tuple[ZonePrefix, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceList:
    """An edition: from which date it holds, by which order, and its lines in the order of the file (T-1)."""

    edition: str
    effective_from: date
    order_no: str
    order_date: date
    lines: tuple[PriceLine, ...]

    @property
    def tariffs(self) -> tuple[str, ...]:
        """Codes of the tariffs it prices, as they first come in the file."""
        return tuple(dict.fromkeys(line.tariff for line in self.lines))

    def lines_of(self, tariff: str) -> tuple[PriceLine, ...]:
        return tuple(line for line in self.lines if line.tariff == tariff)


class BadPriceList(Exception):
    """The files are not a price list; `faults` are all that is to be corrected, the main file's first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults[:3])) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else ""))
        self.faults = tuple(faults)


def parse_price_list(files: Mapping[str, bytes]) -> PriceList:
    """The price list in files sent together, by name: the main one and those that its `destinations` name.

    The main file is told by its heading, so the order does not matter. Raises BadPriceList with every fault.
    """
    if not files:
        raise BadPriceList([Fault("", 1, "", "no file was sent")])
    main = max(files, key=lambda name: _looks_like_lines(files[name]))
    return _parse(main, files.get, sent=tuple(files))


def read_price_list_file(path: Path) -> PriceList:
    """The price list at `path`, with the files beside it that it names.

    Raises BadPriceList with every fault, and OSError when the file itself cannot be read.
    """
    main = _read_start(path)

    def beside(name: str) -> bytes | None:
        sibling = path.parent / name
        return _read_start(sibling) if sibling.is_file() else None

    return _parse(path.name, lambda name: main if name == path.name else beside(name))


def _read_start(path: Path) -> bytes:
    # One byte past the limit shows that a file is too large without taking all of it into memory.
    with path.open("rb") as file:
        return file.read(LARGEST_FILE_BYTES + 1)


def _looks_like_lines(content: bytes) -> int:
    """How many of the main file's columns the first line names."""
    first_line = content[:1_000].lstrip(codecs.BOM_UTF8 + b"\r\n").splitlines()[:1]
    words = re.findall(r"\w+", first_line[0].decode("utf-8", "replace")) if first_line else []
    return len({column.name for column in _LINE_COLUMNS} & set(words))


def _parse(main: str, content_of: Callable[[str], bytes | None], *, sent: Sequence[str] = ()) -> PriceList:
    faults = FaultList()
    sheet = read_sheet(main, content_of(main) or b"", _LINE_COLUMNS, faults)
    targets = [_targets(row) for row in sheet.rows]
    prefixes = _read_prefixes(sheet, targets, content_of, faults)
    lines = [_line(row, target, prefixes) for row, target in zip(sheet.rows, targets, strict=True)]
    heading = _heading(sheet.rows)
    _check_zones(sheet.rows, targets)
    if sheet.tells("destinations"):
        _check_nothing_spare(main, sent, targets, faults)
    if sheet.whole and not sheet.rows:
        faults.add(main, 1, "", "the file has no prices")
    if faults.found or heading is None:
        raise BadPriceList(sorted(faults.found, key=lambda fault: (fault.file != main, fault.file, fault.line)))
    return PriceList(*heading, lines=tuple(line for line in lines if line is not None))


def _heading(rows: Sequence[Row]) -> tuple[str, date, str, date] | None:
    """Edition, effective date, order number and order date (T-1)."""
    edition, effective_from = _same(rows, "edition", _text), _same(rows, "effective_from", _date)
    order_no, order_date = _same(rows, "order_no", _text), _same(rows, "order_date", _date)
    if edition is None or effective_from is None or order_no is None or order_date is None:
        return None
    return edition, effective_from, order_no, order_date


def _same(rows: Sequence[Row], column: str, reader: Callable[[str], T]) -> T | None:
    """What a column says on every row, as a file is one edition; a row that says otherwise is a fault."""
    first: tuple[T, Row] | None = None
    for row in rows:
        value = row.read(column, reader)
        if value is None:
            continue
        first = first or (value, row)
        if value != first[0]:
            row.fault(column, f"line {first[1].line} says {first[0]}; a file holds one edition")
    return first and first[0]


# What a row's destinations say


@dataclass(frozen=True, slots=True)
class _Targets:
    countries: frozenset[str]
    continents: frozenset[str]
    files: frozenset[str]


def _targets(row: Row) -> _Targets:
    countries, continents, files = set[str](), set[str](), set[str]()
    for word in row.cells.get("destinations", "").split():
        continent = word.removeprefix(_CONTINENT_MARK)
        if word.lower().endswith(".csv"):
            if _FILE_NAME.fullmatch(word):
                files.add(word)
            else:
                row.fault("destinations", "a file is named without folders, in Latin letters, digits, . _ -", word)
        elif word in CONTINENT_OF_COUNTRY:
            countries.add(word)
        elif continent != word and continent in CONTINENTS:
            continents.add(continent)
        else:
            what = "continent" if continent != word else "country"
            row.fault("destinations", f"there is no such {what}", word)
    return _Targets(frozenset(countries), frozenset(continents), frozenset(files))


def _check_zones(rows: Sequence[Row], targets: Sequence[_Targets]) -> None:
    """In a tariff, a zone has one price per unit, and a destination belongs to one zone (T-2)."""
    taken: dict[tuple[str, str, str], Row] = {}
    for row, target in zip(rows, targets, strict=True):
        tariff, zone, unit = (row.cells.get(column) for column in ("tariff", "zone", "unit"))
        if tariff is None or zone is None or unit is None:
            continue
        earlier = taken.setdefault((tariff, unit, f"zone {zone}"), row)
        if earlier is not row:
            row.fault("zone", f"this zone already has a price per {unit} on line {earlier.line}")
            continue
        places = [*target.countries, *(_CONTINENT_MARK + continent for continent in target.continents)]
        for place in sorted(places):
            earlier = taken.setdefault((tariff, unit, place), row)
            if earlier is not row:
                there = f"zone {earlier.cells['zone']} on line {earlier.line}"
                row.fault("destinations", f"this destination is already in {there}", place)


def _check_nothing_spare(main: str, sent: Sequence[str], targets: Sequence[_Targets], faults: FaultList) -> None:
    named = {main}.union(*(target.files for target in targets))
    for name in sent:
        if name not in named:
            faults.add(name, 1, "", f"no row of {main} names this file")


# Files of prefixes

_PrefixesOfZone = Mapping[str, Sequence[ZonePrefix]]


def _read_prefixes(
    lines: Sheet, targets: Sequence[_Targets], content_of: Callable[[str], bytes | None], faults: FaultList
) -> dict[str, _PrefixesOfZone]:
    """By file and zone, the prefixes of the files that the rows name; a prefix is in one zone of one file (T-3)."""
    read: dict[str, _PrefixesOfZone] = {}
    taken: dict[str, Row] = {}
    naming_rows: dict[str, list[Row]] = {}
    for row, target in zip(lines.rows, targets, strict=True):
        for name in target.files:
            naming_rows.setdefault(name, []).append(row)
    for name, naming in sorted(naming_rows.items(), key=lambda item: item[0]):
        content = content_of(name)
        if content is None:
            for row in naming:
                row.fault("destinations", "this file is missing", name)
            continue
        sheet = read_sheet(name, content, _PREFIX_COLUMNS, faults)
        read[name] = _by_zone(sheet, taken)
        _check_both_ways(name, lines, naming, sheet)
    return read


def _by_zone(sheet: Sheet, taken: dict[str, Row]) -> _PrefixesOfZone:
    by_zone: dict[str, list[ZonePrefix]] = {}
    for row in sheet.rows:
        zone, network, prefix = row.read("zone", _slug), row.read("network", _text), row.read("prefix", _prefix)
        if prefix is not None and (earlier := taken.setdefault(prefix, row)) is not row:
            there = f"zone {earlier.cells.get('zone', '?')}, {earlier.file} line {earlier.line}"
            row.fault("prefix", f"this prefix is already in {there}")
        elif zone is not None and network is not None and prefix is not None:
            by_zone.setdefault(zone, []).append(ZonePrefix(prefix, network))
    return by_zone


def _check_both_ways(name: str, lines: Sheet, naming: Sequence[Row], sheet: Sheet) -> None:
    """Each zone of the file is named by a row, and each row that names the file has prefixes there.

    Nothing is said of a side that could not be read whole: it may hold what seems missing.
    """
    priced = {row.cells.get("zone") for row in naming}
    listed = {row.cells.get("zone") for row in sheet.rows}
    if lines.tells("zone") and lines.tells("destinations"):
        for row in sheet.rows:
            if "zone" in row.cells and row.cells["zone"] not in priced:
                row.fault("zone", "no row of the price list has this zone with this file")
    if sheet.tells("zone"):
        for row in naming:
            if "zone" in row.cells and row.cells["zone"] not in listed:
                row.fault("destinations", f"{name} has no prefixes of zone {row.cells['zone']}", name)


# Cells


def _line(row: Row, targets: _Targets, prefixes: Mapping[str, _PrefixesOfZone]) -> PriceLine | None:
    tariff, zone, name = row.read("tariff", _slug), row.read("zone", _slug), row.read("zone_name_en", _text)
    unit, price_tiyin = row.read("unit", _unit), row.read("price_uzs", _price_tiyin)
    if tariff is None or zone is None or name is None or unit is None or price_tiyin is None:
        return None
    own = tuple(prefix for file in sorted(targets.files) for prefix in prefixes.get(file, {}).get(zone, ()))
    return PriceLine(tariff, zone, name, unit, price_tiyin, targets.countries, targets.continents, own)


def _text(text: str) -> str:
    """Text as it is, on one line. A cell that looks like a formula is text too."""
    return " ".join(text.split())


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise ValueError("a code has small Latin letters and digits, with single hyphens between")
    return text


def _date(text: str) -> date:
    if _ISO_DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ValueError("there is no such day") from error
    raise ValueError("a date is written as 2022-05-19")


def _unit(text: str) -> Unit:
    try:
        return Unit(text)
    except ValueError as error:
        raise ValueError(f"a unit is one of {', '.join(Unit)}") from error


def _price_tiyin(text: str) -> int:
    found = _PRICE.fullmatch(text)
    if found is None:
        raise ValueError("a price is so'm from 0, with at most two decimals after a point")
    som, decimals = int(found[1]), found[2] or ""
    price_tiyin = som * TIYIN_PER_SOM + int(decimals.ljust(2, "0"))
    if price_tiyin > LARGEST_PRICE_SOM * TIYIN_PER_SOM:
        raise ValueError(f"a price is at most {LARGEST_PRICE_SOM:,} so'm")
    return price_tiyin


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("a prefix is 1 to 15 digits, not beginning with 0")
    return text
