"""The catalogue through both engines: one small statement when it is known, whatever is asked of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import pytest
from asyncpg.prepared_stmt import PreparedStatement

import domain.tariff
from domain.database import execute
from domain.language import Language
from domain.money import Money
from domain.tariff import TariffSeed, save_price_list, seed_tariff
from domain.tariff.price_list import read_price_list_file
from resolvers.context import StaffActor
from schema import root
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from schema.money import amount_text
from tests.resolvers.shop import Shop
from tests.support.world import World

REAL = Path(domain.tariff.__file__).parent / "data" / "price-list-2022-05-19.csv"
OPERATION = (Path(__file__).parents[2] / "benchmarks" / "operations" / "catalogue.graphql").read_text()
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
ENGINES = {"compiled": CompiledEngine, "stock": StockEngine}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> StockEngine:
    return ENGINES[request.param](root.build(), limits=Limits())


@pytest.fixture
async def world(db: str) -> World:
    world, shop = World(), Shop()
    for n, code in enumerate(("welcome", "plain", "old")):
        await seed_tariff(replace(WELCOME, code=code, position=n, archived=code == "old"))
    await save_price_list(read_price_list_file(REAL), world.clock.now())
    for n, code in enumerate(("cinema", "music", "antivirus")):
        await shop.add_product(code, position=n)
    return world


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that reaches the database's driver from now on."""
    seen: list[str] = []

    def watch(kind: type, name: str, tell: Callable[..., str]) -> None:
        run: Callable[..., Any] = getattr(kind, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            seen.append(tell(*args[:2]))
            return run(*args, **kwargs)

        monkeypatch.setattr(kind, name, watched)

    watch(asyncpg.Connection, "_execute", lambda _, sql: sql)
    watch(PreparedStatement, "fetch", lambda statement, *_: statement.get_query())
    watch(aiosqlite.Connection, "execute_fetchall", lambda _, sql: sql)
    return seen


async def ask(engine: StockEngine, world: World, query: str, ctx: Any = None, **variables: Any) -> Any:
    answer = await engine.execute(query, variables, None, ctx or world.context(), allow_mutation=False)
    assert answer.errors == []
    return json.loads(json.dumps(answer.data))


async def test_the_catalogue_is_one_statement_when_it_is_known(
    engine: StockEngine, world: World, statements: list[str]
) -> None:
    first = await ask(engine, world, OPERATION)
    loading = len(statements)
    statements.clear()

    again = await ask(engine, world, OPERATION)

    assert statements == ["SELECT version FROM catalogue_version"]
    assert loading <= 5
    assert again == first


@pytest.mark.parametrize(
    "query",
    [
        '{ tariff(code: "welcome") { code } other: tariff(code: "old") { archived } product(code: "music") { id } }',
        '{ callPrice(to: "+81312345678", tariff: "welcome") { __typename } }',
        "{ a: tariffs(first: 1) { nodes { id } } b: tariffs(last: 1) { nodes { id } } products { nodes { id } } }",
    ],
)
async def test_other_looks_at_it_are_one_statement_too(
    engine: StockEngine, world: World, statements: list[str], query: str
) -> None:
    await ask(engine, world, query)
    statements.clear()

    await ask(engine, world, query)

    assert len(statements) == 1, statements


async def test_a_changed_price_is_answered_at_once(engine: StockEngine, world: World) -> None:
    query = '{ tariff(code: "plain") { prices { zone { code } price { amount formatted } } } }'
    before = (await ask(engine, world, query))["tariff"]["prices"]

    await execute("UPDATE price_line SET price = 123456 WHERE position = 1 AND tariff_code = 'welcome'")
    await execute("UPDATE price_line SET tariff_code = 'plain'")
    after = (await ask(engine, world, query))["tariff"]["prices"]

    assert before == []
    assert after[0] == {
        "zone": {"code": "central-asia"},
        "price": {"amount": "1234.56", "formatted": "1,234.56\xa0soʻm"},
    }


async def test_pages_have_the_cursors_of_their_items(engine: StockEngine, world: World) -> None:
    info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    page = f"{{ edges {{ cursor node {{ code }} }} nodes {{ code }} {info} }}"
    whole = (await ask(engine, world, f"{{ products {page} }}"))["products"]
    cursors = [edge["cursor"] for edge in whole["edges"]]

    middle = (await ask(engine, world, f'{{ products(first: 1, after: "{cursors[0]}") {page} }}'))["products"]
    last = (await ask(engine, world, f'{{ products(last: 2, before: "{cursors[2]}") {page} }}'))["products"]

    assert [node["code"] for node in whole["nodes"]] == ["cinema", "music", "antivirus"]
    assert middle["edges"] == whole["edges"][1:2]
    assert middle["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": True,
        "startCursor": cursors[1],
        "endCursor": cursors[1],
    }
    assert last["edges"] == whole["edges"][:2]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (True, False)


@pytest.mark.parametrize("arguments", ["first: 0", "first: 101", "first: 1, last: 1", 'after: "nonsense"'])
async def test_a_bad_page_is_refused(engine: StockEngine, world: World, arguments: str) -> None:
    answer = await engine.execute(
        f"{{ tariffs({arguments}) {{ nodes {{ id }} }} }}", {}, None, world.context(), allow_mutation=False
    )

    assert [error["path"] for error in answer.errors] == [["tariffs"]]


async def test_an_answer_is_kept_for_its_page_language_and_variables_until_the_catalogue_changes(world: World) -> None:
    engine = CompiledEngine(root.build(), limits=Limits())
    query = """query($l: Language, $n: Int) {
        tariffs(first: $n) { nodes { name(language: $l) monthlyFee { formatted } } } }"""

    async def tariffs(language: Language = Language.EN, **variables: Any) -> Any:
        ctx = world.context()
        ctx.language = language
        answer = await engine.execute(query, variables, None, ctx, allow_mutation=False)
        assert answer.errors == []
        assert answer.data is not None
        return answer.data["tariffs"]

    await tariffs()
    one, again = await tariffs(), await tariffs()
    others = [await tariffs(Language.RU), await tariffs(l="RU"), await tariffs(n=1)]
    await execute("UPDATE tariff SET monthly_fee = 7")
    changed = await tariffs()

    assert one is again
    assert all(other is not one for other in others)
    assert changed["nodes"][0]["monthlyFee"]["formatted"] == "0.07\xa0soʻm"


async def test_each_caller_reads_the_shared_objects_in_their_own_language(engine: StockEngine, world: World) -> None:
    query = """{ tariffs(first: 1) { nodes { name uz: name(language: UZ) monthlyFee { formatted }
                 prices { zone { name uz: name(language: UZ) } } } } }"""
    answers = {}
    for language in (Language.RU, Language.EN, Language.RU):
        ctx = world.context()
        ctx.language = language
        answers[language] = (await ask(engine, world, query, ctx))["tariffs"]["nodes"][0]

    russian, english = answers[Language.RU], answers[Language.EN]
    assert (russian["name"], english["name"]) == ("Xush kelibsiz", "Welcome")
    assert russian["uz"] == english["uz"] == "Xush kelibsiz"
    assert (russian["monthlyFee"]["formatted"], english["monthlyFee"]["formatted"]) == (
        "50\u202f000\xa0сум",
        "50,000\xa0soʻm",
    )
    assert (russian["prices"][1]["zone"]["name"], english["prices"][1]["zone"]["name"]) == (
        "Другие страны СНГ",
        "Other CIS countries",
    )
    assert russian["prices"][1]["zone"]["uz"] == "Boshqa MDH davlatlari"


@pytest.mark.rule("T-9")
async def test_staff_and_callers_do_not_get_each_others_list(engine: StockEngine, world: World) -> None:
    query = "{ tariffs { nodes { code } } }"
    lists = [
        [node["code"] for node in (await ask(engine, world, query, ctx))["tariffs"]["nodes"]]
        for ctx in (world.context(), world.context(StaffActor(1, "viewer", "viewer")), world.context())
    ]

    assert lists == [["welcome", "plain"], ["welcome", "plain", "old"], ["welcome", "plain"]]


async def test_a_unit_that_the_api_does_not_know_is_an_error_only_where_it_is_asked_for(
    engine: StockEngine, world: World
) -> None:
    await execute("UPDATE tariff_allowance SET unit = 'parsec' WHERE kind = 'voice'")
    ctx = world.context()

    fine = await ask(engine, world, '{ tariff(code: "plain") { allowances { kind amount } } }')
    answer = await engine.execute(
        '{ tariff(code: "plain") { code allowances { unit } } }', {}, None, ctx, allow_mutation=False
    )

    assert fine["tariff"]["allowances"][0] == {"kind": "VOICE", "amount": "300"}
    assert [error["path"] for error in answer.errors] == [["tariff", "allowances", 0, "unit"]]


@pytest.mark.parametrize("tiyin", [0, 1, -1, 10, -99, 100, 12_345, -1_234_567, 10**15, -(10**17) - 7])
def test_an_amounts_text_is_that_of_the_exact_decimal(tiyin: int) -> None:
    assert amount_text(tiyin) == str(Money(tiyin).amount)
