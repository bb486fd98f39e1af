"""Tariffs and call prices as callers get them; importing editions, by whom, and that a bad file changes nothing."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import domain.tariff
from domain.clock import SetClock
from domain.money import Money
from domain.refusal import Forbidden, NotFound, RequestFault, Unauthenticated
from domain.tariff import (
    EditionExists,
    NotAbroad,
    NotInternational,
    TariffSeed,
    UnknownDestination,
    put_on_tariff,
    seed_tariff,
)
from domain.tariff.price_list import BadPriceList
from resolvers import tariff as tariffs
from resolvers.context import Actor, Anonymous, PartnerActor, StaffActor, SubscriberActor, SystemActor
from resolvers.paging import PageRequest
from tests.support.world import World

DATA = Path(domain.tariff.__file__).parent / "data"
REAL = DATA / "price-list-2022-05-19.csv"
TABLES = ("price_list", "price_line", "price_destination", "price_zone")
ADMIN = StaffActor(1, "admin", "admin")
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
OLD = replace(WELCOME, code="old", name={"en": "Old"}, allowances=(), archived=True, position=2)
PLAIN = replace(WELCOME, code="plain", name={"en": "Plain"}, allowances=(), foreigners_only=False, position=3)


@pytest.fixture
async def world(db: str) -> World:
    """Three tariffs, one of them archived, and the real price list."""
    world = World()
    for seed in (WELCOME, OLD, PLAIN):
        await seed_tariff(seed)
    await tariffs.import_price_list(replace(world.context(), actor=SystemActor()), REAL)
    return world


def edition_of(folder: Path, edition: str, effective_from: str, price: tuple[str, str] = ("421", "421")) -> Path:
    """A copy of the real list as another edition, one of its prices changed from … to …."""
    shutil.copy(DATA / "satellite-prefixes.csv", folder)
    text = REAL.read_text().replace("2022-05-19,2022-05-19,", f"{edition},{effective_from},")
    text = text.replace(f",{price[0]}\n", f",{price[1]}\n")
    path = folder / f"{edition}.csv"
    path.write_text(text)
    return path


# What a call costs


@pytest.mark.rule("T-2")
@pytest.mark.rule("T-3")
@pytest.mark.parametrize(
    ("to", "zone", "som", "prefix", "country"),
    [
        ("+81312345678", "asia-3", 10_350, "81", "JP"),
        ("+7 701 123 45 67", "central-asia", 2_280, "77", "KZ"),
        ("007 (495) 123-45-67", "cis", 3_280, "7", "RU"),
        ("+4915112345678", "europe", 6_820, "49", "DE"),
        ("+12125550100", "america-africa", 7_830, "1", "US"),
        ("+881612345678", "satellite-3", 92_620, "8816", None),
    ],
)
async def test_a_call_costs_what_the_longest_prefix_says(
    world: World, to: str, zone: str, som: int, prefix: str, country: str | None
) -> None:
    price = await tariffs.call_price(world.context(), to=to, tariff="welcome")

    assert (price.zone.code, price.price, price.unit) == (zone, Money.som(som), "minute")
    assert (price.matched_prefix, price.country) == (prefix, country)
    assert (price.edition, price.effective_from) == ("2022-05-19", date(2022, 5, 19))


async def test_a_zone_has_a_name_in_every_language(world: World) -> None:
    price = await tariffs.call_price(world.context(), to="+881612345678", tariff="welcome")

    assert price.zone.name == {
        "uz": "Sunʼiy yoʻldosh 3",
        "uz-Cyrl": "Сунъий йўлдош 3",
        "ru": "Спутник 3",
        "en": "Satellite 3",
    }


@pytest.mark.rule("T-1")
async def test_a_past_day_has_the_price_of_its_own_edition(world: World, tmp_path: Path) -> None:
    path = edition_of(tmp_path, "2026-01-01", "2026-01-01", ("10350", "12000"))
    await tariffs.import_price_list(world.context(ADMIN), path)

    prices = {
        at: (await tariffs.call_price(world.context(), to="+81312345678", tariff="welcome", at=at)).price
        for at in (
            datetime(2022, 5, 18, 19, 0, tzinfo=UTC),  # midnight in Tashkent, the edition's first moment
            datetime(2025, 12, 31, 18, 59, tzinfo=UTC),
            datetime(2025, 12, 31, 19, 0, tzinfo=UTC),
        )
    }
    today = await tariffs.call_price(world.context(), to="+81312345678", tariff="welcome")

    assert list(prices.values()) == [Money.som(10_350), Money.som(10_350), Money.som(12_000)]
    assert (today.price, today.edition) == (Money.som(12_000), "2026-01-01")


@pytest.mark.rule("T-1")
async def test_an_edition_to_come_is_not_charged_yet(world: World, tmp_path: Path) -> None:
    path = edition_of(tmp_path, "2026-04-01", "2026-04-01", ("10350", "12000"))
    await tariffs.import_price_list(world.context(ADMIN), path)

    price = await tariffs.call_price(world.context(), to="+81312345678", tariff="welcome")

    assert price.price == Money.som(10_350)


@pytest.mark.rule("T-2")
@pytest.mark.parametrize(
    ("to", "refusal"),
    [
        ("", NotInternational),
        ("call me", NotInternational),
        ("901234567", NotInternational),
        ("+" + "1" * 16, NotInternational),
        ("+٨١٣١٢٣٤٥٦٧٨", NotInternational),
        ("+998901234567", NotAbroad),
        ("+99999999999", UnknownDestination),
    ],
)
async def test_a_number_that_has_no_price_is_an_unknown_destination(
    world: World, to: str, refusal: type[UnknownDestination]
) -> None:
    with pytest.raises(UnknownDestination) as refused:
        await tariffs.call_price(world.context(), to=to, tariff="welcome")

    assert type(refused.value) is refusal
    assert (refused.value.code, refused.value.rule, refused.value.path) == ("UNKNOWN_DESTINATION", "T-2", ("to",))


async def test_there_is_no_price_before_the_first_edition_nor_without_any(world: World) -> None:
    for tariff, at in (("welcome", datetime(2022, 5, 18, 18, 59, tzinfo=UTC)), ("plain", None)):
        with pytest.raises(UnknownDestination):
            await tariffs.call_price(world.context(), to="+81312345678", tariff=tariff, at=at)


async def test_a_tariff_that_does_not_exist_has_no_prices(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        await tariffs.call_price(world.context(), to="+81312345678", tariff="no-such")

    assert (refused.value.what, refused.value.path) == ("tariff", ("tariff",))


# Tariffs


@pytest.mark.rule("T-9")
async def test_the_list_of_tariffs_has_those_that_can_be_taken_in_the_operators_order(world: World) -> None:
    page = await tariffs.tariffs(world.context(), PageRequest())
    for_staff = await tariffs.tariffs(world.context(StaffActor(1, "viewer", "viewer")), PageRequest())

    assert [tariff.code for tariff in page.items] == ["welcome", "plain"]
    assert [tariff.code for tariff in for_staff.items] == ["welcome", "old", "plain"]


async def test_tariffs_are_paged(world: World) -> None:
    first = await tariffs.tariffs(world.context(), PageRequest.of(first=1))
    second = await tariffs.tariffs(world.context(), PageRequest.of(first=1, after=first.cursors[0]))

    assert ([t.code for t in first.items], first.has_next) == (["welcome"], True)
    assert ([t.code for t in second.items], second.has_next) == (["plain"], False)


async def test_a_tariff_shows_what_is_included_and_the_prices_that_hold_today(world: World) -> None:
    found = await tariffs.tariff(world.context(), "welcome")

    assert found is not None
    assert (found.name["en"], found.monthly_fee, found.foreigners_only) == ("Welcome", Money.som(50_000), True)
    assert [(a.kind, a.amount, a.unit) for a in found.allowances] == [
        ("voice", 300, "minute"),
        ("data", 10_000, "megabyte"),
    ]
    prices = [(p.zone.code, p.unit, p.price) for p in found.prices]
    assert prices[0] == ("central-asia", "minute", Money.som(2_280))
    assert prices[-1] == ("admin-block", "day", Money.som(421))
    assert len(prices) == 12


@pytest.mark.rule("T-1")
async def test_a_tariffs_prices_change_on_the_editions_day(world: World, tmp_path: Path) -> None:
    path = edition_of(tmp_path, "2026-04-01", "2026-04-01", ("421", "500"))
    await tariffs.import_price_list(world.context(ADMIN), path)

    before = await tariffs.tariff(world.context(), "welcome")
    world.clock = SetClock(datetime(2026, 3, 31, 19, 0, tzinfo=UTC))
    after = await tariffs.tariff(world.context(), "welcome")

    assert before is not None
    assert after is not None
    assert (before.prices[-1].price, after.prices[-1].price) == (Money.som(421), Money.som(500))


@pytest.mark.rule("T-9")
async def test_an_archived_tariff_can_still_be_looked_at_by_its_code(world: World) -> None:
    old = await tariffs.tariff(world.context(), "old")

    assert old is not None
    assert old.archived
    assert await tariffs.tariff(world.context(), "no-such") is None


async def test_a_subscriber_sees_the_tariff_of_the_number_they_signed_in_with(world: World) -> None:
    person, other = await world.person(), await world.person()
    await put_on_tariff(person.phone, "welcome")

    mine = await tariffs.my_tariff(await world.signed_in(person))

    assert mine is not None
    assert mine.code == "welcome"
    assert await tariffs.my_tariff(await world.signed_in(other)) is None
    with pytest.raises(Unauthenticated):
        await tariffs.my_tariff(world.context())


# Importing


@pytest.mark.rule("T-1")
async def test_importing_the_same_edition_twice_says_that_it_was_there(world: World) -> None:
    before = await world.everything(*TABLES)

    again = await tariffs.import_price_list(world.context(ADMIN), REAL)

    assert (again.edition, again.lines, again.is_new) == ("2022-05-19", 12, False)
    assert await world.everything(*TABLES) == before


@pytest.mark.rule("T-1")
async def test_importing_other_prices_under_the_same_edition_changes_nothing(world: World, tmp_path: Path) -> None:
    path = edition_of(tmp_path, "2022-05-19", "2022-05-19", ("421", "422"))
    before = await world.everything(*TABLES)

    with pytest.raises(EditionExists):
        await tariffs.import_price_list(world.context(ADMIN), path)

    assert await world.everything(*TABLES) == before


@pytest.mark.rule("T-1")
@pytest.mark.parametrize("price", ["-1", "ten", "1.234", ""])
async def test_a_bad_file_changes_nothing(world: World, tmp_path: Path, price: str) -> None:
    path = edition_of(tmp_path, "2026-01-01", "2026-01-01", ("421", price))
    before = await world.everything(*TABLES)

    with pytest.raises(BadPriceList) as refused:
        await tariffs.import_price_list(world.context(ADMIN), path)

    assert [(fault.line, fault.column) for fault in refused.value.faults] == [(13, "price_uzs")]
    assert await world.everything(*TABLES) == before


async def test_a_file_that_is_not_there_changes_nothing(world: World, tmp_path: Path) -> None:
    before = await world.everything(*TABLES)

    with pytest.raises(OSError, match="no-such"):
        await tariffs.import_price_list(world.context(ADMIN), tmp_path / "no-such.csv")

    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    ("actor", "fault"),
    [
        (Anonymous(), Unauthenticated),
        (SubscriberActor(1, 1, "+998901234567"), Forbidden),
        (PartnerActor(1, "cinema", frozenset()), Forbidden),
        (StaffActor(1, "agent", "agent"), Forbidden),
    ],
)
async def test_only_an_admin_or_the_system_imports(
    world: World, tmp_path: Path, actor: Actor, fault: type[RequestFault]
) -> None:
    path = edition_of(tmp_path, "2026-01-01", "2026-01-01")
    before = await world.everything(*TABLES)

    with pytest.raises(fault):
        await tariffs.import_price_list(replace(world.context(), actor=actor), path)

    assert await world.everything(*TABLES) == before


async def test_staff_look_through_editions_and_their_lines(world: World, tmp_path: Path) -> None:
    ctx = world.context(StaffActor(1, "viewer", "viewer"))
    await tariffs.import_price_list(world.context(ADMIN), edition_of(tmp_path, "2026-01-01", "2026-01-01"))

    page = await tariffs.price_lists(ctx, PageRequest())
    found = await tariffs.price_list(ctx, "2022-05-19")

    assert [(item.edition, item.lines) for item in page.items] == [("2026-01-01", 12), ("2022-05-19", 12)]
    assert found is not None
    head, lines = found
    assert (head.order_no, head.order_date, head.lines) == ("1232/22", date(2022, 5, 19), 12)
    assert (lines[0].zone.code, set(lines[0].destinations)) == ("central-asia", {"KZ", "TJ", "KG", "TM"})
    assert "+8816" in next(line for line in lines if line.zone.code == "satellite-3").destinations
    assert await tariffs.price_list(ctx, "no-such") is None


async def test_price_lists_are_for_staff(world: World) -> None:
    person = await world.person()

    for ctx, fault in ((world.context(), Unauthenticated), (await world.signed_in(person), Forbidden)):
        with pytest.raises(fault):
            await tariffs.price_lists(ctx, PageRequest())
        with pytest.raises(fault):
            await tariffs.price_list(ctx, "2022-05-19")


@pytest.mark.parametrize("at", [datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
async def test_the_ends_of_the_calendar_are_days_like_any_other(db: str, at: datetime) -> None:
    ctx = World().context()
    await tariffs.import_price_list(ctx.acting_as(SystemActor()), REAL)

    if at.year > 2022:
        assert (await tariffs.call_price(ctx, to="+881612345678", tariff="welcome", at=at)).zone.code == "satellite-3"
    else:
        with pytest.raises(UnknownDestination):
            await tariffs.call_price(ctx, to="+881612345678", tariff="welcome", at=at)
