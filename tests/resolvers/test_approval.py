"""Four eyes: who may propose and decide, what an approved adjustment does, and that a refusal moves nothing."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from domain.approval import LIFETIME, OwnProposal, Proposal, ProposalDecided, ProposalStatus
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.ledger import EntryKind, InsufficientFunds
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.refusal import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidAmount,
    InvalidInput,
    MissingInput,
    NotFound,
    Refusal,
    Unauthenticated,
)
from domain.wallet import BalanceLimitReached, WalletNotActive
from resolvers import account as accounts
from resolvers import approval
from resolvers.context import Context, StaffActor, SystemActor
from resolvers.paging import PageRequest
from tests.support.market import open_market
from tests.support.world import World

REASON = "The card was charged twice, see the bank's letter"


@dataclass(slots=True)
class Office:
    """An agent who proposes and two admins."""

    world: World
    agent: Context
    admin: Context
    other: Context
    viewer: Context
    keys: int = 0

    async def propose(self, ctx: Context | None = None, **changes: Any) -> Proposal:
        self.keys += 1
        asked = {"code": "duplicate", "reason": REASON, "key": f"key {self.keys}"} | changes
        return await approval.propose_adjustment(ctx or self.agent, **asked)

    async def everything(self) -> list[list[dict[str, Any]]]:
        """Every row that a refused call must leave as it was."""
        tables = ("ledger_account", "ledger_transfer", "ledger_entry", "approval", "audit_event", "wallet")
        rows = [await fetch(f"SELECT * FROM {table} ORDER BY id") for table in tables]
        return [*rows, await fetch("SELECT * FROM idempotency ORDER BY scope, key")]

    async def refuses(self, refusal: type[Exception], work: Any) -> Any:
        """The work is refused, and nothing has changed."""
        before = await self.everything()
        with pytest.raises(refusal) as refused:
            await work
        assert await self.everything() == before
        return refused.value


async def hire(world: World, username: str, role: str) -> Context:
    row = await fetch_row(
        """INSERT INTO staff (username, name, role, password_hash, totp_nonce, language, created_at)
           VALUES ($1, $1, $2, '', $1, 'en', 0) RETURNING id""",
        username,
        role,
    )
    assert row is not None
    return world.context(StaffActor(row["id"], username, role))


@pytest.fixture
async def office(db: str) -> Office:
    world = World()
    agent, admin = await hire(world, "agent", "agent"), await hire(world, "admin", "admin")
    return Office(world, agent, admin, await hire(world, "other", "admin"), await hire(world, "viewer", "viewer"))


async def balance(ledger_account: int) -> Money:
    row = await fetch_row("SELECT balance FROM ledger_account WHERE id = $1", ledger_account)
    assert row is not None
    return Money(row["balance"])


async def five_bhm() -> Money:
    row = await fetch_row("SELECT amount FROM bhm WHERE effective_from <= '2026-03-10' ORDER BY effective_from DESC")
    assert row is not None
    return Money(row["amount"]) * 5


async def sound() -> bool:
    return [fault async for fault in check_ledger()] == []


@pytest.mark.parametrize("som", [40, -40])
async def test_nothing_moves_before_a_second_person_approves(office: Office, som: int) -> None:
    holder = await office.world.holder(100)
    subject = f"wallet:{holder.wallet_id}"

    proposed = await office.propose(subject=subject, amount=Money.som(som))
    before = await balance(holder.wallet_ledger)
    approved = await approval.approve(office.admin, proposal_id=proposed.id, note="Seen in the bank's file")

    assert before == Money.som(100)
    assert await balance(holder.wallet_ledger) == Money.som(100 + som)
    assert approved.status is ProposalStatus.APPROVED
    assert (approved.result["before"], approved.result["after"]) == (10_000, 10_000 + som * 100)
    assert office.world.announced == [subject]
    assert await sound()


async def test_the_holder_sees_the_adjustment_with_its_reason_s_code_and_nothing_more(office: Office) -> None:
    holder = await office.world.holder(100)
    proposed = await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(-7))
    await approval.approve(office.admin, proposal_id=proposed.id)

    mine = await office.world.signed_in(holder)
    seen = await accounts.entries(mine, holder.wallet_ledger, PageRequest())
    (receipt,) = await accounts.receipts(mine, [seen.items[0].transfer_id])

    assert seen.items[0].kind == EntryKind.ADJUSTMENT
    assert seen.items[0].memo == {"reason": "duplicate", "proposal": proposed.id, "payer": holder.wallet_number}
    assert receipt is not None
    assert (receipt.adjusted_for, receipt.amount, receipt.payer) == ("duplicate", Money.som(7), holder.wallet_number)


async def test_a_personal_account_is_adjusted_too_and_says_what_it_corrects(office: Office) -> None:
    person = await office.world.person(balance=100)
    wrong = await fetch_row("SELECT MAX(id) AS id FROM ledger_transfer")
    assert wrong is not None

    proposed = await office.propose(
        subject=f"account:{person.account_id}", amount=Money.som(-100), code="wrong_amount", corrects=wrong["id"]
    )
    approved = await approval.approve(office.admin, proposal_id=proposed.id)

    row = await fetch_row("SELECT kind, corrects_id FROM ledger_transfer WHERE id = $1", approved.result["transfer"])
    assert row == {"kind": "adjustment", "corrects_id": wrong["id"]}
    assert await balance(person.account_ledger) == Money(0)
    assert await sound()


async def test_the_trail_tells_who_proposed_who_approved_and_what_was_carried_out(office: Office) -> None:
    holder = await office.world.holder(100)
    subject = f"wallet:{holder.wallet_id}"
    proposed = await office.propose(subject=subject, amount=Money.som(5))
    approved = await approval.approve(office.admin, proposal_id=proposed.id)

    rows = await fetch("SELECT actor, action, subject, facts FROM audit_event ORDER BY id")

    lines = [(row["actor"], row["action"], row["subject"]) for row in rows]
    agent, admin, its_own = office.agent.actor.label, office.admin.actor.label, f"proposal:{proposed.id}"
    assert lines == [
        (agent, "adjustment.proposed", its_own),
        (agent, "adjustment.proposed", subject),
        (admin, "adjustment.approved", its_own),
        (admin, "adjustment.approved", subject),
        (admin, "adjustment.carried_out", subject),
    ]
    assert f'"transfer": {approved.result["transfer"]}' in rows[-1]["facts"]
    assert not any(REASON in row["facts"] for row in rows)


async def test_nobody_decides_on_their_own_proposal(office: Office) -> None:
    holder = await office.world.holder(100)
    proposed = await office.propose(office.admin, subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))

    await office.refuses(OwnProposal, approval.approve(office.admin, proposal_id=proposed.id))
    await office.refuses(OwnProposal, approval.reject(office.admin, proposal_id=proposed.id, note="Changed my mind"))

    assert not approval.may_decide(office.admin, proposed)
    assert approval.may_decide(office.other, proposed)
    assert not approval.may_decide(office.agent, proposed)


async def test_viewers_propose_nothing_and_agents_decide_nothing(office: Office) -> None:
    holder = await office.world.holder(100)
    subject = f"wallet:{holder.wallet_id}"
    proposed = await office.propose(subject=subject, amount=Money.som(5))
    colleague = await hire(office.world, "colleague", "agent")
    mine, nobody = await office.world.signed_in(holder), office.world.context()

    await office.refuses(Forbidden, office.propose(office.viewer, subject=subject, amount=Money.som(5)))
    await office.refuses(Forbidden, office.propose(mine, subject=subject, amount=Money.som(5)))
    await office.refuses(Unauthenticated, office.propose(nobody, subject=subject, amount=Money.som(5)))
    for ctx in (office.viewer, colleague, office.agent, mine):
        await office.refuses(Forbidden, approval.approve(ctx, proposal_id=proposed.id))
        await office.refuses(Forbidden, approval.reject(ctx, proposal_id=proposed.id, note="No"))
    for ctx in (office.viewer, colleague, office.admin, mine):
        await office.refuses(Forbidden, approval.withdraw(ctx, proposal_id=proposed.id))
    await office.refuses(Forbidden, approval.lapse_proposals(office.admin))
    await office.refuses(NotFound, approval.approve(office.admin, proposal_id=proposed.id + 1))


@pytest.mark.parametrize(
    ("case", "changes", "refusal", "field"),
    [
        ("nothing", {"amount": Money(0)}, InvalidAmount, "amount"),
        ("more than there is", {"amount": Money.som(10**13) + Money(1)}, InvalidAmount, "amount"),
        ("less than there is", {"amount": -Money.som(10**13) - Money(1)}, InvalidAmount, "amount"),
        ("no such code", {"code": "because"}, InvalidInput, "code"),
        ("no reason", {"reason": "   "}, MissingInput, "reason"),
        ("too short a reason", {"reason": "a mistake"}, InvalidInput, "reason"),
        ("too long a reason", {"reason": "x" * 501}, InvalidInput, "reason"),
        ("no key", {"key": ""}, InvalidInput, "idempotencyKey"),
        ("no such wallet", {"subject": "wallet:999999"}, NotFound, "subject"),
        ("no such thing", {"subject": "staff:1"}, NotFound, "subject"),
        ("no subject", {"subject": "wallet:1; DROP TABLE approval"}, NotFound, "subject"),
        ("an id that no database holds", {"subject": "wallet:" + "9" * 30}, NotFound, "subject"),
        ("somebody else's transfer", {"corrects": 2}, NotFound, "corrects"),
        ("no such transfer", {"corrects": 999}, NotFound, "corrects"),
    ],
)
async def test_a_proposal_must_make_sense(
    office: Office, case: str, changes: dict[str, Any], refusal: type[Refusal], field: str
) -> None:
    holder = await office.world.holder(100)
    await office.world.holder(100)
    asked: dict[str, Any] = {"subject": f"wallet:{holder.wallet_id}", "amount": Money.som(5)} | changes

    refused = await office.refuses(refusal, office.propose(**asked))

    assert refused.path[-1] == field


@pytest.mark.parametrize("length", [10, 500])
async def test_a_reason_of_just_the_right_length_is_taken(office: Office, length: int) -> None:
    holder = await office.world.holder(100)

    proposed = await office.propose(
        subject=f"wallet:{holder.wallet_id}", amount=Money.som(5), reason=f" {'ж' * length} "
    )

    assert proposed.reason == "ж" * length


async def freeze(wallet_id: int, status: str) -> None:
    """Blocks the wallet, or closes it with its rest."""
    if status == "blocked":
        await execute("INSERT INTO wallet_block (wallet_id, cause, since) VALUES ($1, 'suspicion', 0)", wallet_id)
    else:
        await execute(
            "UPDATE wallet SET status = 'closed', closed_at = 0, closed_because = 'given_up' WHERE id = $1", wallet_id
        )


@pytest.mark.rule("W-4.6.1c")
@pytest.mark.parametrize("status", ["blocked", "closed"])
@pytest.mark.parametrize("som", [5, -5])
async def test_frozen_money_stays_frozen_before_and_after_proposing(office: Office, status: str, som: int) -> None:
    holder = await office.world.holder(100)
    asked: dict[str, Any] = {"subject": f"wallet:{holder.wallet_id}", "amount": Money.som(som)}
    proposed = await office.propose(**asked)
    await freeze(holder.wallet_id, status)

    await office.refuses(WalletNotActive, approval.approve(office.admin, proposal_id=proposed.id))
    await office.refuses(WalletNotActive, office.propose(**asked))


@pytest.mark.rule("W-4.4.4")
async def test_an_adjustment_takes_no_more_than_there_is(office: Office) -> None:
    holder, person = await office.world.holder(100), await office.world.person(balance=100)
    wallet = await office.propose(subject=f"wallet:{holder.wallet_id}", amount=-Money(10_001))
    account = await office.propose(subject=f"account:{person.account_id}", amount=-Money(10_001))

    from_wallet = await office.refuses(InsufficientFunds, approval.approve(office.admin, proposal_id=wallet.id))
    from_account = await office.refuses(InsufficientFunds, approval.approve(office.admin, proposal_id=account.id))

    assert (from_wallet.rule, from_account.rule) == ("W-4.4.4", "A-6.12")


async def test_what_is_held_is_not_adjusted_away(office: Office) -> None:
    market = await open_market(office.world)
    holder = await office.world.holder(1_000)
    await market.reserve(await office.world.signed_in(holder), 600)
    free = await market.balance(holder) - await market.held(holder)
    subject = f"wallet:{holder.wallet_id}"
    too_much = await office.propose(subject=subject, amount=-free - Money(1))
    just_right = await office.propose(subject=subject, amount=-free)

    await office.refuses(InsufficientFunds, approval.approve(office.admin, proposal_id=too_much.id))
    await approval.approve(office.admin, proposal_id=just_right.id)

    assert await market.balance(holder) == await market.held(holder)


@pytest.mark.rule("W-4.5.1b")
async def test_a_light_wallet_is_not_adjusted_over_its_limit_and_a_premium_one_may_be(office: Office) -> None:
    light = await office.world.holder(100)
    premium = await office.world.holder(100, level="premium")
    limit = await five_bhm()
    over = await office.propose(subject=f"wallet:{light.wallet_id}", amount=limit - Money.som(100) + Money(1))
    full = await office.propose(subject=f"wallet:{light.wallet_id}", amount=limit - Money.som(100))
    free = await office.propose(subject=f"wallet:{premium.wallet_id}", amount=limit)

    refused = await office.refuses(BalanceLimitReached, approval.approve(office.admin, proposal_id=over.id))
    for one in (full, free):
        await approval.approve(office.admin, proposal_id=one.id)

    assert refused.facts == {"limit": limit, "left": limit - Money.som(100)}
    assert await balance(light.wallet_ledger) == limit
    assert await balance(premium.wallet_ledger) == limit + Money.som(100)


async def test_the_same_key_twice_is_one_proposal(office: Office) -> None:
    holder = await office.world.holder(100)
    asked: dict[str, Any] = {"subject": f"wallet:{holder.wallet_id}", "amount": Money.som(5), "key": "once"}

    first, second = await office.propose(**asked), await office.propose(**asked)

    assert first.id == second.id
    await office.refuses(IdempotencyKeyReused, office.propose(**asked | {"amount": Money.som(6)}))


@pytest.mark.parametrize("end", ["approve", "reject", "withdraw", "lapse"])
async def test_what_is_decided_stays_decided(office: Office, end: str) -> None:
    holder = await office.world.holder(100)
    id_ = (await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))).id
    match end:
        case "approve":
            await approval.approve(office.admin, proposal_id=id_)
        case "reject":
            await approval.reject(office.admin, proposal_id=id_, note="The bank says otherwise")
        case "withdraw":
            await approval.withdraw(office.agent, proposal_id=id_)
        case "lapse":
            office.world.clock.move(LIFETIME)
            assert await approval.lapse_proposals(office.world.context(SystemActor())) == 1

    await office.refuses(ProposalDecided, approval.approve(office.other, proposal_id=id_))
    await office.refuses(ProposalDecided, approval.reject(office.other, proposal_id=id_, note="No"))
    await office.refuses(ProposalDecided, approval.withdraw(office.agent, proposal_id=id_))
    assert await balance(holder.wallet_ledger) == Money.som(105 if end == "approve" else 100)


async def test_a_rejection_says_why(office: Office) -> None:
    holder = await office.world.holder(100)
    proposed = await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))

    await office.refuses(MissingInput, approval.reject(office.admin, proposal_id=proposed.id, note=" "))
    await office.refuses(InvalidInput, approval.reject(office.admin, proposal_id=proposed.id, note="x" * 501))
    rejected = await approval.reject(office.admin, proposal_id=proposed.id, note="The bank says otherwise")

    assert (rejected.status, rejected.note) == (ProposalStatus.REJECTED, "The bank says otherwise")


async def test_a_proposal_lapses_after_seven_days_even_before_the_worker_comes(office: Office) -> None:
    holder = await office.world.holder(100)
    proposed = await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))
    system = office.world.context(SystemActor())

    office.world.clock.move(LIFETIME - timedelta(microseconds=1))
    early = await approval.lapse_proposals(system)
    office.world.clock.move(timedelta(microseconds=1))
    await office.refuses(ProposalDecided, approval.approve(office.admin, proposal_id=proposed.id))
    lapsed = [await approval.lapse_proposals(system), await approval.lapse_proposals(system)]

    assert (early, lapsed) == (0, [1, 0])
    seen = await approval.proposal(office.viewer, proposed.id)
    assert seen is not None
    assert seen.proposal.status is ProposalStatus.EXPIRED


async def test_what_waits_and_what_is_decided_are_listed_apart(office: Office) -> None:
    holder = await office.world.holder(100)
    asked: dict[str, Any] = {"subject": f"wallet:{holder.wallet_id}", "amount": Money.som(5)}
    decided, waiting = await office.propose(**asked), await office.propose(**asked)
    await approval.approve(office.admin, proposal_id=decided.id)

    open_ones = await approval.proposals(office.viewer, PageRequest(), waiting=True)
    closed_ones = await approval.proposals(office.viewer, PageRequest(), waiting=False)

    assert [one.proposal.id for one in open_ones.items] == [waiting.id]
    assert [(one.proposal.id, one.proposer, one.decider) for one in closed_ones.items] == [
        (decided.id, "agent", "admin")
    ]


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_of_many_deciders_at_once_one_decides_and_the_money_moves_once(office: Office) -> None:
    holder = await office.world.holder(100)
    proposed = await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))
    admins = [await hire(office.world, f"admin{n}", "admin") for n in range(6)]

    ends = await asyncio.gather(
        *(approval.approve(ctx, proposal_id=proposed.id) for ctx in admins[:3]),
        *(approval.reject(ctx, proposal_id=proposed.id, note="No") for ctx in admins[3:]),
        approval.withdraw(office.agent, proposal_id=proposed.id),
        return_exceptions=True,
    )

    won = [end for end in ends if isinstance(end, Proposal)]
    assert len(won) == 1
    assert all(isinstance(end, Proposal | ProposalDecided) for end in ends)
    moved = won[0].status is ProposalStatus.APPROVED
    assert await balance(holder.wallet_ledger) == Money.som(105 if moved else 100)
    assert await sound()


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.rule("W-4.5.1b")
async def test_adjustments_approved_at_once_do_not_slip_past_the_limit_together(office: Office) -> None:
    holder = await office.world.holder(100)
    third = Money(((await five_bhm()).tiyin - 10_000) // 3)
    made = [await office.propose(subject=f"wallet:{holder.wallet_id}", amount=third) for _ in range(8)]

    ends = await asyncio.gather(
        *(approval.approve(office.admin, proposal_id=one.id) for one in made), return_exceptions=True
    )

    assert sum(isinstance(end, Proposal) for end in ends) == 3
    assert await balance(holder.wallet_ledger) == Money.som(100) + third * 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approval SET status = 'approved', decided_by = proposed_by, decided_at = 1, result = '{}'",
        "UPDATE approval SET status = 'approved', decided_at = 1, result = '{}'",
        "UPDATE approval SET status = 'rejected', decided_by = proposed_by, decided_at = 1",
        "UPDATE approval SET status = 'withdrawn', decided_by = 2, decided_at = 1",
        "UPDATE approval SET status = 'approved', decided_by = 2, decided_at = 1",
        "UPDATE approval SET status = 'carried on', decided_by = 2, decided_at = 1",
        "UPDATE approval SET payload = '{}'",
        "UPDATE approval SET payload = '{}', status = 'approved', decided_by = 2, decided_at = 1, result = '{}'",
        "UPDATE approval SET proposed_by = 2, status = 'approved', decided_by = 1, decided_at = 1, result = '{}'",
        "UPDATE approval SET reason = 'another one altogether'",
        "UPDATE approval SET lapses_at = lapses_at + 1",
        "DELETE FROM approval",
        """INSERT INTO approval (kind, subject, payload, reason, proposed_by, proposed_at, lapses_at, status,
               decided_by, decided_at, result)
           VALUES ('adjustment', 'wallet:1', '{}', 'long enough', 1, 0, 1, 'approved', 2, 1, '{}')""",
        """INSERT INTO approval (kind, subject, payload, reason, proposed_by, proposed_at, lapses_at)
           VALUES ('adjustment', 'wallet:1', '{}', 'too short', 1, 0, 1)""",
    ],
)
async def test_the_database_itself_wants_four_eyes(office: Office, statement: str) -> None:
    holder = await office.world.holder(100)
    await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))

    await office.refuses((OperationalError, IntegrityError), execute(statement))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["approved", "rejected"])
async def test_the_database_lets_no_decision_be_undone(office: Office, status: str) -> None:
    holder = await office.world.holder(100)
    proposed = await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))
    if status == "approved":
        await approval.approve(office.admin, proposal_id=proposed.id)
    else:
        await approval.reject(office.admin, proposal_id=proposed.id, note="No")

    for undoing in (
        "UPDATE approval SET status = 'pending', decided_by = NULL, decided_at = NULL, result = NULL",
        "UPDATE approval SET decision_note = 'another'",
        "UPDATE approval SET decided_by = 3",
        "UPDATE approval SET result = '{\"after\": 1}'",
    ):
        await office.refuses((OperationalError, IntegrityError), execute(undoing))  # type: ignore[arg-type]


async def test_a_proposal_that_is_part_of_a_larger_transaction_goes_with_it(office: Office) -> None:
    holder = await office.world.holder(100)

    @in_transaction
    async def settle_and_stumble() -> None:
        await office.propose(subject=f"wallet:{holder.wallet_id}", amount=Money.som(5))
        raise NotFound

    await office.refuses(NotFound, settle_and_stumble())
