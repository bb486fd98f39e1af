"""Partners: integrators, agents, suppliers of products; their API keys and what they are told (S-5.5, S-9)."""

import base64
import json
import secrets as random_secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from tortoise import fields
from tortoise.models import Model

from domain.fields import InstantField, MoneyField, TextsField
from domain.money import Money
from domain.outbox import enqueue
from domain.refusal import Refusal
from domain.secrets import Secrets, new_token


class Scope(StrEnum):
    """What a partner's key may do."""

    CATALOGUE_READ = "catalogue:read"
    SUBSCRIPTION_READ = "subscription:read"
    ORDER_WRITE = "order:write"
    TOPUP_WRITE = "topup:write"
    HOLD_WRITE = "hold:write"
    FISCAL_WRITE = "fiscal:write"


@dataclass(eq=False, kw_only=True)
class PartnerLimitReached(Refusal):
    """The operator lets this partner bring in no more, with one payment (`used` zero) or in one day."""

    code: ClassVar[str] = "PARTNER_LIMIT_REACHED"
    text: ClassVar[str] = "You may bring in at most {limit}: {used} is used, {left} is left."
    default_rule: ClassVar[str | None] = "W-5.2.1"
    limit: Money
    used: Money
    left: Money
    resets_at: datetime | None


class Partner(Model):
    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=32, unique=True)
    name = fields.CharField(max_length=200)
    webhook_url = fields.TextField(null=True)
    webhook_version = fields.BigIntField(default=1)
    top_up_most = MoneyField(null=True)
    top_up_day_most = MoneyField(null=True)
    disabled_at = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        table = "partner"


class ApiKey(Model):
    """Only the token's fingerprint is kept: the token is shown once."""

    id = fields.BigIntField(primary_key=True)
    partner: fields.ForeignKeyRelation[Partner] = fields.ForeignKeyField("kabinet.Partner", related_name="api_keys")
    prefix = fields.CharField(max_length=16)
    fingerprint = fields.CharField(max_length=64, unique=True)
    scopes = TextsField()
    created_at = InstantField()
    expires_at = InstantField(null=True)
    revoked_at = InstantField(null=True)

    class Meta:
        table = "api_key"


def new_api_key() -> tuple[str, str]:
    """(prefix, token): the prefix is for people to tell keys apart, the token is shown once."""
    prefix = random_secrets.token_hex(4)
    return prefix, new_token(f"kbk_{prefix}_")


def webhook_secret(secrets: Secrets, partner_id: int, version: int) -> str:
    """The key that signs the partner's webhooks (Standard Webhooks' form): derived, never stored."""
    return "whsec_" + base64.b64encode(secrets.derive("webhook", str(partner_id), str(version))).decode()


async def enqueue_entitlement(
    partner_id: int, subscription_id: int, version: int, event: str, data: dict[str, Any], now: datetime
) -> None:
    """Tells the partner, after commit, at least once and in order per subscription (S-9)."""
    payload = {
        "partner": partner_id,
        "event": str(event),
        "id": f"evt_{subscription_id}_{version}",
        "data": json.loads(json.dumps(data, default=str)),
    }
    await enqueue("webhook", f"subscription:{subscription_id}", payload, now)
