"""What a wallet is."""

import secrets
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from domain.account import check_digit
from domain.fields import DayField, InstantField
from domain.ledger import LedgerAccount
from domain.offer import OfferAcceptance
from domain.subscriber import Subscriber


class WalletLevel(StrEnum):
    """Light: not identified, with limits (W-4.1.2). Premium: identified by staff (W-4.2.1)."""

    LIGHT = "light"
    PREMIUM = "premium"


class WalletStatus(StrEnum):
    """Only an active wallet takes part in movements; a blocked one's balance is frozen (W-4.6)."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    CLOSED = "closed"


class Wallet(Model):
    """`birth_date` is the one given at opening: with the PIN it is the holder's authentication data (W-2.15)."""

    id = fields.BigIntField(primary_key=True)
    number = fields.CharField(max_length=20, unique=True)
    subscriber: fields.ForeignKeyRelation[Subscriber] = fields.ForeignKeyField(
        "kabinet.Subscriber", related_name="wallets"
    )
    phone = fields.CharField(max_length=13)
    ledger_account: fields.ForeignKeyRelation[LedgerAccount] = fields.ForeignKeyField("kabinet.LedgerAccount")
    level = fields.CharField(max_length=16)
    status = fields.CharField(max_length=16)
    birth_date = DayField()
    opened_at = InstantField()
    first_top_up_at = InstantField(null=True)
    acceptance: fields.ForeignKeyRelation[OfferAcceptance] = fields.ForeignKeyField("kabinet.OfferAcceptance")

    class Meta:
        table = "wallet"


def new_wallet_number() -> str:
    """Sixteen digits: 98, thirteen at random, a check digit. Account numbers are shorter: the two never meet."""
    digits = f"98{secrets.randbelow(10**13):013d}"
    return digits + check_digit(digits)
