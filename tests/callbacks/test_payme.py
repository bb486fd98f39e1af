"""Payme over its own address: the protocol to the letter, and the faults of other merchants that are not repeated."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from callbacks.payme import payme_routes
from domain.clock import to_micros
from domain.database import execute, fetch, fetch_row
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.switch import Switch, turn
from resolvers import wallet
from resolvers.context import SystemActor
from resolvers.payment import lapse_payments
from tests.callbacks.payme_simulator import KEY, PaymeSimulator, basic, transaction_id
from tests.support.market import open_market
from tests.support.world import Person, World

ID = transaction_id(1)
TWELVE_HOURS = timedelta(milliseconds=43_200_000)
TABLES = ("payment", "ledger_transfer", "ledger_entry", "ledger_account")
AMOUNT = 5_000_000  # 50,000 so'm


def ms(world: World) -> int:
    return to_micros(world.clock.now()) // 1000


def account_of(person: Person) -> dict[str, str]:
    return {"account": person.account_number}


def wallet_of(person: Person) -> dict[str, str]:
    return {"account": person.wallet_number}


async def create(payme: PaymeSimulator, world: World, account: dict[str, str], **changed: Any) -> dict[str, Any]:
    asked = {"id": ID, "time": ms(world), "amount": AMOUNT, "account": account} | changed
    return await payme.done("CreateTransaction", **asked)


async def performed(payme: PaymeSimulator, world: World, account: dict[str, str]) -> None:
    await create(payme, world, account)
    await payme.done("PerformTransaction", id=ID)


async def balance(world: World, ledger: int) -> int:
    return (await world.holdings())[ledger].tiyin


@pytest.mark.rule("W-4.3.1")
@pytest.mark.parametrize("by", ["phone", "account", "wallet"])
async def test_money_comes_to_whom_the_payer_named_and_nowhere_else(
    payme: PaymeSimulator, world: World, by: str
) -> None:
    alice = await world.holder(100)
    account, ledger = {
        "phone": ({"phone": alice.phone.removeprefix("+998")}, alice.account_ledger),
        "account": (account_of(alice), alice.account_ledger),
        "wallet": (wallet_of(alice), alice.wallet_ledger),
    }[by]
    before = await world.holdings()

    allowed = await payme.done("CheckPerformTransaction", amount=AMOUNT, account=account)
    created = await create(payme, world, account)
    world.clock.move(timedelta(minutes=1))
    done = await payme.done("PerformTransaction", id=ID)
    seen = await payme.done("CheckTransaction", id=ID)

    assert allowed == {"allow": True}
    ours, now = created["transaction"], ms(world)
    assert created == {"create_time": now - 60_000, "transaction": ours, "state": 1}
    assert isinstance(ours, str)
    assert done == {"transaction": ours, "perform_time": now, "state": 2}
    times = {"create_time": now - 60_000, "perform_time": now, "cancel_time": 0}
    assert seen == {**times, "transaction": ours, "state": 2, "reason": None}
    assert await world.holdings() == {**before, ledger: before[ledger] + Money(AMOUNT)}


async def test_a_repeated_call_gets_the_stored_answer_and_moves_nothing(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    answers = []
    for method, params in (
        ("CreateTransaction", {"time": ms(world), "amount": AMOUNT, "account": account_of(alice)}),
        ("PerformTransaction", {}),
        ("CancelTransaction", {"reason": 5}),
    ):
        first = await payme.done(method, id=ID, **params)
        before = await world.everything(*TABLES)
        world.clock.move(timedelta(hours=1))
        answers.append((first, await payme.done(method, id=ID, **params)))

        assert await world.everything(*TABLES) == before

    assert [first for first, _ in answers] == [second for _, second in answers]
    assert answers[-1][0]["state"] == -2


@pytest.mark.parametrize("ended", [False, True])
async def test_a_repeated_creation_is_answered_even_when_the_wallet_is_no_more(
    payme: PaymeSimulator, world: World, ended: bool
) -> None:
    person = await world.holder(0)
    begun = await create(payme, world, wallet_of(person))
    if ended:
        await payme.done("PerformTransaction", id=ID)
    await wallet.close_wallet(await world.signed_in(person), leave_rest=True)

    asked = {"time": ms(world), "amount": AMOUNT, "account": wallet_of(person)}
    again = await payme.call("CreateTransaction", id=ID, **asked)
    other = await payme.refused("CreateTransaction", id=transaction_id(2), **asked)

    assert (again["error"]["code"] if ended else again["result"]) == (-31008 if ended else begun)
    assert other == -31050


async def test_an_id_that_is_known_names_one_amount_and_one_account(payme: PaymeSimulator, world: World) -> None:
    alice, bob = await world.person(), await world.person()
    await create(payme, world, account_of(alice))
    before = await world.everything(*TABLES)

    asked = {"id": ID, "time": ms(world)}
    codes = [
        await payme.refused("CreateTransaction", **asked, amount=AMOUNT + 1, account=account_of(alice)),
        await payme.refused("CreateTransaction", **asked, amount=AMOUNT, account=account_of(bob)),
    ]

    assert codes == [-31008, -31008]
    assert await world.everything(*TABLES) == before


async def test_one_account_may_have_several_open_transactions(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()

    for number in (1, 2, 3):
        await create(payme, world, account_of(alice), id=transaction_id(number))
        await payme.done("PerformTransaction", id=transaction_id(number))

    assert await balance(world, alice.account_ledger) == 3 * AMOUNT


async def test_known_fault_perform_after_cancel_credits_the_money_is_absent(
    payme: PaymeSimulator, world: World
) -> None:
    alice = await world.person()
    await create(payme, world, account_of(alice))
    cancelled = await payme.done("CancelTransaction", id=ID, reason=3)
    before = await world.everything(*TABLES)

    code = await payme.refused("PerformTransaction", id=ID)

    seen = await payme.done("CheckTransaction", id=ID)
    assert (code, cancelled["state"], seen["state"], seen["reason"]) == (-31008, -1, -1, 3)
    assert await world.everything(*TABLES) == before
    assert await balance(world, alice.account_ledger) == 0


@pytest.mark.parametrize(("waited", "state"), [(TWELVE_HOURS - timedelta(milliseconds=1), 2), (TWELVE_HOURS, -1)])
async def test_known_fault_no_twelve_hours_or_from_the_wrong_clock_is_absent(
    payme: PaymeSimulator, world: World, waited: timedelta, state: int
) -> None:
    alice = await world.person()
    told = ms(world)
    world.clock.move(timedelta(hours=5))  # it reaches us late: its own time counts
    await create(payme, world, account_of(alice), time=told)
    world.clock.move(waited - timedelta(hours=5))

    answer = await payme.call("PerformTransaction", id=ID)

    seen = await payme.done("CheckTransaction", id=ID)
    assert seen["state"] == state
    assert (answer.get("error", {}).get("code"), seen["reason"]) == ((None, None) if state == 2 else (-31008, 4))
    assert await balance(world, alice.account_ledger) == (AMOUNT if state == 2 else 0)


async def test_the_worker_ends_what_was_not_performed_in_time(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    await create(payme, world, account_of(alice))
    ctx = world.context(SystemActor())
    early = await lapse_payments(ctx, batch=10)
    world.clock.move(TWELVE_HOURS)

    ended = [await lapse_payments(ctx, batch=10), await lapse_payments(ctx, batch=10)]

    row = await fetch_row("SELECT status, reason FROM payment")
    assert (early, ended, row) == (0, [1, 0], {"status": "cancelled", "reason": "4"})


async def test_a_transaction_that_is_older_than_twelve_hours_is_not_begun(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    told = ms(world)
    world.clock.move(TWELVE_HOURS)

    code = await payme.refused("CreateTransaction", id=ID, time=told, amount=AMOUNT, account=account_of(alice))

    assert code == -31008
    assert (await payme.done("CheckTransaction", id=ID))["state"] == -1


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("PerformTransaction", {}),
        ("CancelTransaction", {"reason": 1}),
        ("CheckTransaction", {}),
        ("SetFiscalData", {"type": "PERFORM", "fiscal_data": {}}),
    ],
)
async def test_known_fault_an_unknown_transaction_called_a_wrong_account_is_absent(
    payme: PaymeSimulator, method: str, params: dict[str, Any]
) -> None:
    assert await payme.refused(method, id=ID, **params) == -31003


async def test_known_fault_no_unique_key_on_the_transaction_id_is_absent(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()

    answers = await asyncio.gather(*(create(payme, world, account_of(alice)) for _ in range(8)))
    done = await asyncio.gather(*(payme.done("PerformTransaction", id=ID) for _ in range(8)))

    assert len({answer["transaction"] for answer in answers + done}) == 1
    assert len(await fetch("SELECT id FROM payment")) == 1
    assert await balance(world, alice.account_ledger) == AMOUNT


@pytest.mark.parametrize("round_", range(5))
async def test_performing_and_cancelling_at_once_end_in_one_state_and_its_money(
    payme: PaymeSimulator, world: World, round_: int
) -> None:
    alice = await world.person()
    ids = [transaction_id(number) for number in range(8)]
    for id_ in ids:
        await create(payme, world, account_of(alice), id=id_)

    calls = [payme.call("PerformTransaction", id=id_) for id_ in ids]
    calls += [payme.call("CancelTransaction", id=id_, reason=5) for id_ in ids]
    await asyncio.gather(*(calls if round_ % 2 else reversed(calls)))

    states = [(await payme.done("CheckTransaction", id=id_))["state"] for id_ in ids]
    assert set(states) <= {-1, -2}
    assert await balance(world, alice.account_ledger) == 0
    assert [fault async for fault in check_ledger()] == []


@pytest.mark.parametrize("amount", [0, -1, -AMOUNT, 1.0, 1.5, "5000000", True, None, [], 10**18, 2**63, 10**30])
async def test_a_wrong_amount_is_told_and_begins_nothing(payme: PaymeSimulator, world: World, amount: Any) -> None:
    alice = await world.person()
    before = await world.everything(*TABLES)

    asked = {"amount": amount, "account": account_of(alice)}
    codes = [
        await payme.refused("CheckPerformTransaction", **asked),
        await payme.refused("CreateTransaction", id=ID, time=ms(world), **asked),
    ]

    assert codes == [-31001, -31001]
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    ("account", "field"),
    [
        ({"phone": "900000000"}, "phone"),
        ({"phone": "+998900000001"}, "phone"),
        ({"phone": "٩٠٠٠٠٠٠٠١"}, "phone"),
        ({"phone": None}, "phone"),
        ({"account": "0000000000"}, "account"),
        ({"account": "' OR 1=1 --"}, "account"),
        ({"account": "9" * 5_000}, "account"),
        ({"account": {"phone": "900000001"}}, "account"),
        ({"account": True}, "account"),
        ({}, "phone"),
        ([], "phone"),
        ("900000001", "phone"),
        (None, "phone"),
    ],
)
async def test_a_wrong_account_is_told_in_three_languages_with_its_field(
    payme: PaymeSimulator, world: World, account: Any, field: str
) -> None:
    await world.person()
    before = await world.everything(*TABLES)

    checked = await payme.call("CheckPerformTransaction", amount=AMOUNT, account=account)
    created = await payme.call("CreateTransaction", id=ID, time=ms(world), amount=AMOUNT, account=account)

    assert checked["error"] == created["error"]
    assert (checked["error"]["code"], checked["error"]["data"]) == (-31050, field)
    assert len({checked["error"]["message"][language] for language in ("uz", "ru", "en")}) == 3
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        basic("Paycom", "wrong"),
        basic("Paycom", ""),
        basic("paycom", KEY),
        basic("Paycom", KEY) + "AAAA",
        f"Bearer {KEY}",
    ],
)
async def test_only_payme_is_answered(payme: PaymeSimulator, authorization: str) -> None:
    body = b'{"jsonrpc": "2.0", "id": 7, "method": "CheckTransaction", "params": {"id": "1"}}'

    answer = await payme.send(body, authorization=authorization)

    assert (answer["id"], answer["error"]["code"]) == (7, -32504)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b'{"method": NaN}', -32700),
        (b'{"method": "\\ud800"}', -32700),
        (b"[" * 60_000, -32700),
        (b"x" * 100_000, -32600),
        (b"[]", -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "CheckTransaction", "params": {}}]', -32600),
        (b'"text"', -32600),
        (b"null", -32600),
        (b"{}", -32600),
        (b'{"method": 1, "id": 1}', -32600),
        (b'{"jsonrpc": "1.0", "method": "CheckTransaction", "id": 1}', -32600),
        (b'{"method": "CheckTransaction", "id": {}}', -32600),
        (b'{"method": "CheckTransaction", "id": true}', -32600),
        (b'{"method": "CheckTransaction", "id": 1, "params": []}', -32600),
        (b'{"method": "CheckTransaction", "id": 1, "params": {"id": 5}}', -32600),
        (b'{"method": "CheckTransaction", "id": 1, "params": {"id": ""}}', -32600),
        (b'{"method": "GetStatement", "id": 1, "params": {"from": "a", "to": 1}}', -32600),
        (b'{"method": "GetStatement", "id": 1, "params": {"from": 1, "to": 100000000000000}}', -32600),
        (b'{"method": "CancelTransaction", "id": 1, "params": {"id": "a"}}', -32600),
    ],
)
async def test_what_is_not_a_request_gets_a_clean_error(payme: PaymeSimulator, body: bytes, code: int) -> None:
    assert (await payme.send(body))["error"]["code"] == code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_taken(payme: PaymeSimulator, method: str) -> None:
    assert (await payme.send(b"{}", method=method))["error"]["code"] == -32300


async def test_an_unknown_method_is_named(payme: PaymeSimulator) -> None:
    answer = await payme.call("ChangePassword", password="x")

    assert (answer["error"]["code"], answer["error"]["data"]) == (-32601, "ChangePassword")


@pytest.mark.parametrize("id_", [b'"a-1"', b"17", b"-3", b'""', b"null"])
async def test_the_answer_bears_the_calls_own_id(payme: PaymeSimulator, id_: bytes) -> None:
    answer = await payme.send(b'{"method": "Nothing", "id": ' + id_ + b"}")

    assert answer["id"] == {b'"a-1"': "a-1", b"17": 17, b"-3": -3, b'""': "", b"null": None}[id_]


async def test_a_failure_of_ours_is_told_without_a_trace(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    await execute("ALTER TABLE payment RENAME TO payment_away")

    answer = await payme.call("CreateTransaction", id=ID, time=ms(world), amount=AMOUNT, account=account_of(alice))

    assert answer["error"]["code"] == -32400
    assert "payment_away" not in str(answer)
    assert "Traceback" not in str(answer)


@pytest.mark.rule("W-4.5.1a")
@pytest.mark.rule("W-4.5.1b")
async def test_a_light_wallets_limits_hold_at_every_step(payme: PaymeSimulator, world: World) -> None:
    alice = await world.holder(1_000_000)
    room = Money.som(1_060_000).tiyin  # 5 BHM of 412,000, less what there is
    at = {"time": ms(world), "account": wallet_of(alice)}

    beyond = [
        await payme.refused("CheckPerformTransaction", amount=room + 1, account=wallet_of(alice)),
        await payme.refused("CreateTransaction", id=ID, amount=room + 1, **at),
    ]
    await payme.done("CreateTransaction", id=ID, amount=room, **at)
    await payme.done("CreateTransaction", id=transaction_id(2), amount=room, **at)
    await payme.done("PerformTransaction", id=ID)
    before = await world.everything(*TABLES)
    second = await payme.refused("PerformTransaction", id=transaction_id(2))

    assert (beyond, second) == ([-31001, -31001], -31008)
    assert await world.everything(*TABLES) == before
    assert await balance(world, alice.wallet_ledger) == Money.som(2_060_000).tiyin


@pytest.mark.rule("W-4.5.1b")
async def test_many_performs_at_once_do_not_slip_past_a_limit_together(payme: PaymeSimulator, world: World) -> None:
    alice = await world.holder()
    ids = [transaction_id(number) for number in range(6)]
    for id_ in ids:
        await create(payme, world, wallet_of(alice), id=id_, amount=Money.som(500_000).tiyin)

    answers = await asyncio.gather(*(payme.call("PerformTransaction", id=id_) for id_ in ids))

    assert sorted("result" in answer for answer in answers) == [False, False, True, True, True, True]
    assert await balance(world, alice.wallet_ledger) == Money.som(2_000_000).tiyin


@pytest.mark.rule("W-4.6.1c")
async def test_a_blocked_wallet_takes_nothing_and_gives_nothing_back(payme: PaymeSimulator, world: World) -> None:
    alice = await world.holder(10)
    await performed(payme, world, wallet_of(alice))
    await create(payme, world, wallet_of(alice), id=transaction_id(2))
    await world.put(alice.wallet_id, "blocked")
    before = await world.everything(*TABLES)

    codes = [
        await payme.refused("CheckPerformTransaction", amount=AMOUNT, account=wallet_of(alice)),
        await payme.refused(
            "CreateTransaction", id=transaction_id(3), time=ms(world), amount=AMOUNT, account=wallet_of(alice)
        ),
        await payme.refused("PerformTransaction", id=transaction_id(2)),
        await payme.refused("CancelTransaction", id=ID, reason=5),
    ]

    assert codes == [-31051, -31051, -31008, -31007]
    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize("kind", ["account", "wallet"])
async def test_money_that_is_still_there_is_taken_back(payme: PaymeSimulator, world: World, kind: str) -> None:
    alice = await world.holder(10)
    before = await world.holdings()
    await performed(payme, world, account_of(alice) if kind == "account" else wallet_of(alice))

    cancelled = await payme.done("CancelTransaction", id=ID, reason=5)

    seen = await payme.done("CheckTransaction", id=ID)
    assert (cancelled["state"], seen["state"], seen["reason"]) == (-2, -2, 5)
    assert seen["perform_time"] > 0
    assert seen["cancel_time"] == cancelled["cancel_time"]
    assert await world.holdings() == before


@pytest.mark.parametrize("kind", ["account", "wallet"])
async def test_money_that_is_used_is_not_taken_back(payme: PaymeSimulator, world: World, kind: str) -> None:
    alice = await world.holder()
    account, ledger = (
        (account_of(alice), alice.account_ledger) if kind == "account" else (wallet_of(alice), alice.wallet_ledger)
    )
    await performed(payme, world, account)
    await world.fund(ledger, -Money(1))
    before = await world.everything(*TABLES)

    code = await payme.refused("CancelTransaction", id=ID, reason=5)

    assert code == -31007
    assert await world.everything(*TABLES) == before


async def test_what_a_postpaid_account_was_paid_is_owed_again(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    await execute("UPDATE personal_account SET billing = 'postpaid' WHERE id = $1", alice.account_id)
    await execute("UPDATE ledger_account SET floor = NULL WHERE id = $1", alice.account_ledger)
    await performed(payme, world, account_of(alice))
    await world.fund(alice.account_ledger, -Money(AMOUNT))

    cancelled = await payme.done("CancelTransaction", id=ID, reason=5)

    assert cancelled["state"] == -2
    assert await balance(world, alice.account_ledger) == -AMOUNT


async def test_a_statement_is_of_paymes_own_time_with_both_ends_in_order(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    start = ms(world)
    for number, later in ((1, 3_000), (2, 1_000), (3, 2_000), (4, 999), (5, 3_001)):
        await create(payme, world, account_of(alice), id=transaction_id(number), time=start + later)
    await payme.done("PerformTransaction", id=transaction_id(2))
    await payme.done("CancelTransaction", id=transaction_id(3), reason=3)

    found = await payme.done("GetStatement", **{"from": start + 1_000, "to": start + 3_000})
    nothing = await payme.done("GetStatement", **{"from": start + 3_000, "to": start})

    listed = found["transactions"]
    assert [(each["id"], each["time"] - start) for each in listed] == [
        (transaction_id(2), 1_000),
        (transaction_id(3), 2_000),
        (transaction_id(1), 3_000),
    ]
    assert [(each["state"], each["reason"]) for each in listed] == [(2, None), (-1, 3), (1, None)]
    assert all((each["amount"], each["account"]) == (AMOUNT, account_of(alice)) for each in listed)
    assert nothing == {"transactions": []}


async def test_fiscal_data_is_kept_of_both_sides(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    await performed(payme, world, account_of(alice))
    data = {"receipt_id": 121, "status_code": 0, "message": "accepted", "terminal_id": "EP000000000025"}
    data |= {"fiscal_sign": "800031554082", "qr_code_url": "https://ofd.example/check", "date": "20260310140001"}

    for kind in ("PERFORM", "CANCEL", "PERFORM"):
        assert await payme.done("SetFiscalData", id=ID, type=kind, fiscal_data=data) == {"success": True}
    wrong = await payme.refused("SetFiscalData", id=ID, type="OTHER", fiscal_data=data)

    row = await fetch_row("SELECT fiscal FROM payment")
    assert row is not None
    assert row["fiscal"].count("EP000000000025") == 2
    assert wrong == -32600


@pytest.mark.rule("W-4.3.1")
async def test_a_way_that_is_closed_begins_nothing_and_ends_what_was_begun(payme: PaymeSimulator, world: World) -> None:
    alice = await world.person()
    await create(payme, world, account_of(alice))
    await turn(Switch.TOP_UP_BY_PAYME, on=False, by="staff:chief", at=world.clock.now())

    new = await payme.refused(
        "CreateTransaction", id=transaction_id(2), time=ms(world), amount=AMOUNT, account=account_of(alice)
    )
    done = await payme.done("PerformTransaction", id=ID)

    assert (new, done["state"]) == (-31008, 2)
    assert await balance(world, alice.account_ledger) == AMOUNT


async def test_without_a_key_there_is_no_such_door() -> None:
    assert payme_routes(lambda _: pytest.fail("nobody is asked"), "") == []


async def test_money_that_is_reserved_is_not_taken_back(payme: PaymeSimulator, world: World) -> None:
    market, alice = await open_market(world), await world.holder(10)
    await performed(payme, world, wallet_of(alice))
    await market.reserve(await world.signed_in(alice), 300)
    before = await world.everything(*TABLES, "hold")

    code = await payme.refused("CancelTransaction", id=ID, reason=5)

    assert code == -31007
    assert await world.everything(*TABLES, "hold") == before
