"""The audit trail, for staff: who did what to a thing, and what a member of staff did."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.clock import from_micros
from domain.database import Row
from resolvers.context import Context, the_staff
from resolvers.paging import Page, PageRequest, page


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One line of the trail. `actor` and `subject` are written kind:id; `actor_name` is there for staff."""

    id: int
    at: datetime
    actor: str
    actor_name: str
    action: str
    subject: str
    facts: dict[str, Any]


async def trail(ctx: Context, subject: str, request: PageRequest) -> Page[TrailEvent]:
    """What happened to a subject (such as wallet:12), newest first; a member of staff's also shows what they did.

    One's own trail is open to everyone of the staff, a colleague's to admins: raises Forbidden.
    """
    the_staff(ctx, "admin" if subject.startswith("staff:") and subject != ctx.actor.label else "viewer")
    ours = "(a.subject = $1 OR a.actor = $1)" if subject.startswith("staff:") else "a.subject = $1"
    return await page(
        f"""SELECT a.id, a.at, a.actor, COALESCE(s.name, '') AS actor_name, a.action, a.subject, a.facts,
                   a.at AS cursor_order, a.id AS cursor_id
            FROM audit_event a LEFT JOIN staff s ON a.actor = 'staff:' || s.id WHERE {ours}""",
        [subject],
        request,
        _event,
        order="a.at",
        id_="a.id",
    )


def _event(row: Row) -> TrailEvent:
    return TrailEvent(
        id=row["id"],
        at=from_micros(row["at"]),
        actor=row["actor"],
        actor_name=row["actor_name"],
        action=row["action"],
        subject=row["subject"],
        facts=json.loads(row["facts"]),
    )
