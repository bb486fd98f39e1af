"""Click over its own address: signs, exact amounts, each error, and one payment however often it is told."""

import asyncio

import pytest

from callbacks.click import Shop, click_routes
from domain.database import fetch, fetch_row
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.switch import Switch, turn
from tests.callbacks.click_simulator import SECRET, SERVICE_ID, ClickSimulator
from tests.support.world import Person, World

TABLES = ("payment", "ledger_transfer", "ledger_entry", "ledger_account")
ID = 987_654_321


async def balance(world: World, ledger: int) -> int:
    return (await world.holdings())[ledger].tiyin


@pytest.fixture
async def alice(world: World) -> Person:
    return await world.holder(100)


@pytest.mark.rule("W-4.3.1")
@pytest.mark.parametrize("by", ["phone", "account", "wallet"])
async def test_money_comes_to_whom_the_payer_named_and_nowhere_else(
    click: ClickSimulator, world: World, alice: Person, by: str
) -> None:
    to, ledger = {
        "phone": (alice.phone.removeprefix("+998"), alice.account_ledger),
        "account": (alice.account_number, alice.account_ledger),
        "wallet": (alice.wallet_number, alice.wallet_ledger),
    }[by]
    before = await world.holdings()

    prepared = await click.prepare(ID, to, "50000.50")
    untouched = await world.holdings()
    completed = await click.complete(ID, to, "50000.50", prepared["merchant_prepare_id"])

    named = {"click_trans_id": ID, "merchant_trans_id": to, "error": 0, "error_note": "Success"}
    ours = prepared["merchant_prepare_id"]
    assert prepared == {**named, "merchant_prepare_id": ours}
    assert completed == {**named, "merchant_confirm_id": ours}
    assert untouched == before
    assert await world.holdings() == {**before, ledger: before[ledger] + Money.som("50000.50")}


async def test_told_again_it_is_the_same_payment(click: ClickSimulator, world: World, alice: Person) -> None:
    first = await click.prepare(ID, alice.account_number, "500")
    again = await click.prepare(ID, alice.account_number, "500.00")
    done = await click.complete(ID, alice.account_number, "500", first["merchant_prepare_id"])
    before = await world.everything(*TABLES)

    completed = await click.complete(ID, alice.account_number, "500", first["merchant_prepare_id"])
    prepared = await click.prepare(ID, alice.account_number, "500")

    assert again == first
    assert (completed["error"], completed["merchant_confirm_id"]) == (-4, done["merchant_confirm_id"])
    assert (prepared["error"], prepared["merchant_prepare_id"]) == (-4, first["merchant_prepare_id"])
    assert await world.everything(*TABLES) == before


async def test_everything_at_once_pays_once(click: ClickSimulator, world: World, alice: Person) -> None:
    prepared = await asyncio.gather(*(click.prepare(ID, alice.account_number, "500") for _ in range(6)))
    ours = prepared[0]["merchant_prepare_id"]

    answers = await asyncio.gather(*(click.complete(ID, alice.account_number, "500", ours) for _ in range(6)))

    assert {answer["merchant_prepare_id"] for answer in prepared} == {ours}
    assert {answer["error"] for answer in answers} <= {0, -4}
    assert await balance(world, alice.account_ledger) == Money.som(500).tiyin


@pytest.mark.parametrize("paid", ["1", "0.01", "99999.99", "100000.01", "1000000", "100,000", "10000000"])
async def test_known_fault_one_pays_for_a_hundred_thousand_is_absent(
    click: ClickSimulator, world: World, alice: Person, paid: str
) -> None:
    prepared = await click.prepare(ID, alice.account_number, "100000")
    before = await world.everything(*TABLES)

    answer = await click.complete(ID, alice.account_number, paid, prepared["merchant_prepare_id"])

    assert answer["error"] == -2
    assert await world.everything(*TABLES) == before


async def test_prepared_anew_it_is_for_the_same_amount_and_payee(
    click: ClickSimulator, world: World, alice: Person
) -> None:
    await click.prepare(ID, alice.account_number, "500")
    before = await world.everything(*TABLES)

    another_amount = await click.prepare(ID, alice.account_number, "500.01")
    another_payee = await click.prepare(ID, alice.wallet_number, "500")

    assert (another_amount["error"], another_payee["error"]) == (-2, -8)
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize("paid", ["100000", "100000.0", "100000.00", "0100000"])
async def test_amounts_are_compared_by_value(click: ClickSimulator, world: World, alice: Person, paid: str) -> None:
    prepared = await click.prepare(ID, alice.account_number, "100000")

    answer = await click.complete(ID, alice.account_number, paid, prepared["merchant_prepare_id"])

    assert answer["error"] == 0
    assert await balance(world, alice.account_ledger) == Money.som(100_000).tiyin


