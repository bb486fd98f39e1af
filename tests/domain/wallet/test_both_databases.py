"""One truth for both databases: the same states and the same calls give the same verdicts, facts, rows and hashes."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.clock import to_micros
from domain.database import execute, fetch
from domain.idempotency import Key
from domain.ledger import EntryKind, Leg, OperatorAccount, open_account, operator_account, post
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.supplier import Commission, ReferenceForm, SupplierTerms, add_supplier
from domain.wallet import Paying, Sending, pay, send
from server.database import connect, disconnect
from tests.support.postgres import PrivatePostgres
from tests.support.world import World

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SOM = st.sampled_from((0, 1, 60_000, 1_000_000, 2_000_000, 2_059_999, 2_060_000, 2_060_001, 5_000_000))
NUMBERS = count()
TERMS = SupplierTerms(
    name={"uz": "Suv", "ru": "Вода"},
    legal_name='"Suv" \\ “MChJ” №1',
    stir="301234567",
    reference_label={"uz": "Shartnoma"},
    reference=ReferenceForm(least=6, most=10),
    commission=Commission(basis_points=33, fixed=Money(7), least=Money(100), most=Money(500_000)),
)
SESSIONS = ("unlocked", "unlocked", "unlocked", "locked", "over", "none")


@dataclass(frozen=True, slots=True)
class Holder:
    """A wallet: what came into it, as (days ago, so'm)."""

    level: str
    status: str
    began: bool
    top_ups: tuple[tuple[int, int], ...]
    session: str


@dataclass(frozen=True, slots=True)
class Call:
    """One sends to another, some days later; 3 is nobody, 4 to 6 are suppliers (open, wrong reference, closed)."""

    payer: int
    to: int
    som: int
    key: str
    day: int


HOLDERS = st.lists(
    st.builds(
        Holder,
        level=st.sampled_from(("light", "premium")),
        status=st.sampled_from(("active", "active", "active", "blocked", "closed")),
        began=st.sampled_from((True, True, True, False)),
        top_ups=st.lists(st.tuples(st.integers(0, 40), SOM.filter(bool)), max_size=3).map(tuple),
        session=st.sampled_from(SESSIONS),
    ),
    min_size=3,
    max_size=3,
)
CALLS = st.lists(
    st.builds(
        Call,
        payer=st.integers(0, 2),
        to=st.integers(0, 6),
        som=SOM.filter(bool),
        key=st.sampled_from("abcd"),
        day=st.integers(0, 31),
    ),
    min_size=4,
    max_size=12,
)
OPEN = Holder("light", "active", True, ((40, 2_000_000), (3, 60_000)), "unlocked")
RICH = Holder("premium", "active", True, ((1, 5_000_000),), "unlocked")


async def people(holders: list[Holder]) -> list[tuple[int, int, str]]:
    """Makes them the same in every database; gives (subscriber, session, wallet number) of each."""
    world, made = World(), []
    funding = await operator_account(OperatorAccount.FUNDING)
    for index, holder in enumerate(holders):
        person = await world.holder(0, level=holder.level)
        number = f"98000000000000{index:02d}"
        for days, som in sorted(holder.top_ups, reverse=True):
            amount = Money.som(som)
            legs = [Leg(funding, EntryKind.TOP_UP, -amount), Leg(person.wallet_ledger, EntryKind.TOP_UP, amount)]
            await post("top_up", legs, at=NOW - timedelta(days=days), memo={"way": "банк — “card”"})
        await execute(
            "UPDATE wallet SET number = $1, first_top_up_at = $2 WHERE id = $3",
            number,
            1 if holder.began else None,
            person.wallet_id,
        )
        await world.put(person.wallet_id, holder.status)
        actor: Any = (await world.signed_in(person, unlocked=holder.session != "locked")).actor
        await execute(
            "UPDATE session SET ended_at = $1, expires_at = $2, wallet_unlocked_until = wallet_unlocked_until + $2",
            1 if holder.session == "over" else None,
            to_micros(NOW + timedelta(days=365)),
        )
        made.append((person.id, 0 if holder.session == "none" else actor.session_id, number))
    return made


async def pay_supplier(subscriber: int, session: int, call: Call, at: datetime) -> dict[str, Any]:
    supplier, reference = {4: ("water", "12345678"), 5: ("water", "12A45678"), 6: ("closed", "12345678")}[call.to]
    body = {"supplier": supplier, "reference": reference, "amount": call.som}
    key = Key(f"subscriber:{subscriber}", "pay", call.key, body)
    return dict(await pay(Paying(subscriber, session, supplier, reference, Money.som(call.som), key, at)))


async def play(url: str, holders: list[Holder], calls: list[Call]) -> list[Any]:
    """What the calls are answered with, and what is in the database after them."""
    await connect(url)
    try:
        made, told = await people(holders), []
        await add_supplier("water", TERMS, NOW)
        await add_supplier("closed", replace(TERMS, on_sale=False), NOW)
        for call in sorted(calls, key=lambda one: one.day):
            subscriber, session, _ = made[call.payer]
            at = NOW + timedelta(days=call.day)
            if call.to > 3:
                told.append(await pay_supplier(subscriber, session, call, at))
                continue
            to = made[call.to][2] if call.to < len(made) else "+998991112233"
            key = Key(f"subscriber:{subscriber}", "transfer", call.key, {"to": to, "amount": call.som})
            told.append(dict(await send(Sending(subscriber, session, to, Money.som(call.som), key, at))))
        assert [str(fault) async for fault in check_ledger()] == []
        tables = ("ledger_account", "ledger_transfer", "ledger_entry", "idempotency")
        return [told, *[await fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]]
    finally:
        await disconnect()


@pytest.mark.postgres
@pytest.mark.rule("W-4.4.4")
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(holders=HOLDERS, calls=CALLS)
@example(
    holders=[RICH, OPEN, OPEN],
    calls=[Call(0, 4, 1_000, "a", 0), Call(0, 4, 1_000, "a", 1), Call(0, 4, 60_000, "b", 1), Call(0, 6, 1, "c", 2)],
)
@example(
    holders=[RICH, OPEN, OPEN],
    calls=[Call(0, 1, 60_000, "a", 0), Call(0, 1, 60_000, "a", 1), Call(0, 1, 1, "a", 2), Call(1, 0, 60_000, "b", 3)],
)
async def test_both_databases_say_and_write_the_same(
    postgres_server: PrivatePostgres,
    postgres_template: str,
    sqlite_template: Path,
    tmp_path: Path,
    holders: list[Holder],
    calls: list[Call],
) -> None:
    file = tmp_path / f"{next(NUMBERS)}.db"
    shutil.copyfile(sqlite_template, file)
    url = postgres_server.create_database(template=postgres_template)

    try:
        one = await play(f"sqlite:///{file}", holders, calls)
        other = await play(url, holders, calls)
    finally:
        postgres_server.drop_database(url.rpartition("/")[2])

    for ours, theirs in zip(one, other, strict=True):
        assert ours == theirs


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=9)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    memo=st.dictionaries(TEXT, TEXT, max_size=3),
    amounts=st.lists(st.integers(-(10**15), 10**15).filter(bool), min_size=1, max_size=4).filter(sum),
    micros=st.integers(0, 10**15),
)
async def test_a_movement_carries_the_hashes_that_the_check_recomputes(
    db: str, memo: dict[str, str], amounts: list[int], micros: int
) -> None:
    one, other = await open_account("personal", floor=None), await open_account("personal", floor=None)
    legs = [Leg(one, EntryKind.ADJUSTMENT, Money(amount)) for amount in amounts]

    posted = await post(
        "adjustment",
        [*legs, Leg(other, EntryKind.REFUND, Money(-sum(amounts)))],
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros),
        memo=memo,
    )

    assert posted.balances == {one: Money(sum(amounts)), other: Money(-sum(amounts))}
    assert [str(fault) async for fault in check_ledger()] == []
