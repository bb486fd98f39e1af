"""Tariffs, price lists and what a call costs (T-1 to T-3, T-9)."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from domain.clock import local_day
from domain.database import Row, dialect, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.refusal import NotFound
from domain.tariff import (
    Edition,
    NotAbroad,
    NotInternational,
    UnknownDestination,
    edition_on,
    rates_of,
    save_price_list,
)
from domain.tariff.countries import HOME_CODE
from domain.tariff.destination import parse_international, resolve
from domain.tariff.price_list import PriceList, read_price_list_file
from resolvers.context import Context, StaffActor, SystemActor, the_staff, the_subscriber
from resolvers.paging import Page, PageRequest, page


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A group of destinations with one price."""

    code: str
    name: dict[str, str]


@dataclass(frozen=True, slots=True)
class PriceView:
    zone: ZoneView
    unit: str
    price: Money


@dataclass(frozen=True, slots=True)
class AllowanceView:
    kind: str
    amount: int
    unit: str


@dataclass(frozen=True, slots=True)
class TariffView:
    """A tariff plan with what is included and the prices of the edition in force today."""

    id: int
    code: str
    name: dict[str, str]
    description: dict[str, str]
    monthly_fee: Money
    archived: bool
    foreigners_only: bool
    allowances: tuple[AllowanceView, ...]
    prices: tuple[PriceView, ...]


@dataclass(frozen=True, slots=True)
class CallPriceView:
    """The price of a minute to a number on a day, and why it is that one."""

    zone: ZoneView
    unit: str
    price: Money
    edition: str
    effective_from: date
    matched_prefix: str
    country: str | None


@dataclass(frozen=True, slots=True)
class PriceListView:
    """An edition of the price list."""

    id: int
    edition: str
    effective_from: date
    order_no: str
    order_date: date
    lines: int


@dataclass(frozen=True, slots=True)
class PriceListLine:
    """A line of an edition, with its destinations as people read them."""

    tariff: str
    zone: ZoneView
    unit: str
    price: Money
    destinations: tuple[str, ...]


def _list(columns: str, order: str) -> str:
    # JSON texts beside the tariff's row: a page of tariffs is one statement.
    if dialect() == "postgres":
        return f"json_agg(json_build_array({columns}) ORDER BY {order})::text"
    return f"json_group_array(json_array({columns}))"


def _tariffs(day_place: str) -> str:
    return f"""SELECT t.*, t.position AS cursor_order, t.id AS cursor_id,
        (SELECT {_list("a.kind, a.amount, a.unit", "a.id")} FROM
            (SELECT * FROM tariff_allowance WHERE tariff_id = t.id ORDER BY id) a) AS allowances,
        (SELECT {_list("p.code, p.name, p.unit, p.price", "p.position")} FROM
            (SELECT z.code, z.name, l.unit, l.price, l.position FROM price_line l JOIN price_zone z ON z.id = l.zone_id
             WHERE l.tariff_code = t.code AND l.price_list_id = (
                SELECT e.id FROM price_list e WHERE e.effective_from <= {day_place} AND EXISTS
                    (SELECT 1 FROM price_line m WHERE m.price_list_id = e.id AND m.tariff_code = t.code)
                ORDER BY e.effective_from DESC, e.id DESC LIMIT 1)
             ORDER BY l.position) p) AS prices
        FROM tariff t"""


def tariff_view(row: Row) -> TariffView:
    return TariffView(
        id=row["id"],
        code=row["code"],
        name=json.loads(row["name"]),
        description=json.loads(row["description"]),
        monthly_fee=Money(row["monthly_fee"]),
        archived=bool(row["archived"]),
        foreigners_only=bool(row["foreigners_only"]),
        allowances=tuple(AllowanceView(*allowance) for allowance in json.loads(row["allowances"] or "[]")),
        prices=tuple(
            PriceView(ZoneView(code, json.loads(name)), unit, Money(price))
            for code, name, unit, price in json.loads(row["prices"] or "[]")
        ),
    )


def _today(ctx: Context) -> str:
    return local_day(ctx.clock.now()).isoformat()


async def tariffs(ctx: Context, request: PageRequest) -> Page[TariffView]:
    """The tariffs that can be taken; staff see the archived ones too (T-9)."""
    archived = "" if isinstance(ctx.actor, StaffActor) else "AND NOT t.archived"
    return await page(
        f"{_tariffs('$1')} WHERE 1 = 1 {archived}",
        [_today(ctx)],
        request,
        tariff_view,
        order="t.position",
        id_="t.id",
        ascending=True,
    )


async def tariff(ctx: Context, code: str) -> TariffView | None:
    """A tariff by its code, archived ones too: those on it stay (T-9)."""
    return await _one(ctx, "t.code = $2", code)


async def tariff_by_id(ctx: Context, tariff_id: int) -> TariffView | None:
    return await _one(ctx, "t.id = $2", tariff_id)


