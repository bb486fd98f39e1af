"""A subscriber's number: whose it is, which account pays for it, on which tariff it is."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from domain.account import PersonalAccount
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
