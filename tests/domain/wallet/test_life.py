"""The machine of a wallet's life: each state with each step, on both databases; and who goes around it by raw SQL."""

import asyncio
import re
import sqlite3
from datetime import UTC, datetime

import asyncpg
import pytest
from tortoise.exceptions import BaseORMException

from domain.clock import from_micros
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.wallet import hold_wallets
from domain.wallet.life import STEPS, Step, StepImpossible, forfeit, is_possible, take, three_years_after
from domain.wallet.model import WalletStatus
from tests.support.world import Person, World

TABLES = ("wallet", "wallet_block", "wallet_event", "identification", "redemption", "ledger_account", "ledger_entry")
# A statement that the database does not understand proves nothing.
MISSPELT = re.compile("syntax|no such|does not exist|unrecognized|cannot be cast|violates not-null", re.IGNORECASE)

# W-4.6, written down a second time: from each state the steps that there are, and where each leads. What is not here
# is impossible. A blocked wallet is named by what blocks it.
LIFE: dict[str, dict[Step, str]] = {
    "active": {
        Step.IDENTIFIED: "active",
        Step.GIVEN_UP: "given_up",
        Step.LOSS_REPORTED: "number_lost",
        Step.SUSPECTED: "suspicion",
        Step.PIN_FORGOTTEN: "pin_forgotten",
        Step.WENT_DORMANT: "dormant",
    },
    "number_lost": {
        Step.NUMBER_RESTORED: "active",
        Step.SUSPECTED: "number_lost suspicion",
        Step.PIN_FORGOTTEN: "number_lost pin_forgotten",
        Step.LEFT_UNCLAIMED: "unclaimed",
    },
    "suspicion": {
        Step.CLEARED: "active",
        Step.LOSS_REPORTED: "number_lost suspicion",
        Step.PIN_FORGOTTEN: "pin_forgotten suspicion",
    },
    "pin_forgotten": {
        Step.PIN_RESET: "active",
        Step.LOSS_REPORTED: "number_lost pin_forgotten",
        Step.SUSPECTED: "pin_forgotten suspicion",
        Step.WENT_DORMANT: "dormant",
    },
    "number_lost suspicion": {
        Step.NUMBER_RESTORED: "suspicion",
        Step.CLEARED: "number_lost",
        Step.PIN_FORGOTTEN: "number_lost pin_forgotten suspicion",
    },
    "number_lost pin_forgotten": {
        Step.NUMBER_RESTORED: "pin_forgotten",
        Step.PIN_RESET: "number_lost",
        Step.SUSPECTED: "number_lost pin_forgotten suspicion",
        Step.LEFT_UNCLAIMED: "unclaimed",
    },
    "pin_forgotten suspicion": {
        Step.CLEARED: "pin_forgotten",
        Step.PIN_RESET: "suspicion",
        Step.LOSS_REPORTED: "number_lost pin_forgotten suspicion",
    },
    "number_lost pin_forgotten suspicion": {
        Step.NUMBER_RESTORED: "pin_forgotten suspicion",
        Step.CLEARED: "number_lost pin_forgotten",
        Step.PIN_RESET: "number_lost suspicion",
    },
    "given_up": {Step.REST_FORFEITED: "given_up"},
    "dormant": {},
    "unclaimed": {},
}
# How a wallet that is active comes into a state, by the machine alone.
BLOCKING = {
    "number_lost": Step.LOSS_REPORTED,
    "pin_forgotten": Step.PIN_FORGOTTEN,
    "suspicion": Step.SUSPECTED,
}
INTO: dict[str, tuple[Step, ...]] = {
    "active": (),
    "given_up": (Step.GIVEN_UP,),
    "dormant": (Step.PIN_FORGOTTEN, Step.WENT_DORMANT),
    "unclaimed": (Step.LOSS_REPORTED, Step.LEFT_UNCLAIMED),
}


class Undo(Exception):
    """Ends a transaction as if it had never been."""


@pytest.fixture
def world(db: str) -> World:
    return World()


async def step(world: World, wallet_id: int, *steps: Step) -> None:
    """In the transaction of the caller, or else in one of its own."""

    @in_transaction
    async def work() -> None:
        for each in steps:
            held = (await hold_wallets([wallet_id]))[wallet_id]
            await take(each, held, by="system", at=world.clock.now(), note="because")

    await work()


