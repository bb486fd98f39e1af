"""Seals: they leave nothing out, they make nobody wait, and they tell what no other hash can."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from domain.database import dialect, execute, fetch, fetch_row, in_transaction
from domain.ledger import entry_hash, transfer_hash
from domain.ledger_check import check_ledger
from domain.ledger_seal import (
    _ALIVE,
    Seal,
    is_settled,
    last_seal,
    look_ahead,
    operator_balances,
    seal,
)
from domain.money import Money
from tests.domain.bank import NOW, Bank
from tests.domain.test_ledger_check import make_fit, tamper

ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
async def bank(db: str) -> Bank:
    """Transfer 1 gave Alice (account 8) 50 so'm from outside, 2 took 20 of them to Bob (9)."""
    bank = Bank()
    await bank.open("alice", 50)
    await bank.open("bob")
    await bank.move("alice", "bob", 20)
    return bank


async def sealed() -> Seal | None:
    horizon = await look_ahead()
    assert await is_settled(horizon)
    return await seal(horizon, by="system", at=NOW)


async def balances() -> dict[str, int]:
    return {one.code: one.balance.tiyin for one in await operator_balances() if one.balance}


async def test_a_seal_covers_all_since_the_last_one_and_chains_to_it(bank: Bank) -> None:
    first = await sealed()
    await bank.move("alice", "bob", 5, commission=1)
    second, third = await sealed(), await sealed()

    assert first is not None
    assert second is not None
    assert third is None
    assert [(one.id, one.upto, one.transfers, one.totals) for one in (first, second)] == [
        (1, 2, 2, '{"1":-5000}'),
        (2, 3, 1, '{"1":-5000,"3":100}'),
    ]
    assert await last_seal() == second
    assert await bank.faults() == []


async def test_an_operator_s_balance_is_the_last_seal_s_and_what_came_since(bank: Bank) -> None:
    before = await balances()
    await sealed()
    await bank.move("alice", "bob", 5, commission=1)

    assert before == {"funding": -5_000}
    assert await balances() == {"funding": -5_000, "commission": 100}
    assert [one.balance for one in await operator_balances(["funding"])] == [Money(-5_000)]


async def test_a_long_backlog_is_sealed_piece_by_piece(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.ledger_seal.MOST_TRANSFERS", 3)
    monkeypatch.setattr("domain.ledger_seal.PAGE", 2)
    for _ in range(5):
        await bank.move("alice", "bob", 1)
    made = [await sealed() for _ in range(4)]

    assert [one and (one.upto, one.transfers) for one in made] == [(3, 3), (6, 3), (7, 1), None]
    assert await bank.faults() == []


async def test_two_that_seal_at_once_make_one_seal(bank: Bank) -> None:
    horizon = await look_ahead()

    made = await asyncio.gather(*(seal(horizon, by="system", at=NOW) for _ in range(6)))

    assert sum(one is not None for one in made) == 1
    assert await bank.faults() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_seal SET digest = 'made up'",
        "UPDATE ledger_seal SET at = at + 1",
        "DELETE FROM ledger_seal",
        "INSERT INTO ledger_seal VALUES (1, 9, 1, '{}', 'x', 0)",
        "INSERT INTO ledger_seal VALUES (3, 9, 1, '{}', 'x', 0)",
        "INSERT INTO ledger_seal VALUES (2, 2, 1, '{}', 'x', 0)",
        "INSERT INTO ledger_seal VALUES (2, 9, 0, '{}', 'x', 0)",
    ],
)
async def test_the_database_keeps_its_seals(bank: Bank, statement: str) -> None:
    await sealed()
    before = await fetch("SELECT * FROM ledger_seal")

    with pytest.raises((OperationalError, IntegrityError)):
        await execute(statement)

    assert await fetch("SELECT * FROM ledger_seal") == before


async def make_everything_anew() -> None:
    """What a patient forger does: every hash of every transfer and the whole chain of every account, recomputed."""
    for transfer in await fetch("SELECT id FROM ledger_transfer ORDER BY id"):
        await make_fit(transfer["id"])
    for account in await fetch("SELECT id FROM ledger_account WHERE balance IS NOT NULL"):
        await _chain_anew(account["id"])


