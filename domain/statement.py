"""What an account's history tells: which entries a filter keeps, the balance at a past moment, a month in sums.

An account's entries are numbered in the order in which they were written (`seq`). Their times (`at`) rise with the
numbers but for neighbours that were written at once, whose machines' clocks may have read a little apart: never more
than `SKEW`. So a period is cut out by its times, exactly, and found by the few numbers that it can have: both indexes
of the ledger serve, whatever else the filter asks, and no index is added that every movement would have to pay for.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from dateutil.relativedelta import relativedelta

from domain.clock import TASHKENT, local_day, to_micros
from domain.database import Row, fetch, fetch_row
from domain.ledger import EntryKind
from domain.money import LARGEST_SOM, TIYIN_PER_SOM, ZERO, Money, exact_tiyin
from domain.refusal import RequestFault
from domain.view import view

SKEW: Final = timedelta(hours=1) // timedelta(microseconds=1)
MOST_MONTHS: Final = 36


class BadFilter(RequestFault):
    """Bounds of an amount that are no amounts."""

    text: ClassVar[str] = "The bounds of an amount are so'm, zero or more, with at most two decimals."


class BadPeriod(RequestFault):
    """A period that ends before it begins."""

    text: ClassVar[str] = "The period ends before it begins."


class TooManyMonths(RequestFault):
    """A number of months that is not offered."""

    text: ClassVar[str] = "Ask for 1 to 36 months."


def aware(at: datetime) -> datetime:
    """The instant; one that names no offset is Tashkent's time.

    What lies outside the time that money has is brought to its ends: nothing was written there.
    """
    at = at if at.tzinfo else at.replace(tzinfo=TASHKENT)
    return max(_EARLIEST, min(at, _LATEST))


_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=TASHKENT)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=TASHKENT)


@view
class EntryFilter:
    """Which entries are wanted; what is None, or empty, does not matter.

    From `since` on and before `until`; of these kinds; of `least` to `most`, whichever way they went; `incoming` says
    that way.
    """

    since: datetime | None = None
    until: datetime | None = None
    kinds: frozenset[EntryKind] = frozenset()
    least: Money | None = None
    most: Money | None = None
    incoming: bool | None = None

    @property
    def keeps_all(self) -> bool:
        """Whether it leaves nothing out."""
        return self == EVERYTHING

    def where(self, place: int) -> tuple[str, list[Any]]:
        """The end of a WHERE clause over an entry `e` of account $1, from AND on, and its values from $`place` on."""
        text, values = "", list[Any]()

        def add(condition: str, *given: Any) -> None:
            nonlocal text
            names = [f"${place + len(values) + n}" for n in range(len(given))]
            text += " AND " + condition.format(*names, all=", ".join(names))
            values.extend(given)

        if self.since is not None:
            add(f"e.at >= {{0}} AND e.seq >= {first_seq('{0}')}", to_micros(self.since))
        if self.until is not None:
            add(f"e.at < {{0}} AND e.seq <= {last_seq('{0}')}", to_micros(self.until))
        if self.kinds:
            add("e.kind IN ({all})", *sorted(kind.value for kind in self.kinds))
        if self.least is not None:
            add("ABS(e.amount) >= {0}", self.least.tiyin)
        if self.most is not None:
            add("ABS(e.amount) <= {0}", self.most.tiyin)
        if self.incoming is not None:
            add("e.amount > 0" if self.incoming else "e.amount < 0")
        return text, values


EVERYTHING: Final = EntryFilter()


def bound(amount: Decimal | None) -> Money | None:
    """The bound of an amount that a caller gave. Raises BadFilter."""
    if amount is None:
        return None
    tiyin = exact_tiyin(amount)
    if tiyin is None or not 0 <= tiyin <= LARGEST_SOM * TIYIN_PER_SOM:
        raise BadFilter
    return Money(tiyin)


# Plus nothing: PostgreSQL would else walk along the numbers, from the first one on, until a time fits.
def first_seq(moment: str) -> str:
    """SQL: the lowest number among account $1's entries at or after the moment; null if there are none."""
    return f"""(SELECT MIN(o.seq + 0) FROM ledger_entry o
        WHERE o.account_id = $1 AND o.at >= {moment} AND o.at <= {SKEW} +
            (SELECT MIN(p.at) FROM ledger_entry p WHERE p.account_id = $1 AND p.at >= {moment}))"""


