"""Money that comes in from outside: one core for every payment system and every agent (W-4.3.1).

    pending ─→ captured (the money is on the balance) ─→ refunded (and has been taken back)
            ─→ cancelled (it never came)

A payment is known by its provider and the id that the provider gave it: a unique key, so that whatever is sent twice is
one payment. Its row is locked before it is looked at, and before whatever it pays into; a state is left once and never
come back to, and the database itself refuses any other way (server/database/migrations/0023).

Dangerous races: perform against cancel (the row's lock; the second finds the state that the first has made), the same
creation twice at once (the unique key), and money spent between a top-up and its taking back (the ledger looks under
the account's lock: what is gone is not taken back).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from tortoise import fields
from tortoise.models import Model

from domain import account, wallet
from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch_row
from domain.fields import InstantField, MoneyField, TextsField
from domain.ledger import EntryKind, LedgerAccount, LedgerTransfer, Leg, OperatorAccount, operator_account, post
from domain.money import ZERO, Money
from domain.refusal import Refusal
from domain.switch import Switch
from domain.view import view
from domain.wallet import HeldWallet, Wallet, WalletNotActive, WalletStatus, hold_wallets

PAYME: Final = "payme"
CLICK: Final = "click"
PARTNER: Final = "partner:"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(eq=False, kw_only=True)
class PayeeNotFound(Refusal):
    """No account and no wallet that can be topped up has this number or phone."""

    code: ClassVar[str] = "PAYEE_NOT_FOUND"
    text: ClassVar[str] = "There is no account and no wallet with this number."
    default_rule: ClassVar[str | None] = "W-4.4.5"


@dataclass(eq=False, kw_only=True)
class PaymentNotFound(Refusal):
    code: ClassVar[str] = "PAYMENT_NOT_FOUND"
    text: ClassVar[str] = "There is no such payment."


@dataclass(eq=False, kw_only=True)
class PaymentDiffers(Refusal):
    """The provider has used the id for another amount or payee."""

    code: ClassVar[str] = "PAYMENT_DIFFERS"
    text: ClassVar[str] = "There is another payment with this id."


@dataclass(eq=False, kw_only=True)
class PaymentOver(Refusal):
    """It is in a state in which this cannot be done any more."""

    code: ClassVar[str] = "PAYMENT_OVER"
    text: ClassVar[str] = "The payment is not open any more."
    status: PaymentStatus


@dataclass(eq=False, kw_only=True)
class PaymentLapsed(Refusal):
    """It was not performed in time; that it is cancelled is written down: that is why this commits."""

    code: ClassVar[str] = "PAYMENT_LAPSED"
    text: ClassVar[str] = "The payment was not finished in time and is cancelled."
    commits: ClassVar[bool] = True


class Payment(Model):
    """`fiscal` is the JSON of what the provider's tax module registered; `commission` the agent's own (W-4.4.2)."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(max_length=64)
    external_id = fields.CharField(max_length=100)
    account: fields.ForeignKeyRelation[LedgerAccount] = fields.ForeignKeyField("kabinet.LedgerAccount")
    wallet: fields.ForeignKeyNullableRelation[Wallet] = fields.ForeignKeyField("kabinet.Wallet", null=True)
    amount = MoneyField()
    commission = MoneyField(default=ZERO)
    status = fields.CharField(max_length=16)
    named = fields.CharField(max_length=100)
    provider_at = InstantField(null=True)
    created_at = InstantField()
    expires_at = InstantField(null=True)
    captured_at = InstantField(null=True)
    cancelled_at = InstantField(null=True)
    reason = fields.TextField(null=True)
    transfer: fields.ForeignKeyNullableRelation[LedgerTransfer] = fields.ForeignKeyField(
        "kabinet.LedgerTransfer", null=True, related_name="payments"
    )
    reversal: fields.ForeignKeyNullableRelation[LedgerTransfer] = fields.ForeignKeyField(
        "kabinet.LedgerTransfer", null=True, related_name="reversed_payments"
    )
    fiscal = TextsField(null=True)

    class Meta:
        table = "payment"


