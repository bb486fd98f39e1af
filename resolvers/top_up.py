"""Money that agents and banks bring in as partners, at once and within their limits (W-4.3.1)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.clock import local_day, local_midnight, to_micros
from domain.database import Row, fetch_row, in_transaction
from domain.idempotency import Key, begin, finish
from domain.money import ZERO, Money
from domain.partner import PartnerLimitReached
from domain.payment import (
    PARTNER,
    PaymentDiffers,
    PaymentStatus,
    PaymentView,
    create,
    hold_payment,
    payment_view,
    switch_of,
)
from domain.refusal import InvalidInput
from domain.switch import require_way
from resolvers.account import ReceiptView, receipts
from resolvers.context import Context, PartnerActor, the_partner
from resolvers.payment import LONGEST_ID, payee_named, take_in

_GIVEN: Final = "x:"  # what the partner has called it; the others are called by their key


@dataclass(frozen=True, slots=True)
class TopUpView:
    """What an agent or a bank has brought in; `commission` is its own, kept apart from the amount (W-4.4.2)."""

    id: int
    at: datetime
    amount: Money
    commission: Money
    status: PaymentStatus
    external_id: str | None
    receipt: ReceiptView | None


async def top_up(
    ctx: Context, *, to: str, amount: Decimal, commission: Decimal | None, key: str, external_id: str | None
) -> TopUpView:
    """Money from an agent or a bank, at once; the partner has the scope `topup:write` (W-4.3.1).

    `to` is a phone (its personal account), an account's or a wallet's number. Raises InvalidAmount, InvalidInput,
    PayeeNotFound, WayClosed, PartnerLimitReached, WalletNotActive, TopUpLimitReached, BalanceLimitReached,
    PaymentDiffers (the externalId is taken), IdempotencyKeyReused. A replay gives the first answer.
    """
    actor = the_partner(ctx, "topup:write")
    asked = Money.asked(amount, path=("input", "amount"))
    kept = Money.asked(commission, path=("input", "commission")) if commission else ZERO
    if external_id is not None and not (external_id.isprintable() and 0 < len(external_id) <= LONGEST_ID - len(_GIVEN)):
        raise InvalidInput(path=("input", "externalId"))
    call = Key(
        actor.label, "topUp", key, {"to": to, "amount": asked.tiyin, "commission": kept.tiyin, "id": external_id}
    )
    payment = await _top_up(ctx, actor, call, to, asked, kept, external_id)
    return await _top_up_view(ctx, payment)


@in_transaction
async def _top_up(
    ctx: Context, actor: PartnerActor, call: Key, to: str, amount: Money, commission: Money, external_id: str | None
) -> PaymentView:
    now, provider = ctx.clock.now(), f"{PARTNER}{actor.code}"
    if replay := await begin(call, now):
        return await hold_payment(provider, replay.subject)
    await require_way(switch_of(provider))
    payee = await payee_named(to, path=("input", "to"))
    partner = await fetch_row("SELECT name, top_up_most, top_up_day_most FROM partner WHERE id = $1", actor.partner_id)
    assert partner is not None
    await _require_within_limits(actor, partner, amount, now)
    name = f"{_GIVEN}{external_id}" if external_id else hashlib.sha256(call.key.encode()).hexdigest()
    made = await create(provider, name, payee, amount, named=payee.number, at=now, commission=commission)
    if made is None:
        raise PaymentDiffers(path=("input", "externalId"))
    captured = await take_in(ctx, made, now, agent=actor.code, source=partner["name"])
    await finish(call, name)
    return captured


async def _require_within_limits(actor: PartnerActor, partner: Row, amount: Money, now: datetime) -> None:
    if partner["top_up_most"] is not None and amount.tiyin > partner["top_up_most"]:
        most = Money(partner["top_up_most"])
        raise PartnerLimitReached(limit=most, used=ZERO, left=most, resets_at=None, path=("input", "amount"))
    if partner["top_up_day_most"] is None:
        return
    # One top-up of a partner after the other, so that two at once cannot slip past together.
    await fetch_row("SELECT id FROM partner WHERE id = $1 FOR NO KEY UPDATE", actor.partner_id)
    today = local_midnight(local_day(now))
    taken = await fetch_row(
        """SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS used FROM payment
           WHERE provider = $1 AND captured_at >= $2""",
        f"{PARTNER}{actor.code}",
        to_micros(today),
    )
    assert taken is not None
    limit, used = Money(partner["top_up_day_most"]), Money(taken["used"])
    if used + amount > limit:
        left, tomorrow = max(limit - used, ZERO), local_midnight(local_day(now) + timedelta(days=1))
        raise PartnerLimitReached(limit=limit, used=used, left=left, resets_at=tomorrow, path=("input", "amount"))


async def top_up_by_id(ctx: Context, payment_id: int) -> TopUpView | None:
    """One of the calling partner's own top-ups; None for anybody else's."""
    if not isinstance(ctx.actor, PartnerActor):
        return None
    row = await fetch_row(
        "SELECT * FROM payment WHERE id = $1 AND provider = $2", payment_id, f"{PARTNER}{ctx.actor.code}"
    )
    return await _top_up_view(ctx, payment_view(row)) if row else None


async def _top_up_view(ctx: Context, payment: PaymentView) -> TopUpView:
    assert payment.transfer_id is not None, "an agent's payment is captured at once"
    [receipt] = await receipts(ctx, [payment.transfer_id])
    given = payment.external_id.startswith(_GIVEN)
    return TopUpView(
        id=payment.id,
        at=payment.captured_at or payment.created_at,
        amount=payment.amount,
        commission=payment.commission,
        status=payment.status,
        external_id=payment.external_id.removeprefix(_GIVEN) if given else None,
        receipt=receipt,
    )
