"""A statement beside our payments: exactly what differs is found, and settled once, by somebody, for a reason."""

import asyncio
import io
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.exceptions import BaseORMException

from domain.approval import ProposalStatus
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.reconciliation.matching import DifferenceKind
from domain.reconciliation.rows import TheirState
from domain.reconciliation.settling import ResolutionImpossible, resolutions_of
from domain.refusal import Forbidden, InvalidInput, MissingInput, NotFound, Refusal, RequestFault, Unauthenticated
from resolvers.approval import approve, lapse_proposals, propose_adjustment, reject, withdraw
from resolvers.context import Anonymous, Context, ProviderActor, StaffActor
from resolvers.paging import PageRequest
from resolvers.payment import cancel_payment, payee_named, perform_payment
from resolvers.reconciliation import (
    Period,
    begin,
    carry_out,
    difference,
    differences,
    every_difference,
    fail_stale,
    latest_runs,
    reconcile,
    run_by_id,
    settle,
    sums,
)
from tests.resolvers.ledgers import Books, Said
from tests.support.world import World

PERFORMED, PENDING, CANCELLED = TheirState.PERFORMED, TheirState.PENDING, TheirState.CANCELLED
TABLES = ("reconciliation_difference", "payment", "ledger_transfer", "ledger_entry", "ledger_account", "audit_event")
WHY = "Looked at both sides of it."


@pytest.fixture
async def books(db: str) -> Books:
    world = World()
    return Books(world, (await world.holder(100)).account_number)


async def found(books: Books, run_id: int) -> Counter[tuple[str, str | None]]:
    """Kinds and ids of what differs."""
    pages = [one async for one in every_difference(books.system, run_id)]
    return Counter((str(v.difference.kind), v.difference.external_id) for page in pages for v in page)


async def test_what_is_the_same_on_both_sides_is_no_difference(books: Books) -> None:
    said = [await books.paid("a"), await books.paid("b", state=PENDING), await books.paid("c", state=CANCELLED)]
    unknown_and_cancelled = Said("d", 5, books.world.clock.now(), CANCELLED)

    run = await books.compare([*said, unknown_and_cancelled])

    assert (run.status, run.lines, run.matched, run.unreadable) == ("done", 4, 4, 0)
    assert await found(books, run.id) == Counter()
    assert await fetch("SELECT * FROM reconciliation_line") == []


async def test_each_kind_of_difference_is_found(books: Books) -> None:
    here, cheap, open_, gone = [
        await books.paid("here"),
        await books.paid("cheap"),
        await books.paid("open", state=PENDING),
        await books.paid("gone", state=CANCELLED),
    ]
    cheap.amount, open_.state, gone.state = 1, PERFORMED, PERFORMED
    stranger = Said("stranger", 700, here.at, PERFORMED)
    await books.paid("forgotten")

    run = await books.compare([here, cheap, open_, gone, stranger, here], more="odd\n")

    assert await found(books, run.id) == Counter(
        {
            ("amount_differs", "cheap"): 1,
            ("state_differs", "open"): 1,
            ("state_differs", "gone"): 1,
            ("missing_here", "stranger"): 1,
            ("missing_there", "forgotten"): 1,
            ("duplicate_there", "here"): 1,
            ("unreadable_line", None): 1,
        }
    )
    assert (run.lines, run.matched, run.unreadable) == (7, 1, 1)
    assert {one.kind: one.open for one in await sums(books.system, run.id)}[DifferenceKind.STATE_DIFFERS] == 2


async def test_both_sides_stand_beside_each_other(books: Books) -> None:
    said = await books.paid("a", som=10)
    said.amount, said.state = 700, CANCELLED

    run = await books.compare([said])

    views = (await differences(books.system, run.id, PageRequest(size=10))).items
    assert {view.difference.kind for view in views} == {"amount_differs", "state_differs"}
    for view in views:
        one = view.difference
        assert (one.their_amount, one.their_state, one.line) == (Money(700), CANCELLED, 2)
        assert (one.our_amount, one.our_status, one.their_at) == (Money.som(10), "captured", said.at)
        assert view.number == books.number


