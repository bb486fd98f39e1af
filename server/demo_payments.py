"""The demo's money that came in by Payme and Click, as their calls would have brought it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from domain.clock import SetClock
from domain.money import Money
from domain.payment import PAYME, payee_by_phone
from resolvers.context import Context, ProviderActor
from resolvers.payment import create_payment, perform_payment


async def pay_in(ctx: Context, *, way: str, phone: str, amount: Money, at: datetime) -> None:
    """Tops up the personal account of a phone; the payment is named after the phone, and there once."""
    digits = phone.removeprefix("+998")
    by_payme = way == PAYME
    provider = replace(ctx.acting_as(ProviderActor(way)), clock=SetClock(at))
    id_ = f"{int(digits):024x}" if by_payme else digits
    await create_payment(
        provider,
        partial(payee_by_phone, digits),
        amount,
        external_id=id_,
        named=json.dumps({"phone": digits}) if by_payme else digits,
        provider_at=at if by_payme else None,
        lifetime=timedelta(hours=12) if by_payme else None,
    )
    await perform_payment(provider, external_id=id_)