@view
class PaymentView:
    """A payment as it stands. `named` and `provider_at` are the provider's own: for its statements."""

    id: int
    provider: str
    external_id: str
    account_id: int
    wallet_id: int | None
    amount: Money
    commission: Money
    status: PaymentStatus
    named: str
    provider_at: datetime | None
    created_at: datetime
    expires_at: datetime | None
    captured_at: datetime | None
    cancelled_at: datetime | None
    reason: str | None
    transfer_id: int | None
    reversal_id: int | None
    fiscal: str | None


def payment_view(row: Row) -> PaymentView:
    return PaymentView(
        id=row["id"],
        provider=row["provider"],
        external_id=row["external_id"],
        account_id=row["account_id"],
        wallet_id=row["wallet_id"],
        amount=Money(row["amount"]),
        commission=Money(row["commission"]),
        status=PaymentStatus(row["status"]),
        named=row["named"],
        provider_at=_instant(row["provider_at"]),
        created_at=from_micros(row["created_at"]),
        expires_at=_instant(row["expires_at"]),
        captured_at=_instant(row["captured_at"]),
        cancelled_at=_instant(row["cancelled_at"]),
        reason=row["reason"],
        transfer_id=row["transfer_id"],
        reversal_id=row["reversal_id"],
        fiscal=row["fiscal"],
    )


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


@dataclass(frozen=True, slots=True)
class Payee:
    """What a payment tops up: a wallet, or a personal account (`wallet_id` None). `number` is its own."""

    account_id: int
    number: str
    wallet_id: int | None


async def payee_by_phone(digits: str) -> Payee:
    """The personal account of a phone in use: nine digits, without 998. Raises PayeeNotFound."""
    row = None
    if len(digits) == 9 and digits.isascii() and digits.isdigit():
        row = await fetch_row(
            """SELECT p.ledger_account_id, p.number FROM subscriber_number n
               JOIN personal_account p ON p.id = n.account_id WHERE n.phone = $1 AND n.status <> 'ended'""",
            f"+998{digits}",
        )
    if row is None:
        raise PayeeNotFound
    return Payee(row["ledger_account_id"], row["number"], None)


async def payee_by_number(number: str) -> Payee:
    """The personal account or the wallet of this number; the two never meet. Raises PayeeNotFound."""
    row = None
    if number.isascii() and number.isdigit() and len(number) <= 20:
        row = await fetch_row(
            """SELECT ledger_account_id, NULL AS wallet_id FROM personal_account WHERE number = $1
               UNION ALL SELECT ledger_account_id, id FROM wallet WHERE number = $1 AND status <> 'closed'""",
            number,
        )
    if row is None:
        raise PayeeNotFound
    return Payee(row["ledger_account_id"], number, row["wallet_id"])


async def require_room(payee: Payee, amount: Money, now: datetime) -> None:
    """What can be said beforehand: raises WalletNotActive, TopUpLimitReached, BalanceLimitReached."""
    if payee.wallet_id is not None:
        await wallet.require_room(payee.wallet_id, amount, now)


async def create(
    provider: str,
    external_id: str,
    payee: Payee,
    amount: Money,
    *,
    named: str,
    at: datetime,
    provider_at: datetime | None = None,
    expires_at: datetime | None = None,
    commission: Money = ZERO,
) -> PaymentView | None:
    """A new payment, pending; None when the provider's id is known already. `named`: the payee in its own words."""
    row = await fetch_row(
        """INSERT INTO payment (provider, external_id, account_id, wallet_id, amount, commission, status, named,
                                provider_at, created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $10)
           ON CONFLICT (provider, external_id) DO NOTHING RETURNING *""",
        provider,
        external_id,
        payee.account_id,
        payee.wallet_id,
        amount.tiyin,
        commission.tiyin,
        named,
        to_micros(provider_at) if provider_at else None,
        to_micros(at),
        to_micros(expires_at) if expires_at else None,
    )
    return payment_view(row) if row else None


async def hold_payment(provider: str, external_id: str) -> PaymentView:
    """The provider's payment, locked until the transaction ends. Raises PaymentNotFound."""
    row = await fetch_row(
        "SELECT * FROM payment WHERE provider = $1 AND external_id = $2 FOR NO KEY UPDATE", provider, external_id
    )
    if row is None:
        raise PaymentNotFound
    return payment_view(row)


