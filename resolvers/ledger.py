"""The ledger as a whole: sealing it, and the balances of the operator's own accounts."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from domain.ledger_seal import (
    Horizon,
    OperatorBalance,
    Seal,
    is_settled,
    last_seal,
    look_ahead,
    operator_balances,
    seal,
)
from domain.refusal import Forbidden
from resolvers.context import Context, SystemActor, the_staff

log = logging.getLogger("kabinet.ledger")

# Between two rounds of the worker: how far the next seal may reach, once the transactions of that moment are over.
_HORIZON: Final = "ledger.horizon"
_LOOK_AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Books:
    """The operator's own accounts, as they stand, and the newest seal."""

    accounts: list[OperatorBalance]
    seal: Seal


async def operator_books(ctx: Context) -> Books:
    """What is on the operator's own accounts, from the newest seal and what has come since; for staff."""
    the_staff(ctx)
    return Books(await operator_balances(), await last_seal())


async def seal_due(ctx: Context, *, batch: int = 100) -> int:
    """Seals what has come when it is time to (policy), for the worker; `batch` when there is more to seal at once.

    While a transaction is alive that may still bring a lower id, nothing is sealed: the next round looks again.
    """
    _require_system(ctx)
    horizon: Horizon | None = ctx.memo.get(_HORIZON)
    if horizon is None:
        last = await last_seal()
        if last.id and ctx.clock.now() < last.at + ctx.policy.seal_every:
            return 0
        horizon = ctx.memo[_HORIZON] = await look_ahead()
    if not await is_settled(horizon):
        return 0
    made = await _seal(ctx, horizon)
    if made is not None and made.upto < horizon.upto:
        return batch
    del ctx.memo[_HORIZON]
    return 0


async def seal_now(ctx: Context, *, patience_seconds: float = 30) -> tuple[list[Seal], bool]:
    """Seals all that has come: the new seals, and whether that was all.

    It was not when a transaction that may still bring a transfer stayed alive for longer than our patience.
    """
    _require_system(ctx)
    horizon, settled = await look_ahead(), False
    for _ in range(max(round(patience_seconds / _LOOK_AGAIN_SECONDS), 1)):
        if settled := await is_settled(horizon):
            break
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    if not settled:
        return [], False
    made = []
    while one := await _seal(ctx, horizon):
        made.append(one)
    return made, True


async def _seal(ctx: Context, horizon: Horizon) -> Seal | None:
    made = await seal(horizon, by=ctx.actor.label, at=ctx.clock.now())
    if made is not None:
        # Where logs are kept apart from the database, they bear witness to its seals.
        log.info("seal %d: %d transfers up to %d, digest %s", made.id, made.transfers, made.upto, made.digest)
    return made


def _require_system(ctx: Context) -> None:
    if not isinstance(ctx.actor, SystemActor):
        raise Forbidden