async def test_a_payment_at_the_edge_of_the_period_is_matched_by_its_id(books: Books) -> None:
    midnight = books.world.clock.now().replace(hour=19, minute=0)  # in UTC: the day of Tashkent begins
    before = await books.paid("before", at=midnight - timedelta(seconds=1))
    await books.paid("within", at=midnight)
    await books.paid("last", at=midnight + timedelta(hours=24) - timedelta(microseconds=1_000))
    await books.paid("after", at=midnight + timedelta(hours=24))
    day = (midnight + timedelta(hours=5)).date()

    run = await books.compare([before], period=Period(day, day))

    assert await found(books, run.id) == Counter({("missing_there", "within"): 1, ("missing_there", "last"): 1})
    assert run.matched == 1


async def test_without_a_period_it_is_the_days_of_the_first_and_last_line(books: Books) -> None:
    said = await books.paid("a", at=books.world.clock.now())
    await books.paid("same day", at=said.at + timedelta(minutes=1))
    await books.paid("before", at=said.at - timedelta(days=2))

    run = await books.compare([said])

    assert await found(books, run.id) == Counter({("missing_there", "same day"): 1})


async def test_only_the_same_providers_payments_are_looked_at(books: Books) -> None:
    said = await books.paid("a")
    click = books.world.context(ProviderActor("click"))
    file = io.BytesIO(b"click_trans_id,amount,date\n1,5,2026-03-10\n")

    run = await reconcile(click.acting_as(books.system.actor), file, provider="click", source="", period=None, tell=_no)

    assert await found(books, run.id) == Counter({("missing_here", "1"): 1})
    assert said.id == "a"


def _no(done: int, of: int) -> None:
    """Nobody watches."""


FAULTS = st.sampled_from(["none", "unknown", "left out", "amount", "state", "twice", "odd"])


@given(data=st.lists(st.tuples(st.sampled_from(list(TheirState)), FAULTS), min_size=1, max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_exactly_the_faults_put_in_are_found(books: Books, data: list[tuple[TheirState, str]]) -> None:
    said, more, expected = list[Said](), "", Counter[tuple[str, str | None]]()
    stamp = str((await fetch_row("SELECT count(*) AS n FROM payment") or {})["n"])
    at = books.world.clock.now() + timedelta(days=int(stamp))
    for place, (state, fault) in enumerate(data):
        id_ = f"{stamp}-{place}"
        one = Said(id_, 500, at, state) if fault == "unknown" else await books.paid(id_, state=state, at=at)
        match fault:
            case "unknown" if state is not CANCELLED:
                expected["missing_here", id_] += 1
            case "left out":
                expected["missing_there", id_] += state is PERFORMED
            case "amount":
                one.amount += 1
                expected["amount_differs", id_] += state is not CANCELLED
            case "state":
                one.state = PENDING if state is PERFORMED else PERFORMED
                expected["state_differs", id_] += 1
            case "twice":
                said.append(one)
                expected["duplicate_there", id_] += 1
            case "odd":
                more += f"{id_},nothing,,\n"
                expected["unreadable_line", None] += 1
        if fault != "left out":
            said.append(one)

    day = (at + timedelta(hours=5)).date()
    run = await books.compare(said, more=more, period=Period(day, day))

    assert await found(books, run.id) == +expected


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "id,amount,time\n", "[{"])
async def test_a_file_that_is_no_statement_ends_its_run_as_failed(books: Books, text: str) -> None:
    await books.paid("a")
    before = await books.world.everything(*TABLES[:-1])

    run = await reconcile(books.system, io.BytesIO(text.encode()), provider="payme", source="x", period=None, tell=_no)

    assert run.status == "failed"
    assert run.fault in ("empty", "no_column", "no_period", "cut_short")
    assert await books.world.everything(*TABLES[:-1]) == before
    assert await fetch("SELECT * FROM reconciliation_line") == []


