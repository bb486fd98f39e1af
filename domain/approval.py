"""Four eyes: what one member of staff proposes, another decides, and only then it happens.

    pending ─→ approved (carried out in the same transaction) | rejected, both by somebody else than who proposed
            ─→ withdrawn (by who proposed it) | expired (nobody decided in time)

A proposal stays as it was made and is decided once: the database refuses anything else, and an approval by whoever
proposed it, even to raw SQL (server/database/migrations/0026). Its row is locked before it is decided on, and before
whatever it is about: two deciders at once, or a decision and a withdrawal, come one after the other, and the second
finds it decided.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch, fetch_row
from domain.refusal import InvalidInput, MissingInput, Refusal
from domain.view import view

LIFETIME: Final = timedelta(days=7)
REASON_LENGTH: Final = range(10, 501)
LONGEST_NOTE: Final = 500


class ProposalStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(eq=False, kw_only=True)
class OwnProposal(Refusal):
    """Whoever proposed it may only withdraw it."""

    code: ClassVar[str] = "OWN_PROPOSAL"
    text: ClassVar[str] = "You have proposed this yourself: somebody else decides on it."


@dataclass(eq=False, kw_only=True)
class ProposalDecided(Refusal):
    """It is approved, rejected, withdrawn or expired: nothing is decided twice."""

    code: ClassVar[str] = "PROPOSAL_DECIDED"
    text: ClassVar[str] = "This proposal is not open any more. Look at what became of it."


@view
class Proposal:
    """A proposal as it stands. `payload` says what is to happen, `result` what has; both by the proposal's kind."""

    id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    reason: str
    proposed_by: int
    proposed_at: datetime
    lapses_at: datetime
    status: ProposalStatus
    decided_by: int | None
    decided_at: datetime | None
    note: str
    result: dict[str, Any]

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be decided on; the last moment is the one before `lapses_at`."""
        return self.status is ProposalStatus.PENDING and now < self.lapses_at


def proposal_of(row: Row) -> Proposal:
    """The proposal in a row of the table."""
    return Proposal(
        id=row["id"],
        kind=row["kind"],
        subject=row["subject"],
        payload=json.loads(row["payload"]),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        proposed_at=from_micros(row["proposed_at"]),
        lapses_at=from_micros(row["lapses_at"]),
        status=ProposalStatus(row["status"]),
        decided_by=row["decided_by"],
        decided_at=None if row["decided_at"] is None else from_micros(row["decided_at"]),
        note=row["decision_note"],
        result=json.loads(row["result"] or "{}"),
    )


def read_reason(text: str) -> str:
    """Why something is to happen: 10 to 500 characters. Raises MissingInput and InvalidInput."""
    reason = text.strip()
    if not reason:
        raise MissingInput(path=("reason",))
    if len(reason) not in REASON_LENGTH or "\0" in reason:
        raise InvalidInput(path=("reason",))
    return reason


def read_note(text: str, *, required: bool = False) -> str:
    """What a decider adds: up to 500 characters. Raises MissingInput (a rejection says why) and InvalidInput."""
    note = text.strip()
    if required and not note:
        raise MissingInput(path=("note",))
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise InvalidInput(path=("note",))
    return note


async def propose(
    kind: str, *, subject: str, payload: Mapping[str, Any], reason: str, by: int, at: datetime
) -> Proposal:
    """A new proposal by this member of staff, inside the caller's transaction. The reason has been read."""
    row = await fetch_row(
        """INSERT INTO approval (kind, subject, payload, reason, proposed_by, proposed_at, lapses_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *""",
        kind,
        subject,
        json.dumps(dict(payload), sort_keys=True),
        reason,
        by,
        to_micros(at),
        to_micros(at + LIFETIME),
    )
    assert row is not None
    return proposal_of(row)


async def hold_open(proposal_id: int, now: datetime) -> Proposal | None:
    """The proposal, locked until the transaction ends; None for an unknown id. Raises ProposalDecided."""
    row = await fetch_row("SELECT * FROM approval WHERE id = $1 FOR NO KEY UPDATE", proposal_id)
    if row is None:
        return None
    held = proposal_of(row)
    if not held.is_open(now):
        raise ProposalDecided
    return held


def require_other(proposal: Proposal, staff_id: int) -> None:
    """Raises OwnProposal for whoever proposed it."""
    if proposal.proposed_by == staff_id:
        raise OwnProposal


async def decide(
    proposal: Proposal,
    status: ProposalStatus,
    *,
    by: int,
    at: datetime,
    note: str = "",
    result: Mapping[str, Any] | None = None,
) -> None:
    """Ends a proposal that the caller's transaction holds; `result` for an approval: what has happened."""
    await execute(
        "UPDATE approval SET status = $1, decided_by = $2, decided_at = $3, decision_note = $4, result = $5"
        " WHERE id = $6",
        str(status),
        by,
        to_micros(at),
        note,
        None if result is None else json.dumps(dict(result), sort_keys=True),
        proposal.id,
    )


async def expire_due(now: datetime, most: int) -> list[Proposal]:
    """Ends up to `most` proposals whose time has passed, inside the caller's transaction; gives them."""
    rows = await fetch(
        """UPDATE approval SET status = 'expired', decided_at = $1 WHERE id IN (
               SELECT id FROM approval WHERE status = 'pending' AND lapses_at <= $1
               ORDER BY lapses_at, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
           ) RETURNING *""",
        to_micros(now),
        most,
    )
    return [proposal_of(row) for row in rows]
