"""The catalogue as everybody reads it: tariffs with today's prices, products, editions of the price list.

It is public, large and rarely changed, so the process keeps it ready. A request reads one small row, the catalogue's
version, which the database itself changes with every change of a table below (migration 0016), and takes what is kept
for that version and day. So a change made anywhere is seen by the next request, and a page of it costs one statement.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar, cast

from domain.clock import local_day
from domain.database import Row, dialect, fetch, fetch_row
from domain.money import Money
from domain.product import ProductView, product_columns, product_view
from domain.tariff import editions
from resolvers.context import Context
from resolvers.shelf import Shelf

T = TypeVar("T")
MOST_DAYS: Final = 8
_MEMO: Final = "catalogue"


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


class Catalogue:
    """All of it on one day. Shelves are in the operator's order; the dictionaries have what is off sale too."""

    def __init__(
        self,
        tariffs: Shelf[TariffView],
        products: Shelf[ProductView],
        known_editions: list[Row],
        zone_names: dict[str, dict[str, str]],
    ) -> None:
        self.tariffs = tariffs
        self.open_tariffs = _chosen(tariffs, lambda tariff: not tariff.archived)
        self.tariff_by_code = {tariff.code: tariff for tariff in tariffs.items}
        self.tariff_by_id = {tariff.id: tariff for tariff in tariffs.items}
        self.products = _chosen(products, lambda product: product.on_sale)
        self.product_by_code = {product.code: product for product in products.items}
        self.product_by_id = {product.id: product for product in products.items}
        self.zone_names = zone_names
        self.editions = known_editions

    def has_heard_of(self, tariff: str) -> bool:
        """Whether there is such a plan, or an edition that prices it: a list may be imported before its plan."""
        return tariff in self.tariff_by_code or any(tariff in edition["tariffs"] for edition in self.editions)


def _chosen(shelf: Shelf[T], wanted: Callable[[T], bool]) -> Shelf[T]:
    pairs = [(place, item) for place, item in zip(shelf.places, shelf.items, strict=True) if wanted(item)]
    return Shelf((place for place, _ in pairs), (item for _, item in pairs))


class _Asked:
    """A request's one look at the catalogue: its fields stand side by side and must not read the version each."""

    __slots__ = ("found", "lock")

    def __init__(self) -> None:
        self.found: Catalogue | None = None
        self.lock: asyncio.Lock | None = None


_kept: OrderedDict[tuple[str, str], Catalogue] = OrderedDict()
_loading: dict[tuple[str, str], asyncio.Lock] = {}


async def catalogue(ctx: Context) -> Catalogue:
    """The catalogue as it is now, on the day of the context's clock; the same one throughout a request."""
    asked = cast("_Asked", ctx.memo.setdefault(_MEMO, _Asked()))
    if asked.found is None:
        asked.lock = asked.lock or asyncio.Lock()
        async with asked.lock:
            if asked.found is None:
                row = await fetch_row("SELECT version FROM catalogue_version")
                assert row is not None, "the migration has put it in"
                asked.found = await _of(row["version"], local_day(ctx.clock.now()))
    return asked.found


def catalogue_at_hand(ctx: Context) -> Catalogue | None:
    """The catalogue that this request has looked at already, if it has."""
    asked = ctx.memo.get(_MEMO)
    return cast("_Asked", asked).found if asked is not None else None


async def catalogue_at(ctx: Context, version: str) -> Catalogue:
    """The same for a caller whose own statement has read the version."""
    asked = cast("_Asked", ctx.memo.setdefault(_MEMO, _Asked()))
    asked.found = await _of(version, local_day(ctx.clock.now()))
    return asked.found


def look_again(ctx: Context) -> None:
    """After a change that this request made itself."""
    ctx.memo.pop(_MEMO, None)


async def _of(version: str, day: date) -> Catalogue:
    key = (version, day.isoformat())
    found = _kept.get(key)
    if found is None:
        return await _load_once(key)
    _kept.move_to_end(key)
    return found


async def _load_once(key: tuple[str, str]) -> Catalogue:
    """Of many who come at once, one loads. By a lock, not a shared task: any of them may be cancelled."""
    try:
        async with _loading.setdefault(key, asyncio.Lock()):
            found = _kept.get(key)
            if found is None:
                found = await _load(key[1])
                _keep(key, found)
            return found
    finally:
        _loading.pop(key, None)


def _keep(key: tuple[str, str], loaded: Catalogue) -> None:
    _kept[key] = loaded
    while len(_kept) > MOST_DAYS:
        _kept.popitem(last=False)


async def _load(day: str) -> Catalogue:
    tariffs = await fetch(f"SELECT {tariff_columns('$1')} FROM tariff t ORDER BY t.position, t.id", day)
    products = await fetch(f"SELECT {product_columns()}, p.position FROM product p ORDER BY p.position, p.id")
    zones = await fetch("SELECT code, name FROM price_zone")
    return Catalogue(
        Shelf([(row["position"], row["id"]) for row in tariffs], map(tariff_view, tariffs)),
        Shelf([(row["position"], row["product_id"]) for row in products], map(product_view, products)),
        await editions(),
        {row["code"]: json.loads(row["name"]) for row in zones},
    )


def _list(columns: str, order: str) -> str:
    # JSON texts beside the row: a list of tariffs is one statement.
    if dialect() == "postgres":
        return f"json_agg(json_build_array({columns}) ORDER BY {order})::text"
    return f"json_group_array(json_array({columns}))"


def tariff_columns(day: str) -> str:
    """What `tariff_view` needs of the tariff `t` of a statement; `day` is the place of a day as ISO text."""
    return f"""t.*, (SELECT {_list("a.kind, a.amount, a.unit", "a.id")} FROM
            (SELECT * FROM tariff_allowance WHERE tariff_id = t.id ORDER BY id) a) AS allowances,
        (SELECT {_list("p.code, p.name, p.unit, p.price", "p.position")} FROM
            (SELECT z.code, z.name, l.unit, l.price, l.position FROM price_line l JOIN price_zone z ON z.id = l.zone_id
             WHERE l.tariff_code = t.code AND l.price_list_id = (
                SELECT e.id FROM price_list e WHERE e.effective_from <= {day} AND EXISTS
                    (SELECT 1 FROM price_line m WHERE m.price_list_id = e.id AND m.tariff_code = t.code)
                ORDER BY e.effective_from DESC, e.id DESC LIMIT 1)
             ORDER BY l.position) p) AS prices"""


def tariff_view(row: Row) -> TariffView:
    """The tariff in a row that was selected with `tariff_columns`."""
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
