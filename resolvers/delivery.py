"""Delivering one message of the outbox: to the SMS gateway or to a partner's webhook; never inside a transaction."""

import json
import logging
from datetime import timedelta
from typing import Final

from domain import access
from domain.clock import from_micros
from domain.database import fetch_row
from domain.outbox import Claimed, delivered, give_up, postpone
from domain.partner import webhook_secret
from gateways import Gateways
from gateways.sms import SmsNotSent
from gateways.webhooks import WebhookNotTaken
from resolvers.context import Context

log = logging.getLogger("kabinet.delivery")

OTP_TRIES: Final = 8
SMS_PATIENCE: Final = timedelta(days=1)
WEBHOOK_PATIENCE: Final = timedelta(days=3)


async def deliver(ctx: Context, gateways: Gateways, message: Claimed) -> None:
    """Delivers the message and notes how that went. Never raises but when it is cancelled.

    What goes wrong is noted by kind alone: reasons may hold numbers and texts, which are nobody's to log.
    """
    try:
        await _DELIVER[message.topic](ctx, gateways, message)
    except SmsNotSent as error:
        await _later(ctx, message, "SmsNotSent", SMS_PATIENCE, retry=error.retry)
    except WebhookNotTaken as error:
        asked = timedelta(seconds=error.retry_after_seconds) if error.retry_after_seconds else None
        await _later(ctx, message, "WebhookNotTaken", WEBHOOK_PATIENCE, retry=error.retry, after=asked)
    except Exception as error:
        log.warning("message %s of %s was not delivered: %s", message.id, message.topic, type(error).__name__)
        await _later(ctx, message, type(error).__name__, WEBHOOK_PATIENCE, retry=True)


async def _later(
    ctx: Context, message: Claimed, error: str, patience: timedelta, *, retry: bool, after: timedelta | None = None
) -> None:
    now = ctx.clock.now()
    tired = now - from_micros(message.created_at) > patience
    if message.topic == "otp" and message.attempts >= OTP_TRIES:
        tired = True
    if tired or not retry:
        log.warning("message %s of %s is given up: %s", message.id, message.topic, error)
        await give_up(message, now, error)
    else:
        await postpone(message, now, error, after)


async def _otp(ctx: Context, gateways: Gateways, message: Claimed) -> None:
    """The code is computed now; one that is over, or for a number that is nobody's, is dropped in silence."""
    found = await access.otp_message(ctx.secrets, message.payload["challenge"], ctx.clock.now())
    if found is not None:
        phone, text = found
        await gateways.sms.send(to=phone, text=text, reference=f"otp-{message.id}")
    await delivered(message, ctx.clock.now())


async def _sms(ctx: Context, gateways: Gateways, message: Claimed) -> None:
    await gateways.sms.send(to=message.payload["to"], text=message.payload["text"], reference=f"sms-{message.id}")
    await delivered(message, ctx.clock.now())


async def _webhook(ctx: Context, gateways: Gateways, message: Claimed) -> None:
    """S-9. A partner without an address, or one that is switched off, is told nothing."""
    partner = await fetch_row(
        "SELECT id, webhook_url, webhook_version FROM partner WHERE id = $1 AND disabled_at IS NULL",
        message.payload["partner"],
    )
    if partner is not None and partner["webhook_url"]:
        at = from_micros(message.created_at)
        body = {"type": message.payload["event"], "timestamp": at.isoformat(), "data": message.payload["data"]}
        await gateways.webhooks.post(
            url=partner["webhook_url"],
            secrets=[webhook_secret(ctx.secrets, partner["id"], partner["webhook_version"])],
            message_id=message.payload["id"],
            at=ctx.clock.now(),
            body=json.dumps(body, ensure_ascii=False, sort_keys=True).encode(),
        )
    await delivered(message, ctx.clock.now())


_DELIVER: Final = {"otp": _otp, "sms": _sms, "webhook": _webhook}