@pytest.mark.parametrize(
    "amount",
    ["0", "0.00", "-5", "+5", "1e3", "5.001", "NaN", "Infinity", "", " 5", "٥", "0x10", "5.", "9" * 15, "9" * 400],
)
async def test_a_wrong_amount_begins_nothing(click: ClickSimulator, world: World, alice: Person, amount: str) -> None:
    before = await world.everything(*TABLES)

    answer = await click.prepare(ID, alice.account_number, amount)

    assert answer["error"] == -2
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    "field", ["click_trans_id", "service_id", "merchant_trans_id", "amount", "action", "sign_time"]
)
async def test_what_is_changed_after_signing_is_refused(
    click: ClickSimulator, world: World, alice: Person, field: str
) -> None:
    form = click.form(ID, alice.account_number, "500", "0")
    before = await world.everything(*TABLES)

    answer = await click.send(form | {field: form[field] + "1"})

    assert answer["error"] == -1
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize("sign", ["", "0" * 32, "é" * 32, "x" * 5_000])
async def test_a_wrong_sign_is_refused_first(click: ClickSimulator, alice: Person, sign: str) -> None:
    form = click.form(ID, "nobody", "wrong", "9", service_id="1", error="-5")

    assert (await click.send(form | {"sign_string": sign}))["error"] == -1


async def test_another_secret_signs_nothing(click: ClickSimulator, alice: Person) -> None:
    stranger = ClickSimulator(click.http, "another secret")

    assert (await stranger.prepare(ID, alice.account_number, "500"))["error"] == -1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"service_id": "54321"}, -8),
        ({"click_trans_id": "abc"}, -8),
        ({"click_trans_id": "9" * 40}, -8),
        ({"error": "none"}, -8),
        ({"error_note": "line\nline"}, -8),
        ({"action": "2"}, -3),
        ({"action": ""}, -3),
        ({"merchant_trans_id": "900000000"}, -5),
        ({"merchant_trans_id": ""}, -5),
        ({"merchant_trans_id": "x900000001"}, -5),
        ({"merchant_trans_id": "٩٠٠٠٠٠٠٠١"}, -5),
        ({"merchant_trans_id": "9" * 4_000}, -5),
        ({"error": "-5017"}, -9),
    ],
)
async def test_each_fault_has_its_number_and_begins_nothing(
    click: ClickSimulator, world: World, alice: Person, changed: dict[str, str], error: int
) -> None:
    before = await world.everything(*TABLES)

    answer = await click.prepare(ID, alice.account_number, "500", **changed)

    assert answer["error"] == error
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    "missing",
    ["click_trans_id", "service_id", "merchant_trans_id", "amount", "action", "error", "sign_time", "sign_string"],
)
async def test_a_form_that_is_not_whole_is_refused(click: ClickSimulator, alice: Person, missing: str) -> None:
    form = click.form(ID, alice.account_number, "500", "0")
    del form[missing]

    assert (await click.send(form))["error"] == -8


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff=\xff", b"a=1&a=2", b"a=1&" * 100, b"x" * 100_000])
async def test_what_is_no_form_is_refused(click: ClickSimulator, body: bytes) -> None:
    response = await click.http.post("/callbacks/click", content=body)

    assert (response.status_code, response.json()["error"]) == (200, -8)


async def test_completing_names_a_payment_that_was_prepared(click: ClickSimulator, world: World, alice: Person) -> None:
    prepared = await click.prepare(ID, alice.account_number, "500")
    ours, other = prepared["merchant_prepare_id"], alice.wallet_number
    before = await world.everything(*TABLES)

    answers = [
        await click.complete(ID + 1, alice.account_number, "500", ours),
        await click.complete(ID, alice.account_number, "500", ours + 1),
        await click.complete(ID, alice.account_number, "500", f"0{ours}"),
        await click.complete(ID, alice.account_number, "500", "abc"),
        await click.complete(ID, other, "500", ours),
    ]

    assert [answer["error"] for answer in answers] == [-6] * 5
    assert await world.everything(*TABLES) == before