async def test_an_empty_statement_of_a_named_period_is_compared(books: Books) -> None:
    await books.paid("a")
    day = (books.world.clock.now() + timedelta(hours=5)).date()

    run = await books.compare([], period=Period(day, day))

    assert await found(books, run.id) == Counter({("missing_there", "a"): 1})


async def test_the_same_statement_twice_at_once_finds_the_same_twice(books: Books) -> None:
    said = [await books.paid("a"), Said("b", 1, books.world.clock.now(), PERFORMED)]

    first, second = await asyncio.gather(books.compare(said), books.compare(said))

    assert await found(books, first.id) == await found(books, second.id) == Counter({("missing_here", "b"): 1})


async def test_many_lines_are_compared_slice_by_slice_while_somebody_watches(books: Books) -> None:
    at, told = books.world.clock.now(), list[tuple[int, int]]()
    known = await books.paid("known")
    text = "id,amount,time,state\n" + known.csv
    text += "".join(Said(f"n{n}", 100, at, CANCELLED if n % 1_000 else PERFORMED).csv for n in range(1, 50_001))

    run = await reconcile(
        books.system,
        io.BytesIO(text.encode()),
        provider="payme",
        source="big.csv",
        period=None,
        tell=lambda done, of: told.append((done, of)),
    )

    assert (run.lines, run.matched, run.share) == (50_001, 49_951, 100)
    assert sum((await found(books, run.id)).values()) == 50
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == (len(text), len(text))


async def test_a_run_that_nobody_carries_out_is_marked_and_can_be_begun_anew(books: Books) -> None:
    said = await books.paid("a")
    run = await begin(books.system, provider="payme", source="a.csv", size_bytes=10, period=None)

    assert await fail_stale(books.system) == 0
    books.world.clock.move(timedelta(minutes=11))
    assert await fail_stale(books.system) == 1

    assert (await run_by_id(books.system, run.id)).fault == "interrupted"
    assert (await books.compare([said])).status == "done"


async def test_a_run_that_is_broken_off_says_so(books: Books) -> None:
    run = await begin(books.system, provider="payme", source="a.csv", size_bytes=10, period=None)

    with pytest.raises(ValueError, match="closed"):
        await carry_out(books.system, run, _closed())

    assert (await run_by_id(books.system, run.id)).fault == "interrupted"


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


@pytest.mark.parametrize(
    ("given_", "path"),
    [
        ({"provider": "visa"}, "provider"),
        ({"provider": "partner:nobody"}, "provider"),
        ({"period": Period(date(2026, 3, 2), date(2026, 3, 1))}, "until"),
        ({"period": Period(date(1, 1, 1), date(2026, 3, 1))}, "until"),
    ],
)
async def test_what_cannot_be_compared_begins_nothing(books: Books, given_: dict[str, Any], path: str) -> None:
    asked: dict[str, Any] = {"provider": "payme", "source": "a", "size_bytes": 1, "period": None} | given_

    with pytest.raises(InvalidInput) as refused:
        await begin(books.system, **asked)

    assert refused.value.path == (path,)
    assert await fetch("SELECT * FROM reconciliation") == []


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (Anonymous(), Unauthenticated),
        (StaffActor(1, "v", "viewer"), Forbidden),
        (StaffActor(1, "a", "agent"), Forbidden),
        (ProviderActor("payme"), Forbidden),
    ],
)
async def test_admins_begin_runs(books: Books, actor: Any, refusal: type[RequestFault]) -> None:
    with pytest.raises(refusal):
        await begin(books.world.context(actor), provider="payme", source="a", size_bytes=1, period=None)

    assert await fetch("SELECT * FROM reconciliation") == []


async def test_of_a_run_that_failed_nothing_is_shown(books: Books) -> None:
    staff = await books.world.staff("admin")
    run = await fetch_row(
        """INSERT INTO reconciliation
               (provider, source, status, fault, size_bytes, begun_by, begun_at, told_at, ended_at)
           VALUES ('payme', 's.csv', 'failed', 'stopped', 1, 'staff:1', 0, 0, 0) RETURNING id"""
    )
    assert run is not None
    found = await fetch_row(
        "INSERT INTO reconciliation_difference (run_id, kind, line) VALUES ($1, 'unreadable_line', 2) RETURNING id",
        run["id"],
    )
    assert found is not None

    with pytest.raises(NotFound):
        await difference(staff, found["id"])
    assert (await differences(staff, run["id"], PageRequest(size=10))).items == []
    assert await sums(staff, run["id"]) == []
    assert [page async for page in every_difference(staff, run["id"])] == []


