"""A wallet's whole life, in any order: what hypothesis makes of all that can be done keeps the promises about money.

Each step is a use case of the product, called as its door calls it. After each one, whatever it was and whether it was
refused: all entries sum to zero, each balance is the sum of its entries, what is held is the sum of the open holds, no
account is below its floor, a Light wallet has stayed within its limits, and frozen money has not moved. At the end the
ledger is checked, hashes and all. KABINET_FUZZ=1000 tries more lives.
"""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from domain.clock import from_micros, local_day
from domain.database import execute, fetch
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.refusal import Refusal
from resolvers import hold as holds
from resolvers import supplier as suppliers
from resolvers import wallet as wallets
from resolvers.approval import approve, propose_adjustment
from resolvers.bhm import add_bhm
from resolvers.context import Context, PartnerActor, ProviderActor, StaffActor, SystemActor
from resolvers.payment import cancel_payment, create_payment, payee_named, perform_payment
from resolvers.top_up import top_up
from resolvers.worker import DUE_WORK
from server.database import connect, disconnect
from tests.support.market import Market, open_market
from tests.support.postgres import PrivatePostgres
from tests.support.world import Person, World

T = TypeVar("T")
LIVES: Final = max(30, int(os.environ.get("KABINET_FUZZ", "0")))
STEPS: Final = 40
BIRTH: Final = date(1990, 5, 17)
PEOPLE: Final = st.sampled_from((0, 0, 1, 1, 2))
# The first one stays Light, remembers the PIN and keeps the wallet: some lives should just go on.
UNSTEADY: Final = st.sampled_from((1, 2))
# Around what a Light wallet may hold (five times 412,000 so'm), and far from it.
SOM: Final = st.sampled_from(
    (1, 1_000, 50_000, 300_000, 560_000, 560_001, 1_000_000, 2_060_000, 2_060_001)
) | st.integers(1, 3_000_000)
# What may change a balance that is frozen, by what the wallet was before the step and is after it (W-4.6).
_MAY_MOVE: Final[dict[tuple[str, str], set[str]]] = {
    ("blocked", "blocked"): set(),
    ("blocked", "closed"): {"forfeiture"},
    ("closed", "closed"): {"forfeiture", "redemption"},
}
WAITS: Final = st.sampled_from(
    (
        timedelta(minutes=20),
        timedelta(hours=13),
        timedelta(days=1),
        timedelta(days=29),
        timedelta(days=31),
        timedelta(days=400),
        timedelta(days=3 * 366),
    )
)


