"""The personal account: a subscriber's telecom balance; an agreement may have several."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import fetch_row
from domain.fields import InstantField
from domain.ledger import (
    EntryKind,
    LedgerAccount,
    Leg,
    OperatorAccount,
    Posted,
    open_account,
    operator_account,
    post,
)
from domain.money import ZERO, Money
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


async def open_personal_account(
    subscriber_id: int, *, billing: Billing, opened_at: datetime, number: str | None = None
) -> tuple[int, int]:
    """A new empty account, inside the caller's transaction; gives its id and its ledger account's.

    Prepaid: never below zero. Postpaid: no floor.
    """
    ledger = await open_account("personal", floor=ZERO if billing is Billing.PREPAID else None)
    row = await fetch_row(
        """INSERT INTO personal_account (number, subscriber_id, ledger_account_id, billing, opened_at)
           VALUES ($1, $2, $3, $4, $5) RETURNING id""",
        number or new_account_number(),
        subscriber_id,
        ledger,
        str(billing),
        to_micros(opened_at),
    )
    assert row is not None
    return int(row["id"]), ledger


async def top_up(
    ledger_account_id: int,
    amount: Money,
    *,
    at: datetime,
    memo: dict[str, Any],
    source: OperatorAccount = OperatorAccount.FUNDING,
) -> Posted:
    """Money from outside onto a personal account, inside the caller's transaction."""
    funding = await operator_account(source)
    legs = [Leg(funding, EntryKind.TOP_UP, -amount), Leg(ledger_account_id, EntryKind.TOP_UP, amount)]
    return await post("top_up", legs, at=at, memo=memo)
