"""What the database itself refuses, whoever asks and by whatever statement: raw SQL against the ledger's guards."""

import re
import sqlite3

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from domain.database import execute, in_transaction
from tests.domain.bank import Bank

# The books that every statement meets. Accounts 1 to 7 are the operator's own, 8 is Alice (50 so'm, after one entry),
# 9 is Bob (nothing). Transfer 1 gave Alice her 50: entry 1 took them from account 1, entry 2 brought them to her.
ALICE, BOB, OUTSIDE = 8, 9, 1
# A statement that the database does not understand proves nothing.
MISSPELT = re.compile("syntax|no such|does not exist|unrecognized")


@pytest.fixture
async def bank(db: str) -> Bank:
    bank = Bank()
    assert (await bank.open("alice", 50), await bank.open("bob")) == (ALICE, BOB)
    return bank


def entry(account: int, amount: int, seq: int | None = None, after: int | None = None, *, transfer: int = 2) -> str:
    """A statement that writes an entry; customers' ones need their number and the balance after them."""
    chain = f"{seq}, {after}, 'made up'" if seq is not None else "NULL, NULL, NULL"
    return (
        "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash) "
        f"VALUES ({transfer}, {account}, 'adjustment', {amount}, 0, {chain})"
    )


def transfer(id_: int = 2) -> str:
    return f"INSERT INTO ledger_transfer (id, kind, at, hash) VALUES ({id_}, 'adjustment', 0, 'made up')"


async def refuse(bank: Bank, *statements: str) -> None:
    """Tries the statements as one transaction; the database refuses them and nothing has changed."""
    before = await bank.books()

    @in_transaction
    async def attempt() -> None:
        for statement in statements:
            await execute(statement)

    # Most are refused at once, what is deferred to the end of the transaction by the driver's own error.
    with pytest.raises((OperationalError, sqlite3.Error, asyncpg.PostgresError)) as refused:
        await attempt()

    assert not MISSPELT.search(str(refused.value))
    assert await bank.books() == before


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET amount = 1 WHERE id = 2",
        "UPDATE ledger_entry SET kind = 'payment'",
        "UPDATE ledger_entry SET at = at + 1",
        "UPDATE ledger_entry SET hash = 'made up' WHERE id = 2",
        "DELETE FROM ledger_entry WHERE id = 2",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_transfer SET memo = 'another'",
        "UPDATE ledger_transfer SET at = at + 1",
        "DELETE FROM ledger_transfer",
        f"DELETE FROM ledger_account WHERE id = {BOB}",
        f"UPDATE ledger_account SET id = 100 WHERE id = {BOB}",
        f"UPDATE ledger_account SET kind = 'personal' WHERE id = {BOB}",
        "UPDATE ledger_account SET code = 'fees' WHERE code = 'commission'",
        f"UPDATE ledger_account SET code = 'bob' WHERE id = {BOB}",
        "UPDATE ledger_account SET code = NULL WHERE code = 'payme'",
    ],
)
async def test_what_is_written_stays(bank: Bank, statement: str) -> None:
    await refuse(bank, statement)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry WHERE id = 2",
        "REPLACE INTO ledger_transfer (id, kind, at, hash) VALUES (1, 'adjustment', 0, 'made up')",
        f"REPLACE INTO ledger_account (id, kind, balance, floor) VALUES ({ALICE}, 'wallet', 0, 0)",
        "REPLACE INTO ledger_account (kind, code) VALUES ('operator', 'funding')",
        f"UPDATE OR REPLACE ledger_account SET id = {ALICE} WHERE id = {BOB}",
        "UPDATE OR REPLACE ledger_entry SET id = 1 WHERE id = 2",
    ],
)
async def test_sqlite_replaces_nothing(bank: Bank, statement: str) -> None:
    await refuse(bank, statement)


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_transfer CASCADE",
        "TRUNCATE ledger_account CASCADE",
        """INSERT INTO ledger_transfer (id, kind, at, hash) VALUES (1, 'adjustment', 0, 'made up')
           ON CONFLICT (id) DO UPDATE SET hash = excluded.hash""",
        f"""INSERT INTO ledger_account (id, kind, balance, floor) VALUES ({ALICE}, 'wallet', 0, 0)
            ON CONFLICT (id) DO UPDATE SET balance = 0""",
        f"""MERGE INTO ledger_account a USING (SELECT {ALICE} AS id) s ON a.id = s.id
            WHEN MATCHED THEN UPDATE SET balance = 100000""",
    ],
)
async def test_postgres_empties_and_merges_nothing(bank: Bank, statement: str) -> None:
    await refuse(bank, statement)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE ledger_account SET balance = balance + 100 WHERE id = {BOB}",
        f"UPDATE ledger_account SET balance = balance + 100, seq = seq + 1, head = 'made up' WHERE id = {BOB}",
        f"UPDATE ledger_account SET seq = 7 WHERE id = {ALICE}",
        f"UPDATE ledger_account SET head = 'made up' WHERE id = {ALICE}",
        f"UPDATE ledger_account SET balance = NULL WHERE id = {ALICE}",
        "UPDATE ledger_account SET balance = 0 WHERE code = 'funding'",
        "INSERT INTO ledger_account (kind, balance, floor) VALUES ('wallet', 100, 0)",
        "INSERT INTO ledger_account (kind, balance, floor, seq) VALUES ('wallet', 0, 0, 5)",
        "INSERT INTO ledger_account (kind, balance, floor, head) VALUES ('wallet', 0, 0, 'made up')",
        "INSERT INTO ledger_account (kind, floor) VALUES ('wallet', 0)",
        "INSERT INTO ledger_account (kind, balance) VALUES ('savings', 0)",
    ],
)
async def test_a_balance_is_what_its_entries_say_and_nothing_else(bank: Bank, statement: str) -> None:
    await refuse(bank, statement)


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE ledger_account SET floor = -100 WHERE id = {BOB}",
        f"UPDATE ledger_account SET floor = NULL WHERE id = {BOB}",
        f"UPDATE ledger_account SET floor = 5001 WHERE id = {ALICE}",
        "INSERT INTO ledger_account (kind, balance, floor) VALUES ('wallet', 0, -1)",
        "INSERT INTO ledger_account (kind, balance) VALUES ('wallet', 0)",
        "INSERT INTO ledger_account (kind, balance, floor) VALUES ('personal', 0, 1)",
    ],
)
async def test_a_wallet_has_a_floor_that_is_not_below_zero(bank: Bank, statement: str) -> None:
    await refuse(bank, statement)