class WholeLife(RuleBasedStateMachine):
    """Three people: two have a wallet with money in it, the third has yet to open one."""

    url: str = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.keys = map(str, count())
        self.market: Market
        self.people: list[Person] = []
        self.edition = ""
        self.staff: list[Context] = []
        self.holds: list[int] = []
        self.payments: list[tuple[Context, str]] = []
        self.seen_entry = 0
        self.stood: dict[int, str] = {}

    @property
    def world(self) -> World:
        return self.market.world

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def do(self, work: Awaitable[T]) -> T | None:
        """One use case. What it refuses has changed nothing; anything else that it raises is a fault."""
        return self.run(self._do(work))

    async def _do(self, work: Awaitable[T]) -> T | None:
        before = await _money()
        refused: Refusal | None = None
        try:
            return await work
        except Refusal as refusal:
            refused = refusal
        assert await _money() == before, refused
        return None

    async def _me(self, number: int) -> Context:
        """The person's own surroundings, in a session of this step."""
        return await self.world.signed_in(self.people[number])

    def teardown(self) -> None:
        try:
            if self.people:
                assert self.run(_faults()) == []
        finally:
            self.run(disconnect())
            self.runner.close()

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        await connect(self.url)
        self.market = await open_market(World())
        self.edition = await self.world.wallet_offer()
        for _ in range(3):
            person = await self.world.person()
            # Opening asks for no PIN of who has one: its hash would be most of a life's time.
            await execute("UPDATE subscriber SET pin_hash = 'made before' WHERE id = $1", person.id)
            self.people.append(person)
        self.staff = [self.world.context(await _hired(name)) for name in ("dilnoza", "rustam")]
        for who in (0, 1):
            await self._open(who)
            await self._top_up(who, 2_000_000 - 500_000 * who)

    # Opening, and money in

    @rule(who=PEOPLE)
    def open(self, who: int) -> None:
        self.do(self._open(who))

    async def _open(self, who: int) -> None:
        ctx = await self._me(who)
        await wallets.open_wallet(ctx, birth_date=BIRTH, pin=None, offer_edition=self.edition)

    @rule(who=PEOPLE, som=SOM)
    def an_agent_tops_up(self, who: int, som: int) -> None:
        self.do(self._top_up(who, som))

    async def _top_up(self, who: int, som: int) -> None:
        assert isinstance(self.market.stranger.actor, PartnerActor)
        actor = replace(self.market.stranger.actor, scopes=frozenset({"topup:write"}))
        agent = self.world.context(actor)
        if number := await self._wallet_number(who):
            await top_up(agent, to=number, amount=Decimal(som), commission=None, key=next(self.keys), external_id=None)

    async def _wallet_number(self, who: int) -> str | None:
        mine = await wallets.my_wallet(await self._me(who))
        return mine.number if mine else None

    @rule(who=PEOPLE, som=SOM, provider=st.sampled_from(("payme", "click")))
    def a_provider_begins(self, who: int, som: int, provider: str) -> None:
        self.do(self._begin_payment(who, som, provider))

    async def _begin_payment(self, who: int, som: int, provider: str) -> None:
        ctx, id_ = self.world.context(ProviderActor(provider)), next(self.keys)
        if number := await self._wallet_number(who):
            now = self.world.clock.now()
            await create_payment(
                ctx,
                partial(payee_named, number),
                Money.som(som),
                external_id=id_,
                named=number,
                provider_at=now,
                lifetime=timedelta(hours=12),
            )
            self.payments.append((ctx, id_))

    @rule(which=st.integers(0, 9))
    def a_provider_performs(self, which: int) -> None:
        if self.payments:
            ctx, id_ = self.payments[which % len(self.payments)]
            self.do(perform_payment(ctx, external_id=id_))

    @rule(which=st.integers(0, 9))
    def a_provider_cancels(self, which: int) -> None:
        if self.payments:
            ctx, id_ = self.payments[which % len(self.payments)]
            self.do(cancel_payment(ctx, external_id=id_, reason="5"))

    # Money out

    @rule(who=PEOPLE, further=st.sampled_from((1, 1, 2, 0)), som=SOM)
    def transfer(self, who: int, further: int, som: int) -> None:
        self.do(self._transfer(who, (who + further) % 3, som))

    async def _transfer(self, who: int, to: int, som: int) -> None:
        ctx = await self._me(who)
        await wallets.transfer(ctx, to=self.people[to].phone, amount=Decimal(som), key=next(self.keys))

    @rule(who=PEOPLE, som=SOM)
    def pay(self, who: int, som: int) -> None:
        self.do(self._pay(who, som))

    async def _pay(self, who: int, som: int) -> None:
        ctx = await self._me(who)
        await suppliers.pay(ctx, supplier="power", reference="1234567", amount=Decimal(som), key=next(self.keys))

    @rule(who=PEOPLE, som=SOM)
    def spend_and_refill(self, who: int, som: int) -> None:
        self.do(self._pay(who, som))
        self.do(self._top_up(who, som))

    # Holds

    @rule(who=PEOPLE, som=SOM, minutes=st.sampled_from((5, 60, 43_200)))
    def reserve(self, who: int, som: int, minutes: int) -> None:
        self.do(self._reserve(who, som, minutes))

    async def _reserve(self, who: int, som: int, minutes: int) -> None:
        hold = await self.market.reserve(await self._me(who), som, key=next(self.keys), minutes=minutes)
        self.holds.append(hold.id)

    @rule(which=st.integers(0, 9), som=st.none() | SOM, final=st.booleans())
    def take_a_part(self, which: int, som: int | None, final: bool) -> None:
        self.capture(which, som, final=final)

    def capture(self, which: int, som: int | None, *, final: bool) -> None:
        """Of the hold that is so many before the newest."""
        if self.holds:
            hold_id, amount = self.holds[-1 - which % len(self.holds)], None if som is None else Decimal(som)
            taking = holds.capture_hold(
                self.market.partner, hold_id=hold_id, amount=amount, final=final, key=next(self.keys)
            )
            self.do(taking)

    @rule(which=st.integers(0, 9))
    def release(self, which: int) -> None:
        if self.holds:
            self.do(holds.release_hold(self.market.partner, hold_id=self.holds[-1 - which % len(self.holds)]))

    @rule(who=PEOPLE, som=SOM, step=st.sampled_from(("report_loss", "suspect")))
    def a_block_meets_a_hold(self, who: int, som: int, step: str) -> None:
        self.do(self._reserve(who, som, 60))
        self.do(self._block_or_restore(who, step))
        self.promises_are_kept()
        self.capture(0, None, final=False)

    # The wallet's own life

    @rule(who=UNSTEADY, leave_rest=st.booleans())
    def give_up(self, who: int, leave_rest: bool) -> None:
        self.do(self._give_up(who, leave_rest))

    async def _give_up(self, who: int, leave_rest: bool) -> None:
        await wallets.close_wallet(await self._me(who), leave_rest=leave_rest)

    @rule(who=PEOPLE, step=st.sampled_from(("report_loss", "restore_number", "suspect", "clear")))
    def block_or_restore(self, who: int, step: str) -> None:
        self.do(self._block_or_restore(who, step))

    async def _block_or_restore(self, who: int, step: str) -> None:
        row = await self._newest_wallet(who)
        if row is not None:
            known = {"birth_date": BIRTH} if step == "restore_number" else {}
            reason = "as the holder and the law want it"
            await getattr(wallets, step)(self.staff[0], wallet_id=row["id"], reason=reason, **known)

    async def _newest_wallet(self, who: int) -> dict[str, Any] | None:
        rows = await fetch("SELECT * FROM wallet WHERE subscriber_id = $1 ORDER BY id DESC", self.people[who].id)
        return rows[0] if rows else None

    @rule(who=UNSTEADY)
    def forget_the_pin(self, who: int) -> None:
        self.do(self._forget_the_pin(who))

    async def _forget_the_pin(self, who: int) -> None:
        await wallets.forget_pin(await self._me(who))

    @rule(who=PEOPLE, knows=st.booleans())
    def make_a_new_pin(self, who: int, knows: bool) -> None:
        self.do(self._make_a_new_pin(who, BIRTH if knows else BIRTH + timedelta(days=1)))

    async def _make_a_new_pin(self, who: int, born: date) -> None:
        await wallets.reset_pin(await self._me(who), birth_date=born, pin="2580")

    @rule(who=UNSTEADY)
    def identify(self, who: int) -> None:
        self.do(self._identify(who))

    async def _identify(self, who: int) -> None:
        row, name = await self._newest_wallet(who), f"Person{who + 1}"
        if row is not None:
            document = wallets.Document("id_card", "AA1234567", name, "Test", "", BIRTH, "31705900010017")
            await wallets.identify(
                self.staff[0],
                wallet_id=row["id"],
                phone=row["phone"],
                wallet_number=row["number"],
                birth_date=BIRTH,
                document=document,
                doubt_settled=True,
            )

    @rule(who=PEOPLE, som=SOM)
    def ask_to_be_paid_out(self, who: int, som: int) -> None:
        self.do(self._ask_to_be_paid_out(who, som))

    async def _ask_to_be_paid_out(self, who: int, som: int) -> None:
        row = await self._newest_wallet(who)
        if row is not None and row["status"] == "closed":
            await wallets.request_rest(self.staff[0], wallet_id=row["id"], destination="in cash, at the office")
        else:
            ctx = await self._me(who)
            await wallets.request_redemption(
                ctx, amount=Decimal(som), destination="card 8600 **** 1234", key=next(self.keys)
            )

    @rule(by=st.integers(0, 1))
    def pay_out(self, by: int) -> None:
        asked = self.run(fetch("SELECT id FROM redemption WHERE status = 'requested' ORDER BY id"))
        if asked:
            self.do(wallets.pay_out(self.staff[by], redemption_id=asked[0]["id"]))

    # Staff, and time

    @rule(who=PEOPLE, som=SOM, takes=st.booleans(), self_approved=st.booleans())
    def adjust(self, who: int, som: int, takes: bool, self_approved: bool) -> None:
        self.do(self._adjust(who, -som if takes else som, 0 if self_approved else 1))

    async def _adjust(self, who: int, som: int, by: int) -> None:
        mine = await wallets.my_wallet(await self._me(who))
        if mine is not None:
            proposed = await propose_adjustment(
                self.staff[0],
                subject=f"wallet:{mine.id}",
                amount=Money.som(som),
                code="goodwill",
                reason="made good after a complaint",
                key=next(self.keys),
            )
            await approve(self.staff[by], proposal_id=proposed.id)

    @rule(days=st.integers(1, 40), som=st.sampled_from((300_000, 412_000, 500_000)))
    def a_new_bhm_is_announced(self, days: int, som: int) -> None:
        day = local_day(self.world.clock.now()) + timedelta(days=days)
        self.do(add_bhm(self.staff[0], effective_from=day, amount=Decimal(som)))

    @rule(wait=WAITS)
    def wait(self, wait: timedelta) -> None:
        self.world.clock.move(wait)

    @rule()
    def the_worker_comes(self) -> None:
        self.do(self._work())

    async def _work(self) -> None:
        for work in DUE_WORK:
            await work(self.world.context(SystemActor()), batch=100)

    # What always holds

    @invariant()
    def promises_are_kept(self) -> None:
        if self.people:
            self.run(self._keep_promises())

    async def _keep_promises(self) -> None:
        await _balances_agree()
        wallets_now = {row["ledger_account_id"]: row for row in await fetch("SELECT * FROM wallet")}
        limits = [(row["effective_from"], 5 * row["amount"]) for row in await fetch("SELECT * FROM bhm")]
        entries = await fetch(
            "SELECT * FROM ledger_entry WHERE id > $1 AND seq IS NOT NULL ORDER BY id", self.seen_entry
        )
        for entry in entries:
            wallet = wallets_now.get(entry["account_id"])
            if wallet is None:
                continue
            still_frozen = _MAY_MOVE.get((self.stood.get(wallet["id"], "active"), wallet["status"]))
            assert still_frozen is None or entry["kind"] in still_frozen, entry
            if wallet["level"] == "light" and entry["amount"] > 0:
                await _within_limits(entry, limits)
        self.seen_entry = max([self.seen_entry, *(entry["id"] for entry in entries)])
        self.stood = {row["id"]: row["status"] for row in wallets_now.values()}


