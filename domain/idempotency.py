"""The same key twice is one order (S-8's counterpart): replays get the first answer, other bodies are refused.

A row per (who, key) is written first in the caller's transaction. A second call with the key waits for the first one
to end; then it finds the row and what came of it. A refused call rolls its row back: it changed nothing, so trying
again with the same key is right. (A transfer between wallets does the same within its one call: see
domain/wallet/rules.py.)
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.clock import to_micros
from domain.database import execute, fetch_row
from domain.refusal import IdempotencyKeyReused, InvalidInput

LONGEST_KEY = 100


@dataclass(frozen=True, slots=True)
class Replay:
    """The call was made before; `subject` is what it made: an id that the caller's use case understands."""

    subject: str


@dataclass(frozen=True, slots=True)
class Key:
    """Who calls, what for, with which key; `body` is everything that makes two calls the same."""

    scope: str
    operation: str
    key: str
    body: dict[str, Any]

    @property
    def digest(self) -> str:
        text = json.dumps([self.operation, self.body], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def require_form(self) -> None:
        """Raises InvalidInput when the key is empty or too long."""
        if not self.key.strip() or len(self.key) > LONGEST_KEY:
            raise InvalidInput(path=("input", "idempotencyKey"))


async def begin(key: Key, now: datetime) -> Replay | None:
    """Claims the key inside the caller's transaction; a Replay when its work was done before.

    Raises IdempotencyKeyReused when it was used for another body, InvalidInput when it is empty or too long.
    """
    key.require_form()
    claimed = await fetch_row(
        """
        INSERT INTO idempotency (scope, key, digest, subject, at) VALUES ($1, $2, $3, NULL, $4)
        ON CONFLICT (scope, key) DO NOTHING RETURNING key
        """,
        key.scope,
        key.key,
        key.digest,
        to_micros(now),
    )
    if claimed:
        return None
    row = await fetch_row("SELECT digest, subject FROM idempotency WHERE scope = $1 AND key = $2", key.scope, key.key)
    if row is None or row["digest"] != key.digest:
        raise IdempotencyKeyReused(path=("input", "idempotencyKey"))
    return Replay(subject=row["subject"])


async def finish(key: Key, subject: str) -> None:
    """Notes what the call made, for its replays."""
    await execute("UPDATE idempotency SET subject = $1 WHERE scope = $2 AND key = $3", subject, key.scope, key.key)
