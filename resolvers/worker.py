"""The worker: delivers what is in the outbox and does what comes due. Any number may run, on any machines."""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from domain import outbox
from gateways import Gateways
from resolvers.approval import lapse_proposals
from resolvers.context import Context
from resolvers.delivery import deliver
from resolvers.hold import expire_holds
from resolvers.ledger import seal_due
from resolvers.order import lapse_orders
from resolvers.payment import lapse_payments
from resolvers.reconciliation import fail_stale
from resolvers.schedule_due import carry_out_scheduled
from resolvers.subscription import expire_due, renew_due, tell_renewals
from resolvers.wallet import end_idle_wallets, end_unclaimed

log = logging.getLogger("kabinet.worker")

POLL_SECONDS: Final = 0.3
DUE_SECONDS: Final = 30.0
STREAMS: Final = 8
BATCH: Final = 100
# In this order: told before charged, charged before ended.
DUE_WORK: Final[tuple[Callable[..., Awaitable[int]], ...]] = (
    expire_holds,
    lapse_orders,
    tell_renewals,
    carry_out_scheduled,
    renew_due,
    expire_due,
    lapse_payments,
    lapse_proposals,
    end_idle_wallets,
    end_unclaimed,
    fail_stale,
    seal_due,
)


class Worker:
    """`ctx` is the system's own. A slow receiver holds up its own stream and one of eight places, nothing else."""

    def __init__(self, ctx: Context, gateways: Gateways) -> None:
        self._ctx = ctx
        self._gateways = gateways
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something has just been written: look now rather than at the next poll."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until told to stop, then lets the deliveries under way come to their end.

        Messages and due work go side by side: nobody waits for a code because a thousand renewals are being charged.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver_until(stop))
            tasks.create_task(self._do_due_until(stop))

    async def _deliver_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await self._safely(self._start_deliveries):
                await self._rest()
        if self._running:
            await asyncio.wait(self._running)

    async def _do_due_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.do_due(stop)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DUE_SECONDS):
                    await stop.wait()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        self._woken.clear()

    async def _start_deliveries(self) -> int:
        places = STREAMS - len(self._running)
        if places <= 0:
            await asyncio.wait(self._running, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            return 0
        messages = await outbox.claim(self._ctx.clock.now(), places)
        for message in messages:
            task = asyncio.create_task(deliver(self._ctx, self._gateways, message))
            self._running.add(task)
            task.add_done_callback(self._done)
        return len(messages)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()  # the stream's next message may be free now
        if not task.cancelled() and task.exception() is not None:
            log.error("a delivery could not be noted: %s", type(task.exception()).__name__)

    async def run_once(self) -> int:
        """Delivers everything that is due now, one round after another; how many messages that were."""
        count = 0
        while messages := await outbox.claim(self._ctx.clock.now(), STREAMS):
            await asyncio.gather(*(deliver(self._ctx, self._gateways, message) for message in messages))
            count += len(messages)
        return count

    async def do_due(self, stop: asyncio.Event | None = None) -> None:
        """Everything whose time has come, in batches, until told to stop; one kind failing leaves the others theirs."""
        for work in DUE_WORK:
            more = True
            while more and not (stop and stop.is_set()):
                more = await self._safely(partial(work, self._ctx, batch=BATCH)) >= BATCH

    async def _safely(self, work: Callable[[], Awaitable[int]]) -> int:
        try:
            return await work()
        except Exception as error:
            # Where, but not what: a database's message quotes the row, which may hold a number or a name.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("the worker stumbled: %s\n%s", type(error).__name__, where)
            await asyncio.sleep(1)
            return 0
