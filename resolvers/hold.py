"""Reserving for a purchase that a partner confirms later: reserve, capture in part, release, expire.

Who may what: the holder reserves, from an unlocked session, and cannot take an authorised purchase back; the partner
whose supplier it is for (`hold:write`) captures and releases; staff release, with a reason; the worker lets go of what
has expired. Every one of them locks the wallet first (domain/hold.py).
"""

import binascii
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial, wraps
from typing import Final, ParamSpec, TypeVar

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import Row, after_commit, fetch, fetch_row, in_transaction
from domain.hold import (
    HOLD,
    HoldsNotTaken,
    HoldStatus,
    HoldView,
    capture,
    hold_view,
    let_go,
    load,
    reserve_from,
)
from domain.idempotency import Key, begin, finish
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.outbox import enqueue
from domain.partner import Scope
from domain.refusal import Forbidden, InvalidInput, NotFound
from domain.supplier import (
    SupplierNotFound,
    SupplierView,
    find_supplier,
    plain_reference,
    require_reference,
)
from domain.view import view
from domain.wallet import HeldWallet, WalletLocked, WalletMissing, hold_wallets
from resolvers.account import receipt_number
from resolvers.context import (
    Context,
    PartnerActor,
    StaffActor,
    SubscriberActor,
    SystemActor,
    the_partner,
    the_staff,
    the_subscriber,
)
from resolvers.paging import Page, PageRequest, page

log = logging.getLogger("kabinet.hold")

SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 500


@view
class CaptureView:
    """One part that was taken. `receipt` is the number of its receipt (W-2.19)."""

    at: datetime
    amount: Money
    commission: Money
    receipt: str


P = ParamSpec("P")
T = TypeVar("T")