async def state(wallet_id: int) -> str:
    row = await fetch_row("SELECT status, closed_because FROM wallet WHERE id = $1", wallet_id)
    assert row is not None
    if row["status"] == "closed":
        return str(row["closed_because"])
    open_ = await fetch(
        "SELECT cause FROM wallet_block WHERE wallet_id = $1 AND lifted_at IS NULL ORDER BY cause", wallet_id
    )
    assert (row["status"] == "blocked") is bool(open_)
    return " ".join(block["cause"] for block in open_) or "active"


async def led(world: World, wallet_id: int, into: str) -> None:
    await step(world, wallet_id, *(INTO[into] if into in INTO else (BLOCKING[cause] for cause in into.split())))


@pytest.mark.rule("W-4.6.1a")
@pytest.mark.rule("W-4.6.1b")
@pytest.mark.rule("W-4.6.1c")
@pytest.mark.rule("W-4.6.1d")
@pytest.mark.rule("W-4.6.1e")
@pytest.mark.parametrize("begin", LIFE)
async def test_from_each_state_each_step_leads_where_it_should_or_is_refused(world: World, begin: str) -> None:
    holder = await world.holder(100)
    await led(world, holder.wallet_id, begin)
    assert await state(holder.wallet_id) == begin
    before = await world.everything(*TABLES)
    led_to: dict[Step, str] = {}
    rules: dict[Step, str | None] = {}

    for each in Step:
        try:
            await _try(world, holder.wallet_id, each, led_to)
        except StepImpossible as refusal:
            rules[each] = refusal.rule
        except Undo:
            pass
        assert await world.everything(*TABLES) == before

    assert led_to == LIFE[begin]
    assert rules == {each: STEPS[each].rule for each in Step if each not in LIFE[begin]}


