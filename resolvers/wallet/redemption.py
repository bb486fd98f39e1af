"""Paying a holder out (W-5.4.2): asked for by the holder, carried out or refused by staff.

The money stays in the wallet, and can still be spent, until it is paid out; what is there then decides. Frozen money is
not paid out, but for the rest of a wallet that its holder gave up: staff write that request down, and somebody else of
them pays it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tortoise.exceptions import IntegrityError

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch, fetch_row, in_transaction
from domain.idempotency import Key, begin, finish
from domain.ledger import EntryKind, Leg, OperatorAccount, operator_account, post, require_funds
from domain.money import Money
from domain.refusal import InvalidInput, NotFound
from domain.wallet import HeldWallet, WalletMissing, WalletNotActive, WalletStatus, hold_wallets
from domain.wallet.refusals import OwnRequest, RedemptionDecided, RedemptionOpen
from resolvers.context import Context, StaffActor, SubscriberActor, the_staff, the_subscriber
from resolvers.hold import spending
from resolvers.wallet.life import require_unlocked
from resolvers.wallet.views import announce, my_wallet

DESTINATION_LENGTH: Final = range(4, 201)
REASON_LENGTH: Final = range(3, 501)
RULE: Final = "W-5.4.2"


@dataclass(frozen=True, slots=True)
class RedemptionView:
    """A request to be paid out: requested, paid, rejected (with the reason) or withdrawn."""

    id: int
    wallet_id: int
    wallet_number: str
    amount: Money
    destination: str
    status: str
    asked_by: str
    asked_at: datetime
    decided_at: datetime | None
    reason: str
    transfer_id: int | None
    asked_by_name: str
    decided_by_name: str


# Of staff the names, for staff; empty where a holder asked, or nobody of them decided.
_SELECT: Final = """SELECT r.*, w.number, COALESCE(a.name, '') AS asked_by_name, COALESCE(d.name, '') AS decided_by_name
FROM redemption r JOIN wallet w ON w.id = r.wallet_id
LEFT JOIN staff a ON r.asked_by = 'staff:' || a.id LEFT JOIN staff d ON r.decided_by = 'staff:' || d.id"""


def _view(row: Row) -> RedemptionView:
    return RedemptionView(
        id=row["id"],
        wallet_id=row["wallet_id"],
        wallet_number=row["number"],
        amount=Money(row["amount"]),
        destination=row["destination"],
        status=row["status"],
        asked_by=row["asked_by"],
        asked_at=from_micros(row["asked_at"]),
        decided_at=from_micros(row["decided_at"]) if row["decided_at"] is not None else None,
        reason=row["reason"],
        transfer_id=row["transfer_id"],
        asked_by_name=row["asked_by_name"],
        decided_by_name=row["decided_by_name"],
    )


@spending
async def request_redemption(ctx: Context, *, amount: Decimal, destination: str, key: str) -> RedemptionView:
    """The holder asks for so much of the balance, and says where to (W-5.4.2).

    Raises InvalidAmount, InvalidInput, WalletMissing, WalletLocked, WalletNotActive, InsufficientFunds, RedemptionOpen
    (one at a time), IdempotencyKeyReused. A replay gives the first answer.
    """
    actor = the_subscriber(ctx)
    asked, where = Money.asked(amount, path=("input", "amount")), _where(destination)
    call = Key(actor.label, "requestRedemption", key, {"amount": asked.tiyin, "destination": where})
    return await _loaded(await _request(ctx, actor, asked, where, call))


def _where(destination: str) -> str:
    where = " ".join(destination.split())
    if len(where) not in DESTINATION_LENGTH or not where.isprintable():
        raise InvalidInput(rule=RULE, path=("input", "destination"))
    return where


@in_transaction
async def _request(ctx: Context, actor: SubscriberActor, amount: Money, where: str, call: Key) -> int:
    now = ctx.clock.now()
    if replay := await begin(call, now):
        return int(replay.subject)
    mine = await my_wallet(ctx)
    if mine is None:
        raise WalletMissing
    await require_unlocked(ctx)
    held = (await hold_wallets([mine.id]))[mine.id]
    if held.status is not WalletStatus.ACTIVE:
        raise WalletNotActive
    require_funds(held.account, amount, rule=RULE)
    made = await _write(held, amount, where, actor.label, now)
    await finish(call, str(made))
    announce(ctx, mine.id)
    return made


async def _write(held: HeldWallet, amount: Money, where: str, by: str, now: datetime) -> int:
    if await fetch_row("SELECT 1 FROM redemption WHERE wallet_id = $1 AND status = 'requested'", held.id):
        raise RedemptionOpen
    row = await fetch_row(
        """INSERT INTO redemption (wallet_id, amount, destination, status, asked_by, asked_at)
           VALUES ($1, $2, $3, 'requested', $4, $5) RETURNING id""",
        held.id,
        amount.tiyin,
        where,
        by,
        to_micros(now),
    )
    assert row is not None
    return int(row["id"])


@in_transaction
async def request_rest(ctx: Context, *, wallet_id: int, destination: str) -> int:
    """Staff write down that the holder of a wallet that was given up wants its rest; gives the request's id.

    Raises NotFound, InvalidInput, WalletNotActive (it was not given up, or nothing is left), RedemptionOpen.
    """
    actor, now = the_staff(ctx, "agent"), ctx.clock.now()
    held = (await hold_wallets([wallet_id])).get(wallet_id)
    if held is None:
        raise NotFound
    if not await _has_rest(held, now) or not held.balance:
        raise WalletNotActive(rule=RULE)
    made = await _write(held, held.balance, _where(destination), actor.label, now)
    await note(actor.label, "redemption.requested", f"wallet:{wallet_id}", now)
    return made


async def _has_rest(held: HeldWallet, at: datetime) -> bool:
    """Whether it was given up, and what may be left in it was still the holder's at that moment (W-4.6.2)."""
    row = await fetch_row(
        """SELECT 1 FROM wallet WHERE id = $1 AND closed_because = 'given_up'
           AND (rest_until IS NULL OR rest_until > $2)""",
        held.id,
        to_micros(at),
    )
    return row is not None


