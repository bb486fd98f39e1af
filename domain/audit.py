"""The audit trail: who did what to whom, append-only. No codes, PINs or documents in its facts."""

import json
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import execute
from domain.fields import InstantField, TextsField


class AuditEvent(Model):
    """`actor` and `subject` are written kind:id, such as staff:7 or wallet:12."""

    id = fields.BigIntField(primary_key=True)
    at = InstantField()
    actor = fields.CharField(max_length=64)
    action = fields.CharField(max_length=64)
    subject = fields.CharField(max_length=64)
    facts = TextsField()

    class Meta:
        table = "audit_event"


async def note(actor: str, action: str, subject: str, at: datetime, **facts: Any) -> None:
    """Writes one line of the trail inside the caller's transaction."""
    await execute(
        "INSERT INTO audit_event (at, actor, action, subject, facts) VALUES ($1, $2, $3, $4, $5)",
        to_micros(at),
        actor,
        action,
        subject,
        json.dumps(facts, ensure_ascii=False, default=str, sort_keys=True),
    )
