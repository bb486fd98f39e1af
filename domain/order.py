"""An order: an intent that becomes real when its code is entered (S-4, S-5, S-8).

    acknowledged ─→ in_progress ─→ completed
         │               └───────→ failed
         └─→ cancelled (its code was never entered: it has cost nothing)

Entering the code, taking the money and registering the subscription are one transaction, so nobody ever sees the
state between (S-5.3); `in_progress` and `failed` are for products whose delivery takes its time. Dangerous races: one
code entered many times at once (the order's row is locked, the second finds it completed), two orders for one number
confirmed at once (see domain/subscription.py), the worker's lapse against the code (both lock the order's row).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from tortoise import fields
from tortoise.models import Model

from domain.account import PersonalAccount
from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch, fetch_row
from domain.fields import InstantField, MoneyField
from domain.ledger import EntryKind, Held, LedgerTransfer, Leg, OperatorAccount, operator_account, post
from domain.money import Money
from domain.product import Product, ProductView, product_view
from domain.refusal import InvalidInput, Refusal
from domain.secrets import new_public_id
from domain.subscriber import Subscriber
from domain.subscription import (
    ProductSubscription,
    SubscriptionView,
    extend,
    subscription_columns,
    subscription_view,
)
from domain.view import view

MOST_MONTHS: Final = 24


class OrderStatus(StrEnum):
    """TM Forum's names. ACKNOWLEDGED waits for its code."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class OrderKind(StrEnum):
    FIRST = "first"
    EXTENSION = "extension"


class OrderSource(StrEnum):
    """Where it was placed. A cabinet order is its subscriber's alone; the others are known by their unguessable id."""

    CABINET = "cabinet"
    WEB = "web"
    STAFF = "staff"


_STATUSES: Final = {status.value: status for status in OrderStatus}
_KINDS: Final = {kind.value: kind for kind in OrderKind}
_SOURCES: Final = {source.value: source for source in OrderSource}
_NEXT: Final = {
    OrderStatus.ACKNOWLEDGED: {OrderStatus.IN_PROGRESS, OrderStatus.CANCELLED},
    OrderStatus.IN_PROGRESS: {OrderStatus.COMPLETED, OrderStatus.FAILED},
    OrderStatus.COMPLETED: set(),
    OrderStatus.CANCELLED: set(),
    OrderStatus.FAILED: set(),
}


@dataclass(eq=False, kw_only=True)
class AccountNotFound(Refusal):
    """The number and the personal account do not belong together; which of the two is wrong is not told (S-5.1)."""

    code: ClassVar[str] = "ACCOUNT_NOT_FOUND"
    text: ClassVar[str] = "This phone number and personal account were not found together."
    default_rule: ClassVar[str | None] = "S-5.1"


@dataclass(eq=False, kw_only=True)
class PriceChanged(Refusal):
    """Between the order and its code the price has become `total`: nothing was taken; order again (R-2)."""

    code: ClassVar[str] = "PRICE_CHANGED"
    text: ClassVar[str] = "The price has changed: it is {total} now. Order again if you agree."
    default_rule: ClassVar[str | None] = "R-2"
    total: Money


class ProductOrder(Model):
    """`total` was told when it was placed. An extension in the cabinet is completed at once and has no challenge."""

    id = fields.BigIntField(primary_key=True)
    public_id = fields.CharField(max_length=32, unique=True)
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField("kabinet.Product", related_name="orders")
    subscriber: fields.ForeignKeyRelation[Subscriber] = fields.ForeignKeyField(
        "kabinet.Subscriber", related_name="orders"
    )
    account: fields.ForeignKeyRelation[PersonalAccount] = fields.ForeignKeyField(
        "kabinet.PersonalAccount", related_name="orders"
    )
    phone = fields.CharField(max_length=13)
    months = fields.BigIntField()
    total = MoneyField()
    kind = fields.CharField(max_length=16)
    source = fields.CharField(max_length=16)
    status = fields.CharField(max_length=16)
    challenge_id = fields.BigIntField(null=True)
    subscription: fields.ForeignKeyNullableRelation[ProductSubscription] = fields.ForeignKeyField(
        "kabinet.ProductSubscription", related_name="orders", null=True
    )
    transfer: fields.ForeignKeyNullableRelation[LedgerTransfer] = fields.ForeignKeyField(
        "kabinet.LedgerTransfer", null=True
    )
    acceptance_id = fields.BigIntField(null=True)
    created_at = InstantField()
    completed_at = InstantField(null=True)

    class Meta:
        table = "product_order"


