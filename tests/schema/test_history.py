"""An account's history by GraphQL: filters, past balances, months, files, receipts; on both engines."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from domain import fiscal
from domain.database import fetch
from domain.policy import Operator, Policy
from resolvers import wallet
from resolvers.context import Anonymous, Claimed, Context, PartnerActor, SubscriberActor
from resolvers.wallet import TransferView
from schema import root
from schema.context import settle_before
from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.stock import StockEngine
from schema.relay import to_global_id
from tests.papers.test_receipts import FISCAL
from tests.support.statements import statements
from tests.support.world import Person, World

Ask = Callable[..., Awaitable[Any]]
ENGINES = {"compiled": CompiledEngine, "stock": StockEngine}
FILTERED = """query ($filter: EntryFilter, $first: Int, $after: String) { viewer { wallet {
    entries(first: $first, after: $after, filter: $filter) { nodes { kind amount { amount } }
        pageInfo { hasNextPage endCursor } } } } }"""


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture(params=sorted(ENGINES))
def ask(request: pytest.FixtureRequest) -> Ask:
    engine = ENGINES[request.param](root.build(), limits=Limits(), prepare=settle_before)

    async def run(ctx: Context, query: str, **variables: Any) -> Any:
        actor = ctx.actor
        if isinstance(actor, SubscriberActor):
            actor = Claimed(actor.subscriber_id, actor.session_id, language_asked=True)
        asking = replace(ctx.acting_as(actor), memo={})
        found = await engine.execute(query, variables, None, asking, allow_mutation=True)
        return found.as_dict()

    return run


async def a_holder(world: World) -> tuple[Context, Person, list[TransferView]]:
    """50,000 so'm came in; an hour apart 100, 200 and 300 went out."""
    alice, bob = await world.holder(50_000), await world.holder(10)
    ctx, sent = await world.signed_in(alice), []
    for n in (1, 2, 3):
        world.clock.move(timedelta(hours=1))
        ctx = await world.signed_in(alice)
        sent.append(await wallet.transfer(ctx, to=bob.phone, amount=Decimal(100 * n), key=f"k{n}"))
    return replace(ctx, policy=Policy(operator=Operator(name="Sinov Telekom"))), alice, sent


