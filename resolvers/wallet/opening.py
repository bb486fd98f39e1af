"""Opening a wallet (W-4.1.1)."""

from datetime import date, datetime
from typing import Final

from tortoise.exceptions import IntegrityError

from domain import offer
from domain.clock import local_day, to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.ledger import open_account
from domain.subscriber import SubscriberKind
from domain.wallet import (
    BirthDateGuessed,
    BirthDateWrong,
    WalletExists,
    WalletNotForYou,
    check_pin,
    hash_pin,
    new_wallet_number,
    read_pin,
)
from domain.wallet.life import Step, note_step
from resolvers.context import Context, SubscriberActor, the_subscriber
from resolvers.wallet.pin import count_wrong_birth_date, require_birth_date_unlocked
from resolvers.wallet.views import WalletView, wallet

OFFER: Final = "wallet"
OLDEST_YEARS: Final = 120


async def open_wallet(ctx: Context, *, birth_date: date | None, pin: str | None, offer_edition: str) -> WalletView:
    """Opens a wallet for the number that the caller signed in with, which a one-time code has proved (W-4.1.1).

    Raises WalletNotForYou, WalletExists, BirthDateWrong, OfferOutdated, InvalidInput (the PIN's form) and, when the
    holder has a PIN already, BirthDateLocked (wrong birth dates are counted then), WrongPin or PinLocked.
    """
    actor = the_subscriber(ctx)
    fresh_hash = await hash_pin(read_pin(pin, path=("input", "pin"))) if pin is not None else None
    wallet_id = await _open(ctx, actor, birth_date, pin, fresh_hash, offer_edition)
    view = await wallet(ctx, wallet_id)
    assert view is not None
    return view


@in_transaction
async def _open(
    ctx: Context, actor: SubscriberActor, birth_date: date | None, pin: str | None, fresh_hash: str | None, edition: str
) -> int:
    now = ctx.clock.now()
    # The subscriber's row first: two openings at once wait for each other here.
    holder = await fetch_row("SELECT * FROM subscriber WHERE id = $1 FOR NO KEY UPDATE", actor.subscriber_id)
    assert holder is not None
    if holder["kind"] != SubscriberKind.PRIVATE or holder["status"] != "active" or not await _is_in_service(actor):
        raise WalletNotForYou
    if await fetch_row("SELECT 1 FROM wallet WHERE phone = $1 AND status <> 'closed'", actor.phone):
        raise WalletExists
    await _require_birth_date(ctx, birth_date, holder, now)
    current = await offer.require_current(OFFER, edition, local_day(now), rule="W-4.1.1")
    await _settle_pin(ctx, holder, pin, fresh_hash)
    acceptance = await offer.accept(
        edition=current,
        subscriber_id=actor.subscriber_id,
        phone=actor.phone,
        language=ctx.language,
        at=now,
        occasion="wallet opening",
        proof=f"session:{actor.session_id}",
    )
    return await _create(actor, birth_date, acceptance, now)


async def _is_in_service(actor: SubscriberActor) -> bool:
    row = await fetch_row(
        "SELECT 1 FROM subscriber_number WHERE phone = $1 AND subscriber_id = $2 AND status = 'active'",
        actor.phone,
        actor.subscriber_id,
    )
    return row is not None


async def _require_birth_date(ctx: Context, birth_date: date | None, holder: Row, now: datetime) -> None:
    today, known = local_day(now), holder["birth_date"]
    if birth_date is None or not (today.year - OLDEST_YEARS <= birth_date.year and birth_date < today):
        raise BirthDateWrong(path=("input", "birthDate"))
    if known is None:
        return
    if holder["pin_hash"] is not None:
        require_birth_date_unlocked(holder, now)
    if known != birth_date.isoformat():
        if holder["pin_hash"] is None:
            raise BirthDateWrong(path=("input", "birthDate"))
        await count_wrong_birth_date(ctx, holder, now)
        raise BirthDateGuessed(path=("input", "birthDate"))


async def _settle_pin(ctx: Context, holder: Row, pin: str | None, fresh_hash: str | None) -> None:
    """The holder's PIN is made, unless they have one; then the one given must be it."""
    if holder["pin_hash"] is None:
        if fresh_hash is None:
            read_pin(None, path=("input", "pin"))
        await execute("UPDATE subscriber SET pin_hash = $1 WHERE id = $2", fresh_hash, holder["id"])
    elif pin is not None:
        await check_pin(holder, pin, now=ctx.clock.now(), policy=ctx.policy)


async def _create(actor: SubscriberActor, birth_date: date | None, acceptance: int, now: datetime) -> int:
    assert birth_date is not None
    try:
        row = await fetch_row(
            """INSERT INTO wallet (number, subscriber_id, phone, ledger_account_id, level, status, birth_date,
                                   opened_at, acceptance_id)
               VALUES ($1, $2, $3, $4, 'light', 'active', $5, $6, $7) RETURNING id""",
            new_wallet_number(),
            actor.subscriber_id,
            actor.phone,
            await open_account("wallet"),
            birth_date.isoformat(),
            to_micros(now),
            acceptance,
        )
    except IntegrityError as error:  # the number has just got a wallet through another subscriber's row
        raise WalletExists from error
    assert row is not None
    await note_step(Step.OPENED, row["id"], by=actor.label, at=now)
    return int(row["id"])
