"""Settling differences: once each, by a member of staff, for a reason; what moves money is an admin's or needs two."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from domain import payment as payments
from domain.adjustment import KIND, AdjustmentReason
from domain.approval import ProposalStatus, proposal_of, read_reason
from domain.audit import note
from domain.clock import to_micros
from domain.database import fetch_row, in_transaction
from domain.payment import PaymentStatus, PaymentView, payment_view
from domain.reconciliation.matching import Difference, difference_of
from domain.reconciliation.settling import Resolution, ResolutionImpossible, resolutions_of
from domain.refusal import InvalidInput, MissingInput, NotFound
from resolvers.context import Context, the_staff
from resolvers.payment import take_in

MOST_AT_ONCE: Final = 200
_NEEDS: Final = {Resolution.CAPTURED_HERE: "admin", Resolution.CANCELLED_HERE: "admin"}


@in_transaction
async def settle(
    ctx: Context, *, difference_ids: Sequence[int], resolution: str, reason: str, proposal_id: int | None = None
) -> None:
    """Settles differences, all or none of them, for one reason of 10 to 500 characters.

    `proposal_id` names the adjustment that puts a balance right: proposed with the reason "reconciliation", decided by
    a second person. Raises Forbidden (bringing in and ending payments is for admins), InvalidInput, MissingInput,
    NotFound, ResolutionImpossible; and what bringing a payment in raises.
    """
    try:
        chosen = Resolution(resolution)
    except ValueError:
        raise InvalidInput(path=("resolution",)) from None
    actor, now, why = the_staff(ctx, _NEEDS.get(chosen, "agent")), ctx.clock.now(), read_reason(reason)
    ids = sorted(set(difference_ids))
    if not ids:
        raise MissingInput(path=("differences",))
    if len(ids) > MOST_AT_ONCE or (chosen is Resolution.ADJUSTED and len(ids) > 1):
        raise InvalidInput(path=("differences",))
    if chosen is Resolution.ADJUSTED:
        await _require_proposal(proposal_id)
    for id_ in ids:
        await _settle(ctx, await _held(id_), chosen, why, proposal_id, actor.staff_id, now)


async def _held(difference_id: int) -> Difference:
    row = await fetch_row(
        """SELECT * FROM reconciliation_difference WHERE id = $1
           AND run_id IN (SELECT id FROM reconciliation WHERE status = 'done') FOR NO KEY UPDATE""",
        difference_id,
    )
    if row is None:
        raise NotFound(path=("differences",))
    return difference_of(row)


async def _require_proposal(proposal_id: int | None) -> None:
    if proposal_id is None:
        raise MissingInput(path=("proposal",))
    # Under its lock: whoever decides on it meanwhile sees what it settles.
    row = await fetch_row("SELECT * FROM approval WHERE id = $1 AND kind = $2 FOR NO KEY UPDATE", proposal_id, KIND)
    proposal = proposal_of(row) if row else None
    used = await fetch_row("SELECT 1 FROM reconciliation_difference WHERE proposal_id = $1", proposal_id)
    if (
        proposal is None
        or used
        or proposal.status not in (ProposalStatus.PENDING, ProposalStatus.APPROVED)
        or proposal.payload["code"] != AdjustmentReason.RECONCILIATION
    ):
        raise InvalidInput(path=("proposal",))


async def _settle(
    ctx: Context,
    difference: Difference,
    chosen: Resolution,
    why: str,
    proposal_id: int | None,
    staff_id: int,
    now: datetime,
) -> None:
    if difference.status != "open" or chosen not in resolutions_of(difference):
        raise ResolutionImpossible(path=("resolution",))
    if chosen in _NEEDS:
        await _move(ctx, difference, chosen, now)
    await fetch_row(
        """UPDATE reconciliation_difference SET status = 'settled', resolution = $2, reason = $3, proposal_id = $4,
               settled_by = $5, settled_at = $6 WHERE id = $1 RETURNING id""",
        difference.id,
        str(chosen),
        why,
        proposal_id if chosen is Resolution.ADJUSTED else None,
        staff_id,
        to_micros(now),
    )
    facts: dict[str, Any] = {"difference": difference.id, "kind": str(difference.kind), "resolution": str(chosen)}
    if difference.payment_id is not None:
        facts["payment"] = difference.payment_id
    await note(ctx.actor.label, "reconciliation.settled", f"reconciliation:{difference.run_id}", now, **facts)


async def _move(ctx: Context, difference: Difference, chosen: Resolution, now: datetime) -> None:
    """Brings in or ends a payment that is still only begun; it may have gone on since the difference was found."""
    payment = await _payment(difference)
    if payment.status is not PaymentStatus.PENDING or payment.amount != difference.our_amount:
        raise ResolutionImpossible(path=("resolution",))
    if chosen is Resolution.CAPTURED_HERE:
        await take_in(ctx, payment, now, reconciled=str(difference.run_id))
    else:
        await payments.cancel(payment, at=now, reason="reconciliation" if payment.provider != "payme" else "10")


async def _payment(difference: Difference) -> PaymentView:
    row = await fetch_row("SELECT * FROM payment WHERE id = $1 FOR NO KEY UPDATE", difference.payment_id)
    assert row is not None, "payments are never deleted"
    return payment_view(row)
