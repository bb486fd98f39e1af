"""Steps in a wallet's life as its tests take them, and what they look at afterwards."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.database import fetch_row
from domain.money import Money
from domain.wallet import (
    WalletStatus,
)
from domain.wallet.life import Cause, ClosedBecause, Step
from resolvers import wallet
from resolvers.context import Context, SystemActor
from resolvers.worker import DUE_WORK
from tests.support.world import Person, World

BIRTH = date(1990, 5, 17)
WHY = "as the holder asked by phone"
TABLES = ("wallet", "wallet_block", "wallet_event", "redemption", "session", "otp_challenge", "audit_event")
MONEY = ("ledger_entry", "ledger_account")
Act = Callable[[Context, int], Awaitable[object]]


async def report_loss(ctx: Context, wallet_id: int) -> None:
    await wallet.report_loss(ctx, wallet_id=wallet_id, reason=WHY)


async def restore_number(ctx: Context, wallet_id: int) -> None:
    await wallet.restore_number(ctx, wallet_id=wallet_id, birth_date=BIRTH, reason=WHY)


async def suspect(ctx: Context, wallet_id: int) -> None:
    await wallet.suspect(ctx, wallet_id=wallet_id, reason=WHY)


async def clear(ctx: Context, wallet_id: int) -> None:
    await wallet.clear(ctx, wallet_id=wallet_id, reason=WHY)


async def send(ctx: Context, to: Person, som: int = 1, key: str = "k") -> wallet.TransferView:
    return await wallet.transfer(ctx, to=to.phone, amount=Decimal(som), key=key)


async def seen(ctx: Context, person: Person) -> tuple[WalletStatus, set[Cause], ClosedBecause | None]:
    """The wallet as staff see it."""
    view = await wallet.wallet(ctx, person.wallet_id)
    assert view is not None
    found = await wallet.life(ctx, view)
    return view.status, {block.cause for block in found.blocks}, found.closed_because


async def steps(ctx: Context, person: Person) -> list[Step]:
    return [event.step for event in reversed(await wallet.history(ctx, person.wallet_id))]


async def everything_due(world: World) -> None:
    ctx = world.context(SystemActor())
    for work in DUE_WORK:
        await work(ctx, batch=100)


async def refused(world: World, refusal: type[Exception], work: Awaitable[object]) -> Any:
    """The work is refused and nothing has changed; gives the refusal."""
    before = await world.everything(*TABLES, *MONEY)
    with pytest.raises(refusal) as told:
        await work
    assert await world.everything(*TABLES, *MONEY) == before
    return told.value


async def forfeited() -> Money:
    row = await fetch_row(
        """SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) AS sum FROM ledger_entry e
           JOIN ledger_account a ON a.id = e.account_id WHERE a.code = 'revenue' AND e.kind = 'forfeiture'"""
    )
    assert row is not None
    return Money(row["sum"])
