"""Values of the BHM: each from its day on, added behind the last one only, and taken back before it holds."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain import bhm
from domain.bhm import BhmNotPossible
from domain.database import fetch, in_transaction
from domain.money import Money
from domain.refusal import Forbidden, InvalidAmount
from resolvers.bhm import add_bhm, bhm_values, withdraw_bhm
from tests.support.world import World

TODAY = date(2026, 3, 10)
TABLES = ("bhm", "audit_event")


@pytest.fixture
def world(db: str) -> World:
    return World()


@in_transaction
async def added(day: date, som: int = 500_000) -> None:
    await bhm.add(day, Money.som(som), today=TODAY)


@pytest.mark.rule("W-4.5.1a")
async def test_the_known_values_are_there_the_newest_first(world: World) -> None:
    values = await bhm.values()

    assert (values[0].effective_from, values[0].amount) == (date(2025, 8, 1), Money.som(412_000))
    assert values[-1].effective_from == date(2019, 9, 1)
    assert [value.effective_from for value in values] == sorted((v.effective_from for v in values), reverse=True)


@pytest.mark.parametrize("day", [TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=300)])
async def test_a_value_holds_from_today_or_later(world: World, day: date) -> None:
    await added(day)

    assert (await bhm.values())[0].effective_from == day


@pytest.mark.parametrize(
    ("day", "som", "field"),
    [
        (TODAY - timedelta(days=1), 500_000, "effectiveFrom"),
        (date(2025, 8, 1), 500_000, "effectiveFrom"),
        (date.max, 500_000, "effectiveFrom"),
        (TODAY, 1, "amount"),
        (TODAY, 10**12, "amount"),
    ],
)
async def test_what_cannot_be_a_value_changes_nothing(world: World, day: date, som: int, field: str) -> None:
    before = await world.everything(*TABLES)

    with pytest.raises(BhmNotPossible) as refused:
        await added(day, som)

    assert refused.value.path == (field,)
    assert await world.everything(*TABLES) == before


async def test_of_two_added_at_once_the_second_comes_behind_the_first(world: World) -> None:
    early, late = TODAY + timedelta(days=1), TODAY + timedelta(days=30)

    ended = await asyncio.gather(*(added(day) for day in (late, early, late, early)), return_exceptions=True)

    assert all(one is None or isinstance(one, BhmNotPossible) for one in ended)
    written = [date.fromisoformat(str(row["effective_from"])) for row in await fetch("SELECT * FROM bhm")]
    assert late in written
    assert len(written) == len(set(written))


async def test_a_value_that_does_not_hold_yet_can_be_taken_back(world: World) -> None:
    admin, day = await world.staff("admin"), TODAY + timedelta(days=5)
    before = await world.everything("bhm")
    await add_bhm(admin, effective_from=day, amount=Decimal(500_000))

    await withdraw_bhm(admin, effective_from=day)

    assert await world.everything("bhm") == before


@pytest.mark.parametrize("day", [date(2025, 8, 1), TODAY, TODAY + timedelta(days=5)])
async def test_what_holds_or_is_not_there_cannot_be_taken_back(world: World, day: date) -> None:
    admin = await world.staff("admin")
    before = await world.everything(*TABLES)

    with pytest.raises(BhmNotPossible):
        await withdraw_bhm(admin, effective_from=day)

    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    ("role", "given", "refusal"),
    [
        ("viewer", {}, Forbidden),
        ("agent", {}, Forbidden),
        ("admin", {"effective_from": None}, BhmNotPossible),
        ("admin", {"amount": Decimal(-1)}, InvalidAmount),
        ("admin", {"amount": Decimal("1e999999")}, InvalidAmount),
        ("admin", {"amount": Decimal("NaN")}, InvalidAmount),
    ],
)
async def test_admins_enter_values_of_the_right_form(
    world: World, role: str, given: dict[str, Any], refusal: type[Exception]
) -> None:
    staff = await world.staff(role)
    asked: dict[str, Any] = {"effective_from": TODAY, "amount": Decimal(500_000)} | given
    before = await world.everything(*TABLES)

    with pytest.raises(refusal):
        await add_bhm(staff, **asked)

    assert await world.everything(*TABLES) == before
    assert len(await bhm_values(staff)) == len(before["bhm"])