def last_seq(moment: str) -> str:
    """SQL: the highest number among account $1's entries before the moment; null if there are none."""
    return f"""(SELECT MAX(o.seq + 0) FROM ledger_entry o
        WHERE o.account_id = $1 AND o.at < {moment} AND o.at >= -{SKEW} +
            (SELECT MAX(p.at) FROM ledger_entry p WHERE p.account_id = $1 AND p.at < {moment}))"""


# The balance after the last of them, less what later entries of lower numbers had added by then.
_BALANCE_BEFORE: Final = f"""SELECT e.balance_after - COALESCE((
        SELECT CAST(SUM(o.amount) AS BIGINT) FROM ledger_entry o
        WHERE o.account_id = $1 AND o.at >= $2 AND o.at <= $2 + {SKEW} AND o.seq < e.seq), 0) AS balance
    FROM ledger_entry e WHERE e.account_id = $1 AND e.seq = {last_seq("$2")}"""


async def balance_before(ledger_account_id: int, at: datetime) -> Money:
    """What all entries before this instant come to."""
    row = await fetch_row(_BALANCE_BEFORE, ledger_account_id, to_micros(at))
    return Money(row["balance"]) if row else ZERO


async def balance_at(ledger_account_id: int, at: datetime) -> Money:
    """The account's balance after the last entry written at or before this instant; zero before its first entry."""
    row = await fetch_row(_BALANCE_AT, ledger_account_id, to_micros(min(at, _LATEST)) + 1)
    return Money(row["balance_after"]) if row else ZERO


# As it stood in the account: summing up by times would show balances that never were where two machines wrote at once.
_BALANCE_AT: Final = f"""SELECT e.balance_after FROM ledger_entry e
    WHERE e.account_id = $1 AND e.seq = {last_seq("$2")}"""


@view
class Category:
    """What entries of one kind came to in a month; `amount` has a sign."""

    kind: EntryKind
    amount: Money
    count: int


@view
class Month:
    """A calendar month in Tashkent. `outgoing` has no sign: opening + incoming - outgoing = closing."""

    first_day: date
    opening: Money
    closing: Money
    incoming: Money
    outgoing: Money
    categories: tuple[Category, ...]

    @property
    def empty(self) -> bool:
        """Whether there was neither money nor movement."""
        return not (self.categories or self.opening)


def month_of(at: datetime) -> date:
    """The first day of the month that an instant is in, in Tashkent."""
    return local_day(at).replace(day=1)


def month_begins(first_day: date) -> datetime:
    return datetime(first_day.year, first_day.month, 1, tzinfo=TASHKENT)


async def months(ledger_account_id: int, *, last: date, count: int) -> list[Month]:
    """So many months up to the one that `last` is in, the newest first, in one statement.

    Raises TooManyMonths for less than 1, more than 36, and months that no calendar has.
    """
    if not 1 <= count <= MOST_MONTHS or not 1900 <= last.year <= 9000:
        raise TooManyMonths
    newest = last.replace(day=1)
    days = [newest - relativedelta(months=back) for back in reversed(range(-1, count))]
    borders = [to_micros(month_begins(day)) for day in days]
    rows = await fetch(_months_text(count), ledger_account_id, *borders)
    by_month: dict[int, list[Row]] = {}
    for row in rows:
        by_month.setdefault(row["since"] or 0, []).append(row)
    balance = Money(sum(row["amount"] for row in by_month.pop(0, [])))
    found: list[Month] = []
    for day, since in zip(days[:-1], borders[:-1], strict=True):
        found.append(_month(day, balance, by_month.get(since, [])))
        balance = found[-1].closing
    return found[::-1]


