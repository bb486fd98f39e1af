"""The worker: a killed one loses nothing, two share the work, what is slow or broken holds up itself alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from domain import outbox
from domain.database import fetch, in_transaction
from domain.outbox import LEASE, enqueue
from gateways import Gateways
from gateways.sms.fake import FakeSms
from resolvers import worker as working
from resolvers.context import Context, SystemActor
from resolvers.delivery import deliver
from resolvers.worker import STREAMS, Worker
from tests.support.world import World

PHONE = "+998901112233"


class NoWebhooks:
    """For messages that are not webhooks."""

    async def post(self, *, url: str, secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> None:
        raise AssertionError("nothing is posted here")

    async def close(self) -> None:
        """Nothing is open."""


class HeldSms(FakeSms):
    """Texts that begin with "slow" are taken only once `gate` is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.waiting = 0

    async def send(self, *, to: str, text: str, reference: str) -> None:
        if text.startswith("slow"):
            self.waiting += 1
            await self.gate.wait()
        await super().send(to=to, text=text, reference=reference)


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
def ctx(world: World) -> Context:
    return world.context().acting_as(SystemActor())


@pytest.fixture
def sms() -> HeldSms:
    return HeldSms()


@pytest.fixture
def gateways(sms: HeldSms) -> Gateways:
    return Gateways(sms=sms, webhooks=NoWebhooks())


async def say(ctx: Context, text: str, stream: str = "") -> None:
    await enqueue("sms", stream or f"stream:{text}", {"to": PHONE, "text": text}, ctx.clock.now())


