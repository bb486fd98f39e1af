"""What must leave the process: written with its cause, delivered after commit, at least once, in order per stream.

States of a message: open → claimed (until its lease ends) → done, or open again later with one attempt more, or failed
when the receiver said never. Dangerous races: two workers at one message (the claim is one statement that skips locked
rows); a worker killed in the middle (its lease runs out, another sends again, the receiver knows the message's id); a
later message of a stream overtaking an earlier one (only the first open message of a stream can be claimed).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import Row, execute, fetch, in_transaction
from domain.fields import InstantField, TextsField

LEASE: Final = timedelta(seconds=60)
LONGEST_WAIT: Final = timedelta(hours=6)


class OutboxMessage(Model):
    id = fields.BigIntField(primary_key=True)
    topic = fields.CharField(max_length=32)
    stream = fields.CharField(max_length=64)
    payload = TextsField()
    created_at = InstantField()
    due_at = InstantField()
    attempts = fields.BigIntField(default=0)
    claimed_until = InstantField(null=True)
    done_at = InstantField(null=True)
    failed_at = InstantField(null=True)
    last_error = fields.TextField(null=True)

    class Meta:
        table = "outbox"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker may deliver until its lease ends."""

    id: int
    topic: str
    stream: str
    payload: dict[str, Any]
    created_at: int
    attempts: int


async def enqueue(topic: str, stream: str, payload: dict[str, Any], now: datetime) -> None:
    """Writes a message inside the caller's transaction. The payload must hold no code, PIN or password."""
    await execute(
        "INSERT INTO outbox (topic, stream, payload, created_at, due_at) VALUES ($1, $2, $3, $4, $4)",
        topic,
        stream,
        json.dumps(payload, ensure_ascii=False, sort_keys=True),
        to_micros(now),
    )


async def claim(now: datetime, most: int = 20) -> list[Claimed]:
    """Takes up to `most` due messages, each the first open one of its stream."""
    # A look first: polling an empty outbox must not take SQLite's one write lock from those who have work.
    due = await fetch(
        "SELECT 1 FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= $1 LIMIT 1", to_micros(now)
    )
    return await _claim(now, most) if due else []


@in_transaction
async def _claim(now: datetime, most: int) -> list[Claimed]:
    micros = to_micros(now)
    rows = await fetch(
        """
        UPDATE outbox SET claimed_until = $2, attempts = attempts + 1
        WHERE id IN (
            SELECT o.id FROM outbox o
            WHERE o.done_at IS NULL AND o.failed_at IS NULL AND o.due_at <= $1
              AND (o.claimed_until IS NULL OR o.claimed_until <= $1)
              AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.stream = o.stream AND p.id < o.id
                              AND p.done_at IS NULL AND p.failed_at IS NULL)
            ORDER BY o.due_at, o.id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING id, topic, stream, payload, created_at, attempts
        """,
        micros,
        to_micros(now + LEASE),
        most,
    )
    return [_claimed(row) for row in sorted(rows, key=lambda row: int(row["id"]))]


def _claimed(row: Row) -> Claimed:
    return Claimed(
        row["id"], row["topic"], row["stream"], json.loads(row["payload"]), row["created_at"], row["attempts"]
    )


async def delivered(message: Claimed, now: datetime) -> None:
    await execute(
        "UPDATE outbox SET done_at = $1, claimed_until = NULL, last_error = NULL WHERE id = $2",
        to_micros(now),
        message.id,
    )


async def postpone(message: Claimed, now: datetime, error: str, after: timedelta | None = None) -> None:
    """Another try later: after 2, 4, 8 … seconds, six hours at most, or when the receiver asked."""
    wait = after or min(timedelta(seconds=2 ** min(message.attempts, 15)), LONGEST_WAIT)
    await execute(
        "UPDATE outbox SET due_at = $1, claimed_until = NULL, last_error = $2 WHERE id = $3",
        to_micros(now + wait),
        error[:300],
        message.id,
    )


async def give_up(message: Claimed, now: datetime, error: str) -> None:
    """No more tries: the receiver will never take it, or it has lost its sense."""
    await execute(
        "UPDATE outbox SET failed_at = $1, claimed_until = NULL, last_error = $2 WHERE id = $3",
        to_micros(now),
        error[:300],
        message.id,
    )