def _months_text(count: int) -> str:
    """$1 the account, $2 on the borders of the months, one more than there are months."""
    values = ", ".join(f"(CAST(${n} AS BIGINT), CAST(${n + 1} AS BIGINT))" for n in range(2, count + 2))
    return f"""WITH month (since, until) AS (VALUES {values})
        SELECT m.since, e.kind, COUNT(*) AS count, CAST(SUM(e.amount) AS BIGINT) AS amount,
               CAST(SUM(CASE WHEN e.amount > 0 THEN e.amount ELSE 0 END) AS BIGINT) AS incoming
        FROM month m JOIN ledger_entry e ON e.account_id = $1 AND e.at >= m.since AND e.at < m.until
        GROUP BY m.since, e.kind
        UNION ALL SELECT NULL, NULL, 0, b.balance, 0 FROM ({_BALANCE_BEFORE}) b"""


_ORDER: Final = {kind.value: place for place, kind in enumerate(EntryKind)}


def _month(first_day: date, opening: Money, rows: list[Row]) -> Month:
    rows.sort(key=lambda row: _ORDER[row["kind"]])
    change = sum(row["amount"] for row in rows)
    incoming = sum(row["incoming"] for row in rows)
    return Month(
        first_day=first_day,
        opening=opening,
        closing=opening + Money(change),
        incoming=Money(incoming),
        outgoing=Money(incoming - change),
        categories=tuple(Category(EntryKind(row["kind"]), Money(row["amount"]), row["count"]) for row in rows),
    )


@view
class Cut:
    """What of an account a paper shows: entries up to number `upto`, so that it stays the same while money moves."""

    ledger_account_id: int
    upto: int
    filter: EntryFilter = EVERYTHING


@view
class Sums:
    """What the entries of a cut come to, and the account's balance where its period begins and ends."""

    count: int
    incoming: Money
    outgoing: Money
    opening: Money
    closing: Money


_UPTO: Final = "e.account_id = $1 AND e.seq <= $2"


async def count_up_to(cut: Cut, most: int) -> int:
    """How many entries there are, counted no further than `most` + 1."""
    where, values = cut.filter.where(4)
    text = f"SELECT COUNT(*) AS count FROM (SELECT 1 FROM ledger_entry e WHERE {_UPTO}{where} LIMIT $3) x"
    row = await fetch_row(text, cut.ledger_account_id, cut.upto, most + 1, *values)
    assert row is not None
    return int(row["count"])


async def sums(cut: Cut) -> Sums:
    where, values = cut.filter.where(3)
    row = await fetch_row(
        f"""SELECT COUNT(*) AS count, CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) AS change,
                   CAST(COALESCE(SUM(CASE WHEN e.amount > 0 THEN e.amount ELSE 0 END), 0) AS BIGINT) AS incoming
            FROM ledger_entry e WHERE {_UPTO}{where}""",
        cut.ledger_account_id,
        cut.upto,
        *values,
    )
    assert row is not None
    since, until = cut.filter.since, cut.filter.until
    opening = await balance_before(cut.ledger_account_id, since) if since else ZERO
    return Sums(
        count=row["count"],
        incoming=Money(row["incoming"]),
        outgoing=Money(row["incoming"] - row["change"]),
        opening=opening,
        closing=await _closing(cut, until),
    )


async def _closing(cut: Cut, until: datetime | None) -> Money:
    """The balance at the period's end, or after entry `upto` if that came before it."""
    row = await fetch_row(
        "SELECT balance_after, at FROM ledger_entry WHERE account_id = $1 AND seq = $2", cut.ledger_account_id, cut.upto
    )
    if row is None:
        return ZERO
    if until is None or row["at"] < to_micros(until):
        return Money(row["balance_after"])
    return await balance_before(cut.ledger_account_id, until)


async def lines(cut: Cut, *, after: int, size: int) -> list[Row]:
    """The next entries of a cut, oldest first, each with its movement's kind and memo."""
    where, values = cut.filter.where(5)
    return await fetch(
        f"""SELECT e.seq, e.transfer_id, e.at, e.kind, e.amount, e.balance_after, t.memo
            FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
            WHERE {_UPTO} AND e.seq > $3{where} ORDER BY e.seq LIMIT $4""",
        cut.ledger_account_id,
        cut.upto,
        after,
        size,
        *values,
    )
