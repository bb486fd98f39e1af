"""What the process keeps of the catalogue is what the database says: every change is seen by the next request."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

import domain.tariff
from domain.clock import SetClock
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.tariff import TariffSeed, save_price_list, seed_tariff
from domain.tariff.price_list import read_price_list_file
from resolvers import catalogue as kept
from resolvers import product, tariff
from resolvers.catalogue import MOST_DAYS, catalogue
from resolvers.context import SystemActor
from resolvers.paging import PageRequest
from tests.resolvers.shop import Shop
from tests.support.world import World

REAL = Path(domain.tariff.__file__).parent / "data" / "price-list-2022-05-19.csv"
WELCOME = TariffSeed(
    code="welcome",
    name={"uz": "Xush kelibsiz", "en": "Welcome"},
    description={"en": "For visitors"},
    monthly_fee=Money.som(50_000),
    allowances=(("voice", 300, "minute"), ("data", 10_000, "megabyte")),
    foreigners_only=True,
    archived=False,
    position=1,
)
PLAIN = replace(WELCOME, code="plain", name={"en": "Plain"}, allowances=(), position=2)
CHANGES = (
    "INSERT INTO tariff (code, name, monthly_fee, archived, foreigners_only, position) "
    "VALUES ('new', '{}', 0, FALSE, FALSE, 9)",
    "UPDATE tariff SET archived = TRUE WHERE code = 'plain'",
    "UPDATE tariff_allowance SET amount = amount + 1",
    "DELETE FROM tariff_allowance",
    "UPDATE price_line SET price = price + 1",
    'UPDATE price_zone SET name = \'{"en": "Elsewhere"}\'',
    "UPDATE price_list SET effective_from = '2022-05-20'",
    "UPDATE product SET on_sale = FALSE",
    "UPDATE product_price_step SET price = price + 1",
    "DELETE FROM product_price_step",
)


@pytest.fixture
async def world(db: str) -> World:
    world = World()
    await seed_tariff(WELCOME)
    await seed_tariff(PLAIN)
    await save_price_list(read_price_list_file(REAL), world.clock.now())
    await Shop().add_product()
    return world


async def elsewhere(url: str, sql: str) -> None:
    """Runs the statement as another program would: on a connection that this process knows nothing of."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute(sql)
        connection.close()
        return
    other = await asyncpg.connect(url)
    await other.execute(sql)
    await other.close()


async def version() -> str:
    row = await fetch_row("SELECT version FROM catalogue_version")
    assert row is not None
    return str(row["version"])


async def test_the_same_catalogue_serves_all_until_it_changes(world: World) -> None:
    one, two = await catalogue(world.context()), await catalogue(world.context())

    assert one is two


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_made_elsewhere_is_seen_by_the_next_request(world: World, db: str, change: str) -> None:
    before = await catalogue(world.context())

    await elsewhere(db, change)
    after = await catalogue(world.context())

    assert after is not before
    assert (after.tariffs.items, after.products.items, after.zone_names, after.editions) != (
        before.tariffs.items,
        before.products.items,
        before.zone_names,
        before.editions,
    )


async def test_what_is_no_catalogue_leaves_its_version_alone(world: World) -> None:
    before = await version()

    await world.holder()

    assert await version() == before


async def test_a_tariff_archived_elsewhere_is_no_longer_listed(world: World, db: str) -> None:
    before = await tariff.tariffs(world.context(), PageRequest())

    await elsewhere(db, "UPDATE tariff SET archived = TRUE WHERE code = 'plain'")
    after = await tariff.tariffs(world.context(), PageRequest())

    assert [[one.code for one in page.items] for page in (before, after)] == [["welcome", "plain"], ["welcome"]]


async def test_what_is_rolled_back_was_never_seen(world: World) -> None:
    """A version that a transaction gave up does not come back with other contents."""
    seen = []

    @in_transaction
    async def given_up() -> None:
        await execute("UPDATE tariff SET monthly_fee = 1 WHERE code = 'welcome'")
        found = await tariff.tariff(world.context(), "welcome")
        assert found is not None
        seen.append(found.monthly_fee)
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await given_up()
    await execute("UPDATE tariff SET monthly_fee = 2 WHERE code = 'welcome'")
    found = await tariff.tariff(world.context(), "welcome")

    assert found is not None
    assert [*seen, found.monthly_fee] == [Money(1), Money(1), Money(2)]