async def my_tariff(ctx: Context) -> TariffView | None:
    """The tariff of the number that the caller signed in with."""
    actor = the_subscriber(ctx)
    return await _one(
        ctx,
        "t.id = (SELECT n.tariff_id FROM subscriber_number n WHERE n.phone = $2 AND n.subscriber_id = $3)",
        actor.phone,
        actor.subscriber_id,
    )


async def _one(ctx: Context, where: str, *values: Any) -> TariffView | None:
    row = await fetch_row(f"{_tariffs('$1')} WHERE {where}", _today(ctx), *values)
    return tariff_view(row) if row else None


async def _is_known(tariff: str) -> bool:
    """A plan of that code, or a price list that names it: a list may be imported before its plan is entered."""
    row = await fetch_row(
        """SELECT 1 FROM tariff WHERE code = $1
           UNION ALL SELECT 1 FROM price_line WHERE tariff_code = $1 LIMIT 1""",
        tariff,
    )
    return row is not None


async def call_price(ctx: Context, *, to: str, tariff: str, at: datetime | None = None) -> CallPriceView:
    """What a minute to an international number costs, by the edition that holds (or held) then (T-1 to T-3).

    Raises NotFound for a tariff that does not exist, UnknownDestination for a number that the list has no price for.
    """
    if not await _is_known(tariff):
        raise NotFound(what="tariff", path=("tariff",))
    digits = _abroad(to)
    edition = await edition_on(tariff, local_day(at or ctx.clock.now()))
    match = resolve(digits, await rates_of(edition, tariff)) if edition else None
    if edition is None or match is None:
        raise UnknownDestination(path=("to",))
    line = match.price_line
    zone = await fetch_row("SELECT name FROM price_zone WHERE code = $1", line.zone_code)
    assert zone is not None
    return CallPriceView(
        zone=ZoneView(line.zone_code, json.loads(zone["name"])),
        unit=str(line.unit),
        price=Money(line.price_tiyin),
        edition=edition["edition"],
        effective_from=date.fromisoformat(edition["effective_from"]),
        matched_prefix=match.matched_prefix,
        country=match.country,
    )


def _abroad(to: str) -> str:
    """The digits of a number of another country."""
    try:
        digits = parse_international(to)
    except ValueError:
        raise NotInternational(path=("to",)) from None
    if digits.startswith(HOME_CODE):
        raise NotAbroad(path=("to",))
    return digits


async def import_price_list(ctx: Context, path: Path) -> Edition:
    """Imports an edition, by the system or an admin. The whole of it or nothing.

    Raises BadPriceList with every fault of the files, OSError when the file cannot be read, EditionExists.
    """
    if not isinstance(ctx.actor, SystemActor):
        the_staff(ctx, "admin")
    return await _save(ctx, read_price_list_file(path))


@in_transaction
async def _save(ctx: Context, price_list: PriceList) -> Edition:
    return await save_price_list(price_list, ctx.clock.now())


async def price_lists(ctx: Context, request: PageRequest) -> Page[PriceListView]:
    """The editions, newest first, for staff."""
    the_staff(ctx)
    return await page(
        """SELECT e.*, e.id AS cursor_order, e.id AS cursor_id,
                  (SELECT COUNT(*) FROM price_line l WHERE l.price_list_id = e.id) AS lines
           FROM price_list e WHERE 1 = 1""",
        [],
        request,
        _price_list_view,
        order="e.id",
        id_="e.id",
    )


def _price_list_view(row: Row) -> PriceListView:
    return PriceListView(
        id=row["id"],
        edition=row["edition"],
        effective_from=date.fromisoformat(row["effective_from"]),
        order_no=row["order_no"],
        order_date=date.fromisoformat(row["order_date"]),
        lines=row["lines"],
    )


async def price_list(ctx: Context, edition: str) -> tuple[PriceListView, list[PriceListLine]] | None:
    """An edition with its lines, for staff; None if there is none."""
    the_staff(ctx)
    head = await fetch_row(
        """SELECT e.*, (SELECT COUNT(*) FROM price_line l WHERE l.price_list_id = e.id) AS lines
           FROM price_list e WHERE e.edition = $1""",
        edition,
    )
    if head is None:
        return None
    rows = await fetch(
        """SELECT l.id, l.tariff_code, z.code, z.name, l.unit, l.price FROM price_line l
           JOIN price_zone z ON z.id = l.zone_id WHERE l.price_list_id = $1 ORDER BY l.position""",
        head["id"],
    )
    destinations = await fetch(
        """SELECT d.line_id, d.kind, d.value FROM price_destination d JOIN price_line l ON l.id = d.line_id
           WHERE l.price_list_id = $1 ORDER BY d.id""",
        head["id"],
    )
    by_line: dict[int, list[str]] = {}
    for row in destinations:
        by_line.setdefault(row["line_id"], []).append(("+" if row["kind"] == "prefix" else "") + row["value"])
    lines = [
        PriceListLine(
            row["tariff_code"],
            ZoneView(row["code"], json.loads(row["name"])),
            row["unit"],
            Money(row["price"]),
            tuple(by_line.get(row["id"], ())),
        )
        for row in rows
    ]
    return _price_list_view(head), lines
