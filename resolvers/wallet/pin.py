"""The holder's PIN: unlocking with it, changing it, making it anew by the birth date (W-2.15, W-4.6.1e, W-4.6.6)."""

import hmac
from datetime import date, datetime
from typing import Final

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch, fetch_row, in_transaction
from domain.refusal import NotFound
from domain.wallet import (
    BirthDateLocked,
    NotTheWalletsNumber,
    WalletMissing,
    WalletStatus,
    WrongBirthDate,
    check_pin,
    hash_pin,
    hold_wallets,
    read_pin,
)
from domain.wallet.life import Cause, Step, open_blocks, take
from resolvers.context import Context, SubscriberActor, the_staff, the_subscriber
from resolvers.wallet.views import WalletView, announce, my_wallet, wallet

LIVE: Final = "SELECT id FROM wallet WHERE subscriber_id = $1 AND status <> 'closed' ORDER BY id"


@in_transaction
async def unlock_wallet(ctx: Context, *, pin: str) -> datetime:
    """Lets this session move money for a while; gives until when (W-2.15).

    Raises WalletMissing, InvalidInput, WrongPin (counted) and PinLocked.
    """
    actor, now = the_subscriber(ctx), ctx.clock.now()
    entered = read_pin(pin, path=("input", "pin"))
    if not await fetch_row("SELECT 1 FROM wallet WHERE subscriber_id = $1 AND status <> 'closed'", actor.subscriber_id):
        raise WalletMissing
    holder = await fetch_row("SELECT * FROM subscriber WHERE id = $1 FOR NO KEY UPDATE", actor.subscriber_id)
    assert holder is not None
    await check_pin(holder, entered, now=now, policy=ctx.policy)
    until = now + ctx.policy.wallet_unlock_lifetime
    await execute("UPDATE session SET wallet_unlocked_until = $1 WHERE id = $2", to_micros(until), actor.session_id)
    return until


async def change_pin(ctx: Context, *, old: str, new: str) -> WalletView:
    """Another PIN for who knows the one there is; every session of theirs must be unlocked anew. Gives their wallet.

    Raises WalletMissing, InvalidInput, WrongPin (counted) and PinLocked.
    """
    actor = the_subscriber(ctx)
    entered = read_pin(old, path=("input", "oldPin"))
    fresh = await hash_pin(read_pin(new, path=("input", "newPin")))
    await _change_pin(ctx, actor, entered, fresh)
    return await _mine(ctx)


async def _mine(ctx: Context) -> WalletView:
    mine = await my_wallet(ctx)
    if mine is None:
        raise WalletMissing
    return mine


@in_transaction
async def _change_pin(ctx: Context, actor: SubscriberActor, entered: str, fresh: str) -> None:
    await _live_wallets(actor.subscriber_id)
    holder = await _holder(actor.subscriber_id)
    await check_pin(holder, entered, now=ctx.clock.now(), policy=ctx.policy, path=("input", "oldPin"))
    await _keep_pin(actor.subscriber_id, fresh)


@in_transaction
async def forget_pin(ctx: Context) -> list[WalletView]:
    """The holder has forgotten the PIN: their wallets are blocked until it is made anew (W-4.6.1e); gives them."""
    actor, now = the_subscriber(ctx), ctx.clock.now()
    ids = [row["id"] for row in await fetch(LIVE, actor.subscriber_id)]
    if not ids:
        return []
    held = await hold_wallets(ids)
    ids = [wallet_id for wallet_id in ids if held[wallet_id].status is not WalletStatus.CLOSED]  # meanwhile
    for wallet_id in ids:
        if not await _is_forgotten(wallet_id):
            await take(Step.PIN_FORGOTTEN, held[wallet_id], by=actor.label, at=now)
    await _lock_sessions(actor.subscriber_id)
    announce(ctx, *ids)
    return [view for wallet_id in ids if (view := await wallet(ctx, wallet_id)) is not None]


async def reset_pin(ctx: Context, *, birth_date: date, pin: str) -> WalletView:
    """A new PIN by the birth date given at opening, from the wallet's own number (W-4.6.6); gives that wallet.

    It is active again, unless something else blocks it. The PIN is the holder's, so another wallet of theirs waits
    until the PIN is made anew from its own number, too: a birth date opens no wallet from a strange number. Raises
    WalletMissing, NotTheWalletsNumber, InvalidInput, WrongBirthDate (counted) and BirthDateLocked.
    """
    actor = the_subscriber(ctx)
    fresh = await hash_pin(read_pin(pin, path=("input", "newPin")))
    wallet_id = await _reset_pin(ctx, actor, birth_date, fresh)
    view = await wallet(ctx, wallet_id)
    assert view is not None
    return view


