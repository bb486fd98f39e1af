"""Editions as they are kept: added whole, never changed, each in force on its own days; tariffs that take people in."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.database import fetch, fetch_row, in_transaction
from domain.money import Money
from domain.refusal import NotFound
from domain.tariff import (
    Edition,
    EditionExists,
    TariffArchived,
    TariffSeed,
    edition_on,
    editions,
    put_on_tariff,
    rates_of,
    require_open,
    save_price_list,
    seed_tariff,
)
from domain.tariff.destination import resolve
from domain.tariff.price_list import PriceLine, PriceList, Unit, ZonePrefix
from tests.support.world import World

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
TABLES = ("price_list", "price_line", "price_destination", "price_zone")

JAPAN = PriceLine("welcome", "asia-3", "Asia (3)", Unit.MINUTE, 1_035_000, countries=frozenset({"JP"}))
EUROPE = PriceLine("welcome", "europe", "Europe", Unit.MINUTE, 682_000, continents=frozenset({"EU"}))
SKY = PriceLine("welcome", "satellite-3", "Satellite 3", Unit.MINUTE, 9_262_000, prefixes=(ZonePrefix("8816", "Iri"),))
BLOCK = PriceLine("welcome", "admin-block", "Administrative block", Unit.DAY, 42_100)
FIRST = PriceList("2022-05-19", date(2022, 5, 19), "1232/22", date(2022, 5, 19), (JAPAN, EUROPE, SKY, BLOCK))
SECOND = replace(
    FIRST, edition="2024-01-01", effective_from=date(2024, 1, 1), lines=(replace(JAPAN, price_tiyin=2_000_000),)
)
WELCOME = TariffSeed(
    code="welcome",
    name={"en": "Welcome"},
    description={},
    monthly_fee=Money.som(50_000),
    allowances=(("data", 10_000, "megabyte"), ("voice", 300, "minute")),
    foreigners_only=True,
    archived=False,
    position=1,
)


@in_transaction
async def save(price_list: PriceList) -> Edition:
    return await save_price_list(price_list, NOW)


async def stored() -> dict[str, list[dict[str, Any]]]:
    return await World().everything(*TABLES)


async def minute_to(number: str, day: date) -> int | None:
    edition = edition_on(await editions(), "welcome", day)
    match = resolve(number, await rates_of(edition, "welcome")) if edition else None
    return match.price_line.price_tiyin if match else None


@pytest.mark.rule("T-1")
async def test_an_edition_is_stored_whole(db: str) -> None:
    saved = await save(FIRST)

    assert (saved.edition, saved.lines, saved.is_new) == ("2022-05-19", 4, True)
    assert {table: len(rows) for table, rows in (await stored()).items()} == {
        "price_list": 1,
        "price_line": 4,
        "price_destination": 3,
        "price_zone": 4,
    }


@pytest.mark.rule("T-1")
async def test_the_same_edition_again_changes_nothing_and_says_so(db: str) -> None:
    first = await save(FIRST)
    before = await stored()

    again = await save(FIRST)

    assert again == replace(first, is_new=False)
    assert await stored() == before


@pytest.mark.rule("T-1")
@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, lines=(replace(JAPAN, price_tiyin=1), *FIRST.lines[1:])),
        replace(FIRST, lines=FIRST.lines[:3]),
        replace(FIRST, lines=(*FIRST.lines[:2], replace(SKY, prefixes=(ZonePrefix("8817", "Iri"),)), BLOCK)),
        replace(FIRST, effective_from=date(2022, 5, 20)),
        replace(FIRST, order_no="1"),
    ],
    ids=["a price", "a line less", "a prefix", "a day", "an order"],
)
async def test_an_edition_is_never_given_another_content(db: str, other: PriceList) -> None:
    await save(FIRST)
    before = await stored()

    with pytest.raises(EditionExists) as refused:
        await save(other)

    assert refused.value.rule == "T-1"
    assert await stored() == before


@pytest.mark.rule("T-1")
async def test_a_day_is_priced_by_the_edition_that_held_then(db: str) -> None:
    await save(SECOND)  # entered before the older one: what counts is from when it holds
    await save(FIRST)

    prices = [
        await minute_to("81312345678", day)
        for day in (date(2022, 5, 18), date(2022, 5, 19), date(2023, 12, 31), date(2024, 1, 1), date(2030, 1, 1))
    ]

    assert prices == [None, 1_035_000, 1_035_000, 2_000_000, 2_000_000]


@pytest.mark.rule("T-1")
async def test_an_edition_without_the_tariff_leaves_the_older_one_in_force(db: str) -> None:
    await save(FIRST)
    await save(replace(SECOND, lines=(replace(JAPAN, tariff="other", price_tiyin=1),)))

    assert await minute_to("81312345678", date(2025, 1, 1)) == 1_035_000


@pytest.mark.rule("T-1")
async def test_a_new_edition_counts_at_once_although_rates_are_kept_compiled(db: str) -> None:
    await save(FIRST)
    before = await minute_to("81312345678", date(2024, 6, 1))

    await save(SECOND)

    assert (before, await minute_to("81312345678", date(2024, 6, 1))) == (1_035_000, 2_000_000)


@pytest.mark.rule("T-2")
@pytest.mark.rule("T-3")
@pytest.mark.parametrize(
    ("number", "tiyin"),
    [("81312345678", 1_035_000), ("4915112345678", 682_000), ("881612345678", 9_262_000), ("12125550100", None)],
)
async def test_stored_destinations_price_as_the_file_does(db: str, number: str, tiyin: int | None) -> None:
    await save(FIRST)

    assert await minute_to(number, date(2026, 1, 1)) == tiyin


async def test_a_zone_may_have_prices_for_several_units(db: str) -> None:
    await save(replace(FIRST, lines=(JAPAN, replace(JAPAN, unit=Unit.SMS, price_tiyin=100))))

    assert [row["unit"] for row in await fetch("SELECT unit FROM price_line ORDER BY position")] == ["minute", "sms"]


async def test_entering_a_tariff_again_brings_it_up_to_date(db: str) -> None:
    first = await seed_tariff(WELCOME)

    again = await seed_tariff(
        replace(WELCOME, monthly_fee=Money.som(60_000), allowances=(("data", 20_000, "megabyte"),))
    )

    assert again == first
    assert [row["monthly_fee"] for row in await fetch("SELECT monthly_fee FROM tariff")] == [6_000_000]
    assert await fetch("SELECT kind, amount FROM tariff_allowance") == [{"kind": "data", "amount": 20_000}]


@pytest.mark.rule("T-9")
def test_only_an_open_tariff_takes_people_in() -> None:
    require_open(archived=False)

    with pytest.raises(TariffArchived) as refused:
        require_open(archived=True)

    assert refused.value.rule == "T-9"


@pytest.mark.rule("T-9")
async def test_nobody_joins_an_archived_tariff_and_those_on_it_stay(db: str) -> None:
    world = World()
    member, stranger = await world.person(), await world.person()
    tariff = await seed_tariff(WELCOME)
    await put_on_tariff(member.phone, "welcome")
    await seed_tariff(replace(WELCOME, archived=True))

    await put_on_tariff(member.phone, "welcome")  # is there already: no change, so no refusal
    with pytest.raises(TariffArchived):
        await put_on_tariff(stranger.phone, "welcome")

    assert await tariff_of(member.phone) == tariff
    assert await tariff_of(stranger.phone) is None


async def test_a_number_or_a_tariff_that_is_not_there_cannot_be_put_together(db: str) -> None:
    person = await World().person()
    await seed_tariff(WELCOME)

    for phone, code in ((person.phone, "no-such"), ("+998909999999", "welcome")):
        with pytest.raises(NotFound):
            await put_on_tariff(phone, code)

    assert await tariff_of(person.phone) is None


async def tariff_of(phone: str) -> int | None:
    row = await fetch_row("SELECT tariff_id FROM subscriber_number WHERE phone = $1", phone)
    assert row is not None
    return None if row["tariff_id"] is None else int(row["tariff_id"])
