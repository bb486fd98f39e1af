"""The outbox: leaves with its cause, in order per stream, to one worker at a time, and never lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.clock import to_micros
from domain.database import fetch, in_transaction
from domain.outbox import LEASE, LONGEST_WAIT, Claimed, claim, delivered, enqueue, give_up, postpone
from domain.refusal import Refusal

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


async def put(*streams: str) -> None:
    """A message in each of these streams, numbered as they come."""
    for number, stream in enumerate(streams, 1):
        await enqueue("webhook", stream, {"number": number}, NOW)


def numbers(messages: list[Claimed]) -> list[int]:
    return [message.payload["number"] for message in messages]


async def stored() -> list[dict[str, Any]]:
    return await fetch("SELECT * FROM outbox ORDER BY id")


async def test_a_message_carries_what_was_put_in(db: str) -> None:
    await enqueue("webhook", "partner:1", {"name": "Gʻulom", "order": 7}, NOW)

    [message] = await claim(NOW)

    assert (message.topic, message.stream, message.payload) == ("webhook", "partner:1", {"name": "Gʻulom", "order": 7})
    assert (message.created_at, message.attempts) == (to_micros(NOW), 1)


async def test_what_is_rolled_back_sends_nothing(db: str) -> None:
    @in_transaction
    async def refused() -> None:
        await put("a")
        raise Refusal

    with pytest.raises(Refusal):
        await refused()

    assert await claim(LATER) == []


async def test_a_stream_is_delivered_in_order_and_others_do_not_wait(db: str) -> None:
    await put("a", "a", "b", "a")

    first = await claim(NOW)
    meanwhile = await claim(NOW)
    await delivered(first[0], NOW)
    second = await claim(NOW)

    assert (numbers(first), numbers(meanwhile), numbers(second)) == ([1, 3], [], [2])


async def test_a_postponed_message_holds_back_its_stream_only(db: str) -> None:
    await put("a", "a", "b")
    first, other = await claim(NOW)
    await postpone(first, NOW, "503", timedelta(minutes=5))
    await delivered(other, NOW)
    await put("b")

    [now] = await claim(NOW)
    await delivered(now, NOW)
    too_soon = await claim(NOW + timedelta(minutes=4, seconds=59))
    [in_time] = await claim(NOW + timedelta(minutes=5))

    assert (now.stream, too_soon) == ("b", [])
    assert (in_time.id, in_time.attempts) == (first.id, 2)


async def test_a_message_that_is_given_up_lets_the_next_one_by(db: str) -> None:
    await put("a", "a")
    [first] = await claim(NOW)

    await give_up(first, NOW, "410 gone")

    assert numbers(await claim(NOW)) == [2]
    assert [(row["last_error"], row["failed_at"]) for row in await stored()] == [
        ("410 gone", to_micros(NOW)),
        (None, None),
    ]


async def test_what_is_delivered_is_never_claimed_again(db: str) -> None:
    await put("a")
    [message] = await claim(NOW)

    await delivered(message, NOW)

    assert await claim(LATER) == []


async def test_a_killed_workers_message_is_free_when_its_lease_ends(db: str) -> None:
    await put("a")
    [message] = await claim(NOW)

    before_the_end = await claim(NOW + LEASE - timedelta(microseconds=1))
    [again] = await claim(NOW + LEASE)

    assert before_the_end == []
    assert (again.id, again.attempts) == (message.id, 2)


async def test_ten_workers_at_once_share_messages_without_a_second_copy(db: str) -> None:
    await put(*(f"stream {n}" for n in range(30)))

    claims = await asyncio.gather(*(claim(NOW, most=5) for _ in range(10)))
    rest = await claim(NOW, most=100)

    taken = [number for messages in (*claims, rest) for number in numbers(messages)]
    assert sorted(taken) == list(range(1, 31))
    assert max(map(len, claims)) <= 5


async def test_ten_workers_at_once_never_overtake_within_a_stream(db: str) -> None:
    await put(*["a"] * 10)

    claims = await asyncio.gather(*(claim(NOW) for _ in range(10)))

    assert [number for messages in claims for number in numbers(messages)] == [1]


async def test_waits_grow_from_two_seconds_to_six_hours(db: str) -> None:
    await put("a")
    now, waits = NOW, []
    for _ in range(17):
        [message] = await claim(now)
        await postpone(message, now, "x" * 1_000)
        [row] = await stored()
        waits.append((row["due_at"] - to_micros(now)) // 1_000_000)
        now += LONGEST_WAIT

    assert waits[:5] == [2, 4, 8, 16, 32]
    assert waits[-3:] == [21_600] * 3
    assert waits == sorted(waits)
    assert len((await stored())[0]["last_error"]) == 300
