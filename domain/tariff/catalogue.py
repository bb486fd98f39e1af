"""Keeping price lists and tariffs: editions are added and never changed (T-1); what a call costs on any day (T-2)."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final

from domain.clock import to_micros
from domain.database import Row, execute, fetch, fetch_row
from domain.money import Money
from domain.refusal import NotFound, Refusal
from domain.tariff.destination import Rates
from domain.tariff.price_list import PriceLine, PriceList, Unit, ZonePrefix
from domain.tariff.zone_names import zone_name

MOST_COMPILED: Final = 64
# By what an edition says, not by its id: the same key means the same rates in whatever database.
_compiled: OrderedDict[tuple[str, str], Rates] = OrderedDict()


@dataclass(eq=False, kw_only=True)
class EditionExists(Refusal):
    """Editions are kept as they were: another content needs another number (T-1)."""

    code: ClassVar[str] = "EDITION_EXISTS"
    text: ClassVar[str] = "Edition {edition} is there already with another content: give the new one a new number."
    default_rule: ClassVar[str | None] = "T-1"
    edition: str


@dataclass(eq=False, kw_only=True)
class UnknownDestination(Refusal):
    """The price list has no price for calls to this number."""

    code: ClassVar[str] = "UNKNOWN_DESTINATION"
    text: ClassVar[str] = "The price list has no price for calls to this number."
    default_rule: ClassVar[str | None] = "T-2"


@dataclass(eq=False, kw_only=True)
class NotInternational(UnknownDestination):
    """What was entered cannot be a number of another country."""

    text: ClassVar[str] = (
        "The price list has no price for calls to this number. Enter a plus, the country's code and the number."
    )


@dataclass(eq=False, kw_only=True)
class NotAbroad(UnknownDestination):
    """A number of Uzbekistan: the international price list says nothing of calls within the country."""

    text: ClassVar[str] = "The price list has no price for calls to this number. It is a number of Uzbekistan."


@dataclass(eq=False, kw_only=True)
class TariffArchived(Refusal):
    """Nobody can connect to an archived tariff or change to it; those on it stay."""

    code: ClassVar[str] = "TARIFF_ARCHIVED"
    text: ClassVar[str] = "This tariff is archived: nobody can join it any more."
    default_rule: ClassVar[str | None] = "T-9"


@dataclass(frozen=True, slots=True)
class TariffSeed:
    """A tariff plan to be entered. Allowances: (kind, amount, unit)."""

    code: str
    name: Mapping[str, str]
    description: Mapping[str, str]
    monthly_fee: Money
    allowances: tuple[tuple[str, int, str], ...]
    foreigners_only: bool
    archived: bool
    position: int


@dataclass(frozen=True, slots=True)
class Edition:
    """A stored edition; `is_new` is false when it was there already with the same content."""

    id: int
    edition: str
    lines: int
    is_new: bool


def require_open(*, archived: bool) -> None:
    """Whether a tariff takes anybody in. Raises TariffArchived (T-9)."""
    if archived:
        raise TariffArchived


def content_hash(price_list: PriceList) -> str:
    """SHA-256 over everything that the edition says, whatever the order of destinations in its files."""
    lines = [
        [
            line.tariff,
            line.zone_code,
            line.zone_name,
            str(line.unit),
            line.price_tiyin,
            sorted(line.countries),
            sorted(line.continents),
            sorted([prefix.prefix, prefix.network] for prefix in line.prefixes),
        ]
        for line in price_list.lines
    ]
    head = [price_list.effective_from.isoformat(), price_list.order_no, price_list.order_date.isoformat()]
    return hashlib.sha256(json.dumps([head, lines], ensure_ascii=False).encode()).hexdigest()


async def save_price_list(price_list: PriceList, now: datetime) -> Edition:
    """Stores the edition inside the caller's transaction; the same again is no fault, another content is refused.

    Raises EditionExists.
    """
    digest = content_hash(price_list)
    row = await fetch_row(
        """INSERT INTO price_list (edition, effective_from, order_no, order_date, hash, imported_at)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (edition) DO NOTHING RETURNING id""",
        price_list.edition,
        price_list.effective_from.isoformat(),
        price_list.order_no,
        price_list.order_date.isoformat(),
        digest,
        to_micros(now),
    )
    if row is None:
        there = await fetch_row("SELECT id, hash FROM price_list WHERE edition = $1", price_list.edition)
        if there is None or there["hash"] != digest:
            raise EditionExists(edition=price_list.edition)
        return Edition(there["id"], price_list.edition, len(price_list.lines), is_new=False)
    for position, line in enumerate(price_list.lines, 1):
        await _save_line(row["id"], position, line)
    return Edition(row["id"], price_list.edition, len(price_list.lines), is_new=True)


async def _save_line(price_list_id: int, position: int, line: PriceLine) -> None:
    zone = await fetch_row(
        """INSERT INTO price_zone (code, name) VALUES ($1, $2)
           ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id""",
        line.zone_code,
        json.dumps(zone_name(line.zone_code, line.zone_name), ensure_ascii=False, sort_keys=True),
    )
    assert zone is not None
    stored = await fetch_row(
        """INSERT INTO price_line (price_list_id, tariff_code, zone_id, zone_name, unit, price, position)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id""",
        price_list_id,
        line.tariff,
        zone["id"],
        line.zone_name,
        str(line.unit),
        line.price_tiyin,
        position,
    )
    assert stored is not None
    destinations = [
        *(("country", country, "") for country in sorted(line.countries)),
        *(("continent", continent, "") for continent in sorted(line.continents)),
        *(("prefix", prefix.prefix, prefix.network) for prefix in line.prefixes),
    ]
    for start in range(0, len(destinations), 100):
        await _save_destinations(stored["id"], destinations[start : start + 100])


async def _save_destinations(line_id: int, destinations: list[tuple[str, str, str]]) -> None:
    places = ", ".join(f"($1, ${n}, ${n + 1}, ${n + 2})" for n in range(2, 2 + 3 * len(destinations), 3))
    values = [value for destination in destinations for value in destination]
    await execute(f"INSERT INTO price_destination (line_id, kind, value, network) VALUES {places}", line_id, *values)


async def editions() -> list[Row]:
    """All editions, newest first: id, edition, hash, effective_from and `tariffs`, the codes that each prices."""
    rows = await fetch(
        """SELECT l.id, l.edition, l.hash, l.effective_from, p.tariff_code
           FROM price_list l LEFT JOIN (SELECT DISTINCT price_list_id, tariff_code FROM price_line) p
             ON p.price_list_id = l.id
           ORDER BY l.effective_from DESC, l.id DESC"""
    )
    found: dict[int, Row] = {}
    for row in rows:
        code = row.pop("tariff_code")
        edition = found.setdefault(row["id"], row | {"tariffs": set()})
        if code is not None:
            edition["tariffs"].add(code)
    return list(found.values())


def edition_on(known: Sequence[Row], tariff_code: str, day: date) -> Row | None:
    """The one of `editions` that held for the tariff on that day (T-1)."""
    text = day.isoformat()
    return next((e for e in known if e["effective_from"] <= text and tariff_code in e["tariffs"]), None)


async def rates_of(edition: Row, tariff_code: str) -> Rates:
    """The tariff's rates in an edition that `edition_on` gave, compiled once a process: editions never change."""
    key = (edition["hash"], tariff_code)
    rates = _compiled.get(key) or Rates.of(await _lines(edition["id"], tariff_code))
    _compiled[key] = rates
    _compiled.move_to_end(key)
    while len(_compiled) > MOST_COMPILED:
        _compiled.popitem(last=False)
    return rates


