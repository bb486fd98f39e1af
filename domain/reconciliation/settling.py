"""What can become of a difference. Whatever it is, it is settled once, by somebody, for a reason.

Only what was to be put right by a proposal is open again when the proposal comes to nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from domain.database import fetch
from domain.payment import PaymentStatus
from domain.reconciliation.matching import Difference, DifferenceKind
from domain.reconciliation.rows import TheirState
from domain.refusal import Refusal


class Resolution(StrEnum):
    ACCEPTED = "accepted"  # it stays as it is
    PROVIDER_CORRECTS = "provider_corrects"
    CAPTURED_HERE = "captured_here"  # what they have performed and we have begun is brought in
    CANCELLED_HERE = "cancelled_here"  # what they have cancelled and we have begun is ended
    ADJUSTED = "adjusted"  # a balance is put right by a proposal that another person decides on


@dataclass(eq=False, kw_only=True)
class ResolutionImpossible(Refusal):
    """The difference is of another kind, is settled, or the payment has gone on since it was found."""

    code: ClassVar[str] = "RESOLUTION_IMPOSSIBLE"
    text: ClassVar[str] = "This difference cannot be settled in this way."


_BY_WORD: Final = (Resolution.ACCEPTED, Resolution.PROVIDER_CORRECTS)


def resolutions_of(difference: Difference) -> tuple[Resolution, ...]:
    """What can be chosen for it."""
    if difference.kind is DifferenceKind.UNREADABLE_LINE:
        return _BY_WORD
    begun = difference.kind is DifferenceKind.STATE_DIFFERS and difference.our_status == PaymentStatus.PENDING
    if begun and difference.their_state == TheirState.PERFORMED and difference.their_amount == difference.our_amount:
        return (Resolution.CAPTURED_HERE, *_BY_WORD)
    if begun and difference.their_state == TheirState.CANCELLED:
        return (Resolution.CANCELLED_HERE, *_BY_WORD)
    return (*_BY_WORD, Resolution.ADJUSTED)


async def reopen(proposal_id: int) -> dict[int, int]:
    """Opens what a proposal that has come to nothing was to put right; gives the runs by their differences' ids."""
    rows = await fetch(
        """UPDATE reconciliation_difference SET status = 'open', resolution = NULL, reason = NULL, proposal_id = NULL,
               settled_by = NULL, settled_at = NULL
           WHERE proposal_id = $1 AND status = 'settled' RETURNING id, run_id""",
        proposal_id,
    )
    return {row["id"]: row["run_id"] for row in rows}
