"""Four eyes: proposing, deciding, withdrawing; what is approved is carried out in the same transaction.

What can be proposed is in `KINDS`. An agent proposes, an admin decides, and never the same person: the admin's page
offers no button, `require_other` refuses, and the database has the last word (see domain/approval.py).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from domain import adjustment as adjustments
from domain import approval
from domain.adjustment import Adjustment, AdjustmentReason
from domain.approval import Proposal, ProposalStatus
from domain.audit import note as note_in_trail
from domain.database import Row, after_commit, fetch_row, in_transaction
from domain.idempotency import Key, begin, finish
from domain.money import Money
from domain.reconciliation.settling import reopen
from domain.refusal import Forbidden, InvalidInput, NotFound
from domain.view import view
from resolvers.context import Context, StaffActor, SystemActor, the_staff
from resolvers.paging import Page, PageRequest, page

CarryOut = Callable[[Proposal, datetime], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """Who may propose and who may decide (roles), and what an approval does; its result goes into the trail."""

    proposed_by: str
    decided_by: str
    carry_out: CarryOut


async def _adjust(proposal: Proposal, at: datetime) -> dict[str, Any]:
    wanted = Adjustment.proposed(proposal.subject, proposal.payload)
    return await adjustments.carry_out(wanted, proposal_id=proposal.id, at=at)


KINDS: Final[dict[str, Kind]] = {adjustments.KIND: Kind(proposed_by="agent", decided_by="admin", carry_out=_adjust)}


@view
class ProposalView:
    """A proposal with its people's names, for staff."""

    proposal: Proposal
    proposer: str
    decider: str


_PROPOSALS: Final = """SELECT a.*, p.name AS proposer, COALESCE(d.name, '') AS decider,
       a.proposed_at AS cursor_order, a.id AS cursor_id
FROM approval a JOIN staff p ON p.id = a.proposed_by LEFT JOIN staff d ON d.id = a.decided_by"""


def _proposal_view(row: Row) -> ProposalView:
    return ProposalView(approval.proposal_of(row), row["proposer"], row["decider"])


async def proposals(ctx: Context, request: PageRequest, *, waiting: bool) -> Page[ProposalView]:
    """What waits for a decision, or everything else; newest first, for staff."""
    the_staff(ctx)
    where = "a.status = 'pending'" if waiting else "a.status <> 'pending'"
    return await page(f"{_PROPOSALS} WHERE {where}", [], request, _proposal_view, order="a.proposed_at", id_="a.id")


async def proposal(ctx: Context, proposal_id: int) -> ProposalView | None:
    """One proposal, for staff; None for an unknown id."""
    the_staff(ctx)
    row = await fetch_row(f"{_PROPOSALS} WHERE a.id = $1", proposal_id)
    return _proposal_view(row) if row else None


@view
class AdjustmentView:
    """An adjustment that is or was proposed: of which wallet or personal account, and its balance before and after.

    While it waits these are the balance of now and what it would become.
    """

    amount: Money
    code: AdjustmentReason
    corrects: int | None
    number: str
    before: Money
    after: Money
    transfer: int | None


async def adjustment_of(ctx: Context, one: Proposal) -> AdjustmentView:
    """What a proposal of an adjustment is about, for staff."""
    the_staff(ctx)
    wanted, found = Adjustment.proposed(one.subject, one.payload), await adjustments.target(one.subject)
    before = Money(one.result["before"]) if one.result else found.balance
    return AdjustmentView(
        amount=wanted.amount,
        code=wanted.code,
        corrects=wanted.corrects,
        number=found.number,
        before=before,
        after=before + wanted.amount,
        transfer=one.result.get("transfer"),
    )


def may_decide(ctx: Context, one: Proposal) -> bool:
    """Whether the caller may approve or reject it now."""
    actor = ctx.actor
    if not isinstance(actor, StaffActor) or one.proposed_by == actor.staff_id or not one.is_open(ctx.clock.now()):
        return False
    return actor.role == "admin" or KINDS[one.kind].decided_by == actor.role


def may_withdraw(ctx: Context, one: Proposal) -> bool:
    """Whether the caller has proposed it and it is still open."""
    mine = isinstance(ctx.actor, StaffActor) and one.proposed_by == ctx.actor.staff_id
    return mine and one.is_open(ctx.clock.now())