async def _chain_anew(account: int) -> None:
    entries = await fetch("SELECT * FROM ledger_entry WHERE account_id = $1 ORDER BY COALESCE(seq, 999), id", account)
    await execute("UPDATE ledger_entry SET seq = -id WHERE account_id = $1", account)
    head, balance = "", 0
    for seq, entry in enumerate(entries, 1):
        balance += entry["amount"]
        head = entry_hash(
            before=head,
            transfer_id=entry["transfer_id"],
            account_id=account,
            seq=seq,
            kind=entry["kind"],
            amount=entry["amount"],
            balance=balance,
            at=entry["at"],
        )
        await execute(
            "UPDATE ledger_entry SET seq = $1, balance_after = $2, hash = $3 WHERE id = $4",
            seq,
            balance,
            head,
            entry["id"],
        )
    await execute(
        "UPDATE ledger_account SET balance = $1, seq = $2, head = $3 WHERE id = $4",
        balance,
        len(entries),
        head,
        account,
    )


@pytest.mark.parametrize(
    ("case", "statements", "seals"),
    [
        ("nothing", [], []),
        (
            "amounts changed on both sides",
            ["UPDATE ledger_entry SET amount = amount / 2 WHERE transfer_id = 2"],
            ["seal 1"],
        ),
        (
            "money from outside doubled",
            ["UPDATE ledger_entry SET amount = amount * 2 WHERE transfer_id = 1"],
            ["seal 1"],
        ),
        (
            "a transfer taken away",
            ["DELETE FROM ledger_entry WHERE transfer_id = 3", "DELETE FROM ledger_transfer WHERE id = 3"],
            ["seal 2"],
        ),
        (
            "a transfer slipped in where an id was free",
            [
                "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at) VALUES (4, 1, 'x', -100, 0)",
                "INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at) VALUES (4, 8, 'x', 100, 0)",
                "INSERT INTO ledger_transfer (id, kind, at, hash) VALUES (4, 'x', 0, '')",
            ],
            ["seal 2"],
        ),
        (
            "two transfers in another order",
            [
                "UPDATE ledger_entry SET transfer_id = 1000 + transfer_id WHERE transfer_id IN (2, 3)",
                "UPDATE ledger_transfer SET id = 1000 + id WHERE id IN (2, 3)",
                "UPDATE ledger_entry SET transfer_id = 1005 - transfer_id WHERE transfer_id IN (1002, 1003)",
                "UPDATE ledger_transfer SET id = 1005 - id WHERE id IN (1002, 1003)",
            ],
            ["seal 1", "seal 2"],
        ),
        (
            "a transfer moved out of its seal",
            [
                "UPDATE ledger_entry SET transfer_id = 7 WHERE transfer_id = 3",
                "UPDATE ledger_transfer SET id = 7 WHERE id = 3",
            ],
            ["seal 2"],
        ),
        ("a memo changed", ["UPDATE ledger_transfer SET memo = '{}' WHERE id = 1"], ["seal 1"]),
        ("a seal's digest changed", ["UPDATE ledger_seal SET digest = 'x' WHERE id = 2"], ["seal 2"]),
        ("a seal's count changed", ["UPDATE ledger_seal SET transfers = 7 WHERE id = 1"], ["seal 1"]),
        ("a seal's reach changed", ["UPDATE ledger_seal SET upto = 9 WHERE id = 2"], ["seal 2"]),
        ("a seal's instant changed", ["UPDATE ledger_seal SET at = at + 1 WHERE id = 2"], ["seal 2"]),
        ("a seal's totals changed", ["UPDATE ledger_seal SET totals = '{\"1\":0}' WHERE id = 2"], ["seal 2"]),
        ("a seal's totals made nonsense", ["UPDATE ledger_seal SET totals = 'x' WHERE id = 2"], ["seal 2"]),
        ("a seal's totals made endless", ["UPDATE ledger_seal SET totals = '{\"1\":1e400}' WHERE id = 2"], ["seal 2"]),
        ("a seal's totals made deep", [f"UPDATE ledger_seal SET totals = '{'[' * 100_000}' WHERE id = 2"], ["seal 2"]),
        ("the newest seal taken away", ["DELETE FROM ledger_seal WHERE id = 2"], ["seal 2"]),
        ("the first seal taken away", ["DELETE FROM ledger_seal WHERE id = 1"], ["seal 2", "seal 1"]),
        (
            "all seals taken away",
            ["DELETE FROM ledger_seal"],
            ["seal 1", "seal 2"],
        ),
        (
            "seals in another order",
            [
                "UPDATE ledger_seal SET id = 3 WHERE id = 1",
                "UPDATE ledger_seal SET id = 1 WHERE id = 2",
                "UPDATE ledger_seal SET id = 2 WHERE id = 3",
            ],
            ["seal 1", "seal 2"],
        ),
    ],
)
async def test_a_seal_tells_what_a_patient_forger_has_done(
    bank: Bank, case: str, statements: list[str], seals: list[str]
) -> None:
    await sealed()
    await bank.move("alice", "bob", 5)
    await leave_a_gap()
    await bank.move("alice", "bob", 3)
    await sealed()

    await tamper([])
    if dialect() == "postgres":
        await execute("ALTER TABLE ledger_seal DISABLE TRIGGER ALL")
    for statement in statements:
        await execute(statement)
    await make_everything_anew()

    faults = await bank.faults()
    assert list(dict.fromkeys(fault.partition(":")[0] for fault in faults)) == seals