@pytest.mark.rule("W-4.4.4")
async def test_no_entry_takes_a_wallet_below_zero(bank: Bank) -> None:
    await refuse(bank, entry(ALICE, -5_001, 2, -1), entry(OUTSIDE, 5_001), transfer())
    await refuse(bank, entry(BOB, -1, 1, -1), entry(ALICE, 1, 2, 5_001), transfer())


@pytest.mark.parametrize(
    ("case", "statements"),
    [
        ("an entry too many for a sealed transfer", [entry(OUTSIDE, -100, transfer=1)]),
        ("a sealed transfer's counterweight", [entry(BOB, 100, 1, 100, transfer=1), entry(OUTSIDE, -100, transfer=1)]),
        ("an entry whose transfer never comes", [entry(BOB, 100, 1, 100)]),
        ("two entries whose transfer never comes", [entry(BOB, 100, 1, 100), entry(OUTSIDE, -100)]),
        ("a transfer of nothing", [transfer()]),
        ("a transfer of one entry", [entry(BOB, 100, 1, 100), transfer()]),
        ("a transfer that makes money", [entry(BOB, 100, 1, 100), entry(OUTSIDE, -99), transfer()]),
        ("a transfer that loses money", [entry(ALICE, -100, 2, 4_900), entry(BOB, 99, 1, 99), transfer()]),
        ("a transfer's id again", [transfer(1)]),
    ],
)
async def test_a_transfer_is_whole_and_sums_to_zero(bank: Bank, case: str, statements: list[str]) -> None:
    await refuse(bank, *statements)


@pytest.mark.parametrize(
    ("case", "forged"),
    [
        ("a number left out", entry(BOB, 100, 2, 100)),
        ("a number again", entry(ALICE, 100, 1, 5_100)),
        ("no number", entry(BOB, 100)),
        ("another balance", entry(BOB, 100, 1, 99)),
        ("no link of the chain", entry(BOB, 100, 1, 100).replace("'made up'", "NULL")),
        ("a balance for the operator's account", entry(OUTSIDE, 100, 1, 100)),
        ("an amount of zero", entry(OUTSIDE, 0)),
        ("an account that does not exist", entry(99, 100)),
    ],
)
async def test_an_entry_follows_the_last_one_of_its_account(bank: Bank, case: str, forged: str) -> None:
    await refuse(bank, forged, entry(OUTSIDE, -100), transfer())


async def test_a_refusal_at_the_very_end_leaves_the_connection_usable(bank: Bank) -> None:
    await refuse(bank, entry(BOB, 100, 1, 100))

    await bank.move("alice", "bob", 20)

    assert await bank.holdings() == {"alice": 30, "bob": 20}


async def test_the_guards_let_an_honest_movement_by(bank: Bank) -> None:
    @in_transaction
    async def write() -> None:
        for statement in (entry(ALICE, -2_000, 2, 3_000), entry(BOB, 2_000, 1, 2_000), transfer()):
            await execute(statement)

    await write()

    assert await bank.holdings() == {"alice": 30, "bob": 20}