@asynccontextmanager
async def at_work(worker: Worker) -> AsyncIterator[None]:
    """The worker runs meanwhile, and is stopped as the server stops it."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        worker.wake()
        await asyncio.wait_for(task, 20)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for is a list of a fake
            await asyncio.sleep(0.01)


def only(monkeypatch: pytest.MonkeyPatch, *work: Callable[..., Awaitable[int]]) -> None:
    monkeypatch.setattr(working, "DUE_WORK", work)


@pytest.mark.rule("S-9")
async def test_what_a_killed_worker_had_taken_is_delivered_by_another(
    world: World, ctx: Context, sms: HeldSms, gateways: Gateways
) -> None:
    await say(ctx, "hello")
    taken = await outbox.claim(ctx.clock.now())  # and then its process is killed

    world.clock.move(LEASE - timedelta(seconds=1))
    while_leased = await Worker(ctx, gateways).run_once()
    world.clock.move(timedelta(seconds=1))
    afterwards = await Worker(ctx, gateways).run_once()

    assert (len(taken), while_leased, afterwards) == (1, 0, 1)
    assert sms.to(PHONE) == ["hello"]


async def test_two_workers_take_different_messages(ctx: Context) -> None:
    for number in range(12):
        await say(ctx, f"text {number}")

    taken = await asyncio.gather(*(outbox.claim(ctx.clock.now(), 4) for _ in range(4)))

    ids = [message.id for batch in taken for message in batch]
    assert len(ids) == len(set(ids)) == 12


@pytest.mark.rule("S-9")
async def test_two_workers_never_hold_two_messages_of_one_stream(ctx: Context) -> None:
    for number in range(6):
        await say(ctx, f"text {number}", stream="one")

    taken = await asyncio.gather(*(outbox.claim(ctx.clock.now(), 4) for _ in range(3)))

    assert sum(len(batch) for batch in taken) == 1


async def test_a_message_of_a_transaction_that_was_rolled_back_is_never_sent(
    ctx: Context, sms: HeldSms, gateways: Gateways
) -> None:
    @in_transaction
    async def fail_after_writing() -> None:
        await say(ctx, "too soon")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_writing()

    assert await Worker(ctx, gateways).run_once() == 0
    assert sms.sent == []


async def test_everything_due_is_delivered_in_order_within_its_stream(
    ctx: Context, sms: HeldSms, gateways: Gateways
) -> None:
    for number in range(4):
        for stream in ("a", "b", "c"):
            await say(ctx, f"{stream}{number}", stream=stream)

    count = await Worker(ctx, gateways).run_once()

    assert count == 12
    for stream in ("a", "b", "c"):
        assert [text for text in sms.to(PHONE) if text[0] == stream] == [f"{stream}{n}" for n in range(4)]


async def test_a_slow_receiver_holds_up_its_own_stream_alone(
    ctx: Context, sms: HeldSms, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch)
    await say(ctx, "slow", stream="a")
    await say(ctx, "after it", stream="a")
    for number in range(STREAMS * 2):
        await say(ctx, f"quick {number}")

    async with at_work(Worker(ctx, gateways)):
        await until(lambda: len(sms.sent) == STREAMS * 2)
        before = sms.to(PHONE)
        sms.gate.set()
        await until(lambda: len(sms.sent) == STREAMS * 2 + 2)

    assert "slow" not in before
    assert "after it" not in before
    assert sms.to(PHONE)[-2:] == ["slow", "after it"]


async def test_no_more_than_eight_deliveries_are_under_way(
    ctx: Context, sms: HeldSms, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch)
    for number in range(STREAMS + 4):
        await say(ctx, f"slow {number}")

    async with at_work(Worker(ctx, gateways)):
        await until(lambda: sms.waiting == STREAMS)
        await asyncio.sleep(working.POLL_SECONDS * 2)
        at_most = sms.waiting
        sms.gate.set()
        await until(lambda: len(sms.sent) == STREAMS + 4)

    assert at_most == STREAMS


async def test_a_stopped_worker_ends_what_it_has_begun(
    ctx: Context, sms: HeldSms, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch)
    await say(ctx, "slow")
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(ctx, gateways).run(stop))
    await until(lambda: sms.waiting == 1)

    stop.set()
    sms.gate.set()
    await asyncio.wait_for(task, 20)

    assert sms.to(PHONE) == ["slow"]
    assert await fetch("SELECT id FROM outbox WHERE done_at IS NULL") == []


async def test_a_delivery_that_crashes_does_not_end_the_loop(
    ctx: Context, sms: HeldSms, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch)
    crashed: list[int] = []

    async def crash_once(ctx: Context, gateways: Gateways, message: outbox.Claimed) -> None:
        if not crashed:
            crashed.append(message.id)
            raise RuntimeError("the database went away")
        await deliver(ctx, gateways, message)

    monkeypatch.setattr(working, "deliver", crash_once)
    await say(ctx, "first")
    await say(ctx, "second")

    async with at_work(Worker(ctx, gateways)):
        await until(lambda: len(sms.sent) == 1)

    assert len(crashed) == 1


async def test_looking_for_messages_goes_on_after_a_failure(
    ctx: Context, sms: HeldSms, gateways: Gateways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    only(monkeypatch)
    claim, failures = outbox.claim, [RuntimeError(f"connection lost while reading {PHONE}")]

    async def claim_badly(now: datetime, most: int = 20) -> list[outbox.Claimed]:
        if failures:
            raise failures.pop()
        return await claim(now, most)

    monkeypatch.setattr(outbox, "claim", claim_badly)
    await say(ctx, "hello")

    async with at_work(Worker(ctx, gateways)):
        await until(lambda: len(sms.sent) == 1)

    assert "RuntimeError" in caplog.text
    assert PHONE not in caplog.text


async def test_due_work_of_one_kind_failing_does_not_stop_the_others(
    ctx: Context, gateways: Gateways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    async def broken(ctx: Context, *, batch: int) -> int:
        raise RuntimeError(f"duplicate key (phone)=({PHONE})")

    async def sound(ctx: Context, *, batch: int) -> int:
        done.append("sound")
        return 0

    only(monkeypatch, broken, sound)

    await Worker(ctx, gateways).do_due()

    assert done == ["sound"]
    assert PHONE not in caplog.text


async def test_due_work_goes_on_while_batches_are_full(
    ctx: Context, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [working.BATCH, working.BATCH, 3]

    async def renew(ctx: Context, *, batch: int) -> int:
        return left.pop(0)

    only(monkeypatch, renew)

    await Worker(ctx, gateways).do_due()

    assert left == []


async def test_messages_go_out_while_due_work_is_long(
    ctx: Context, sms: HeldSms, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def long_work(ctx: Context, *, batch: int) -> int:
        begun.set()
        await release.wait()
        return 0

    only(monkeypatch, long_work)

    async with at_work(Worker(ctx, gateways)):
        await asyncio.wait_for(begun.wait(), 20)
        try:
            await say(ctx, "a code somebody waits for")
            await until(lambda: len(sms.sent) == 1)
        finally:
            release.set()

    assert sms.to(PHONE) == ["a code somebody waits for"]


async def test_a_stopped_worker_begins_no_further_batch(
    ctx: Context, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, batches = asyncio.Event(), []

    async def endless(ctx: Context, *, batch: int) -> int:
        batches.append(batch)
        stop.set()
        await asyncio.sleep(0)
        return batch

    only(monkeypatch, endless)

    await asyncio.wait_for(Worker(ctx, gateways).run(stop), 20)

    assert len(batches) == 1