class Desk:
    """A run with differences, and staff who settle them."""

    def __init__(self, books: Books, ids: dict[str, int], run_id: int, agent: Context, admin: Context) -> None:
        self.books, self.ids, self.run_id, self.agent, self.admin = books, ids, run_id, agent, admin


@pytest.fixture
async def desk(books: Books) -> Desk:
    """An open payment that they performed, one that they cancelled, a stranger, and one with another amount."""
    paid = await books.paid("paid", state=PENDING)
    over = await books.paid("over", state=PENDING)
    cheap = await books.paid("cheap")
    paid.state, over.state, cheap.amount = PERFORMED, CANCELLED, 1
    run = await books.compare([paid, over, cheap, Said("stranger", 700, paid.at, PERFORMED)], more="odd\n")
    rows = await fetch("SELECT id, external_id FROM reconciliation_difference WHERE run_id = $1", run.id)
    ids = {str(row["external_id"]): int(row["id"]) for row in rows}
    return Desk(books, ids, run.id, await books.world.staff("agent"), await books.world.staff("admin"))


async def test_what_they_have_performed_is_brought_in_by_an_admin(desk: Desk) -> None:
    before = (await desk.books.world.holdings())[(await payee_named(desk.books.number)).account_id]

    await settle(desk.admin, difference_ids=[desk.ids["paid"]], resolution="captured_here", reason=WHY)

    after = (await desk.books.world.holdings())[(await payee_named(desk.books.number)).account_id]
    view = await difference(desk.agent, desk.ids["paid"])
    assert after - before == Money.som(10)
    assert (view.difference.status, view.difference.resolution, view.difference.reason) == (
        "settled",
        "captured_here",
        WHY,
    )
    assert (await perform_payment(desk.books.payme, external_id="paid")).status == "captured"


async def test_what_they_have_cancelled_is_ended_by_an_admin(desk: Desk) -> None:
    await settle(desk.admin, difference_ids=[desk.ids["over"]], resolution="cancelled_here", reason=WHY)

    assert (await cancel_payment(desk.books.payme, external_id="over", reason="1")).status == "cancelled"
    assert (await difference(desk.agent, desk.ids["over"])).difference.status == "settled"


async def test_several_are_settled_at_once_or_none(desk: Desk) -> None:
    before = await desk.books.world.everything(*TABLES)
    with pytest.raises(NotFound):
        await settle(
            desk.agent, difference_ids=[desk.ids["cheap"], 999_999], resolution="provider_corrects", reason=WHY
        )
    assert await desk.books.world.everything(*TABLES) == before

    both = [desk.ids["cheap"], desk.ids["stranger"]]
    await settle(desk.agent, difference_ids=both, resolution="provider_corrects", reason=WHY)

    page = await differences(desk.agent, desk.run_id, PageRequest(size=10), status="settled")
    assert {view.difference.id for view in page.items} == set(both)


async def test_a_balance_is_put_right_by_a_proposal_that_another_decides_on(desk: Desk) -> None:
    view = await difference(desk.agent, desk.ids["cheap"])
    asked: dict[str, Any] = {"subject": f"account:{view.account_id}", "amount": -Money.som(9), "reason": WHY}
    other = await propose_adjustment(desk.agent, code="goodwill", key="g", **asked)
    proposal = await propose_adjustment(desk.agent, code="reconciliation", key="r", **asked)
    before = await desk.books.world.everything(*TABLES)

    for id_ in (None, 999_999, other.id):
        with pytest.raises((InvalidInput, MissingInput)):
            await _adjusted(desk, desk.ids["cheap"], id_)
    assert await desk.books.world.everything(*TABLES) == before

    await _adjusted(desk, desk.ids["cheap"], proposal.id)
    assert (await approve(desk.admin, proposal_id=proposal.id)).status is ProposalStatus.APPROVED
    with pytest.raises(InvalidInput):  # one proposal puts one thing right
        await _adjusted(desk, desk.ids["stranger"], proposal.id)