async def test_every_statement_of_a_transaction_gives_another_version(world: World) -> None:
    versions = []

    @in_transaction
    async def change() -> None:
        for fee in range(3):
            await execute("UPDATE tariff SET monthly_fee = $1", fee)
            versions.append(await version())

    await change()

    assert len(set(versions)) == 3
    assert await version() == versions[-1]


@pytest.mark.rule("T-1")
async def test_prices_are_those_of_the_clocks_own_day(world: World) -> None:
    await execute("UPDATE price_list SET effective_from = '2026-04-01'")
    eve, day = datetime(2026, 3, 31, 18, 59, tzinfo=UTC), datetime(2026, 3, 31, 19, 0, tzinfo=UTC)

    counts = []
    for at in (eve, day, eve, day):
        world.clock = SetClock(at)
        found = await tariff.tariff(world.context(), "welcome")
        assert found is not None
        counts.append(len(found.prices))

    assert counts == [0, 12, 0, 12]


async def test_only_so_many_days_are_kept(world: World) -> None:
    for day in range(1, MOST_DAYS + 5):
        world.clock = SetClock(datetime(2026, 5, day, tzinfo=UTC))
        await catalogue(world.context())

    assert len(kept._kept) == MOST_DAYS


async def test_many_who_come_at_once_load_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, load = [], kept._load

    async def counted(day: str) -> kept.Catalogue:
        loads.append(day)
        await asyncio.sleep(0)
        return await load(day)

    monkeypatch.setattr(kept, "_load", counted)
    await execute("UPDATE tariff SET position = position")

    found = await asyncio.gather(*(catalogue(world.context()) for _ in range(8)))

    assert loads == ["2026-03-10"]
    assert len(set(map(id, found))) == 1
    assert not kept._loading


async def test_who_loads_may_fail_or_leave_and_the_next_one_loads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, begun = kept._load, asyncio.Event()

    async def stuck(day: str) -> kept.Catalogue:
        begun.set()
        monkeypatch.setattr(kept, "_load", load)
        await asyncio.sleep(3600)
        raise AssertionError("unreachable")

    monkeypatch.setattr(kept, "_load", stuck)
    await execute("UPDATE tariff SET position = position")
    first = asyncio.create_task(catalogue(world.context()))
    await begun.wait()
    second = asyncio.create_task(catalogue(world.context()))
    await asyncio.sleep(0)

    first.cancel()

    assert (await second).tariffs.items
    assert not kept._loading


async def test_a_request_looks_once_for_all_its_fields(world: World) -> None:
    ctx = world.context()

    tariffs, products = await asyncio.gather(tariff.tariff_shelf(ctx), product.product_shelf(ctx))

    assert tariffs is (await catalogue(ctx)).open_tariffs
    assert products is (await catalogue(ctx)).products


async def test_a_request_sees_the_price_list_that_it_imported_itself(db: str) -> None:
    world = World()
    await seed_tariff(WELCOME)
    ctx = world.context().acting_as(SystemActor())
    before = await tariff.tariff(ctx, "welcome")

    await tariff.import_price_list(ctx, REAL)
    after = await tariff.tariff(ctx, "welcome")

    assert before is not None
    assert after is not None
    assert (len(before.prices), len(after.prices)) == (0, 12)


@pytest.mark.rule("T-2")
async def test_a_call_has_the_price_of_a_list_that_came_in_elsewhere(world: World, db: str) -> None:
    await elsewhere(db, "UPDATE price_zone SET name = '{\"en\": \"Far\"}' WHERE code = 'asia-3'")

    price = await tariff.call_price(world.context(), to="+81312345678", tariff="welcome")

    assert price.zone.name == {"en": "Far"}
    assert price.price == Money.som(10_350)


async def test_a_change_of_many_rows_leaves_one_version(world: World) -> None:
    before = await version()

    await execute(
        """INSERT INTO price_zone (code, name)
           WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
           SELECT 'zone-' || i, '{}' FROM n"""
    )

    assert await version() != before
    assert len(await fetch("SELECT version FROM catalogue_version")) == 1
