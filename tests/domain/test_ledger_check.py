"""The check of the whole ledger: silent about a sound one; it names what was tampered with past all guards."""

from collections.abc import Iterable

import pytest

from domain.database import dialect, execute, fetch, fetch_row
from domain.ledger import EntryKind, Leg, post, transfer_hash
from domain.ledger_check import check_ledger
from domain.money import Money
from server.database import bear_any_text
from tests.domain.bank import NOW, Bank

TABLES = ("ledger_account", "ledger_transfer", "ledger_entry")
# The books that are tampered with. Accounts: 1 is outside, 8 is Alice, 9 is Bob. Transfers and their entries:
#   1: entry 1 takes 50 so'm from outside, entry 2 brings them to Alice (her number 1)
#   2: entry 3 takes 20 from Alice (number 2), entry 4 brings them to Bob (number 1)
#   3: entry 5 takes 5 from Alice (number 3), entry 6 brings them to Bob (number 2)


@pytest.fixture
async def bank(db: str) -> Bank:
    bank = Bank()
    await bank.open("alice", 50)
    await bank.open("bob")
    await bank.move("alice", "bob", 20)
    await bank.move("alice", "bob", 5)
    return bank


async def tamper(statements: Iterable[str], *others: str) -> None:
    """Runs statements with all guards gone, as who holds the database's files can."""
    if dialect() == "postgres":
        for table in (*TABLES, *others):
            await execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for rule in await fetch(
            "SELECT conname FROM pg_constraint WHERE conname LIKE 'ledger_account_%' AND contype = 'c'"
        ):
            await execute(f"ALTER TABLE ledger_account DROP CONSTRAINT {rule['conname']}")
    else:
        await execute("PRAGMA foreign_keys = OFF")
        await execute("PRAGMA ignore_check_constraints = ON")
        for trigger in await fetch("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            await execute(f"DROP TRIGGER {trigger['name']}")
    for statement in statements:
        await execute(statement)


async def test_a_sound_ledger_has_no_faults(bank: Bank) -> None:
    assert await bank.faults() == []


async def test_a_correction_says_what_it_corrects_and_is_sound(bank: Bank) -> None:
    legs = [Leg(bank.ids["alice"], EntryKind.ADJUSTMENT, Money.som(5)), Leg(4, EntryKind.ADJUSTMENT, -Money.som(5))]

    posted = await post("adjustment", legs, at=NOW, corrects=3)

    row = await fetch_row("SELECT corrects_id FROM ledger_transfer WHERE id = $1", posted.transfer_id)
    assert row == {"corrects_id": 3}
    assert await bank.faults() == []


async def test_the_check_tells_how_far_it_is(bank: Bank) -> None:
    told: list[tuple[str, int]] = []

    async for _ in check_ledger(lambda what, count: told.append((what, count))):
        pass

    assert told == [("transfers", 3), ("entries", 5)]


@pytest.mark.parametrize(
    ("case", "statements", "where"),
    [
        (
            "an amount changed",
            ["UPDATE ledger_entry SET amount = 3000 WHERE id = 4"],
            ["transfer 2", "entry 4 of account 9"],
        ),
        (
            "an amount changed on both sides",
            ["UPDATE ledger_entry SET amount = amount * 2 WHERE transfer_id = 2"],
            ["transfer 2", "entry 3 of account 8", "entry 4 of account 9"],
        ),
        (
            "amount and balances changed throughout",
            [
                "UPDATE ledger_entry SET amount = 600, balance_after = 2600 WHERE id = 6",
                "UPDATE ledger_account SET balance = 2600 WHERE id = 9",
            ],
            ["transfer 3", "entry 6 of account 9"],
        ),
        (
            "an amount changed on the operator's side",
            ["UPDATE ledger_entry SET amount = -6000 WHERE id = 1"],
            ["transfer 1"],
        ),
        (
            "an instant changed",
            ["UPDATE ledger_entry SET at = at + 1 WHERE id = 3"],
            ["transfer 2", "entry 3 of account 8"],
        ),
        (
            "an instant changed on the operator's side",
            ["UPDATE ledger_entry SET at = at + 1 WHERE id = 1"],
            ["transfer 1"],
        ),
        (
            "a kind changed",
            ["UPDATE ledger_entry SET kind = 'refund' WHERE id = 2"],
            ["transfer 1", "entry 2 of account 8"],
        ),
        (
            "an entry given to somebody else",
            ["UPDATE ledger_entry SET account_id = 8, seq = 4 WHERE id = 6"],
            ["transfer 3", "entry 6 of account 8", "account 8", "account 9"],
        ),
        (
            "the last entry taken away",
            ["DELETE FROM ledger_entry WHERE id = 6"],
            ["transfer 3", "account 9"],
        ),
        (
            "an entry in the middle taken away",
            ["DELETE FROM ledger_entry WHERE id = 3"],
            ["transfer 2", "entry 5 of account 8"],
        ),
        (
            "a whole transfer taken away, entries and all",
            ["DELETE FROM ledger_entry WHERE transfer_id = 3", "DELETE FROM ledger_transfer WHERE id = 3"],
            ["account 8", "account 9"],
        ),
        ("a transfer taken away", ["DELETE FROM ledger_transfer WHERE id = 2"], ["transfer 2"]),
        (
            "two entries in another order",
            [
                "UPDATE ledger_entry SET seq = 9 WHERE id = 4",
                "UPDATE ledger_entry SET seq = 1 WHERE id = 6",
                "UPDATE ledger_entry SET seq = 2 WHERE id = 4",
            ],
            ["entry 6 of account 9", "entry 4 of account 9", "account 9"],
        ),
        (
            "two entries of a transfer in another order",
            [
                "UPDATE ledger_entry SET id = 99 WHERE id = 3",
                "UPDATE ledger_entry SET id = 3 WHERE id = 4",
                "UPDATE ledger_entry SET id = 4 WHERE id = 99",
            ],
            ["transfer 2"],
        ),
        (
            "an entry slipped in",
            [
                "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash) "
                "VALUES (3, 9, 'top_up', 100, 0, 3, 2600, 'made up')"
            ],
            ["transfer 3", "entry 7 of account 9", "account 9"],
        ),
        (
            "an entry slipped in without a number, the transfer's hash made to fit",
            [
                "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at) VALUES (3, 9, 'x', 100, 0)",
                "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at) VALUES (3, 1, 'x', -100, 0)",
            ],
            ["transfer 3", "entry 7 of account 9"],
        ),
        ("a transfer's memo changed", ["UPDATE ledger_transfer SET memo = '{}' WHERE id = 1"], ["transfer 1"]),
        ("a transfer's kind changed", ["UPDATE ledger_transfer SET kind = 'refund' WHERE id = 1"], ["transfer 1"]),
        ("a transfer's instant changed", ["UPDATE ledger_transfer SET at = 0 WHERE id = 1"], ["transfer 1"]),
        (
            "what a transfer corrects changed",
            ["UPDATE ledger_transfer SET corrects_id = 1 WHERE id = 3"],
            ["transfer 3"],
        ),
        ("a transfer's hash changed", ["UPDATE ledger_transfer SET hash = 'x' WHERE id = 1"], ["transfer 1"]),
        (
            "a balance written onto the operator's side",
            ["UPDATE ledger_entry SET balance_after = 5 WHERE id = 1"],
            ["entry 1 of account 1"],
        ),
        (
            "a hash written onto the operator's side",
            ["UPDATE ledger_entry SET hash = '' WHERE id = 1"],
            ["entry 1 of account 1"],
        ),
        (
            "a balance in the middle taken away",
            ["UPDATE ledger_entry SET balance_after = NULL WHERE id = 3"],
            ["entry 3 of account 8", "entry 5 of account 8"],
        ),
        (
            "everything about an entry but its number taken away",
            ["UPDATE ledger_entry SET balance_after = NULL, hash = NULL WHERE id = 6"],
            ["entry 6 of account 9", "account 9"],
        ),
        ("a wallet's floor lowered", ["UPDATE ledger_account SET floor = -100 WHERE id = 9"], ["account 9"]),
        ("a wallet's floor taken away", ["UPDATE ledger_account SET floor = NULL WHERE id = 9"], ["account 9"]),
        (
            "an account without a code made the operator's",
            ["UPDATE ledger_account SET code = NULL WHERE id = 7"],
            ["account 7"],
        ),
        ("a balance given to the operator's", ["UPDATE ledger_account SET balance = 0 WHERE id = 7"], ["account 7"]),
        ("a balance changed", ["UPDATE ledger_account SET balance = 1000000 WHERE id = 9"], ["account 9"]),
        ("an account's number changed", ["UPDATE ledger_account SET seq = 1 WHERE id = 9"], ["account 9"]),
        ("an account's head changed", ["UPDATE ledger_account SET head = '' WHERE id = 9"], ["account 9"]),
    ],
)
async def test_the_check_names_what_was_tampered_with(
    bank: Bank, case: str, statements: list[str], where: list[str]
) -> None:
    await tamper(statements)

    faults = await bank.faults()

    assert list(dict.fromkeys(fault.partition(":")[0] for fault in faults)) == where


SLIPPED_IN = "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash) VALUES "


@pytest.mark.parametrize(
    ("case", "transfer", "statements", "where"),
    [
        (
            "what it corrects moved into its memo",
            4,
            ["UPDATE ledger_transfer SET memo = memo || '|3', corrects_id = NULL WHERE id = 4"],
            ["transfer 4"],
        ),
        (
            "numbered below the first",
            -1,
            [
                f"{SLIPPED_IN} (-1, 1, 'x', -100, 0, NULL, NULL, NULL), (-1, 2, 'x', 100, 0, NULL, NULL, NULL)",
                "INSERT INTO ledger_transfer (id, kind, at, memo, hash) VALUES (-1, 'x', 0, '{}', 'made up')",
            ],
            ["transfer -1"],
        ),
        (
            "its entry numbered below the account's first",
            9,
            [
                f"{SLIPPED_IN} (9, 1, 'x', -100, 0, NULL, NULL, NULL), (9, 9, 'x', 100, 0, -4, 100, 'made up')",
                "INSERT INTO ledger_transfer (id, kind, at, memo, hash) VALUES (9, 'x', 0, '{}', 'made up')",
            ],
            ["entry 10 of account 9", "entry 4 of account 9"],
        ),
    ],
)
async def test_a_transfers_hash_made_to_fit_hides_nothing(
    bank: Bank, case: str, transfer: int, statements: list[str], where: list[str]
) -> None:
    legs = [Leg(bank.ids["alice"], EntryKind.ADJUSTMENT, Money.som(5)), Leg(4, EntryKind.ADJUSTMENT, -Money.som(5))]
    await post("adjustment", legs, at=NOW, corrects=3)
    await tamper(statements)
    await make_fit(transfer)

    faults = await bank.faults()

    assert list(dict.fromkeys(fault.partition(":")[0] for fault in faults)) == where


async def make_fit(transfer: int) -> None:
    """The hash of a transfer, made anew."""
    row = await fetch_row("SELECT * FROM ledger_transfer WHERE id = $1", transfer)
    assert row is not None
    legs = await fetch("SELECT account_id, kind, amount FROM ledger_entry WHERE transfer_id = $1 ORDER BY id", transfer)
    digest = transfer_hash(
        transfer_id=transfer,
        kind=row["kind"],
        at=row["at"],
        memo=row["memo"],
        legs=[(leg["account_id"], leg["kind"], leg["amount"]) for leg in legs],
        corrects=row["corrects_id"],
    )
    await execute("UPDATE ledger_transfer SET hash = $1 WHERE id = $2", digest, transfer)


async def test_what_cannot_be_read_is_told_and_the_rest_is_looked_at(bank: Bank) -> None:
    if dialect() == "sqlite":  # PostgreSQL takes no such text
        await bear_any_text()
        await tamper(["UPDATE ledger_transfer SET memo = CAST(x'7b22ff227d' AS TEXT) WHERE id = 2"])
        assert await bank.faults() == [
            "transfer 2: its hash does not fit its entries",
            "transfer 2: its memo is no JSON object",
        ]
    await tamper(["DROP TABLE hold_capture" + (" CASCADE" if dialect() == "postgres" else "")])
    await execute("UPDATE ledger_account SET balance = 1 WHERE id = 9")

    faults = await bank.faults()

    assert "holds: could not be read to the end: OperationalError" in faults
    assert any(fault.startswith("account 9:") for fault in faults)


async def test_a_long_ledger_is_read_in_pages(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.ledger_check.PAGE", 2)
    sound = await bank.faults()

    await tamper(["UPDATE ledger_entry SET at = at + 1 WHERE id = 6"])

    assert sound == []
    assert await bank.faults() == [
        "transfer 3: its entries are of another moment",
        "entry 6 of account 9: its hash does not fit what it says and what came before",
    ]
