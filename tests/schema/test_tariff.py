"""Tariffs and call prices through the schema: every refusal is an answer of its union, never a top-level error."""

from pathlib import Path
from typing import Any

import pytest
from strawberry import Schema

import domain.tariff
from domain.money import Money
from domain.tariff import TariffSeed, save_price_list, seed_tariff
from domain.tariff.price_list import read_price_list_file
from schema.root import build
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
CALL = """query($to: PhoneNumber!, $tariff: String!, $at: DateTime) {
  answer: callPrice(to: $to, tariff: $tariff, at: $at) {
  __typename ... on CallPrice { zone { code name(language: RU) } unit price { amount } effectiveFrom country }
  ... on Problem { code rule path message } } }"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build()


@pytest.fixture
async def world(db: str) -> World:
    world = World()
    await seed_tariff(WELCOME)
    await save_price_list(read_price_list_file(REAL), world.clock.now())
    return world


async def run(schema: Schema, world: World, query: str, **variables: Any) -> dict[str, Any]:
    result = await schema.execute(query, variables, world.context())
    assert result.errors is None
    assert result.data is not None
    return result.data


@pytest.mark.rule("T-2")
async def test_a_call_has_a_price_and_the_reason_for_it(schema: Schema, world: World) -> None:
    answer = (await run(schema, world, CALL, to="+81312345678", tariff="welcome"))["answer"]

    assert answer == {
        "__typename": "CallPrice",
        "zone": {"code": "asia-3", "name": "Азия (3) — другие страны Азии"},
        "unit": "MINUTE",
        "price": {"amount": "10350.00"},
        "effectiveFrom": "2022-05-19",
        "country": "JP",
    }


@pytest.mark.rule("T-2")
@pytest.mark.parametrize("to", ["+998901234567", "+99999999999", "81312345678", "tomorrow", "+", "", "+" + "8" * 500])
async def test_a_number_without_a_price_is_answered_as_such(schema: Schema, world: World, to: str) -> None:
    answer = (await run(schema, world, CALL, to=to, tariff="welcome"))["answer"]

    assert answer["__typename"] == "UnknownDestination"
    assert (answer["code"], answer["rule"], answer["path"]) == ("UNKNOWN_DESTINATION", "T-2", ["to"])
    assert answer["message"]


async def test_a_tariff_that_is_not_there_is_answered_as_such(schema: Schema, world: World) -> None:
    answer = (await run(schema, world, CALL, to="+81312345678", tariff="no-such"))["answer"]

    assert (answer["__typename"], answer["code"], answer["path"]) == ("NotFound", "NOT_FOUND", ["tariff"])


@pytest.mark.rule("T-1")
async def test_a_day_before_the_first_edition_has_no_price(schema: Schema, world: World) -> None:
    answer = (await run(schema, world, CALL, to="+81312345678", tariff="welcome", at="2022-05-18T12:00:00Z"))["answer"]

    assert answer["__typename"] == "UnknownDestination"


async def test_a_tariff_is_shown_with_what_it_includes(schema: Schema, world: World) -> None:
    shown = "code name(language: UZ) monthlyFee { amount } allowances { kind amount unit } archived foreignersOnly"

    data = await run(
        schema,
        world,
        f'{{ tariff(code: "welcome") {{ {shown} }} tariffs {{ nodes {{ {shown} }} }} '
        'other: tariff(code: "no-such") { id } }',
    )

    assert data["tariff"] == {
        "code": "welcome",
        "name": "Xush kelibsiz",
        "monthlyFee": {"amount": "50000.00"},
        "allowances": [
            {"kind": "VOICE", "amount": "300", "unit": "MINUTE"},
            {"kind": "DATA", "amount": "10000", "unit": "MEGABYTE"},
        ],
        "archived": False,
        "foreignersOnly": True,
    }
    assert data["tariffs"]["nodes"] == [data["tariff"]]
    assert data["other"] is None
