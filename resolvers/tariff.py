"""Tariffs, price lists and what a call costs (T-1 to T-3, T-9)."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from domain.clock import local_day
from domain.database import Row, fetch, fetch_row, in_transaction
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
from resolvers.catalogue import (
    Catalogue,
    TariffView,
    ZoneView,
    catalogue,
    catalogue_at_hand,
    look_again,
    tariff_columns,
    tariff_view,
)
from resolvers.context import Context, StaffActor, SystemActor, the_staff, the_subscriber
from resolvers.paging import Page, PageRequest, page
from resolvers.shelf import Shelf


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


async def tariff_shelf(ctx: Context) -> Shelf[TariffView]:
    """The tariffs that can be taken; staff see the archived ones too (T-9)."""
    return _shelf(ctx, await catalogue(ctx))


def tariff_shelf_at_hand(ctx: Context) -> Shelf[TariffView] | None:
    """The same without waiting, if this request has looked at the catalogue already."""
    known = catalogue_at_hand(ctx)
    return _shelf(ctx, known) if known is not None else None


def _shelf(ctx: Context, known: Catalogue) -> Shelf[TariffView]:
    return known.tariffs if isinstance(ctx.actor, StaffActor) else known.open_tariffs


async def tariffs(ctx: Context, request: PageRequest) -> Page[TariffView]:
    """A page of `tariff_shelf`."""
    return (await tariff_shelf(ctx)).page(request)


async def tariff(ctx: Context, code: str) -> TariffView | None:
    """A tariff by its code, archived ones too: those on it stay (T-9)."""
    return (await catalogue(ctx)).tariff_by_code.get(code)


async def tariff_by_id(ctx: Context, tariff_id: int) -> TariffView | None:
    return (await catalogue(ctx)).tariff_by_id.get(tariff_id)


async def my_tariff(ctx: Context) -> TariffView | None:
    """The tariff of the number that the caller signed in with."""
    actor = the_subscriber(ctx)
    row = await fetch_row(
        f"""SELECT {tariff_columns("$1")} FROM subscriber_number n JOIN tariff t ON t.id = n.tariff_id
            WHERE n.phone = $2 AND n.subscriber_id = $3""",
        local_day(ctx.clock.now()).isoformat(),
        actor.phone,
        actor.subscriber_id,
    )
    return tariff_view(row) if row else None


async def call_price(ctx: Context, *, to: str, tariff: str, at: datetime | None = None) -> CallPriceView:
    """What a minute to an international number costs, by the edition that holds (or held) then (T-1 to T-3).

    Raises NotFound for a tariff that does not exist, UnknownDestination for a number that the list has no price for.
    """
    known = await catalogue(ctx)
    if not known.has_heard_of(tariff):
        raise NotFound(what="tariff", path=("tariff",))
    digits = _abroad(to)
    edition = edition_on(known.editions, tariff, local_day(at or ctx.clock.now()))
    match = resolve(digits, await rates_of(edition, tariff)) if edition else None
    if edition is None or match is None:
        raise UnknownDestination(path=("to",))
    line = match.price_line
    return CallPriceView(
        zone=ZoneView(line.zone_code, known.zone_names[line.zone_code]),
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
    edition = await _save(ctx, read_price_list_file(path))
    look_again(ctx)
    return edition


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