async def test_what_click_gave_up_is_cancelled_and_stays_so(click: ClickSimulator, world: World, alice: Person) -> None:
    ours = (await click.prepare(ID, alice.account_number, "500"))["merchant_prepare_id"]

    given_up = await click.complete(ID, alice.account_number, "500", ours, error="-5017")
    again = await click.complete(ID, alice.account_number, "500", ours, error="-5017")
    late = await click.complete(ID, alice.account_number, "500", ours)
    anew = await click.prepare(ID, alice.account_number, "500")

    assert [answer["error"] for answer in (given_up, again, late, anew)] == [-9] * 4
    assert await fetch_row("SELECT status, reason FROM payment") == {"status": "cancelled", "reason": "-5017"}
    assert await balance(world, alice.account_ledger) == 0


async def test_what_was_paid_is_not_given_up_any_more(click: ClickSimulator, world: World, alice: Person) -> None:
    ours = (await click.pay(ID, alice.account_number, "500"))["merchant_confirm_id"]
    before = await world.everything(*TABLES)

    answer = await click.complete(ID, alice.account_number, "500", ours, error="-5017")

    assert answer["error"] == -4
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize("round_", range(4))
async def test_completing_and_giving_up_at_once_end_in_one_state_and_its_money(
    click: ClickSimulator, world: World, alice: Person, round_: int
) -> None:
    to, ids = alice.account_number, range(ID, ID + 6)
    ours = {id_: (await click.prepare(id_, to, "500"))["merchant_prepare_id"] for id_ in ids}

    calls = [click.complete(id_, to, "500", ours[id_]) for id_ in ids]
    calls += [click.complete(id_, to, "500", ours[id_], error="-1") for id_ in ids]
    answers = await asyncio.gather(*(calls if round_ % 2 else reversed(calls)))

    rows = await fetch("SELECT status FROM payment")
    captured = sum(row["status"] == "captured" for row in rows)
    assert {answer["error"] for answer in answers} <= {0, -4, -9}
    assert sum(answer["error"] == 0 for answer in answers) == captured
    assert await balance(world, alice.account_ledger) == Money.som(500 * captured).tiyin
    assert [fault async for fault in check_ledger()] == []


@pytest.mark.rule("W-4.5.1b")
async def test_a_light_wallets_limits_hold_at_both_steps(click: ClickSimulator, world: World, alice: Person) -> None:
    to = alice.wallet_number
    beyond = await click.prepare(ID, to, "2059900.01")
    first, second = await click.prepare(ID + 1, to, "2059900"), await click.prepare(ID + 2, to, "2059900")
    await click.complete(ID + 1, to, "2059900", first["merchant_prepare_id"])
    before = await world.everything(*TABLES)

    late = await click.complete(ID + 2, to, "2059900", second["merchant_prepare_id"])

    assert (beyond["error"], late["error"]) == (-2, -7)
    assert await world.everything(*TABLES) == before
    assert await balance(world, alice.wallet_ledger) == Money.som(2_060_000).tiyin


@pytest.mark.rule("W-4.6.1c")
async def test_a_blocked_wallet_takes_nothing(click: ClickSimulator, world: World, alice: Person) -> None:
    prepared = await click.prepare(ID, alice.wallet_number, "500")
    await world.put(alice.wallet_id, "blocked")
    before = await world.everything(*TABLES)

    new = await click.prepare(ID + 1, alice.wallet_number, "500")
    late = await click.complete(ID, alice.wallet_number, "500", prepared["merchant_prepare_id"])

    assert (new["error"], late["error"]) == (-5, -7)
    assert await world.everything(*TABLES) == before


@pytest.mark.rule("W-4.3.1")
async def test_a_way_that_is_closed_begins_nothing(click: ClickSimulator, world: World, alice: Person) -> None:
    await turn(Switch.TOP_UP_BY_CLICK, on=False, by="staff:chief", at=world.clock.now())

    assert (await click.prepare(ID, alice.account_number, "500"))["error"] == -7
    assert await fetch("SELECT id FROM payment") == []


@pytest.mark.parametrize("shop", [Shop("", SECRET), Shop(SERVICE_ID, ""), Shop("", "")])
def test_without_both_settings_there_is_no_such_door(shop: Shop) -> None:
    assert click_routes(lambda _: pytest.fail("nobody is asked"), shop) == []