@in_transaction
async def _try(world: World, wallet_id: int, each: Step, led_to: dict[Step, str]) -> None:
    await step(world, wallet_id, each)
    led_to[each] = await state(wallet_id)
    last = await fetch_row("SELECT * FROM wallet_event ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert (last["wallet_id"], last["step"], last["actor"], last["note"]) == (wallet_id, each, "system", "because")
    assert from_micros(last["at"]) == world.clock.now()
    raise Undo


def test_the_machine_says_beforehand_what_it_would_do() -> None:
    for begin, ways in LIFE.items():
        is_closed = begin in ("given_up", "dormant", "unclaimed")
        causes = [] if is_closed or begin == "active" else begin.split()
        status = WalletStatus.CLOSED if is_closed else WalletStatus.BLOCKED if causes else WalletStatus.ACTIVE
        possible = {each for each in Step if is_possible(each, status, causes, begin if is_closed else None)}  # type: ignore[arg-type]  # a cause is its text

        assert possible == set(ways), begin


@pytest.mark.rule("W-4.6.3")
async def test_a_wallet_that_is_restored_can_be_lost_again_and_has_three_years_anew(world: World) -> None:
    holder = await world.holder(100)
    await step(world, holder.wallet_id, Step.LOSS_REPORTED, Step.NUMBER_RESTORED)
    world.clock.at = datetime(2028, 2, 29, 7, 0, tzinfo=UTC)

    await step(world, holder.wallet_id, Step.LOSS_REPORTED)

    rows = await fetch("SELECT since, until, lifted_at FROM wallet_block ORDER BY id")
    assert [row["lifted_at"] is None for row in rows] == [False, True]
    assert from_micros(rows[1]["since"]) == world.clock.now()
    assert from_micros(rows[1]["until"]).isoformat() == "2031-02-28T12:00:00+05:00"


@pytest.mark.parametrize(
    ("at", "then"),
    [
        ("2026-03-10T09:00:00+00:00", "2029-03-10T14:00:00+05:00"),
        ("2028-02-29T00:00:00+05:00", "2031-02-28T00:00:00+05:00"),
        # Still the 28th in London, the 29th in Tashkent already.
        ("2028-02-28T20:00:00+00:00", "2031-02-28T01:00:00+05:00"),
        ("2025-03-01T00:00:00+05:00", "2028-03-01T00:00:00+05:00"),
        ("2026-12-31T23:59:59.999999+05:00", "2029-12-31T23:59:59.999999+05:00"),
    ],
)
def test_three_years_end_at_the_same_moment_of_the_same_day_in_tashkent(at: str, then: str) -> None:
    assert three_years_after(datetime.fromisoformat(at)).isoformat() == then


@pytest.mark.rule("W-4.6.2")
async def test_only_a_wallet_that_is_given_up_with_something_in_it_has_a_rest(world: World) -> None:
    full, empty, dormant = await world.holder(100), await world.holder(0), await world.holder(100)

    await step(world, full.wallet_id, Step.GIVEN_UP)
    await step(world, empty.wallet_id, Step.GIVEN_UP)
    await step(world, dormant.wallet_id, Step.WENT_DORMANT)

    rows = await fetch("SELECT rest_until FROM wallet ORDER BY id")
    assert [row["rest_until"] and from_micros(row["rest_until"]).isoformat() for row in rows] == [
        "2029-03-10T14:00:00+05:00",
        None,
        None,
    ]


@pytest.mark.rule("W-4.6.5")
async def test_what_nobody_claims_becomes_income_to_the_last_tiyin(world: World) -> None:
    holder, empty = await world.holder(0), await world.holder(0)
    await world.top_up(holder.wallet_id, Money(12_345_67))

    @in_transaction
    async def end(person: Person) -> bool:
        held = (await hold_wallets([person.wallet_id]))[person.wallet_id]
        return await forfeit(held, at=world.clock.now()) is not None

    assert [await end(holder), await end(holder), await end(empty)] == [True, False, False]
    rows = await fetch("SELECT kind, amount FROM ledger_entry WHERE kind = 'forfeiture' ORDER BY amount")
    assert [row["amount"] for row in rows] == [-12_345_67, 12_345_67]
    assert (await world.holdings())[holder.wallet_ledger] == Money(0)
    assert [str(fault) async for fault in check_ledger()] == []


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_the_same_step_many_times_at_once_is_taken_once(world: World) -> None:
    holder = await world.holder(100)

    for each, back in ((Step.LOSS_REPORTED, Step.NUMBER_RESTORED), (Step.SUSPECTED, Step.CLEARED)):
        for taken in (each, back):
            results = await asyncio.gather(
                *(step(world, holder.wallet_id, taken) for _ in range(6)), return_exceptions=True
            )
            assert sorted(type(result).__name__ for result in results) == ["NoneType"] + ["StepImpossible"] * 5

    assert await state(holder.wallet_id) == "active"
    assert len(await fetch("SELECT * FROM wallet_event")) == 4


# Around the machine


async def _crowd(world: World) -> None:
    """Wallet 1 is active, 2 lost, 3 given up with a rest, 4 Premium, 5 given up and empty, 6 without a history."""
    people = [await world.holder(100) for _ in range(4)] + [await world.holder(0) for _ in range(2)]
    staff = await world.staff()
    await step(world, people[1].wallet_id, Step.LOSS_REPORTED)
    await step(world, people[2].wallet_id, Step.GIVEN_UP)
    await step(world, people[4].wallet_id, Step.GIVEN_UP)
    await execute(
        """INSERT INTO identification (wallet_id, document_kind, document_number, last_name, first_name, patronymic,
                                       birth_date, pinfl, staff_id, at)
           VALUES (4, 'passport', 'AA1234567', 'A', 'B', '', '1990-05-17', '31705901234567', $1, 0)""",
        staff.actor.staff_id,  # type: ignore[union-attr]  # of staff
    )
    await execute("UPDATE wallet SET level = 'premium' WHERE id = 4")
    await step(world, 4, Step.IDENTIFIED)
    await execute(
        """INSERT INTO redemption (wallet_id, amount, destination, status, asked_by, asked_at)
           VALUES (1, 5000, 'card', 'requested', 'subscriber:1', 0)"""
    )
    await execute(
        """INSERT INTO redemption (wallet_id, amount, destination, status, asked_by, asked_at)
           VALUES (3, 5000, 'card', 'requested', 'staff:1', 0)"""
    )
    await execute("UPDATE redemption SET status = 'rejected', decided_by = 'staff:1', decided_at = 1 WHERE id = 2")


def another(status: str = "active", **given: str) -> str:
    """A statement that inserts a wallet for the holder of wallet 1."""
    values = {
        "number": "'n'",
        "subscriber_id": "subscriber_id",
        "phone": "'p'",
        "ledger_account_id": "1",
        "level": "'light'",
        "status": f"'{status}'",
        "birth_date": "birth_date",
        "opened_at": "0",
        "acceptance_id": "acceptance_id",
    } | given
    return f"INSERT INTO wallet ({', '.join(values)}) SELECT {', '.join(values.values())} FROM wallet WHERE id = 1"


AROUND = {
    "a status that the blocks do not say": [
        "UPDATE wallet SET status = 'blocked' WHERE id = 1",
        "UPDATE wallet SET status = 'active' WHERE id = 2",
        "UPDATE wallet SET status = 'frozen' WHERE id = 1",
        another("blocked"),
        another("closed", closed_because="'given_up'", closed_at="0"),
    ],
    "a way back from closed": [
        "UPDATE wallet SET status = 'active', closed_because = NULL, closed_at = NULL, rest_until = NULL WHERE id = 3",
        "UPDATE wallet SET status = 'active' WHERE id = 5",
        "UPDATE wallet SET status = 'blocked' WHERE id = 5",
        "UPDATE wallet SET closed_because = 'dormant' WHERE id = 3",
        "UPDATE wallet SET closed_because = NULL WHERE id = 3",
        "UPDATE wallet SET closed_at = closed_at + 1 WHERE id = 3",
        "UPDATE wallet SET closed_at = NULL WHERE id = 3",
        "UPDATE wallet SET rest_until = rest_until + 1 WHERE id = 3",
        "UPDATE wallet SET rest_until = 1 WHERE id = 5",
        "INSERT INTO wallet_block (wallet_id, cause, since) VALUES (3, 'suspicion', 0)",
    ],
    "closed without a reason, or a reason without an end": [
        "UPDATE wallet SET status = 'closed' WHERE id = 1",
        "UPDATE wallet SET status = 'closed', closed_because = 'given_up' WHERE id = 1",
        "UPDATE wallet SET status = 'closed', closed_at = 1 WHERE id = 1",
        "UPDATE wallet SET status = 'closed', closed_because = 'tired', closed_at = 1 WHERE id = 1",
        "UPDATE wallet SET closed_because = 'given_up' WHERE id = 1",
        "UPDATE wallet SET closed_at = 1 WHERE id = 1",
        "UPDATE wallet SET rest_until = 1 WHERE id = 1",
    ],
    "Premium without a document, or given back": [
        another("active", level="'premium'"),
        "UPDATE wallet SET level = 'premium' WHERE id = 1",
        "UPDATE wallet SET level = 'premium' WHERE id = 2",
        "UPDATE wallet SET level = 'light' WHERE id = 4",
        "UPDATE wallet SET level = 'gold' WHERE id = 4",
        "UPDATE identification SET wallet_id = 1",
        "UPDATE identification SET pinfl = 'another'",
        "DELETE FROM identification",
    ],
    "a block that is not what it was": [
        "DELETE FROM wallet_block",
        "UPDATE wallet_block SET since = since - 1",
        "UPDATE wallet_block SET cause = 'suspicion'",
        "UPDATE wallet_block SET until = until + 1, lifted_at = 1",
        "UPDATE wallet_block SET until = NULL, lifted_at = 1",
        "UPDATE wallet_block SET wallet_id = 1, lifted_at = 1",
        "INSERT INTO wallet_block (wallet_id, cause, since) VALUES (2, 'number_lost', 0)",
        "INSERT INTO wallet_block (wallet_id, cause, since) VALUES (1, 'boredom', 0)",
        "INSERT INTO wallet_block (wallet_id, cause, since, lifted_at) VALUES (1, 'suspicion', 0, 1)",
    ],
    "another opening": [
        "UPDATE wallet SET birth_date = '2000-01-01' WHERE id = 1",
        "UPDATE wallet SET phone = '+998900000099' WHERE id = 1",
        "UPDATE wallet SET opened_at = 0 WHERE id = 1",
        "UPDATE wallet SET subscriber_id = 2 WHERE id = 1",
        "UPDATE wallet SET id = 99 WHERE id = 6",
        "UPDATE wallet SET ledger_account_id = 1 WHERE id = 1",
        another(phone="phone"),
    ],
    "another history": [
        "UPDATE wallet_event SET step = 'cleared'",
        "UPDATE wallet_event SET at = 0",
        "UPDATE wallet_event SET actor = 'nobody'",
        "DELETE FROM wallet_event",
        "DELETE FROM wallet WHERE id = 5",
        "DELETE FROM wallet",
    ],
    "a redemption that is not what was asked for": [
        "UPDATE redemption SET amount = 1 WHERE id = 1",
        "UPDATE redemption SET destination = 'mine', status = 'withdrawn', decided_by = 's', decided_at = 1",
        "UPDATE redemption SET status = 'paid', decided_by = 'staff:1', decided_at = 1 WHERE id = 1",
        "UPDATE redemption SET status = 'paid', decided_by = asked_by, decided_at = 1, transfer_id = 1 WHERE id = 1",
        "UPDATE redemption SET status = 'paid', decided_at = 1, transfer_id = 1 WHERE id = 1",
        "UPDATE redemption SET status = 'requested', decided_by = NULL, decided_at = NULL WHERE id = 2",
        "UPDATE redemption SET reason = 'another' WHERE id = 2",
        "DELETE FROM redemption",
        "INSERT INTO redemption (wallet_id, amount, destination, status, asked_by, asked_at) "
        "VALUES (1, 1, 'x', 'requested', 'a', 0)",
        "INSERT INTO redemption (wallet_id, amount, destination, status, asked_by, asked_at) "
        "VALUES (2, 0, 'x', 'requested', 'a', 0)",
    ],
}
REPLACING = [
    "INSERT OR REPLACE INTO wallet_event SELECT * FROM wallet_event",
    "INSERT OR REPLACE INTO wallet_block SELECT * FROM wallet_block",
    "INSERT OR REPLACE INTO wallet_block (wallet_id, cause, since) VALUES (2, 'number_lost', 0)",
    "INSERT OR REPLACE INTO identification SELECT * FROM identification",
    "INSERT OR REPLACE INTO wallet SELECT * FROM wallet WHERE id = 1",
    another(phone="phone").replace("INSERT", "INSERT OR REPLACE"),
    another(phone="'+998900000006'").replace("INSERT", "INSERT OR REPLACE"),
    "UPDATE OR REPLACE wallet SET phone = '+998900000006' WHERE id = 4",
    "UPDATE OR REPLACE wallet SET number = (SELECT number FROM wallet WHERE id = 6) WHERE id = 4",
    "UPDATE OR REPLACE wallet SET phone = (SELECT phone FROM wallet WHERE id = 1) WHERE id = 4",
    "UPDATE OR REPLACE wallet SET number = (SELECT number FROM wallet WHERE id = 5) WHERE id = 4",
    "INSERT OR REPLACE INTO redemption SELECT * FROM redemption",
    "INSERT OR REPLACE INTO redemption (wallet_id, amount, destination, status, asked_by, asked_at) "
    "VALUES (1, 1, 'x', 'requested', 'a', 0)",
]
EMPTYING = [
    f"TRUNCATE {table} CASCADE" for table in ("wallet", "wallet_block", "wallet_event", "identification", "redemption")
]


@pytest.mark.rule("W-4.6.1d")
@pytest.mark.parametrize("what", AROUND)
async def test_the_database_refuses_who_goes_around_the_machine(world: World, what: str) -> None:
    await refused(world, AROUND[what])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_is_replaced(world: World) -> None:
    await refused(world, REPLACING)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_nothing_is_emptied(world: World) -> None:
    await refused(world, EMPTYING)


async def refused(world: World, statements: list[str]) -> None:
    await _crowd(world)
    before = await world.everything(*TABLES)

    for statement in statements:
        with pytest.raises((BaseORMException, sqlite3.Error, asyncpg.PostgresError)) as error:
            await execute(statement)
        assert not MISSPELT.search(str(error.value)), statement

    assert await world.everything(*TABLES) == before
