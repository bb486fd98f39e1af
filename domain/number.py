"""A subscriber's number: whose it is, which account pays for it, on which tariff it is."""

from datetime import datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from domain.account import PersonalAccount
from domain.clock import to_micros
from domain.database import fetch_row
from domain.fields import InstantField
from domain.subscriber import Subscriber


class NumberStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class SubscriberNumber(Model):
    id = fields.BigIntField(primary_key=True)
    phone = fields.CharField(max_length=13, unique=True)
    subscriber: fields.ForeignKeyRelation[Subscriber] = fields.ForeignKeyField(
        "kabinet.Subscriber", related_name="numbers"
    )
    account: fields.ForeignKeyRelation[PersonalAccount] = fields.ForeignKeyField(
        "kabinet.PersonalAccount", related_name="numbers"
    )
    tariff_id = fields.BigIntField(null=True)
    status = fields.CharField(max_length=16)
    activated_at = InstantField()

    class Meta:
        table = "subscriber_number"


async def connect_number(
    phone: str, *, subscriber_id: int, account_id: int, activated_at: datetime, tariff_id: int | None = None
) -> int:
    """A number in service, paid by that account, inside the caller's transaction; gives its id."""
    row = await fetch_row(
        """INSERT INTO subscriber_number (phone, subscriber_id, account_id, tariff_id, status, activated_at)
           VALUES ($1, $2, $3, $4, 'active', $5) RETURNING id""",
        phone,
        subscriber_id,
        account_id,
        tariff_id,
        to_micros(activated_at),
    )
    assert row is not None
    return int(row["id"])