async def find(provider: str, external_id: str) -> PaymentView | None:
    """The provider's payment as it stands, unlocked."""
    row = await fetch_row("SELECT * FROM payment WHERE provider = $1 AND external_id = $2", provider, external_id)
    return payment_view(row) if row else None


def is_over_time(payment: PaymentView, now: datetime) -> bool:
    """Whether a pending payment's time is over."""
    over = payment.expires_at is not None and now >= payment.expires_at
    return payment.status is PaymentStatus.PENDING and over


async def capture(payment: PaymentView, *, at: datetime, memo: dict[str, Any]) -> PaymentView:
    """Brings the money in, whole (W-4.4.2); the payment's row is locked, and pending.

    Raises PaymentOver, and for a wallet WalletNotActive, TopUpLimitReached and BalanceLimitReached.
    """
    if payment.status is not PaymentStatus.PENDING:
        raise PaymentOver(status=payment.status)
    source = source_of(payment.provider)
    if payment.wallet_id is None:
        posted = await account.top_up(payment.account_id, payment.amount, at=at, memo=memo, source=source)
    else:
        held = (await hold_wallets([payment.wallet_id]))[payment.wallet_id]
        posted = await wallet.top_up(
            held, payment.amount, at=at, memo=memo, source=source, commission=payment.commission
        )
    return await _written(payment, "captured", captured_at=to_micros(at), transfer_id=posted.transfer_id)


async def cancel(payment: PaymentView, *, at: datetime, reason: str) -> PaymentView:
    """Ends a pending payment, or takes a captured one's money back; the payment's row is locked.

    Money that is spent, held or frozen is not taken back: raises InsufficientFunds, WalletNotActive. A postpaid account
    has no floor, so that what was taken back is simply owed again. Raises PaymentOver for what is cancelled already.
    """
    if payment.status is PaymentStatus.PENDING:
        return await _written(payment, "cancelled", cancelled_at=to_micros(at), reason=reason)
    if payment.status is not PaymentStatus.CAPTURED:
        raise PaymentOver(status=payment.status)
    if payment.wallet_id is not None:
        _require_active((await hold_wallets([payment.wallet_id]))[payment.wallet_id])
    source = await operator_account(source_of(payment.provider))
    legs = [
        Leg(payment.account_id, EntryKind.REVERSAL, -payment.amount),
        Leg(source, EntryKind.REVERSAL, payment.amount),
    ]
    memo = {"way": payment.provider, "payment": payment.id}
    posted = await post("reversal", legs, at=at, memo=memo, corrects=payment.transfer_id)
    return await _written(
        payment, "refunded", cancelled_at=to_micros(at), reason=reason, reversal_id=posted.transfer_id
    )


def _require_active(held: HeldWallet) -> None:
    if held.status is not WalletStatus.ACTIVE:
        raise WalletNotActive


async def _written(payment: PaymentView, status: str, **changed: Any) -> PaymentView:
    places = ", ".join(f"{name} = ${n}" for n, name in enumerate(changed, 3))
    row = await fetch_row(
        f"UPDATE payment SET status = $2, {places} WHERE id = $1 RETURNING *", payment.id, status, *changed.values()
    )
    assert row is not None, "its row is locked"
    return payment_view(row)


async def keep_fiscal(payment: PaymentView, fiscal: str) -> None:
    """Keeps the JSON that the provider's tax module registered; the last one stands."""
    await execute("UPDATE payment SET fiscal = $2 WHERE id = $1", payment.id, fiscal)


def source_of(provider: str) -> OperatorAccount:
    """Which of the operator's accounts a provider's money comes from."""
    return {PAYME: OperatorAccount.PAYME, CLICK: OperatorAccount.CLICK}.get(provider, OperatorAccount.FUNDING)


def switch_of(provider: str) -> Switch:
    """What switches a provider's way in off (W-4.3.1)."""
    by_name = {PAYME: Switch.TOP_UP_BY_PAYME, CLICK: Switch.TOP_UP_BY_CLICK}
    return by_name.get(provider, Switch.TOP_UP_BY_PARTNER)
