"""What the database itself refuses about holds, whoever asks and by whatever statement."""

import re
import sqlite3

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from domain.database import execute, fetch_row, in_transaction
from domain.ledger import EntryKind, InsufficientFunds, Leg, OperatorAccount, operator_account, post
from domain.money import Money
from tests.support.world import Person, World

# A statement that the database does not understand proves nothing.
MISSPELT = re.compile("syntax|no such|does not exist|unrecognized")
TABLES = ("hold", "hold_capture", "ledger_account", "ledger_transfer", "ledger_entry")
TAKE = "UPDATE hold SET captured = 10000, held = 21000, version = version + 1 WHERE id = 1"


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def holder(world: World) -> Person:
    """A wallet of 1,000 so'm of which hold 1 reserves 300 and a commission of 10."""
    holder = await world.holder(1_000)
    await execute("INSERT INTO ledger_account (id, kind, code) VALUES (901, 'operator', 'supplier:power')")
    await execute(
        """INSERT INTO supplier (id, code, name, search_name, legal_name, stir, memo, reference_label, reference_kind,
               reference_least, reference_most, commission_basis_points, commission_fixed, commission_least, on_sale,
               ledger_account_id, created_at)
           VALUES (1, 'power', '{}', 'power', 'Power', '300111222', '', '{}', 'digits', 1, 9, 0, 0, 0, TRUE, 901, 0)"""
    )
    await execute(opening(holder))
    return holder


def opening(person: Person, id_: int = 1, held: int = 31_000, status: str = "authorized", captured: int = 0) -> str:
    """A statement that writes a hold of 300 so'm and 10 commission."""
    closed_at = "NULL" if status == "authorized" else "6"
    return (
        "INSERT INTO hold (id, wallet_id, ledger_account_id, supplier_id, reference, amount, commission, held, status, "
        "captured, commission_basis_points, commission_fixed, commission_least, at, expires_at, closed_at) VALUES "
        f"({id_}, {person.wallet_id}, {person.wallet_ledger}, 1, '1', 30000, 1000, {held}, '{status}', {captured}, "
        f"0, 1000, 0, 5, 10, {closed_at})"
    )


async def refuse(world: World, *statements: str) -> None:
    """Tries the statements as one transaction; the database refuses them and nothing has changed."""
    before = await world.everything(*TABLES)

    @in_transaction
    async def attempt() -> None:
        for statement in statements:
            await execute(statement)

    with pytest.raises((OperationalError, sqlite3.Error, asyncpg.PostgresError)) as refused:
        await attempt()

    assert not MISSPELT.search(str(refused.value))
    assert await world.everything(*TABLES) == before


async def held_of(person: Person) -> int:
    row = await fetch_row("SELECT held FROM ledger_account WHERE id = $1", person.wallet_ledger)
    assert row is not None
    return int(row["held"])


async def test_what_is_held_follows_the_open_holds(holder: Person) -> None:
    held = [await held_of(holder)]
    await execute(opening(holder, 2))
    held.append(await held_of(holder))
    await execute("UPDATE hold SET held = 0, status = 'cancelled', closed_at = 6, version = 2 WHERE id = 1")
    held.append(await held_of(holder))

    assert held == [31_000, 62_000, 31_000]


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_account SET held = 0 WHERE id = {account}",
        "UPDATE ledger_account SET held = held - 1 WHERE id = {account}",
        "UPDATE ledger_account SET held = held + 1 WHERE id = {account}",
        "UPDATE ledger_account SET held = 1 WHERE id <> {account}",
        "INSERT INTO ledger_account (kind, balance, floor, held) VALUES ('wallet', 0, 0, 1)",
    ],
)
async def test_what_is_held_changes_by_holds_only(world: World, holder: Person, statement: str) -> None:
    await refuse(world, statement.format(account=holder.wallet_ledger))


@pytest.mark.rule("W-4.4.4")
async def test_no_more_can_be_held_than_there_is(world: World, holder: Person) -> None:
    await execute(opening(holder, 2))
    await execute(opening(holder, 3))

    await refuse(world, opening(holder, 4))


