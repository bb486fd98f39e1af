"""Counted allowances, kept in rows: so many codes to a number in an hour, so many wrong PINs in a day.

The count is taken in the caller's transaction by one atomic statement, so that no race slips past it and a rolled
back call gives it back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import from_micros, to_micros
from domain.database import fetch_row


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `most` takes in each window of `window`."""

    most: int
    window: timedelta


async def take(bucket: str, quota: Quota, now: datetime) -> datetime | None:
    """Takes one from the bucket's present window. None when that went well, else when the window ends."""
    span = quota.window // timedelta(microseconds=1)
    opened = to_micros(now) // span * span
    row = await fetch_row(
        """
        INSERT INTO quota (bucket, opened, used, closes) VALUES ($1, $2, 1, $3)
        ON CONFLICT (bucket, opened) DO UPDATE SET used = quota.used + 1 WHERE quota.used < $4
        RETURNING used
        """,
        bucket,
        opened,
        opened + span,
        quota.most,
    )
    return None if row else from_micros(opened + span)
