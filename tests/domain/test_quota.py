"""Quotas: exactly so many in a window, however many ask at once."""

import asyncio
from datetime import UTC, datetime, timedelta

from domain.database import in_transaction
from domain.quota import Quota, take
from domain.refusal import Refusal

NOW = datetime(2026, 3, 10, 9, 20, tzinfo=UTC)
THREE_AN_HOUR = Quota(3, timedelta(hours=1))


async def test_a_quota_gives_what_it_has_and_then_says_until_when(db: str) -> None:
    taken = [await take("codes", THREE_AN_HOUR, NOW) for _ in range(5)]

    ten = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
    assert taken == [None, None, None, ten, ten]


async def test_the_next_window_begins_anew(db: str) -> None:
    for _ in range(4):
        await take("codes", THREE_AN_HOUR, NOW)

    last_moment = await take("codes", THREE_AN_HOUR, datetime(2026, 3, 10, 9, 59, 59, 999_999, tzinfo=UTC))
    next_moment = await take("codes", THREE_AN_HOUR, datetime(2026, 3, 10, 10, 0, tzinfo=UTC))

    assert last_moment is not None
    assert next_moment is None


async def test_buckets_do_not_share(db: str) -> None:
    for _ in range(4):
        await take("codes", THREE_AN_HOUR, NOW)

    assert await take("PINs", THREE_AN_HOUR, NOW) is None


async def test_fifty_takes_at_once_give_exactly_the_quota(db: str) -> None:
    quota = Quota(7, timedelta(hours=1))

    taken = await asyncio.gather(*(take("codes", quota, NOW) for _ in range(50)))

    assert taken.count(None) == 7


async def test_a_call_that_is_rolled_back_gives_its_take_back(db: str) -> None:
    @in_transaction
    async def refused() -> None:
        await take("codes", Quota(1, timedelta(hours=1)), NOW)
        raise Refusal

    for _ in range(3):
        try:
            await refused()
        except Refusal:
            continue

    assert await take("codes", Quota(1, timedelta(hours=1)), NOW) is None