async def _money() -> list[Any]:
    """Everything that a refused call must leave as it was."""
    transfers = await fetch("SELECT COUNT(*) AS transfers, COALESCE(MAX(id), 0) AS last FROM ledger_transfer")
    accounts = await fetch("SELECT id, balance, held, seq FROM ledger_account WHERE balance IS NOT NULL ORDER BY id")
    return [transfers, accounts, await fetch("SELECT id, held, status FROM hold ORDER BY id")]


async def _balances_agree() -> None:
    """Entries sum to zero; balances are the sums of theirs, above the floor; what is held is what holds hold."""
    odd = await fetch(
        """SELECT a.id, a.balance, a.floor, a.held FROM ledger_account a
           LEFT JOIN (SELECT account_id, SUM(amount) AS sum FROM ledger_entry GROUP BY account_id) e
               ON e.account_id = a.id
           LEFT JOIN (SELECT ledger_account_id, SUM(amount + commission - captured - commission_captured) AS sum
                      FROM hold WHERE status = 'authorized' GROUP BY ledger_account_id) h
               ON h.ledger_account_id = a.id
           WHERE a.held <> COALESCE(h.sum, 0)
              OR (a.balance IS NOT NULL AND (a.balance <> COALESCE(e.sum, 0) OR a.balance - a.held < a.floor))"""
    )
    assert odd == []
    assert await fetch("SELECT COALESCE(SUM(amount), 0) AS sum FROM ledger_entry") == [{"sum": 0}]