async def _lines(edition_id: int, tariff_code: str) -> list[PriceLine]:
    rows = await fetch(
        """SELECT p.id, p.tariff_code, z.code, p.zone_name, p.unit, p.price FROM price_line p
           JOIN price_zone z ON z.id = p.zone_id
           WHERE p.price_list_id = $1 AND p.tariff_code = $2 ORDER BY p.position""",
        edition_id,
        tariff_code,
    )
    destinations = await fetch(
        """SELECT d.line_id, d.kind, d.value, d.network FROM price_destination d JOIN price_line p ON p.id = d.line_id
           WHERE p.price_list_id = $1 AND p.tariff_code = $2 ORDER BY d.id""",
        edition_id,
        tariff_code,
    )
    return [_line(row, [d for d in destinations if d["line_id"] == row["id"]]) for row in rows]


def _line(row: Row, destinations: list[Row]) -> PriceLine:
    def of(kind: str) -> frozenset[str]:
        return frozenset(d["value"] for d in destinations if d["kind"] == kind)

    return PriceLine(
        tariff=row["tariff_code"],
        zone_code=row["code"],
        zone_name=row["zone_name"],
        unit=Unit(row["unit"]),
        price_tiyin=row["price"],
        countries=of("country"),
        continents=of("continent"),
        prefixes=tuple(ZonePrefix(d["value"], d["network"]) for d in destinations if d["kind"] == "prefix"),
    )


async def seed_tariff(seed: TariffSeed) -> int:
    """Enters a tariff plan, or brings the one with its code up to date; gives its id."""
    row = await fetch_row(
        """INSERT INTO tariff (code, name, description, monthly_fee, archived, foreigners_only, position)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (code) DO UPDATE SET name = excluded.name, description = excluded.description,
             monthly_fee = excluded.monthly_fee, archived = excluded.archived,
             foreigners_only = excluded.foreigners_only, position = excluded.position
           RETURNING id""",
        seed.code,
        json.dumps(dict(seed.name), ensure_ascii=False, sort_keys=True),
        json.dumps(dict(seed.description), ensure_ascii=False, sort_keys=True),
        seed.monthly_fee.tiyin,
        seed.archived,
        seed.foreigners_only,
        seed.position,
    )
    assert row is not None
    kept = [kind for kind, _, _ in seed.allowances]
    places = ", ".join(f"${n}" for n in range(2, 2 + len(kept))) or "NULL"
    await execute(
        f"DELETE FROM tariff_allowance WHERE tariff_id = $1 AND (kind IN ({places})) IS NOT TRUE", row["id"], *kept
    )
    for kind, amount, unit in seed.allowances:
        await execute(
            """INSERT INTO tariff_allowance (tariff_id, kind, amount, unit) VALUES ($1, $2, $3, $4)
               ON CONFLICT (tariff_id, kind) DO UPDATE SET amount = excluded.amount, unit = excluded.unit""",
            row["id"],
            kind,
            amount,
            unit,
        )
    return int(row["id"])


async def put_on_tariff(phone: str, tariff_code: str) -> None:
    """Connects a number to a tariff, inside the caller's transaction. Raises NotFound, TariffArchived (T-9)."""
    tariff = await fetch_row("SELECT id, archived FROM tariff WHERE code = $1", tariff_code)
    if tariff is None:
        raise NotFound(what="tariff")
    number = await fetch_row("SELECT id, tariff_id FROM subscriber_number WHERE phone = $1 FOR NO KEY UPDATE", phone)
    if number is None:
        raise NotFound(what="number")
    if number["tariff_id"] == tariff["id"]:
        return
    require_open(archived=bool(tariff["archived"]))
    await execute("UPDATE subscriber_number SET tariff_id = $1 WHERE id = $2", tariff["id"], number["id"])