@pytest.mark.parametrize("number", [-1, 10_000])
async def test_a_line_added_to_the_trail_hides_no_seal_that_was_made_anew(bank: Bank, number: int) -> None:
    await sealed()
    await bank.move("alice", "bob", 5)
    await sealed()
    [newest] = await fetch("SELECT * FROM ledger_seal WHERE id = 2")
    facts = json.dumps({"digest": "made up " + newest["digest"]})

    # The trail takes a line from whoever may write: the guards are on.
    await execute(
        "INSERT INTO audit_event (id, at, actor, action, subject, facts) "
        "VALUES ($1, 1, 'system', 'ledger.sealed', 'seal:2', $2)",
        number,
        facts,
    )

    faults = [fault for fault in await bank.faults() if fault.startswith("seal")]
    assert faults == ["seal 2: is not the one that the audit trail knows"]


async def leave_a_gap() -> None:
    """An id that no transfer has: on PostgreSQL a movement that was rolled back leaves one."""
    if dialect() == "postgres":
        await fetch_row("SELECT nextval(pg_get_serial_sequence('ledger_transfer', 'id'))")
    else:
        await bump()


@in_transaction
async def bump() -> None:
    """SQLite takes the next id that is free: a transfer that is written with a higher one leaves a gap."""
    await execute("INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at) VALUES (5, 1, 'x', -1, 0)")
    await execute("INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at) VALUES (5, 2, 'x', 1, 0)")
    legs = [(1, "x", -1), (2, "x", 1)]
    digest = transfer_hash(transfer_id=5, kind="x", at=0, memo="{}", legs=legs)
    await execute("INSERT INTO ledger_transfer (id, kind, at, hash) VALUES (5, 'x', 0, $1)", digest)