async def _within_limits(entry: dict[str, Any], limits: list[tuple[str, int]]) -> None:
    """W-4.5.1: the balance after what came in, and what came in on this day and the 29 before it, in Tashkent."""
    day = local_day(from_micros(entry["at"]))
    most = max(limit for limit in limits if limit[0] <= day.isoformat())[1]
    assert entry["balance_after"] <= most, entry
    if entry["kind"] not in ("top_up", "transfer_in"):
        return
    opens = datetime.combine(day - timedelta(days=29), datetime.min.time(), UTC) - timedelta(hours=5)
    came_in = await fetch(
        """SELECT SUM(amount) AS sum FROM ledger_entry
           WHERE account_id = $1 AND id <= $2 AND at >= $3 AND kind IN ('top_up', 'transfer_in')""",
        entry["account_id"],
        entry["id"],
        round(opens.timestamp()) * 1_000_000,
    )
    assert came_in[0]["sum"] <= most, entry


async def _faults() -> list[str]:
    return [str(fault) async for fault in check_ledger()]


async def _hired(name: str) -> StaffActor:
    rows = await fetch(
        """INSERT INTO staff (username, name, role, password_hash, totp_nonce, language, created_at)
           VALUES ($1, $1, 'admin', 'x', 'x', 'en', 0) RETURNING id""",
        name,
    )
    return StaffActor(rows[0]["id"], name, "admin")


def live(url_of: Iterator[str]) -> None:
    """Lets hypothesis live so many lives, each on a database of its own."""

    class Life(WholeLife):
        def __init__(self) -> None:
            super().__init__()
            self.url = next(url_of)

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=LIVES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )


@pytest.mark.slow
@pytest.mark.rule("W-4.4.4")
@pytest.mark.rule("W-4.5.1a")
@pytest.mark.rule("W-4.5.1b")
def test_any_life_of_wallets_keeps_the_promises_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    def urls() -> Iterator[str]:
        for number in count():
            path = tmp_path / f"{number}.db"
            shutil.copyfile(sqlite_template, path)
            yield f"sqlite:///{path}"

    live(urls())


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.rule("W-4.4.4")
def test_any_life_of_wallets_keeps_the_promises_on_postgresql(
    postgres_server: PrivatePostgres, postgres_template: str
) -> None:
    def urls() -> Iterator[str]:
        while True:
            url = postgres_server.create_database(template=postgres_template)
            yield url
            postgres_server.drop_database(url.rpartition("/")[2])

    live(urls())
