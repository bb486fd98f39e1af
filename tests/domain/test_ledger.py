"""The ledger's promises: all or nothing, never below the floor (W-4.4.4), nothing lost however many move at once."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.database import fetch, in_transaction
from domain.ledger import (
    EntryKind,
    InsufficientFunds,
    Leg,
    OperatorAccount,
    hold,
    operator_account,
    post,
    require_funds,
)
from domain.money import ZERO, Money
from tests.domain.bank import NOW, Bank

PEOPLE = ("alice", "bob", "carol")
MOVEMENTS = st.lists(
    st.tuples(st.sampled_from(("outside", *PEOPLE)), st.sampled_from(PEOPLE), st.integers(1, 60)).filter(
        lambda movement: movement[0] != movement[1]
    ),
    max_size=12,
)


@pytest.fixture
async def bank(db: str) -> Bank:
    """Alice holds 50 so'm, Bob nothing."""
    bank = Bank()
    await bank.open("alice", 50)
    await bank.open("bob")
    return bank


async def test_a_movement_takes_from_one_and_gives_to_the_other(bank: Bank) -> None:
    posted = await bank.move("alice", "bob", 20)

    assert await bank.holdings() == {"alice": 30, "bob": 20}
    assert posted.balances == {bank.ids["alice"]: Money.som(30), bank.ids["bob"]: Money.som(20)}


async def test_every_entry_tells_the_balance_after_it(bank: Bank) -> None:
    await bank.move("alice", "bob", 20, commission=1)

    entries = await fetch(
        "SELECT kind, amount, seq, balance_after FROM ledger_entry WHERE account_id = $1 ORDER BY seq",
        bank.ids["alice"],
    )
    assert [tuple(entry.values()) for entry in entries] == [
        ("top_up", 5_000, 1, 5_000),
        ("transfer_out", -2_000, 2, 3_000),
        ("commission", -100, 3, 2_900),
    ]


@pytest.mark.rule("W-4.4.4")
async def test_the_whole_balance_can_be_moved(bank: Bank) -> None:
    await bank.move("alice", "bob", 50)

    assert await bank.holdings() == {"alice": 0, "bob": 50}


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(("som", "commission"), [(51, 0), (50, 1), (49, 2), (10**9, 0)])
async def test_a_movement_beyond_the_balance_moves_nothing(bank: Bank, som: int, commission: int) -> None:
    before = await bank.books()

    with pytest.raises(InsufficientFunds) as refused:
        await bank.move("alice", "bob", som, commission=commission)

    assert refused.value.rule == "W-4.4.4"
    assert (refused.value.available, refused.value.needed) == (Money.som(50), Money.som(som + commission))
    assert await bank.books() == before


async def test_who_may_not_see_a_balance_does_not_learn_it_from_a_refusal(bank: Bank) -> None:
    @in_transaction
    async def look() -> None:
        held = await hold(bank.ids["alice"])
        require_funds(held[bank.ids["alice"]], Money.som(51), rule="S-5.3", seen=False)

    with pytest.raises(InsufficientFunds) as refused:
        await look()

    assert refused.value.available is None


@pytest.mark.parametrize(("floor", "most"), [(-100, 100), (0, 0), (None, 10**9)])
async def test_an_account_falls_to_its_own_floor(bank: Bank, floor: int | None, most: int) -> None:
    await bank.open("company", kind="personal", floor=floor)

    if most:
        await bank.move("company", "bob", most)
    if floor is not None:
        with pytest.raises(InsufficientFunds):
            await bank.move("company", "bob", 1)

    assert await bank.holdings() == {"alice": 50, "bob": most, "company": -most}


async def test_the_operators_own_accounts_keep_no_balance_and_are_not_locked(bank: Bank) -> None:
    funding = await operator_account(OperatorAccount.FUNDING)

    held = await hold(funding)

    assert (held[funding].balance, held[funding].available) == (None, None)


@pytest.mark.parametrize("amounts", [(-10, 9), (10, 10), (-10,)])
async def test_a_movement_that_does_not_sum_to_zero_is_a_programmers_error(
    bank: Bank, amounts: tuple[int, ...]
) -> None:
    before = await bank.books()

    @in_transaction
    async def forge() -> None:
        accounts = (bank.ids["alice"], bank.ids["bob"])
        legs = [
            Leg(id_, EntryKind.ADJUSTMENT, Money.som(amount)) for id_, amount in zip(accounts, amounts, strict=False)
        ]
        await post("adjustment", legs, at=NOW)

    with pytest.raises(AssertionError):
        await forge()

    assert await bank.books() == before


@pytest.mark.rule("W-4.4.4")
async def test_forty_opposite_movements_at_once_lose_nothing_and_do_not_deadlock(bank: Bank) -> None:
    async def try_to_move(source: str, target: str) -> bool:
        try:
            await bank.move(source, target, 7)
        except InsufficientFunds:
            return False
        return True

    pairs = [("alice", "bob"), ("bob", "alice")] * 20
    moved = await asyncio.gather(*(try_to_move(*pair) for pair in pairs))

    left = 50 + 7 * sum(1 if pair[0] == "bob" else -1 for pair, went in zip(pairs, moved, strict=True) if went)
    assert await bank.holdings() == {"alice": left, "bob": 50 - left}
    assert 0 <= left <= 50
    assert await bank.faults() == []


@pytest.mark.rule("W-4.4.4")
async def test_twenty_who_want_the_same_money_at_once_get_it_once(bank: Bank) -> None:
    tries = [bank.move("alice", "bob", 10) for _ in range(20)]

    ends = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(isinstance(end, InsufficientFunds) for end in ends) == 15
    assert sum(not isinstance(end, BaseException) for end in ends) == 5
    assert await bank.holdings() == {"alice": 0, "bob": 50}
    assert await bank.faults() == []


@pytest.mark.rule("W-4.4.4")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(movements=MOVEMENTS)
async def test_the_ledger_agrees_with_a_sheet_of_paper(db: str, movements: list[tuple[str, str, int]]) -> None:
    bank, paper = Bank(), dict.fromkeys(PEOPLE, 0)
    for name in PEOPLE:
        await bank.open(name)
    elsewhere = await bank.total()  # earlier examples left their accounts behind

    for source, target, som in movements:
        if source == "outside":
            await bank.fund(target, som)
        elif som > paper[source]:
            with pytest.raises(InsufficientFunds):
                await bank.move(source, target, som)
            continue
        else:
            await bank.move(source, target, som)
            paper[source] -= som
        paper[target] += som

    assert await bank.holdings() == paper
    assert await bank.total() - elsewhere == sum(map(Money.som, paper.values()), ZERO)
    assert await bank.faults() == []