@pytest.mark.parametrize("how", ["rejected", "withdrawn", "expired"])
async def test_when_the_proposal_comes_to_nothing_the_difference_is_open_again(desk: Desk, how: str) -> None:
    view = await difference(desk.agent, desk.ids["cheap"])
    asked: dict[str, Any] = {"subject": f"account:{view.account_id}", "amount": -Money.som(9), "reason": WHY}
    first, second = [
        await propose_adjustment(desk.agent, code="reconciliation", key=key, **asked) for key in ("first", "second")
    ]
    await _adjusted(desk, desk.ids["cheap"], first.id)

    if how == "rejected":
        await reject(desk.admin, proposal_id=first.id, note="not this account")
    elif how == "withdrawn":
        await withdraw(desk.agent, proposal_id=first.id)
    else:
        desk.books.world.clock.move(timedelta(days=6))
        second = await propose_adjustment(desk.agent, code="reconciliation", key="third", **asked)
        desk.books.world.clock.move(timedelta(days=2))
        await lapse_proposals(desk.books.system)

    again = await difference(desk.agent, desk.ids["cheap"])
    assert again == view
    trail = await fetch("SELECT subject, facts FROM audit_event WHERE action = 'reconciliation.reopened'")
    assert [row["subject"] for row in trail] == [f"reconciliation:{desk.run_id}"]
    await _adjusted(desk, desk.ids["cheap"], second.id)
    await approve(desk.admin, proposal_id=second.id)
    assert (await difference(desk.agent, desk.ids["cheap"])).difference.status == "settled"


async def test_settling_by_a_proposal_and_rejecting_it_at_once_leave_nothing_settled_by_nothing(desk: Desk) -> None:
    view = await difference(desk.agent, desk.ids["cheap"])
    asked: dict[str, Any] = {"subject": f"account:{view.account_id}", "amount": -Money.som(9), "reason": WHY}
    for n in range(5):
        proposal = await propose_adjustment(desk.agent, code="reconciliation", key=f"k{n}", **asked)

        await asyncio.gather(
            _adjusted(desk, desk.ids["cheap"], proposal.id),
            reject(desk.admin, proposal_id=proposal.id, note="not this account"),
            return_exceptions=True,
        )

        assert await difference(desk.agent, desk.ids["cheap"]) == view


@pytest.mark.parametrize("change", ["status = 'open'", "status = 'open', resolution = NULL, reason = NULL"])
async def test_the_database_itself_opens_nothing_that_is_settled(desk: Desk, change: str) -> None:
    await settle(desk.agent, difference_ids=[desk.ids["cheap"]], resolution="accepted", reason=WHY)
    before = await desk.books.world.everything(*TABLES)

    with pytest.raises(BaseORMException):
        await execute(
            f"UPDATE reconciliation_difference SET {change}, settled_by = NULL, settled_at = NULL WHERE id = $1",
            desk.ids["cheap"],
        )

    assert await desk.books.world.everything(*TABLES) == before


async def _adjusted(desk: Desk, id_: int, proposal_id: int | None) -> None:
    await settle(desk.agent, difference_ids=[id_], resolution="adjusted", reason=WHY, proposal_id=proposal_id)