@pytest.mark.rule("W-4.4.4")
async def test_what_is_held_cannot_be_moved(world: World, holder: Person) -> None:
    funding = await operator_account(OperatorAccount.FUNDING)
    amount = Money.som(700)

    @in_transaction
    async def move() -> None:
        legs = [Leg(holder.wallet_ledger, EntryKind.PAYMENT, -amount), Leg(funding, EntryKind.PAYMENT, amount)]
        await post("payment", legs, at=world.clock.now())

    with pytest.raises(InsufficientFunds) as refused:
        await move()

    assert refused.value.available == Money.som(690)
    assert (await world.holdings())[holder.wallet_ledger] == Money.som(1_000)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hold",
        "UPDATE hold SET amount = 20000, held = 21000, version = 2",
        "UPDATE hold SET commission = 500, held = 30500, version = 2",
        "UPDATE hold SET held = 0, version = 2",
        "UPDATE hold SET expires_at = 20, version = 2",
        "UPDATE hold SET supplier_id = 2, version = 2",
        "UPDATE hold SET reference = '2', version = 2",
        "UPDATE hold SET commission_fixed = 0, version = 2",
        "UPDATE hold SET id = 9, version = 2",
        "UPDATE hold SET captured = 40000, held = -9000, version = 2",
        "UPDATE hold SET captured = -1, held = 31001, version = 2",
        "UPDATE hold SET status = 'captured', held = 0, closed_at = 6, version = 2",
        "UPDATE hold SET status = 'expired', held = 0, version = 2",
        "UPDATE hold SET status = 'lost', held = 0, closed_at = 6, version = 2",
        "UPDATE hold SET status = 'expired', held = 0, closed_at = 6",
    ],
)
async def test_a_hold_only_goes_down_and_forward(world: World, holder: Person, statement: str) -> None:
    await refuse(world, statement)


@pytest.mark.parametrize("over", ["captured", "cancelled", "expired"])
async def test_a_closed_hold_never_opens_again(world: World, holder: Person, over: str) -> None:
    captured = "captured = 1," if over == "captured" else ""
    await execute(f"UPDATE hold SET {captured} held = 0, status = '{over}', closed_at = 6, version = 2")

    await refuse(world, "UPDATE hold SET held = 31000, status = 'authorized', closed_at = NULL, version = 3")
    await refuse(world, "UPDATE hold SET closed_at = 7, version = 3")


async def test_a_hold_begins_whole_and_on_its_own_wallet(world: World, holder: Person) -> None:
    other = await world.holder(1_000)

    await refuse(world, opening(holder, 2, held=0, status="cancelled"))
    await refuse(world, opening(holder, 2, held=21_000, captured=10_000))
    await refuse(world, opening(holder, 2, held=1))
    await refuse(world, opening(holder, 2).replace(f"({2}, {holder.wallet_id},", f"({2}, {other.wallet_id},"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_hold_cannot_be_replaced(world: World, holder: Person) -> None:
    await refuse(world, opening(holder, held=31_000).replace("INSERT", "REPLACE", 1))


async def test_a_part_is_noted_with_the_movement_that_took_it(world: World, holder: Person) -> None:
    paid = await _pay(world, holder, 100)
    note = "INSERT INTO hold_capture (transfer_id, hold_id, amount, commission) VALUES ({}, 1, {}, {})"

    await refuse(world, note.format(paid, 10_000, 0))  # the hold has not gone down
    await refuse(world, TAKE, note.format(paid, 9_999, 1))  # by another amount than the hold
    await refuse(world, TAKE, note.format(paid, 10_000, 1))  # by another amount than the movement
    await refuse(world, TAKE, note.format(paid + 1, 10_000, 0))  # a movement that is not there
    await refuse(world, TAKE, TAKE.replace("10000", "20000").replace("21000", "11000"))  # the first part is not noted
    await execute(TAKE)
    await execute(note.format(paid, 10_000, 0))
    await refuse(world, note.format(paid, 10_000, 0))
    await refuse(world, "UPDATE hold_capture SET amount = 1")
    await refuse(world, "DELETE FROM hold_capture")


@in_transaction
async def _pay(world: World, holder: Person, som: int) -> int:
    funding, amount = await operator_account(OperatorAccount.FUNDING), Money.som(som)
    legs = [Leg(holder.wallet_ledger, EntryKind.PAYMENT, -amount), Leg(funding, EntryKind.PAYMENT, amount)]
    return (await post("payment", legs, at=world.clock.now())).transfer_id
