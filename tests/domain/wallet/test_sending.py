"""Sending: what each rule says and in which order, that a refusal writes nothing, and that it is one call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from asyncpg.prepared_stmt import PreparedStatement

from domain.clock import to_micros
from domain.database import dialect, execute, fetch, fetch_row, in_transaction
from domain.idempotency import Key
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.phone import masked
from domain.switch import Switch, turn
from domain.wallet import POSTED, REPLAY, Sending, refusal, send
from domain.wallet.rules import TOP_UP, TRANSFER
from tests.support.world import Person, World

TABLES = ("wallet", "session", "idempotency", "ledger_account", "ledger_transfer", "ledger_entry")


@dataclass(slots=True)
class Pair:
    """Alice (Premium, 5,000 so'm), who sends to Bob (Light, 100 so'm) in an unlocked session."""

    world: World
    alice: Person
    bob: Person
    sending: Sending

    async def say(self, **changed: Any) -> str:
        """The verdict on the sending, or on a changed one."""
        return str((await send(replace(self.sending, **changed)))["verdict"])

    async def books(self) -> dict[str, list[dict[str, object]]]:
        return await self.world.everything(*TABLES)


@pytest.fixture
async def pair(db: str) -> Pair:
    world = World()
    alice, bob = await world.holder(5_000, level="premium"), await world.holder(100)
    actor: Any = (await world.signed_in(alice)).actor
    key = Key(actor.label, "transfer", "k", {"to": bob.phone, "amount": 1_000})
    return Pair(world, alice, bob, Sending(alice.id, actor.session_id, bob.phone, Money(1_000), key, world.clock.now()))


async def set_wallet(person: Person, column: str, value: object) -> None:
    await execute(f"UPDATE wallet SET {column} = $1 WHERE id = $2", value, person.wallet_id)


async def set_session(pair: Pair, column: str, value: object) -> None:
    await execute(f"UPDATE session SET {column} = $1 WHERE id = $2", value, pair.sending.session_id)


@pytest.mark.rule("W-4.4.4")
async def test_what_was_sent_is_told_with_the_payers_wallet_after_it(pair: Pair) -> None:
    told = await send(pair.sending)

    row = await fetch_row("SELECT * FROM ledger_transfer ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert (told["verdict"], told["transfer"], told["memo"]) == (POSTED, row["id"], row["memo"])
    assert (told["payer"], told["number"], told["phone"], told["level"], told["status"]) == (
        pair.alice.wallet_id,
        pair.alice.wallet_number,
        pair.alice.phone,
        "premium",
        "active",
    )
    assert told["balance"] == (await pair.world.holdings())[pair.alice.wallet_ledger].tiyin == 499_000
    assert [str(fault) async for fault in check_ledger()] == []


@pytest.mark.rule("W-2.19")
async def test_the_memo_names_both_sides_as_a_receipt_may(pair: Pair) -> None:
    told = await send(pair.sending)

    alice, bob = pair.alice, pair.bob
    assert told["memo"] == (
        f'{{"payer": "{alice.wallet_number}", "payer_phone": "{masked(alice.phone)}", '
        f'"recipient": "{bob.wallet_number}", "recipient_phone": "{masked(bob.phone)}"}}'
    )


@pytest.mark.rule("W-4.4.4")
async def test_of_all_that_is_wrong_the_first_rule_speaks(pair: Pair) -> None:
    """Everything is wrong at first; each step puts right what the verdict named."""
    world, now = pair.world, to_micros(pair.world.clock.now())
    carol = await world.holder(0)
    await send(replace(pair.sending, amount=Money(1)))
    await set_session(pair, "ended_at", now)
    await set_session(pair, "wallet_unlocked_until", None)
    for each in (pair.alice, pair.bob):
        await world.put(each.wallet_id, "closed")
    await turn(Switch.TOP_UP_BY_TRANSFER, on=False, by="test", at=world.clock.now())
    await world.put(carol.wallet_id, "blocked")
    huge = Money.som(3_000_000)
    other, fresh = replace(pair.sending.key, body={"other": 1}), replace(pair.sending.key, key="fresh")

    said = [await pair.say(key=other, amount=huge)]
    await set_session(pair, "ended_at", None)
    said += [await pair.say(key=other, amount=huge), await pair.say(amount=huge)]
    said.append(await pair.say(key=fresh, amount=huge))
    alice = await world.opened(pair.alice, level="premium")
    await world.put(alice.wallet_id, "blocked")
    said.append(await pair.say(key=fresh, amount=huge))
    await set_session(pair, "wallet_unlocked_until", now + 1)
    said += [await pair.say(key=fresh, amount=huge), await pair.say(key=fresh, amount=huge, to=pair.alice.phone)]
    said.append(await pair.say(key=fresh, amount=huge, to=carol.phone))
    await execute("UPDATE wallet_block SET lifted_at = 1 WHERE wallet_id = $1", alice.wallet_id)
    said.append(await pair.say(key=fresh, amount=huge, to=carol.phone))
    await execute("UPDATE wallet_block SET lifted_at = 1 WHERE wallet_id = $1", carol.wallet_id)
    said.append(await pair.say(key=fresh, amount=huge, to=carol.phone))
    await set_wallet(alice, "first_top_up_at", now)
    said.append(await pair.say(key=fresh, amount=huge, to=carol.phone))
    await turn(Switch.TOP_UP_BY_TRANSFER, on=True, by="test", at=world.clock.now())
    said.append(await pair.say(key=fresh, amount=huge, to=carol.phone))
    await world.top_up(alice.wallet_id, huge)
    said.append(await pair.say(key=fresh, amount=huge, to=carol.phone))
    await world.top_up(carol.wallet_id, Money.som(1_500_000))
    later = pair.sending.at + timedelta(days=60)
    await set_session(pair, "wallet_unlocked_until", to_micros(later) + 1)
    await set_session(pair, "expires_at", to_micros(later) + 1)
    said.append(await pair.say(key=fresh, amount=Money.som(600_000), to=carol.phone, at=later))
    said.append(await pair.say(key=fresh, amount=Money.som(500_000), to=carol.phone, at=later))

    assert said == [*(code for code, _ in TRANSFER), POSTED]


@pytest.mark.rule("W-2.15")
@pytest.mark.parametrize(
    ("column", "value"), [("ended_at", 1), ("expires_at", 1), ("wallet_unlocked_until", None), ("subscriber_id", None)]
)
async def test_a_session_that_is_over_locked_or_another_persons_sends_nothing(
    pair: Pair, column: str, value: int | None
) -> None:
    stranger = await pair.world.person()
    await set_session(pair, column, stranger.id if column == "subscriber_id" else value)
    before = await pair.books()

    said = await pair.say()

    assert said == ("WALLET_LOCKED" if column == "wallet_unlocked_until" else "SESSION_OVER")
    assert await pair.books() == before


async def test_no_refusal_writes_anything_not_even_its_key(pair: Pair) -> None:
    before = await pair.books()

    said = {
        await pair.say(to="nobody"),
        await pair.say(to=pair.alice.wallet_number),
        await pair.say(amount=Money.som(5_001)),
        await pair.say(session_id=0),
        await pair.say(subscriber_id=pair.bob.id),
    }

    assert said == {"RECIPIENT_NOT_FOUND", "SAME_WALLET", "INSUFFICIENT_FUNDS", "SESSION_OVER"}
    assert await pair.books() == before


async def test_every_rule_has_a_refusal_of_its_own(pair: Pair) -> None:
    facts = {"available": 1, "most": 2, "used": 1, "oldest": 0, "payee_balance": 1, "held": 0}
    codes = {code for code, _ in (*TRANSFER, *TOP_UP)} - {REPLAY}

    refusals = [refusal(facts | {"verdict": code}, Money(5)) for code in sorted(codes)]

    assert len({(type(each), getattr(each, "path", ())) for each in refusals}) == len(codes)


async def test_the_first_money_that_comes_in_is_noted_once(pair: Pair) -> None:
    carol = await pair.world.holder(0)
    later = pair.sending.at + timedelta(minutes=1)

    await send(replace(pair.sending, to=carol.phone))
    await send(replace(pair.sending, to=carol.phone, at=later, key=replace(pair.sending.key, key="k2")))

    row = await fetch_row("SELECT first_top_up_at FROM wallet WHERE id = $1", carol.wallet_id)
    assert row == {"first_top_up_at": to_micros(pair.sending.at)}


async def test_a_subscriber_of_two_wallets_uses_one_key_for_both_at_once_and_one_of_them_pays(pair: Pair) -> None:
    """The same key from two sessions on two numbers: no lock is shared, the key alone decides."""
    world, sending = pair.world, pair.sending
    second = await world.holder(5_000, level="premium")
    row = await fetch_row("SELECT * FROM wallet WHERE id = $1", second.wallet_id)
    assert row is not None
    phone = "+998771112233"
    other = await fetch_row("INSERT INTO ledger_account (kind, balance, floor) VALUES ('wallet', 0, 0) RETURNING id")
    assert other is not None
    wallet = await fetch_row(
        """INSERT INTO wallet (number, subscriber_id, phone, ledger_account_id, level, status, birth_date, opened_at,
                               acceptance_id)
           VALUES ('9800000000000018', $1, $2, $3, 'light', 'active', '1990-05-17', $4, $5) RETURNING id""",
        pair.alice.id,
        phone,
        other["id"],
        row["opened_at"],
        row["acceptance_id"],
    )
    assert wallet is not None
    await world.top_up(wallet["id"], Money.som(5_000))
    ctx = await world.signed_in(replace(pair.alice, phone=phone))
    there: Any = ctx.actor
    carol = await world.holder(0)

    for n in range(10):
        key = replace(sending.key, key=f"both-{n}")
        told = await asyncio.gather(
            send(replace(sending, key=key)),
            send(replace(sending, key=key, session_id=there.session_id, to=carol.phone)),
        )
        assert sorted(each["verdict"] for each in told) == [POSTED, REPLAY]

    sent = await fetch("SELECT id FROM ledger_transfer WHERE kind = 'transfer'")
    assert len(sent) == 10
    assert [str(fault) async for fault in check_ledger()] == []


async def test_it_takes_part_in_a_surrounding_transaction(pair: Pair) -> None:
    before = await pair.books()

    @in_transaction
    async def and_then_fail() -> None:
        assert (await send(pair.sending))["verdict"] == POSTED
        raise LookupError

    with pytest.raises(LookupError):
        await and_then_fail()

    assert await pair.books() == before


async def test_a_transfer_is_one_call_of_the_database(pair: Pair, calls: list[str]) -> None:
    calls.clear()

    await send(pair.sending)

    assert len(calls) == 1, calls
    assert calls[0].startswith("SELECT * FROM wallet_transfer(" if dialect() == "postgres" else "one hop")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to PostgreSQL, transactions' ends and resets included, or to SQLite's thread."""
    seen: list[str] = []

    def counted(kind: type, name: str, tell: Callable[..., str]) -> None:
        run = getattr(kind, name)

        async def and_run(self: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(tell(self, *args))
            return await run(self, *args, **kwargs)

        monkeypatch.setattr(kind, name, and_run)

    import aiosqlite

    for name in ("fetch", "execute", "fetchrow", "fetchval"):
        counted(asyncpg.Connection, name, lambda _, sql, *_rest: sql)
    counted(PreparedStatement, "fetch", lambda statement, *_: statement.get_query())
    counted(aiosqlite.Connection, "_execute", lambda *_: "one hop")
    return seen


@pytest.fixture
async def onlooker(db: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside Kabinet's own, to get in its way."""
    if db.startswith("sqlite"):
        pytest.skip("a process's own SQLite connection cannot be taken from it")
    connection = await asyncpg.connect(db)
    yield connection
    await connection.close()


WAITS = "wait_event_type = 'Lock' AND query LIKE '%wallet_transfer%' AND pid <> pg_backend_pid()"


async def until_it_waits(onlooker: asyncpg.Connection) -> None:
    """Until a transfer waits for a lock that the onlooker holds."""
    for _ in range(500):
        if await onlooker.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {WAITS}"):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the transfer does not wait")


async def test_a_connection_killed_in_the_middle_leaves_nothing_and_the_key_is_free(
    pair: Pair, onlooker: asyncpg.Connection
) -> None:
    before = await pair.books()
    lock = onlooker.transaction()
    await lock.start()
    await onlooker.execute("LOCK TABLE ledger_transfer IN SHARE MODE")  # all is written by then but the transfer

    sending = asyncio.create_task(send(pair.sending))
    await until_it_waits(onlooker)
    await onlooker.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WAITS}")
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await sending
    await lock.rollback()

    assert await pair.books() == before
    assert await pair.say() == POSTED


async def test_a_deadlock_is_begun_anew(pair: Pair, onlooker: asyncpg.Connection) -> None:
    lock = onlooker.transaction()
    await lock.start()
    bob, alice = pair.bob.wallet_ledger, pair.alice.wallet_ledger
    await onlooker.execute("SET LOCAL deadlock_timeout = '60s'")  # so that it is the other who is told
    await onlooker.execute("SELECT 1 FROM ledger_account WHERE id = $1 FOR UPDATE", max(alice, bob))
    sending = asyncio.create_task(send(pair.sending))
    await until_it_waits(onlooker)

    await onlooker.execute("SELECT 1 FROM ledger_account WHERE id = $1 FOR UPDATE", min(alice, bob))
    await lock.rollback()

    assert (await sending)["verdict"] == POSTED