@dataclass(frozen=True, slots=True)
class OrderChallenge:
    """What an order that waits for its code may tell of it."""

    id: str
    expires_at: datetime
    sent_at: datetime


@view
class OrderView:
    """An order as it is shown; `challenge` only while it waits for its code."""

    id: int
    public_id: str
    subscriber_id: int
    account_id: int
    phone: str
    product: ProductView
    months: int
    total: Money
    kind: OrderKind
    source: OrderSource
    status: OrderStatus
    challenge_id: int | None
    challenge: OrderChallenge | None
    subscription: SubscriptionView | None
    created_at: datetime
    completed_at: datetime | None


def check_months(months: int, *, path: tuple[str, ...] = ("input", "months")) -> None:
    """Raises InvalidInput unless it is 1 to 24."""
    if not 1 <= months <= MOST_MONTHS:
        raise InvalidInput(path=path)


def order_select() -> str:
    """A statement without its WHERE that gives orders `r` with all that `order_view` needs."""
    return f"""SELECT r.id AS order_id, r.public_id, r.subscriber_id AS order_subscriber_id, r.account_id,
        r.phone AS order_phone, r.months AS order_months, r.total, r.kind, r.source, r.status AS order_status,
        r.challenge_id, r.created_at AS order_created_at, r.completed_at, r.created_at AS cursor_order,
        r.id AS cursor_id, c.public_id AS challenge_public_id, c.expires_at AS challenge_expires_at,
        c.sent_at AS challenge_sent_at, {subscription_columns()}
        FROM product_order r JOIN product p ON p.id = r.product_id
        LEFT JOIN product_subscription s ON s.id = r.subscription_id
        LEFT JOIN otp_challenge c ON c.id = r.challenge_id"""


def order_view(row: Row, now: datetime) -> OrderView:
    """The order in a row of `order_select`."""
    subscription = subscription_view(row, now) if row["subscription_id"] is not None else None
    return order_of(row, now, product_view(row), subscription)


def order_of(row: Row, now: datetime, product: ProductView, subscription: SubscriptionView | None) -> OrderView:
    """The same where these two are at hand already; one whose code is over is cancelled, noted or not (S-8)."""
    status = _STATUSES[row["order_status"]]
    if status is OrderStatus.ACKNOWLEDGED and row["challenge_expires_at"] <= to_micros(now):
        status = OrderStatus.CANCELLED
    completed_at = row["completed_at"]
    return OrderView(
        id=row["order_id"],
        public_id=row["public_id"],
        subscriber_id=row["order_subscriber_id"],
        account_id=row["account_id"],
        phone=row["order_phone"],
        product=product,
        months=row["order_months"],
        total=Money(row["total"]),
        kind=_KINDS[row["kind"]],
        source=_SOURCES[row["source"]],
        status=status,
        challenge_id=row["challenge_id"],
        challenge=_challenge(row) if status is OrderStatus.ACKNOWLEDGED else None,
        subscription=subscription,
        created_at=from_micros(row["order_created_at"]),
        completed_at=None if completed_at is None else from_micros(completed_at),
    )


def _challenge(row: Row) -> OrderChallenge:
    return OrderChallenge(
        row["challenge_public_id"],
        from_micros(row["challenge_expires_at"]),
        from_micros(row["challenge_sent_at"]),
    )


async def load(public_id: str, now: datetime) -> OrderView | None:
    """The order with its product, subscription and challenge, in one statement."""
    row = await fetch_row(f"{order_select()} WHERE r.public_id = $1", public_id)
    return order_view(row, now) if row else None


async def held(public_id: str, now: datetime) -> OrderView | None:
    """The order under its lock, until the transaction ends."""
    await execute("SELECT id FROM product_order WHERE public_id = $1 FOR NO KEY UPDATE", public_id)
    return await load(public_id, now)


async def place(
    *,
    product_id: int,
    subscriber_id: int,
    account_id: int,
    phone: str,
    months: int,
    total: Money,
    kind: OrderKind,
    source: OrderSource,
    challenge_id: int | None,
    now: datetime,
) -> str:
    """A new order that nothing has come of yet: waiting for its code, or in progress if it needs none.

    Gives its public id.
    """
    row = await fetch_row(
        """INSERT INTO product_order (public_id, product_id, subscriber_id, account_id, phone, months, total, kind,
               source, status, challenge_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING public_id""",
        new_public_id(),
        product_id,
        subscriber_id,
        account_id,
        phone,
        months,
        total.tiyin,
        str(kind),
        str(source),
        str(OrderStatus.IN_PROGRESS if challenge_id is None else OrderStatus.ACKNOWLEDGED),
        challenge_id,
        to_micros(now),
    )
    assert row is not None
    return str(row["public_id"])