@in_transaction
async def _reset_pin(ctx: Context, actor: SubscriberActor, birth_date: date, fresh: str) -> int:
    now = ctx.clock.now()
    ids = await _live_wallets(actor.subscriber_id)
    # Wallets before their holder, as blocking has it, so that the two never wait for each other.
    held = await hold_wallets(ids)
    holder = await _holder(actor.subscriber_id)
    live = [wallet for wallet in held.values() if wallet.status is not WalletStatus.CLOSED]
    own = next((wallet for wallet in live if wallet.phone == actor.phone), None)
    if own is None:
        raise NotTheWalletsNumber
    row = await fetch_row("SELECT birth_date FROM wallet WHERE id = $1", own.id)
    assert row is not None
    await _check_birth_date(ctx, holder, row["birth_date"], birth_date.isoformat(), now)
    if await _is_forgotten(own.id):
        await take(Step.PIN_RESET, own, by=actor.label, at=now)
    else:  # it was not told to be forgotten, which would have stopped the others
        for other in live:
            if other is not own and not await _is_forgotten(other.id):
                await take(Step.PIN_FORGOTTEN, other, by=actor.label, at=now)
    await _keep_pin(actor.subscriber_id, fresh)
    announce(ctx, *ids)
    return own.id


async def _is_forgotten(wallet_id: int) -> bool:
    return Cause.PIN_FORGOTTEN in {block.cause for block in await open_blocks(wallet_id)}


async def _check_birth_date(ctx: Context, holder: Row, known: str, given: str, now: datetime) -> None:
    require_birth_date_unlocked(holder, now)
    if hmac.compare_digest(known.encode(), given.encode()):
        await _count_birth_dates(holder["id"], 0, None)
        return
    left = await count_wrong_birth_date(ctx, holder, now)
    raise WrongBirthDate(tries_left=left, path=("input", "birthDate"))


def require_birth_date_unlocked(holder: Row, now: datetime) -> None:
    """Raises BirthDateLocked after too many wrong ones."""
    until = holder["birth_locked_until"]
    if until is not None and to_micros(now) < until:
        raise BirthDateLocked(until=from_micros(until))


async def count_wrong_birth_date(ctx: Context, holder: Row, now: datetime) -> int:
    """One more wrong birth date of a holder whose row is locked; gives how many more there may be."""
    tries = int(holder["birth_wrong_tries"]) + 1
    left = ctx.policy.birth_date_wrong_tries - tries
    locked = now + ctx.policy.birth_date_lock if left <= 0 else None
    await _count_birth_dates(holder["id"], tries if left > 0 else 0, locked)
    return max(left, 0)


async def _count_birth_dates(subscriber_id: int, tries: int, until: datetime | None) -> None:
    await execute(
        "UPDATE subscriber SET birth_wrong_tries = $1, birth_locked_until = $2 WHERE id = $3",
        tries,
        to_micros(until) if until else None,
        subscriber_id,
    )


async def _live_wallets(subscriber_id: int) -> list[int]:
    rows = await fetch(LIVE, subscriber_id)
    if not rows:
        raise WalletMissing
    return [row["id"] for row in rows]


async def _holder(subscriber_id: int) -> Row:
    holder = await fetch_row("SELECT * FROM subscriber WHERE id = $1 FOR NO KEY UPDATE", subscriber_id)
    assert holder is not None
    return holder


async def _keep_pin(subscriber_id: int, fresh: str) -> None:
    await execute(
        "UPDATE subscriber SET pin_hash = $1, pin_wrong_tries = 0, pin_locked_until = NULL WHERE id = $2",
        fresh,
        subscriber_id,
    )
    await _lock_sessions(subscriber_id)


async def _lock_sessions(subscriber_id: int) -> None:
    await execute(
        "UPDATE session SET wallet_unlocked_until = NULL WHERE subscriber_id = $1 AND ended_at IS NULL", subscriber_id
    )


@in_transaction
async def lift_pin_lock(ctx: Context, *, subscriber_id: int) -> None:
    """Staff let a holder try again at once, after wrong PINs or birth dates. Raises NotFound."""
    actor = the_staff(ctx, "agent")
    row = await fetch_row(
        """UPDATE subscriber SET pin_wrong_tries = 0, pin_locked_until = NULL, birth_wrong_tries = 0,
               birth_locked_until = NULL WHERE id = $1 RETURNING id""",
        subscriber_id,
    )
    if row is None:
        raise NotFound
    await note(actor.label, "pin.unlocked", f"subscriber:{subscriber_id}", ctx.clock.now())