def spending(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """A use case that spends the caller's money: what has expired is theirs again, before the worker comes to it.

    Looked at only when there is too little and something is reserved; then the use case is tried once more.
    """

    @wraps(work)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(*args, **kwargs)
        except InsufficientFunds as refused:
            ctx = args[0]
            assert isinstance(ctx, Context), "a use case begins with who calls"
            if not refused.held or not await _let_go_of_expired(ctx):
                raise
        return await work(*args, **kwargs)

    return tried


async def _let_go_of_expired(ctx: Context) -> bool:
    """Whether there was any on the caller's wallets."""
    rows = await fetch(
        """SELECT h.id FROM hold h JOIN wallet w ON w.id = h.wallet_id
           WHERE w.subscriber_id = $1 AND h.status = 'authorized' AND h.expires_at <= $2""",
        the_subscriber(ctx).subscriber_id,
        to_micros(ctx.clock.now()),
    )
    for row in rows:
        await _expire(ctx, row["id"])
    return bool(rows)


@spending
async def reserve(ctx: Context, *, supplier: str, reference: str, amount: Decimal, minutes: int, key: str) -> HoldView:
    """Reserves money of the caller's wallet for a purchase that the supplier's partner confirms later (W-4.4.4).

    Raises InvalidAmount, InvalidInput (minutes, reference), WalletMissing, WalletLocked, SupplierNotFound,
    HoldsNotTaken, WalletNotActive, NotToppedUpYet, TooManyHolds, InsufficientFunds, IdempotencyKeyReused.
    """
    actor = the_subscriber(ctx)
    wanted = Money.asked(amount, path=("input", "amount"))
    if not 1 <= minutes <= ctx.policy.hold_longest // timedelta(minutes=1):
        raise InvalidInput(path=("input", "minutes"))
    supplier, reference = supplier.strip() if supplier.isprintable() else "", plain_reference(reference)
    body = {"supplier": supplier, "reference": reference, "amount": wanted.tiyin, "minutes": minutes}
    call = Key(actor.label, "reserve", key, body)
    return await _reserve(ctx, actor, call, supplier, reference, wanted, timedelta(minutes=minutes))


@in_transaction
async def _reserve(
    ctx: Context, actor: SubscriberActor, call: Key, code: str, reference: str, amount: Money, lasting: timedelta
) -> HoldView:
    now = ctx.clock.now()
    if replay := await begin(call, now):
        return await _known(int(replay.subject))
    wallet = await _own_wallet(actor, now)
    supplier = await _supplier(code, reference)
    hold = await reserve_from(
        wallet,
        supplier,
        reference=reference,
        amount=amount,
        most=ctx.policy.holds_at_a_time,
        at=now,
        until=now + lasting,
    )
    await finish(call, str(hold.id))
    await _tell(ctx, hold, now)
    return hold


async def _supplier(code: str, reference: str) -> SupplierView:
    """Raises SupplierNotFound, HoldsNotTaken, InvalidInput (reference)."""
    supplier = await find_supplier(code)
    if supplier is None or not supplier.terms.on_sale:
        raise SupplierNotFound(path=("input", "supplier"))
    if supplier.terms.partner_id is None:
        raise HoldsNotTaken(path=("input", "supplier"))
    require_reference(supplier.terms.reference, reference, path=("input", "reference"))
    return supplier


async def _own_wallet(actor: SubscriberActor, now: datetime) -> HeldWallet:
    """The caller's wallet under its lock. The unlocking is looked at after it: whoever ends that takes the same lock.

    Raises WalletMissing and WalletLocked.
    """
    row = await fetch_row(
        """SELECT w.id FROM wallet w WHERE w.subscriber_id = $1 AND w.status <> 'closed'
           ORDER BY CASE WHEN w.phone = $2 THEN 0 ELSE 1 END, w.id LIMIT 1""",
        actor.subscriber_id,
        actor.phone,
    )
    if row is None:
        raise WalletMissing
    wallet = (await hold_wallets([row["id"]]))[row["id"]]
    unlocked = await fetch_row(
        "SELECT 1 FROM session WHERE id = $1 AND ended_at IS NULL AND wallet_unlocked_until > $2",
        actor.session_id,
        to_micros(now),
    )
    if unlocked is None:
        raise WalletLocked
    return wallet


async def capture_hold(ctx: Context, *, hold_id: int, amount: Decimal | None, final: bool, key: str) -> HoldView:
    """The partner takes a part of what is reserved for its supplier, or all that is left when `amount` is None.

    `final` lets go of the rest. Raises InvalidAmount, NotFound, HoldClosed, WalletNotActive (W-6.4: frozen money is
    not carried off), HoldExceeded, IdempotencyKeyReused. A replay gives the hold as it stands.
    """
    actor = the_partner(ctx, Scope.HOLD_WRITE)
    part = Money.asked(amount, path=("input", "amount")) if amount is not None else None
    body = {"hold": hold_id, "amount": part.tiyin if part else None, "final": final}
    return await _capture(ctx, actor, Key(actor.label, "captureHold", key, body), hold_id, part, final)


@in_transaction
async def _capture(
    ctx: Context, actor: PartnerActor, call: Key, hold_id: int, part: Money | None, final: bool
) -> HoldView:
    now = ctx.clock.now()
    if await begin(call, now):
        return await _known(hold_id)
    hold, wallet = await _held(hold_id, partner_id=actor.partner_id)
    taken = await capture(hold, wallet, part or hold.remaining, final=final, at=now)
    await finish(call, str(hold_id))
    await _tell(ctx, taken, now)
    return taken


async def release_hold(ctx: Context, *, hold_id: int, reason: str = "") -> HoldView:
    """Lets go of what is still reserved: by the supplier's partner, or by staff (agents) with a reason, audited.

    A hold that was released is given again. Raises NotFound, HoldClosed, InvalidInput (reason).
    """
    if isinstance(ctx.actor, StaffActor):
        the_staff(ctx, "agent")
        reason = " ".join(reason.split())
        if not (SHORTEST_REASON <= len(reason) <= LONGEST_REASON and reason.isprintable()):
            raise InvalidInput(path=("reason",))
        return await _release(ctx, hold_id, None, reason)
    return await _release(ctx, hold_id, the_partner(ctx, Scope.HOLD_WRITE).partner_id, "")


@in_transaction
async def _release(ctx: Context, hold_id: int, partner_id: int | None, reason: str) -> HoldView:
    now = ctx.clock.now()
    hold, _ = await _held(hold_id, partner_id=partner_id)
    if hold.status is HoldStatus.CANCELLED:
        return hold
    hold.require_open(now)
    released = await let_go(hold, HoldStatus.CANCELLED, now)
    if isinstance(ctx.actor, StaffActor):
        facts = {"hold": hold_id, "remaining": hold.remaining.tiyin, "reason": reason}
        await note(ctx.actor.label, "hold.released", f"wallet:{hold.wallet_id}", now, **facts)
    await _tell(ctx, released, now)
    return released


async def expire_holds(ctx: Context, *, batch: int = 100) -> int:
    """Lets go of holds whose time is over, for the worker; gives how many. Safe to run anywhere, twice."""
    if not isinstance(ctx.actor, SystemActor):
        raise Forbidden
    rows = await fetch(
        "SELECT id FROM hold WHERE status = 'authorized' AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2",
        to_micros(ctx.clock.now()),
        batch,
    )
    done = 0
    for row in rows:  # each in a transaction of its own: one that fails holds nobody else up
        try:
            done += await _expire(ctx, row["id"])
        except Exception as error:
            log.error("hold %d: %s", row["id"], type(error).__name__)
    return done


@in_transaction
async def _expire(ctx: Context, hold_id: int) -> bool:
    now = ctx.clock.now()
    hold, _ = await _held(hold_id, partner_id=None)
    if hold.status is not HoldStatus.AUTHORIZED or now < hold.expires_at:
        return False
    await _tell(ctx, await let_go(hold, HoldStatus.EXPIRED, now), now)
    return True


async def _held(hold_id: int, *, partner_id: int | None) -> tuple[HoldView, HeldWallet]:
    """The hold, as it stands under its wallet's lock; only that partner's if one is named. Raises NotFound."""
    found = await load(hold_id)
    if found is None or partner_id not in (None, found.supplier.terms.partner_id):
        raise NotFound(what="hold", path=("input", "holdId"))
    wallet = (await hold_wallets([found.wallet_id]))[found.wallet_id]
    return await _known(hold_id), wallet


async def _known(hold_id: int) -> HoldView:
    found = await load(hold_id)
    assert found is not None, "holds are never deleted"
    return found


async def _tell(ctx: Context, hold: HoldView, now: datetime) -> None:
    """The holder's open screens after commit, the partner by its webhook: at least once, in order per hold."""
    after_commit(partial(ctx.announce, f"wallet:{hold.wallet_id}"))
    partner_id = hold.supplier.terms.partner_id
    if partner_id is None:
        return
    data = {
        "id": _api_id(hold.id),
        "version": hold.version,
        "supplier": hold.supplier.code,
        "reference": hold.reference,
        "status": hold.status.value,
        "amount": str(hold.amount.amount),
        "captured": str(hold.captured.amount),
        "remaining": str(hold.remaining.amount),
        "expiresAt": hold.expires_at.isoformat(),
    }
    payload = {
        "partner": partner_id,
        "event": f"hold.{hold.status.value}",
        "id": f"evt_hold_{hold.id}_{hold.version}",
        "data": data,
    }
    await enqueue("webhook", f"hold:{hold.id}", payload, now)


def _api_id(hold_id: int) -> str:
    """The id by which the API knows it: the partner captures with what its webhook said."""
    return binascii.b2a_base64(f"Hold:{hold_id}".encode(), newline=False).decode().rstrip("=")


async def hold(ctx: Context, hold_id: int) -> HoldView | None:
    """One hold: the holder's own, one for the partner's supplier, any for staff; None otherwise."""
    found = await load(hold_id)
    return found if found is not None and await _may_see(ctx, found) else None


async def _may_see(ctx: Context, found: HoldView) -> bool:
    if isinstance(ctx.actor, StaffActor):
        return True
    if isinstance(ctx.actor, PartnerActor):
        return the_partner(ctx, Scope.HOLD_WRITE).partner_id == found.supplier.terms.partner_id
    mine = the_subscriber(ctx).subscriber_id
    return bool(await fetch_row("SELECT 1 FROM wallet WHERE id = $1 AND subscriber_id = $2", found.wallet_id, mine))


async def holds(ctx: Context, wallet_id: int, request: PageRequest) -> Page[HoldView]:
    """A wallet's holds, newest first. The wallet must come from a look that was scoped to the caller."""
    select = HOLD.replace(" FROM hold", ", h.at AS cursor_order, h.id AS cursor_id FROM hold")
    return await page(f"{select} WHERE h.wallet_id = $1", [wallet_id], request, hold_view, order="h.at", id_="h.id")


async def captures(hold: HoldView, request: PageRequest) -> Page[CaptureView]:
    """What was taken of a hold, newest first. The hold must come from a look that was scoped to the caller."""
    return await page(
        """SELECT t.at, c.amount, c.commission, t.id AS cursor_order, t.id AS cursor_id
           FROM hold_capture c JOIN ledger_transfer t ON t.id = c.transfer_id WHERE c.hold_id = $1""",
        [hold.id],
        request,
        _capture_view,
        order="t.id",
        id_="t.id",
    )


def _capture_view(row: Row) -> CaptureView:
    return CaptureView(
        at=from_micros(row["at"]),
        amount=Money(row["amount"]),
        commission=Money(row["commission"]),
        receipt=receipt_number(row["cursor_id"]),
    )