def amounts(answer: Any) -> list[str]:
    assert "errors" not in answer, answer
    return [node["amount"]["amount"] for node in answer["data"]["viewer"]["wallet"]["entries"]["nodes"]]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ["-300.00", "-200.00", "-100.00", "50000.00"]),
        ({}, ["-300.00", "-200.00", "-100.00", "50000.00"]),
        ({"direction": "IN"}, ["50000.00"]),
        ({"direction": "OUT", "least": "200"}, ["-300.00", "-200.00"]),
        ({"most": "200.00"}, ["-200.00", "-100.00"]),
        ({"kinds": ["TOP_UP", "PAYMENT", "TOP_UP"]}, ["50000.00"]),
        ({"kinds": []}, ["-300.00", "-200.00", "-100.00", "50000.00"]),
        ({"from": "2026-03-10T10:00:00Z", "until": "2026-03-10T16:00:00+05:00"}, ["-100.00"]),
        ({"from": "2026-03-10T16:00:00"}, ["-300.00", "-200.00"]),
        ({"from": "2026-03-11T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, []),
        ({"from": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"}, ["-300.00"]),
    ],
)
async def test_a_filter_keeps_what_it_names(
    world: World, ask: Ask, wanted: dict[str, Any] | None, expected: list[str]
) -> None:
    ctx, _, _ = await a_holder(world)

    found = amounts(await ask(ctx, FILTERED, filter=wanted, first=10))

    assert found[: len(expected)] == expected
    assert len(found) == (4 if expected == ["-300.00"] else len(expected))


async def test_a_filtered_list_goes_on_where_its_page_ended(world: World, ask: Ask) -> None:
    ctx, _, _ = await a_holder(world)
    wanted = {"direction": "OUT"}

    first = await ask(ctx, FILTERED, filter=wanted, first=2)
    page = first["data"]["viewer"]["wallet"]["entries"]["pageInfo"]
    await world.top_up(1, (await wallet.my_wallet(ctx)).balance)  # type: ignore[union-attr]  # it is there
    second = await ask(ctx, FILTERED, filter=wanted, first=2, after=page["endCursor"])

    assert (amounts(first), page["hasNextPage"]) == (["-300.00", "-200.00"], True)
    assert amounts(second) == ["-100.00"]


async def test_lists_with_and_without_a_filter_stand_beside_each_other(world: World, ask: Ask) -> None:
    ctx, _, _ = await a_holder(world)
    query = """{ viewer { wallet { all: entries(first: 2) { nodes { amount { amount } } }
        came: entries(first: 2, filter: {direction: IN}) { nodes { amount { amount } receipt { number } } } } } }"""

    with statements() as seen:
        found = (await ask(ctx, query))["data"]["viewer"]["wallet"]

    assert [node["amount"]["amount"] for node in found["all"]["nodes"]] == ["-300.00", "-200.00"]
    assert [node["amount"]["amount"] for node in found["came"]["nodes"]] == ["50000.00"]
    assert len(seen) == 3  # the home statement, the filtered page, its receipts


@pytest.mark.parametrize("wanted", [{"least": "-1"}, {"most": "1e999"}, {"least": "0.001"}, {"most": "NaN"}])
async def test_bounds_that_are_no_amounts_are_the_request_s_fault(world: World, ask: Ask, wanted: Any) -> None:
    ctx, _, _ = await a_holder(world)

    found = await ask(ctx, FILTERED, filter=wanted)

    assert [error["extensions"]["code"] for error in found["errors"]] == ["BAD_REQUEST"]


async def test_past_balances_are_told(world: World, ask: Ask) -> None:
    ctx, _, _ = await a_holder(world)
    query = """query ($at: DateTime!) { viewer { wallet { balanceAt(at: $at) { amount } }
        accounts { nodes { balanceAt(at: $at) { amount } } } } }"""
    moments = ("2026-03-10T08:59:59Z", "2026-03-10T09:00:00Z", "2026-03-10T11:00:00Z", "9999-12-31T23:59:59Z")

    found = [(await ask(ctx, query, at=at))["data"]["viewer"] for at in moments]

    assert [one["wallet"]["balanceAt"]["amount"] for one in found] == ["0.00", "50000.00", "49700.00", "49400.00"]
    assert found[0]["accounts"]["nodes"] == [{"balanceAt": {"amount": "0.00"}}]


async def test_months_are_told_in_one_statement(world: World, ask: Ask) -> None:
    ctx, _, _ = await a_holder(world)
    query = """{ viewer { wallet { months(first: 2, until: "2026-03-31") { month opening { amount } closing { amount }
        incoming { amount } outgoing { amount } categories { kind amount { amount } count } } } } }"""

    with statements() as seen:
        found = (await ask(ctx, query))["data"]["viewer"]["wallet"]["months"]

    march, february = found
    assert len(seen) == 2
    assert (march["month"], march["opening"]["amount"], march["closing"]["amount"]) == (
        "2026-03-01",
        "0.00",
        "49400.00",
    )
    assert (march["incoming"]["amount"], march["outgoing"]["amount"]) == ("50000.00", "600.00")
    assert march["categories"] == [
        {"kind": "TOP_UP", "amount": {"amount": "50000.00"}, "count": 1},
        {"kind": "TRANSFER_OUT", "amount": {"amount": "-600.00"}, "count": 3},
    ]
    assert (february["categories"], february["closing"]["amount"]) == ([], "0.00")


@pytest.mark.parametrize(("first", "expected"), [(0, 0), (36, 36), (37, 0), (-1, 0), (2**31 - 1, 0)])
async def test_so_many_months_can_be_asked_for(world: World, ask: Ask, first: int, expected: int) -> None:
    ctx, _, _ = await a_holder(world)

    found = await ask(ctx, "query ($n: Int!) { viewer { wallet { months(first: $n) { month } } } }", n=first)

    if expected:
        assert len(found["data"]["viewer"]["wallet"]["months"]) == expected
    else:
        assert [error["extensions"]["code"] for error in found["errors"]] == ["BAD_REQUEST"]


async def test_what_many_months_cost_is_counted(world: World, ask: Ask) -> None:
    ctx, _, _ = await a_holder(world)
    months = "months(first: 36) { incoming { amount currency formatted } categories { kind amount { amount } count } }"
    query = f"{{ viewer {{ accounts(first: 100) {{ nodes {{ {months} }} }} }} }}"

    found = await ask(ctx, query)

    assert [error["extensions"]["code"] for error in found["errors"]] == ["TOO_COMPLEX"]


async def test_a_statement_can_be_taken_away(world: World, ask: Ask) -> None:
    ctx, alice, _ = await a_holder(world)
    query = """query ($input: StatementFileInput!) { viewer { wallet { statementFile(input: $input) { __typename
        ... on Download { url expiresAt } ... on StatementTooLong { most message } } } } }"""

    found = await ask(ctx, query, input={"format": "CSV", "filter": {"direction": "OUT"}, "language": "RU"})

    download = found["data"]["viewer"]["wallet"]["statementFile"]
    assert download["__typename"] == "Download"
    assert urlsplit(download["url"]).path.startswith("/papers/statement/")
    assert download["expiresAt"] == "2026-03-10T17:10:00+05:00" or download["expiresAt"] == "2026-03-10T12:10:00+00:00"
    assert alice.wallet_number not in download["url"]


@pytest.mark.rule("W-2.19")
async def test_a_receipt_says_everything_in_one_statement_a_part(world: World, ask: Ask) -> None:
    ctx, _, sent = await a_holder(world)
    await fiscal.record(sent[1].id, FISCAL)
    query = """{ viewer { wallet { entries(first: 3) { nodes { receipt { number checkUrl operator { name stir }
        pdf(language: UZ_CYRL) { url } fiscal { terminal receiptNumber sign qrUrl items { name mxik packageCode units
        price { amount } amount { amount } vatPercent vat { amount } agent } } } } } } } }"""

    with statements() as seen:
        found = (await ask(ctx, query))["data"]["viewer"]["wallet"]["entries"]["nodes"]

    receipts = [node["receipt"] for node in found]
    assert len(seen) == 2  # the home statement, and the fiscal receipts of the whole page
    assert receipts[0]["operator"] == {"name": "Sinov Telekom", "stir": None}
    assert f"/check/{receipts[0]['number']}-" in receipts[0]["checkUrl"]
    assert [receipt["fiscal"] is None for receipt in receipts] == [True, False, True]
    [item] = receipts[1]["fiscal"]["items"]
    assert (item["mxik"], item["vat"]["amount"], item["agent"]) == ("10305001001000000", "1339.34", "301234567")


RECORD = """mutation ($input: RecordFiscalReceiptInput!) { recordFiscalReceipt(input: $input) { __typename
    ... on FiscalReceipt { sign items { name } } ... on Problem { code path } } }"""
ITEM = {
    "name": "Aloqa",
    "mxik": "10305001001000000",
    "packageCode": "15",
    "units": 1,
    "price": "100",
    "amount": "100.00",
    "vatPercent": 12,
    "vat": "10.71",
}


def told(number: str, **changes: Any) -> dict[str, Any]:
    return {
        "receipt": number,
        "terminal": "UZ1",
        "receiptNumber": "5",
        "at": "2026-03-10T09:00:00Z",
        "sign": "123",
        "qrUrl": "https://ofd.example/5",
        "items": [ITEM],
    } | changes


async def test_the_tax_office_s_module_tells_what_it_registered(world: World, ask: Ask) -> None:
    _, _, sent = await a_holder(world)
    module = world.context(PartnerActor(1, "ofd", frozenset({"fiscal:write"})))
    number = sent[0].receipt.number

    answers = [
        (await ask(module, RECORD, input=one))["data"]["recordFiscalReceipt"]
        for one in (
            told(number),
            told(number),
            told(number, sign="124"),
            told("0000099999-3"),
            told(number, items=[ITEM | {"vat": "0.001"}]),
        )
    ]

    assert [one["__typename"] for one in answers] == [
        "FiscalReceipt",
        "FiscalReceipt",
        "FiscalReceiptExists",
        "NotFound",
        "InvalidInput",
    ]
    assert answers[-1]["path"] == ["input", "items", "0", "vat"]
    assert len(await fetch("SELECT * FROM fiscal_receipt")) == 1


async def test_nobody_else_tells_it(world: World, ask: Ask) -> None:
    ctx, _, sent = await a_holder(world)
    callers = (ctx, world.context(Anonymous()), world.context(PartnerActor(1, "shop", frozenset({"topup:write"}))))

    codes = [
        (await ask(caller, RECORD, input=told(sent[0].receipt.number)))["errors"][0]["extensions"]["code"]
        for caller in callers
    ]

    assert codes == ["FORBIDDEN", "UNAUTHENTICATED", "FORBIDDEN"]
    assert await fetch("SELECT * FROM fiscal_receipt") == []


async def test_a_stranger_s_history_is_not_found(world: World, ask: Ask) -> None:
    _, alice, _ = await a_holder(world)
    stranger = await world.signed_in(await world.holder(5))
    query = "query ($id: ID!) { node(id: $id) { ... on Wallet { months { month } } ... on Account { number } } }"

    for id_ in (to_global_id("Wallet", alice.wallet_id), to_global_id("Account", alice.account_id)):
        found = await ask(stranger, query, id=id_)
        assert [error["extensions"]["code"] for error in found["errors"]] == ["NOT_FOUND"]