@pytest.fixture
async def another(bank: Bank, db: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else's, whose transactions last as long as the test wants."""
    connection = await asyncpg.connect(db)
    yield connection
    await connection.close()


async def post_by(connection: asyncpg.Connection, bank: Bank) -> int:
    """One so'm from outside to Alice, on that connection; gives the transfer's id."""
    row = await connection.fetchrow(
        "SELECT transfer FROM ledger_post('top_up', 0, '{}', $1, $2, $3, NULL)",
        [1, bank.ids["alice"]],
        ["top_up", "top_up"],
        [-100, 100],
    )
    return int(row["transfer"])


@ON_POSTGRES
async def test_a_transaction_that_took_an_id_and_commits_late_is_in_a_seal(bank: Bank, another: Any) -> None:
    late = another.transaction()
    await late.start()
    its_id = await post_by(another, bank)
    await bank.open("carol", 10)  # takes a higher id and is there at once

    horizon = await look_ahead()
    while_alive = await is_settled(horizon)
    await late.commit()
    settled = await is_settled(horizon)
    made = await seal(horizon, by="system", at=NOW)

    assert horizon.upto > its_id
    assert (while_alive, settled) == (False, True)
    assert made is not None
    assert (made.upto, made.transfers) == (horizon.upto, 4)
    assert await bank.faults() == []


@ON_POSTGRES
async def test_a_transaction_that_took_an_id_and_rolled_back_leaves_a_gap_and_no_fault(
    bank: Bank, another: Any
) -> None:
    late = another.transaction()
    await late.start()
    await post_by(another, bank)
    await bank.open("carol", 10)
    horizon = await look_ahead()
    await late.rollback()

    settled = await is_settled(horizon)
    made = await seal(horizon, by="system", at=NOW)

    assert settled
    assert made is not None
    assert (made.upto, made.transfers) == (4, 3)
    assert await bank.faults() == []


@ON_POSTGRES
async def test_who_has_taken_an_id_and_written_nothing_yet_is_waited_for(bank: Bank, another: Any) -> None:
    """Such a transaction has no number of its own yet, and no snapshot would tell of it."""
    late = another.transaction()
    await late.start()
    await another.execute("SELECT nextval(pg_get_serial_sequence('ledger_transfer', 'id'))")
    await bank.open("carol", 10)

    horizon = await look_ahead()
    settled = [await is_settled(horizon)]
    await late.rollback()
    settled.append(await is_settled(horizon))

    assert settled == [False, True]


@ON_POSTGRES
async def test_transactions_are_seen_without_any_privilege(bank: Bank, db: str, another: Any) -> None:
    await execute("DROP ROLE IF EXISTS stranger")
    await execute("CREATE ROLE stranger LOGIN")
    stranger = await asyncpg.connect(db, user="stranger")
    late = another.transaction()
    await late.start()
    await another.execute("SELECT 1")

    before = await stranger.fetch(_ALIVE)
    await late.rollback()
    after = await stranger.fetch(_ALIVE)

    await stranger.close()
    assert (len(before), len(after)) == (1, 0)


@ON_POSTGRES
async def test_who_begins_after_the_look_is_not_waited_for_and_sealed_next_time(bank: Bank, another: Any) -> None:
    horizon = await look_ahead()
    late = another.transaction()
    await late.start()
    its_id = await post_by(another, bank)

    settled, made = await is_settled(horizon), await seal(horizon, by="system", at=NOW)
    await late.commit()
    following = await sealed()

    assert settled
    assert made is not None
    assert following is not None
    assert (made.upto, following.upto) == (2, its_id)
    assert await bank.faults() == []


@ON_POSTGRES
async def test_a_long_transaction_holds_up_the_seal_and_no_movement(bank: Bank, another: Any) -> None:
    reading = another.transaction()
    await reading.start()
    await another.execute("SELECT 1")
    horizon = await look_ahead()

    settled = await is_settled(horizon)
    async with asyncio.timeout(20):
        await asyncio.gather(*(bank.fund("alice", 1) for _ in range(20)))
    await reading.rollback()

    assert not settled
    assert await bank.holdings() == {"alice": 50, "bob": 20}
    assert await is_settled(horizon)


@ON_POSTGRES
async def test_seals_made_while_many_move_leave_nothing_out(bank: Bank) -> None:
    people = [await bank.open(f"person{n}", 10) for n in range(8)]
    done = asyncio.Event()

    async def seal_all_the_time() -> int:
        count = 0
        while not done.is_set():
            horizon = await look_ahead()
            await asyncio.sleep(0.002)
            if await is_settled(horizon):
                count += await seal(horizon, by="system", at=NOW) is not None
        return count

    sealing = asyncio.create_task(seal_all_the_time())
    for _ in range(6):
        await asyncio.gather(*(bank.fund(f"person{n}", 1) for n in range(len(people))))
    done.set()
    count = await sealing
    await sealed()

    rows = await fetch("SELECT SUM(transfers) AS sealed FROM ledger_seal")
    assert count > 0
    assert int(rows[0]["sealed"]) == len(await fetch("SELECT id FROM ledger_transfer"))
    assert [fault async for fault in check_ledger()] == []
