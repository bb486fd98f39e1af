"""An account's history: filters, past balances and months agree with the entries one by one."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from domain.clock import to_micros
from domain.database import Row, fetch
from domain.ledger import EntryKind, Leg, OperatorAccount, open_account, operator_account, post
from domain.money import ZERO, Money
from domain.statement import (
    EVERYTHING,
    BadFilter,
    Cut,
    EntryFilter,
    TooManyMonths,
    aware,
    balance_at,
    balance_before,
    bound,
    count_up_to,
    lines,
    month_begins,
    months,
    sums,
)

START = datetime(2026, 1, 31, 18, 50, tzinfo=UTC)  # ten minutes before February in Tashkent
KINDS = (EntryKind.TOP_UP, EntryKind.PAYMENT, EntryKind.TRANSFER_IN, EntryKind.TRANSFER_OUT)


async def an_account(*movements: tuple[timedelta, EntryKind, int]) -> int:
    """An account without a floor, with these movements (when after START, what, tiyin)."""
    account, funding = await open_account("personal", floor=None), await operator_account(OperatorAccount.FUNDING)
    for after, kind, tiyin in movements:
        legs = [Leg(funding, kind, Money(-tiyin)), Leg(account, kind, Money(tiyin))]
        await post("top_up", legs, at=START + after)
    return account


async def a_restless_account(seed: int, size: int = 40) -> int:
    """Movements whose times are up to half an hour out of order, now and then days apart."""
    choose, at, made = random.Random(seed), timedelta(0), []
    for _ in range(size):
        at += timedelta(seconds=choose.choice((0, 0, 1, 60, 600, 86_400, 20 * 86_400)))
        out_of_order = timedelta(seconds=choose.choice((0, 0, 0, -1, -60, -1_700)))
        made.append((at + out_of_order, choose.choice(KINDS), choose.choice((-5, -100, 7, 100, 250_000))))
    return await an_account(*made)


async def written(account: int) -> Sequence[Row]:
    return await fetch("SELECT * FROM ledger_entry WHERE account_id = $1 ORDER BY seq", account)


async def kept(account: int, wanted: EntryFilter) -> list[int]:
    return [row["seq"] for row in await lines(Cut(account, 10_000, wanted), after=0, size=10_000)]


@pytest.mark.parametrize("seed", range(4))
async def test_a_past_balance_is_one_that_there_was_however_the_clocks_disagreed(db: str, seed: int) -> None:
    account = await a_restless_account(seed)
    entries = await written(account)

    for entry in entries:
        for micros in (entry["at"] - 1, entry["at"], entry["at"] + 1):
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
            by_then = [one for one in entries if one["at"] <= micros]
            expected = Money(by_then[-1]["balance_after"]) if by_then else ZERO
            assert await balance_at(account, at) == expected


async def test_before_the_first_entry_there_was_nothing_and_later_there_is_what_is_now(db: str) -> None:
    account = await an_account((timedelta(0), EntryKind.TOP_UP, 500), (timedelta(days=9), EntryKind.PAYMENT, -200))

    assert await balance_at(account, datetime.min.replace(tzinfo=UTC)) == ZERO
    assert await balance_at(account, START - timedelta(microseconds=1)) == ZERO
    assert await balance_at(account, START) == Money(500)
    assert await balance_at(account, datetime.max.replace(tzinfo=UTC)) == Money(300)
    assert await balance_at(await an_account(), START) == ZERO


@pytest.mark.parametrize("seed", range(6))
async def test_a_filter_keeps_exactly_the_entries_that_it_names(db: str, seed: int) -> None:
    account = await a_restless_account(seed)
    entries, choose = await written(account), random.Random(seed)
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one["at"]) for one in entries]

    for _ in range(40):
        wanted = EntryFilter(
            since=choose.choice([None, *moments]),
            until=choose.choice([None, *moments]),
            kinds=frozenset(choose.sample(KINDS, choose.randrange(3))),
            least=choose.choice([None, Money(0), Money(7), Money(101)]),
            most=choose.choice([None, Money(7), Money(100), Money(10**15)]),
            incoming=choose.choice([None, True, False]),
        )
        expected = [one["seq"] for one in entries if names(wanted, one)]

        assert await kept(account, wanted) == expected, wanted
        assert await count_up_to(Cut(account, 10_000, wanted), 10_000) == len(expected)


def names(wanted: EntryFilter, entry: Row) -> bool:
    """Whether the filter keeps the entry, as its description says."""
    return (
        (wanted.since is None or entry["at"] >= to_micros(wanted.since))
        and (wanted.until is None or entry["at"] < to_micros(wanted.until))
        and (not wanted.kinds or EntryKind(entry["kind"]) in wanted.kinds)
        and (wanted.least is None or abs(entry["amount"]) >= wanted.least.tiyin)
        and (wanted.most is None or abs(entry["amount"]) <= wanted.most.tiyin)
        and (wanted.incoming is None or (entry["amount"] > 0) is wanted.incoming)
    )


@pytest.mark.parametrize("seed", range(4))
async def test_months_follow_each_other_and_hold_every_entry_once(db: str, seed: int) -> None:
    account = await a_restless_account(seed)
    entries = await written(account)

    found = await months(account, last=date(2027, 12, 1), count=36)

    assert [month.first_day for month in found[:2]] == [date(2027, 12, 1), date(2027, 11, 1)]
    assert (len(found), found[-1].opening) == (36, ZERO)
    assert found[0].closing == Money(sum(one["amount"] for one in entries))
    assert sum(category.count for month in found for category in month.categories) == len(entries)
    for later, earlier in pairwise(found):
        assert later.opening == earlier.closing
    for month in found:
        assert month.opening + month.incoming - month.outgoing == month.closing
        assert sum((one.amount for one in month.categories), ZERO) == month.closing - month.opening
        assert month.opening == await balance_before(account, month_begins(month.first_day))


async def test_a_month_begins_at_midnight_in_tashkent(db: str) -> None:
    minutes = [timedelta(minutes=n) for n in (0, 9, 10)]
    account = await an_account(*((minute, EntryKind.TOP_UP, 100) for minute in minutes))

    february, january = await months(account, last=date(2026, 2, 14), count=2)

    assert (january.incoming, february.incoming) == (Money(200), Money(100))
    assert (february.first_day, february.opening) == (date(2026, 2, 1), Money(200))


@pytest.mark.parametrize(("last", "count"), [((2026, 1, 1), 0), ((2026, 1, 1), 37), ((1, 1, 1), 2), ((9999, 12, 1), 1)])
async def test_months_beyond_what_is_offered_are_refused(db: str, last: tuple[int, int, int], count: int) -> None:
    with pytest.raises(TooManyMonths):
        await months(1, last=date(*last), count=count)


async def test_a_cut_s_sums_do_not_move_when_money_does(db: str) -> None:
    account = await an_account((timedelta(0), EntryKind.TOP_UP, 500), (timedelta(hours=1), EntryKind.PAYMENT, -200))
    cut = Cut(account, 2)
    before = await sums(cut)
    await a_later_movement(account)

    assert await sums(cut) == before
    assert (before.count, before.incoming, before.outgoing) == (2, Money(500), Money(200))
    assert (before.opening, before.closing) == (ZERO, Money(300))


async def a_later_movement(account: int) -> None:
    funding = await operator_account(OperatorAccount.FUNDING)
    legs = [Leg(funding, EntryKind.TOP_UP, Money(-1)), Leg(account, EntryKind.TOP_UP, Money(1))]
    await post("top_up", legs, at=START + timedelta(days=1))


async def test_a_period_s_sums_begin_and_end_with_its_balances(db: str) -> None:
    days = [timedelta(days=n) for n in range(4)]
    account = await an_account(*((day, EntryKind.TOP_UP, 100) for day in days))

    found = await sums(Cut(account, 4, EntryFilter(since=START + days[1], until=START + days[3])))

    assert (found.count, found.opening, found.incoming, found.closing) == (2, Money(100), Money(200), Money(300))


@pytest.mark.parametrize("amount", ["-1", "0.001", "NaN", "Infinity", "1e999999", "10000000000001"])
def test_a_bound_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(BadFilter):
        bound(Decimal(amount))


def test_bounds_are_exact_and_instants_without_an_offset_are_tashkent_s() -> None:
    assert (bound(None), bound(Decimal("0")), bound(Decimal("1500.50"))) == (None, ZERO, Money(150_050))
    assert aware(datetime(2026, 1, 1)) == datetime(2025, 12, 31, 19, tzinfo=UTC)  # noqa: DTZ001  # on purpose
    assert aware(START) is START
    assert EVERYTHING.keeps_all