@pytest.mark.parametrize(
    ("who", "name", "resolution", "reason", "refusal"),
    [
        ("agent", "paid", "captured_here", WHY, Forbidden),
        ("agent", "over", "cancelled_here", WHY, Forbidden),
        ("admin", "over", "captured_here", WHY, ResolutionImpossible),
        ("admin", "cheap", "captured_here", WHY, ResolutionImpossible),
        ("admin", "stranger", "cancelled_here", WHY, ResolutionImpossible),
        ("admin", "None", "captured_here", WHY, ResolutionImpossible),
        ("admin", "cheap", "forgotten", WHY, InvalidInput),
        ("admin", "cheap", "accepted", "short", InvalidInput),
        ("admin", "cheap", "accepted", "x" * 501, InvalidInput),
        ("admin", "cheap", "accepted", "", MissingInput),
        ("admin", "cheap", "adjusted", WHY, MissingInput),
    ],
)
async def test_a_refused_settling_changes_nothing(
    desk: Desk, who: str, name: str, resolution: str, reason: str, refusal: type[Refusal]
) -> None:
    before = await desk.books.world.everything(*TABLES)
    ctx = desk.agent if who == "agent" else desk.admin

    with pytest.raises(refusal):
        await settle(ctx, difference_ids=[desk.ids[name]], resolution=resolution, reason=reason)

    assert await desk.books.world.everything(*TABLES) == before


async def test_what_has_gone_on_since_is_not_brought_in_again(desk: Desk) -> None:
    await perform_payment(desk.books.payme, external_id="paid")
    before = await desk.books.world.everything(*TABLES)

    with pytest.raises(ResolutionImpossible):
        await settle(desk.admin, difference_ids=[desk.ids["paid"]], resolution="captured_here", reason=WHY)

    assert await desk.books.world.everything(*TABLES) == before


async def test_of_many_who_settle_the_same_one_does(desk: Desk) -> None:
    account = (await payee_named(desk.books.number)).account_id
    before = (await desk.books.world.holdings())[account]
    calls = (
        settle(desk.admin, difference_ids=[desk.ids["paid"]], resolution="captured_here", reason=WHY) for _ in range(6)
    )

    ended = await asyncio.gather(*calls, perform_payment(desk.books.payme, external_id="paid"), return_exceptions=True)

    assert all(not isinstance(one, BaseException) or isinstance(one, ResolutionImpossible) for one in ended)
    assert (await desk.books.world.holdings())[account] - before == Money.som(10)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM reconciliation_difference",
        "DELETE FROM reconciliation",
        "UPDATE reconciliation_difference SET their_amount = 5",
        "UPDATE reconciliation_difference SET status = 'settled'",
        "UPDATE reconciliation_difference SET reason = 'long enough a reason'",
    ],
)
async def test_the_database_keeps_what_was_found(desk: Desk, sql: str) -> None:
    before = await desk.books.world.everything(*TABLES)

    with pytest.raises(BaseORMException):
        await _in_transaction(sql)

    assert await desk.books.world.everything(*TABLES) == before


async def test_the_database_keeps_how_it_was_settled(desk: Desk) -> None:
    await settle(desk.agent, difference_ids=[desk.ids["cheap"]], resolution="accepted", reason=WHY)

    for sql in ("SET reason = 'another reason for it'", "SET status = 'open'", "SET settled_by = NULL"):
        with pytest.raises(BaseORMException):
            await _in_transaction(f"UPDATE reconciliation_difference {sql} WHERE status = 'settled'")


@in_transaction
async def _in_transaction(sql: str) -> None:
    await execute(sql)


async def test_runs_and_differences_come_in_pages(desk: Desk) -> None:
    first = await differences(desk.agent, desk.run_id, PageRequest(size=2))
    runs = await latest_runs(desk.agent, PageRequest(size=5))

    rest = await differences(desk.agent, desk.run_id, PageRequest.of(first=10, after=first.cursors[-1]))

    seen = [view.difference.id for view in (*first.items, *rest.items)]
    assert first.has_next
    assert len(seen) == len(set(seen)) == 5
    assert [(run.id, open_) for run, open_ in runs.items] == [(desk.run_id, 5)]


async def test_what_can_be_chosen_depends_on_what_differs(desk: Desk) -> None:
    offered = {
        name: {str(one) for one in resolutions_of((await difference(desk.agent, id_)).difference)}
        for name, id_ in desk.ids.items()
    }

    both = {"accepted", "provider_corrects"}
    assert offered == {
        "paid": both | {"captured_here"},
        "over": both | {"cancelled_here"},
        "cheap": both | {"adjusted"},
        "stranger": both | {"adjusted"},
        "None": both,
    }