@in_transaction
async def propose_adjustment(
    ctx: Context,
    *,
    subject: str,
    amount: Money,
    code: str,
    reason: str,
    key: str,
    corrects: int | None = None,
) -> Proposal:
    """Proposes to change a balance by `amount` (plus gives, minus takes); nothing moves before it is approved.

    `subject` is wallet:id or account:id, `code` one of AdjustmentReason (the holder sees it), `reason` 10 to 500
    characters for staff, `corrects` the transfer that it puts right. A replay by the same key gives the first answer.
    Raises Forbidden for viewers, InvalidAmount, InvalidInput, MissingInput, NotFound, WalletNotActive.
    """
    actor, now = the_staff(ctx, KINDS[adjustments.KIND].proposed_by), ctx.clock.now()
    if code not in list(AdjustmentReason):
        raise InvalidInput(path=("code",))
    wanted, why = Adjustment(subject, amount, AdjustmentReason(code), corrects), approval.read_reason(reason)
    wanted.require_form()
    call = Key(actor.label, "proposeAdjustment", key, wanted.payload | {"subject": subject, "reason": why})
    if replay := await begin(call, now):
        return await _proposed(int(replay.subject))
    await adjustments.require_possible(wanted)
    made = await approval.propose(
        adjustments.KIND, subject=subject, payload=wanted.payload, reason=why, by=actor.staff_id, at=now
    )
    await finish(call, str(made.id))
    await _note(ctx, made, "proposed", now, **wanted.payload)
    return made


async def _proposed(proposal_id: int) -> Proposal:
    row = await fetch_row("SELECT * FROM approval WHERE id = $1", proposal_id)
    assert row is not None, "proposals are never deleted"
    return approval.proposal_of(row)


@in_transaction
async def approve(ctx: Context, *, proposal_id: int, note: str = "") -> Proposal:
    """Approves a proposal and carries it out; gives it as it was, with what has happened as its `result`.

    Raises Forbidden, NotFound, ProposalDecided, OwnProposal, InvalidInput (the note), and whatever its kind refuses:
    then nothing has happened and it stays open.
    """
    actor, one, now = await _held_for_decision(ctx, proposal_id)
    said = approval.read_note(note)
    result = await KINDS[one.kind].carry_out(one, now)
    await approval.decide(one, ProposalStatus.APPROVED, by=actor.staff_id, at=now, note=said, result=result)
    await _note(ctx, one, "approved", now)
    await note_in_trail(actor.label, f"{one.kind}.carried_out", one.subject, now, proposal=one.id, **result)
    after_commit(partial(ctx.announce, one.subject))
    return await _proposed(one.id)


@in_transaction
async def reject(ctx: Context, *, proposal_id: int, note: str) -> Proposal:
    """Rejects a proposal, saying why. Raises Forbidden, NotFound, ProposalDecided, OwnProposal, MissingInput."""
    actor, one, now = await _held_for_decision(ctx, proposal_id)
    said = approval.read_note(note, required=True)
    await approval.decide(one, ProposalStatus.REJECTED, by=actor.staff_id, at=now, note=said)
    await _came_to_nothing(ctx, one, "rejected", now)
    return await _proposed(one.id)


async def _held_for_decision(ctx: Context, proposal_id: int) -> tuple[StaffActor, Proposal, datetime]:
    actor, now = the_staff(ctx, "agent"), ctx.clock.now()
    one = await approval.hold_open(proposal_id, now)
    if one is None:
        raise NotFound
    the_staff(ctx, KINDS[one.kind].decided_by)
    approval.require_other(one, actor.staff_id)
    return actor, one, now


@in_transaction
async def withdraw(ctx: Context, *, proposal_id: int) -> Proposal:
    """Takes one's own proposal back. Raises Forbidden for another's, NotFound, ProposalDecided."""
    actor, now = the_staff(ctx, "agent"), ctx.clock.now()
    one = await approval.hold_open(proposal_id, now)
    if one is None:
        raise NotFound
    if one.proposed_by != actor.staff_id:
        raise Forbidden
    await approval.decide(one, ProposalStatus.WITHDRAWN, by=actor.staff_id, at=now)
    await _came_to_nothing(ctx, one, "withdrawn", now)
    return await _proposed(one.id)


async def lapse_proposals(ctx: Context, *, batch: int = 100) -> int:
    """Ends proposals that nobody decided on in seven days, for the worker; gives how many. Safe to run twice."""
    if not isinstance(ctx.actor, SystemActor):
        raise Forbidden
    return await _lapse(ctx, batch)


@in_transaction
async def _lapse(ctx: Context, batch: int) -> int:
    now = ctx.clock.now()
    lapsed = await approval.expire_due(now, batch)
    for one in lapsed:
        await _came_to_nothing(ctx, one, "expired", now)
    return len(lapsed)


async def _came_to_nothing(ctx: Context, one: Proposal, how: str, at: datetime) -> None:
    """What it was to put right waits for somebody again."""
    await _note(ctx, one, how, at)
    for difference, run in (await reopen(one.id)).items():
        facts = {"difference": difference, "proposal": one.id}
        await note_in_trail(ctx.actor.label, "reconciliation.reopened", f"reconciliation:{run}", at, **facts)


async def _note(ctx: Context, one: Proposal, what: str, at: datetime, **facts: Any) -> None:
    """One line in the trail of the proposal itself and one in that of what it is about."""
    action = f"{one.kind}.{what}"
    await note_in_trail(ctx.actor.label, action, f"proposal:{one.id}", at, **facts)
    await note_in_trail(ctx.actor.label, action, one.subject, at, proposal=one.id)