@in_transaction
async def pay_out(ctx: Context, *, redemption_id: int) -> RedemptionView:
    """The money leaves the wallet, once it has been paid; by somebody else than who asked.

    Raises NotFound, RedemptionDecided, OwnRequest, WalletNotActive (frozen) and InsufficientFunds.
    """
    actor, now = the_staff(ctx, "agent"), ctx.clock.now()
    row, held = await _hold(redemption_id)
    if row["asked_by"] == actor.label:
        raise OwnRequest
    # What was asked for in time is paid, however long staff take.
    if held.status is not WalletStatus.ACTIVE and not await _has_rest(held, from_micros(row["asked_at"])):
        raise WalletNotActive(rule=RULE)
    amount = Money(row["amount"])
    payout = await operator_account(OperatorAccount.PAYOUT)
    legs = [Leg(held.account.id, EntryKind.REDEMPTION, -amount), Leg(payout, EntryKind.REDEMPTION, amount)]
    memo = {"payer": held.number, "redemption": redemption_id}
    posted = await post("redemption", legs, at=now, memo=memo, rule=RULE)
    await _decide(redemption_id, "paid", actor, now, transfer_id=posted.transfer_id)
    if held.status is WalletStatus.CLOSED and held.balance == amount:
        await execute("UPDATE wallet SET rest_until = NULL WHERE id = $1", held.id)
    await note(actor.label, "redemption.paid", f"wallet:{held.id}", now, redemption=redemption_id)
    announce(ctx, held.id)
    return await _loaded(redemption_id)


@in_transaction
async def reject_redemption(ctx: Context, *, redemption_id: int, reason: str) -> RedemptionView:
    """Staff refuse to pay out, with a reason that the holder is told.

    Raises NotFound, InvalidInput and RedemptionDecided.
    """
    actor, now = the_staff(ctx, "agent"), ctx.clock.now()
    reason = " ".join(reason.split())
    if len(reason) not in REASON_LENGTH:
        raise InvalidInput(path=("reason",))
    _, held = await _hold(redemption_id)
    await _decide(redemption_id, "rejected", actor, now, reason=reason)
    await note(actor.label, "redemption.rejected", f"wallet:{held.id}", now, redemption=redemption_id)
    announce(ctx, held.id)
    return await _loaded(redemption_id)


async def _hold(redemption_id: int) -> tuple[Row, HeldWallet]:
    """The open request and its wallet, both locked: the wallet first, as its closing has it."""
    found = await fetch_row("SELECT wallet_id FROM redemption WHERE id = $1", redemption_id)
    if found is None:
        raise NotFound
    held = (await hold_wallets([found["wallet_id"]]))[found["wallet_id"]]
    row = await fetch_row("SELECT * FROM redemption WHERE id = $1 FOR NO KEY UPDATE", redemption_id)
    assert row is not None
    if row["status"] != "requested":
        raise RedemptionDecided
    return row, held


async def _decide(
    redemption_id: int,
    status: str,
    actor: StaffActor,
    now: datetime,
    *,
    reason: str = "",
    transfer_id: int | None = None,
) -> None:
    try:
        await execute(
            """UPDATE redemption SET status = $2, decided_by = $3, decided_at = $4, reason = $5, transfer_id = $6
               WHERE id = $1""",
            redemption_id,
            status,
            actor.label,
            to_micros(now),
            reason,
            transfer_id,
        )
    except IntegrityError as error:  # the database's own four eyes
        raise OwnRequest from error


async def _loaded(redemption_id: int) -> RedemptionView:
    row = await fetch_row(f"{_SELECT} WHERE r.id = $1", redemption_id)
    assert row is not None
    return _view(row)


async def redemption(ctx: Context, redemption_id: int) -> RedemptionView | None:
    """One request: of the caller's own wallets, or any for staff; None otherwise."""
    if isinstance(ctx.actor, StaffActor):
        row = await fetch_row(f"{_SELECT} WHERE r.id = $1", redemption_id)
    else:
        mine = the_subscriber(ctx).subscriber_id
        row = await fetch_row(f"{_SELECT} WHERE r.id = $1 AND w.subscriber_id = $2", redemption_id, mine)
    return _view(row) if row else None


async def redemptions(ctx: Context, wallet_id: int, most: int = 20) -> list[RedemptionView]:
    """A wallet's requests, the newest first; the wallet must come from a look that was scoped to the caller."""
    rows = await fetch(f"{_SELECT} WHERE r.wallet_id = $1 ORDER BY r.id DESC LIMIT $2", wallet_id, most)
    return [_view(row) for row in rows]


async def open_redemptions(ctx: Context, most: int = 50) -> list[RedemptionView]:
    """What waits to be paid out, the oldest first, for staff."""
    the_staff(ctx)
    rows = await fetch(f"{_SELECT} WHERE r.status = 'requested' ORDER BY r.asked_at, r.id LIMIT $1", most)
    return [_view(row) for row in rows]