async def begin(order: OrderView) -> None:
    """Its code was right."""
    await _move(order.id, OrderStatus.ACKNOWLEDGED, OrderStatus.IN_PROGRESS)


async def complete(
    order: OrderView,
    *,
    subscription_id: int,
    transfer_id: int | None,
    acceptance_id: int | None = None,
    now: datetime,
) -> None:
    """Paid and delivered."""
    await _move(
        order.id,
        OrderStatus.IN_PROGRESS,
        OrderStatus.COMPLETED,
        subscription_id=subscription_id,
        transfer_id=transfer_id,
        acceptance_id=acceptance_id,
        completed_at=to_micros(now),
    )


async def lapse_due(now: datetime, batch: int) -> list[int]:
    """Cancels up to `batch` orders whose code was never entered (S-8) and gives their ids."""
    assert OrderStatus.CANCELLED in _NEXT[OrderStatus.ACKNOWLEDGED]
    rows = await fetch(
        """UPDATE product_order SET status = 'cancelled' WHERE id IN (
               SELECT id FROM product_order WHERE status = 'acknowledged'
                 AND challenge_id IN (SELECT id FROM otp_challenge WHERE expires_at <= $1)
               ORDER BY created_at, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
           RETURNING id""",
        to_micros(now),
        batch,
    )
    return [int(row["id"]) for row in rows]


async def _move(order_id: int, before: OrderStatus, after: OrderStatus, **columns: Any) -> None:
    """The only way from one state to another; the order must be held."""
    assert after in _NEXT[before], f"no way from {before} to {after}"
    assignments = "".join(f", {name} = ${place}" for place, name in enumerate(columns, start=4))
    row = await fetch_row(
        f"UPDATE product_order SET status = $3{assignments} WHERE id = $1 AND status = $2 RETURNING id",
        order_id,
        str(before),
        str(after),
        *columns.values(),
    )
    assert row is not None, f"order {order_id} was not {before}"


async def funds(account_id: int) -> Held:
    """How the personal account's money stands at this moment, unlocked; `charge` looks again under the lock."""
    row = await fetch_row(
        """SELECT a.id, a.balance, a.floor, a.seq, a.head, a.held FROM personal_account p
           JOIN ledger_account a ON a.id = p.ledger_account_id WHERE p.id = $1""",
        account_id,
    )
    assert row is not None
    floor = None if row["floor"] is None else Money(row["floor"])
    return Held(row["id"], Money(row["balance"]), floor, row["seq"], row["head"], Money(row["held"]))


async def buy_months(subscription: SubscriptionView, months: int, *, renewal: bool = False, now: datetime) -> OrderView:
    """Extends a held subscription and takes the price at once, as an order that needs no code (S-6, S-7).

    Raises InsufficientFunds (R-3).
    """
    public_id = await place(
        product_id=subscription.product.id,
        subscriber_id=subscription.subscriber_id,
        account_id=subscription.account_id,
        phone=subscription.phone,
        months=months,
        total=subscription.price_of(months),
        kind=OrderKind.EXTENSION,
        source=OrderSource.CABINET,
        challenge_id=None,
        now=now,
    )
    order = await load(public_id, now)
    assert order is not None
    from_month = subscription.paid_months + 1
    await extend(subscription, months, now)
    transfer_id = await charge(order, from_month=from_month, now=now, renewal=renewal)
    await complete(order, subscription_id=subscription.id, transfer_id=transfer_id, now=now)
    completed = await load(public_id, now)
    assert completed is not None
    return completed


async def charge(order: OrderView, *, from_month: int, now: datetime, renewal: bool = False) -> int | None:
    """Takes the order's total from its personal account and gives the transfer's id; None when it costs nothing.

    Never into debt: raises InsufficientFunds (R-3, T-26). The memo says what was bought, so that a charge explains
    itself.
    """
    if not order.total:
        return None
    payer = await fetch_row("SELECT number, ledger_account_id FROM personal_account WHERE id = $1", order.account_id)
    assert payer is not None
    source, revenue = int(payer["ledger_account_id"]), await operator_account(OperatorAccount.REVENUE)
    memo = {
        "product": order.product.code,
        "months": order.months,
        "from_month": from_month,
        "order": order.public_id,
        "payer": payer["number"],
        "renewal": renewal,
    }
    legs = [Leg(source, EntryKind.SUBSCRIPTION, -order.total), Leg(revenue, EntryKind.SUBSCRIPTION, order.total)]
    posted = await post("subscription", legs, at=now, memo=memo, rule="R-3")
    return posted.transfer_id
