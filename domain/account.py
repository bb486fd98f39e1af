"""The personal account: a subscriber's telecom balance; an agreement may have several."""

import secrets
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from domain.fields import InstantField
from domain.ledger import LedgerAccount
from domain.subscriber import Subscriber


class Billing(StrEnum):
    """Prepaid never falls below zero by itself (A-6.12); a postpaid one is invoiced after the period (A-6.6.1)."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class PersonalAccount(Model):
    id = fields.BigIntField(primary_key=True)
    number = fields.CharField(max_length=20, unique=True)
    subscriber: fields.ForeignKeyRelation[Subscriber] = fields.ForeignKeyField(
        "kabinet.Subscriber", related_name="accounts"
    )
    ledger_account: fields.ForeignKeyRelation[LedgerAccount] = fields.ForeignKeyField("kabinet.LedgerAccount")
    billing = fields.CharField(max_length=16)
    opened_at = InstantField()

    class Meta:
        table = "personal_account"


def check_digit(digits: str) -> str:
    """Luhn's check digit, so that a mistyped account or wallet number is told at once."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def new_account_number() -> str:
    """Ten digits: 1, eight at random, a check digit. Wallet numbers are longer: the two never meet."""
    digits = f"1{secrets.randbelow(10**8):08d}"
    return digits + check_digit(digits)
