"""A subscriber's hold on a product for a period (S-6 to S-9).

    pending ─→ active ⇄ suspended       active: the product is open to the number until the end of the day `ends_on`
       │         │         │            suspended: a renewal could not be paid; an extension makes it active again
       └─────────┴─────────┴─→ expired, cancelled (for ever)

Each change of what the number is entitled to takes the subscription's next version and tells the partner in the same
transaction (S-9). Dangerous races: two ways in for one number at once (the unique index `one_live` lets one in), an
extension against the end (both lock the row), two purchases that both count the same month (the subscriber's row is
locked before months are counted). Locks are taken in one order: order, challenge, subscriber, subscription, ledger.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from dateutil.relativedelta import relativedelta
from tortoise import fields
from tortoise.models import Model

from domain.account import PersonalAccount
from domain.clock import from_micros, local_day, to_micros
from domain.database import Row, execute, fetch_row
from domain.fields import DayField, InstantField
from domain.language import Language
from domain.money import Money
from domain.partner import enqueue_entitlement
from domain.product import Product, ProductView, product_columns, product_view
from domain.refusal import Refusal
from domain.subscriber import Subscriber
from domain.view import view

# How long a suspended subscription waits for money; then it is over and ordered anew.
SUSPENDED_DAYS: Final = 30


class SubscriptionStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_STATUSES: Final = {status.value: status for status in SubscriptionStatus}
_NEXT: Final = {
    SubscriptionStatus.PENDING: {SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELLED},
    SubscriptionStatus.ACTIVE: {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.SUSPENDED,
        SubscriptionStatus.EXPIRED,
        SubscriptionStatus.CANCELLED,
    },
    SubscriptionStatus.SUSPENDED: {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.EXPIRED,
        SubscriptionStatus.CANCELLED,
    },
    SubscriptionStatus.EXPIRED: set(),
    SubscriptionStatus.CANCELLED: set(),
}


class Entitlement(StrEnum):
    """What the partner is told (S-9)."""

    ACTIVATED = "subscription.activated"
    EXTENDED = "subscription.extended"
    ENDED = "subscription.ended"


@dataclass(eq=False, kw_only=True)
class AlreadySubscribed(Refusal):
    """The number holds the product already: it is extended, not ordered again."""

    code: ClassVar[str] = "ALREADY_SUBSCRIBED"
    text: ClassVar[str] = "This number already has the subscription. Extend it instead."
    default_rule: ClassVar[str | None] = "S-6"
    subscription_id: int


@dataclass(eq=False, kw_only=True)
class SubscriptionOver(Refusal):
    """It is expired or cancelled; it is ordered anew."""

    code: ClassVar[str] = "SUBSCRIPTION_OVER"
    text: ClassVar[str] = "This subscription has ended. Order it anew."
    default_rule: ClassVar[str | None] = "S-6"
    status: SubscriptionStatus


class ProductSubscription(Model):
    """`months`: all that were ever paid on it. `activated_on`: when its present unbroken run of months began."""

    id = fields.BigIntField(primary_key=True)
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField(
        "kabinet.Product", related_name="subscriptions"
    )
    subscriber: fields.ForeignKeyRelation[Subscriber] = fields.ForeignKeyField(
        "kabinet.Subscriber", related_name="subscriptions"
    )
    account: fields.ForeignKeyRelation[PersonalAccount] = fields.ForeignKeyField(
        "kabinet.PersonalAccount", related_name="subscriptions"
    )
    phone = fields.CharField(max_length=13)
    status = fields.CharField(max_length=16)
    activated_on = DayField()
    ends_on = DayField()
    months = fields.BigIntField()
    auto_renew = fields.BooleanField()
    version = fields.BigIntField(default=1)
    created_at = InstantField()
    cancelled_at = InstantField(null=True)
    renewal_told_for = DayField(null=True)

    class Meta:
        table = "product_subscription"


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last one: 31 January and one month are 28 February."""
    return day + relativedelta(months=months)


def days_left(ends_on: date, today: date) -> int:
    """Whole days from today to the end day, never below zero (S-6)."""
    return max((ends_on - today).days, 0)


def is_over(status: SubscriptionStatus, ends_on: date, today: date, *, auto_renew: bool) -> bool:
    """Has it ended, whether or not the worker has come by to note it?"""
    if status is SubscriptionStatus.ACTIVE:
        return ends_on < today and not auto_renew
    if status is SubscriptionStatus.SUSPENDED:
        return ends_on + timedelta(days=SUSPENDED_DAYS) < today
    return status in (SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED)


def extended_period(activated_on: date, ends_on: date, months: int, today: date) -> tuple[date, date]:
    """(beginning, end) of the run of months once `months` more are paid (S-6).

    Before the end, no day is lost, and the day of the month stays the first one's: 31 January, 28 February, 31 March.
    After the end, a new run begins today: nobody pays for days without the product.
    """
    if ends_on < today:
        return today, months_after(today, months)
    run = (ends_on.year - activated_on.year) * 12 + ends_on.month - activated_on.month
    if months_after(activated_on, run) == ends_on:
        return activated_on, months_after(activated_on, run + months)
    return activated_on, months_after(ends_on, months)


def renews_by_itself(last_price: Money, next_price: Money) -> bool:
    """A month that costs follows a free one only when the subscriber says so (R-2)."""
    return bool(last_price) or not next_price


@view
class SubscriptionView:
    """A subscription as it is shown on `today`; `paid_months` counts all of the subscriber's with this product."""

    id: int
    subscriber_id: int
    account_id: int
    product: ProductView
    phone: str
    stored_status: SubscriptionStatus
    activated_on: date
    ends_on: date
    months: int
    paid_months: int
    auto_renew: bool
    version: int
    created_at: datetime
    cancelled_at: datetime | None
    today: date

    @property
    def status(self) -> SubscriptionStatus:
        """Expired from the day after the end, even before the worker has noted it."""
        live = self.stored_status not in (SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED)
        return SubscriptionStatus.EXPIRED if live and self.is_over else self.stored_status

    @property
    def is_over(self) -> bool:
        return is_over(self.stored_status, self.ends_on, self.today, auto_renew=self.auto_renew)

    @property
    def days_left(self) -> int:
        """S-6; nothing is left of one that is not active."""
        return days_left(self.ends_on, self.today) if self.status is SubscriptionStatus.ACTIVE else 0

    @property
    def price(self) -> Money:
        """What one more month costs (S-2)."""
        return self.price_of(1)

    @property
    def last_price(self) -> Money:
        """What the last paid month cost by today's plan."""
        return self.product.price_of(from_month=self.paid_months, months=1)

    def price_of(self, months: int) -> Money:
        """What `months` more cost (S-2)."""
        return self.product.price_of(from_month=self.paid_months + 1, months=months)


_RENEWS: Final = {
    Language.UZ: "{name}: {day} kuni obuna 1 oyga uzayadi, {price} so'm. O'chirish: kabinetda.",
    Language.UZ_CYRL: "{name}: {day} куни обуна 1 ойга узаяди, {price} сўм. Ўчириш: кабинетда.",
    Language.RU: "{name}: {day} подписка продлится на 1 мес., {price} сум. Отключить: в кабинете.",
    Language.EN: "{name}: renews on {day} for 1 month, {price} UZS. Switch off in the cabinet.",
}
_ENDS: Final = {
    Language.UZ: "{name}: bepul muddat {day} kuni tugaydi. Keyin oyiga {price} so'm: kabinetda uzaytiring.",
    Language.UZ_CYRL: "{name}: бепул муддат {day} куни тугайди. Кейин ойига {price} сўм: кабинетда узайтиринг.",
    Language.RU: "{name}: бесплатный период до {day}. Далее {price} сум в месяц: продлите в кабинете.",
    Language.EN: "{name}: the free period ends on {day}. Then {price} UZS a month: extend it in the cabinet.",
}


def renewal_text(subscription: SubscriptionView, language: Language) -> str:
    """The SMS before a renewal: the day, the price, what to do (S-7, R-2)."""
    by_itself = renews_by_itself(subscription.last_price, subscription.price)
    return (_RENEWS if by_itself else _ENDS)[language].format(
        name=subscription.product.name_in(language),
        day=f"{subscription.ends_on:%d.%m.%Y}",
        price=f"{subscription.price.amount:,.2f}".removesuffix(".00").replace(",", " "),
    )


def subscription_columns() -> str:
    """What `subscription_view` needs of the subscription `s` and its product `p` of a statement."""
    return f"""s.id AS subscription_id, s.subscriber_id AS subscription_subscriber_id,
        s.account_id AS subscription_account_id, s.phone AS subscription_phone, s.status AS subscription_status,
        s.activated_on, s.ends_on, s.months AS subscription_months, s.auto_renew, s.version,
        s.created_at AS subscription_created_at, s.cancelled_at AS subscription_cancelled_at,
        (SELECT CAST(SUM(o.months) AS BIGINT) FROM product_subscription o
         WHERE o.subscriber_id = s.subscriber_id AND o.product_id = s.product_id) AS paid_months,
        {product_columns()}"""


def subscription_view(row: Row, now: datetime) -> SubscriptionView:
    """The subscription in a row that was selected with `subscription_columns`."""
    return subscription_of(row, product_view(row), local_day(now))


def subscription_of(row: Row, product: ProductView, today: date) -> SubscriptionView:
    """The same where the product is at hand already."""
    cancelled_at = row["subscription_cancelled_at"]
    return SubscriptionView(
        id=row["subscription_id"],
        subscriber_id=row["subscription_subscriber_id"],
        account_id=row["subscription_account_id"],
        product=product,
        phone=row["subscription_phone"],
        stored_status=_STATUSES[row["subscription_status"]],
        activated_on=date.fromisoformat(row["activated_on"]),
        ends_on=date.fromisoformat(row["ends_on"]),
        months=row["subscription_months"],
        paid_months=row["paid_months"],
        auto_renew=bool(row["auto_renew"]),
        version=row["version"],
        created_at=from_micros(row["subscription_created_at"]),
        cancelled_at=None if cancelled_at is None else from_micros(cancelled_at),
        today=today,
    )


async def hold_subscriber(subscriber_id: int) -> None:
    """Locks the subscriber's row: whoever counts paid months next waits until these are written."""
    await execute("SELECT id FROM subscriber WHERE id = $1 FOR NO KEY UPDATE", subscriber_id)


async def paid_months(subscriber_id: int, product_id: int) -> int:
    """How many months of the product the subscriber has paid for so far, on all numbers, ended ones too (S-2)."""
    row = await fetch_row(
        """SELECT CAST(COALESCE(SUM(months), 0) AS BIGINT) AS months FROM product_subscription
           WHERE subscriber_id = $1 AND product_id = $2""",
        subscriber_id,
        product_id,
    )
    assert row is not None
    return int(row["months"])


async def load(subscription_id: int, now: datetime) -> SubscriptionView | None:
    """The subscription with its product, in one statement."""
    row = await fetch_row(
        f"SELECT {subscription_columns()} FROM product_subscription s JOIN product p ON p.id = s.product_id"
        " WHERE s.id = $1",
        subscription_id,
    )
    return subscription_view(row, now) if row else None


async def held(subscription_id: int, now: datetime, *, subscriber_id: int | None = None) -> SubscriptionView | None:
    """The subscription under its lock, until the transaction ends; of this subscriber only, if one is named."""
    row = await fetch_row("SELECT subscriber_id FROM product_subscription WHERE id = $1", subscription_id)
    if row is None or subscriber_id not in (None, row["subscriber_id"]):
        return None
    await hold_subscriber(row["subscriber_id"])  # first, as everywhere: months are counted under this lock
    await execute("SELECT id FROM product_subscription WHERE id = $1 FOR NO KEY UPDATE", subscription_id)
    return await load(subscription_id, now)


async def live_one(product_id: int, phone: str, now: datetime) -> SubscriptionView | None:
    """The number's hold on the product that has not been noted as ended."""
    row = await fetch_row(
        f"""SELECT {subscription_columns()} FROM product_subscription s JOIN product p ON p.id = s.product_id
            WHERE s.product_id = $1 AND s.phone = $2 AND s.status IN ('pending', 'active', 'suspended')""",
        product_id,
        phone,
    )
    return subscription_view(row, now) if row else None


async def activate(
    *, product_id: int, subscriber_id: int, account_id: int, phone: str, months: int, now: datetime
) -> SubscriptionView:
    """A new active subscription from today, the partner told (S-4.7, S-5.5). Renewal is off until asked for (R-1)."""
    today = local_day(now)
    row = await fetch_row(
        """INSERT INTO product_subscription (product_id, subscriber_id, account_id, phone, status, activated_on,
               ends_on, months, auto_renew, created_at)
           VALUES ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $9) RETURNING id""",
        product_id,
        subscriber_id,
        account_id,
        phone,
        today.isoformat(),
        months_after(today, months).isoformat(),
        months,
        False,
        to_micros(now),
    )
    assert row is not None
    subscription = await load(row["id"], now)
    assert subscription is not None
    await _tell_partner(subscription, Entitlement.ACTIVATED, now)
    return subscription


async def extend(subscription: SubscriptionView, months: int, now: datetime) -> SubscriptionView:
    """Adds whole months to one that is held (S-6); a suspended one is active again."""
    begins, ends = extended_period(subscription.activated_on, subscription.ends_on, months, local_day(now))
    resumed = subscription.stored_status is SubscriptionStatus.SUSPENDED
    event = Entitlement.ACTIVATED if resumed else Entitlement.EXTENDED
    return await _change(
        subscription,
        SubscriptionStatus.ACTIVE,
        event,
        now,
        activated_on=begins.isoformat(),
        ends_on=ends.isoformat(),
        months=subscription.months + months,
    )


async def suspend(subscription: SubscriptionView, now: datetime) -> SubscriptionView:
    """The renewal could not be paid: closed, until an extension opens it again (S-7)."""
    return await _change(subscription, SubscriptionStatus.SUSPENDED, Entitlement.ENDED, now)


async def expire(subscription: SubscriptionView, now: datetime) -> SubscriptionView:
    """Its time is over: ended for ever."""
    return await _change(subscription, SubscriptionStatus.EXPIRED, Entitlement.ENDED, now)


async def cancel(subscription: SubscriptionView, now: datetime) -> SubscriptionView:
    """Ended at once, nothing refunded; it will not renew."""
    return await _change(
        subscription,
        SubscriptionStatus.CANCELLED,
        Entitlement.ENDED,
        now,
        cancelled_at=to_micros(now),
        auto_renew=False,
    )


async def _change(
    before: SubscriptionView, status: SubscriptionStatus, event: Entitlement, now: datetime, **columns: Any
) -> SubscriptionView:
    """The only way from one state to another; `before` must be held."""
    assert status in _NEXT[before.stored_status], f"no way from {before.stored_status} to {status}"
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=3))
    await execute(
        f"UPDATE product_subscription SET status = $2, version = version + 1{', ' if columns else ''}{assignments}"
        " WHERE id = $1",
        before.id,
        str(status),
        *columns.values(),
    )
    after = await load(before.id, now)
    assert after is not None
    await _tell_partner(after, event, now)
    return after


async def _tell_partner(subscription: SubscriptionView, event: Entitlement, now: datetime) -> None:
    if subscription.product.partner_id is None:
        return
    data = {
        "subscription": subscription.id,
        "version": subscription.version,
        "product": subscription.product.code,
        "phone": subscription.phone,  # the partner lets the subscriber in by it (S-5.6)
        "status": str(subscription.stored_status),
        "activatedOn": subscription.activated_on.isoformat(),
        "endsOn": subscription.ends_on.isoformat(),
    }
    await enqueue_entitlement(
        partner_id=subscription.product.partner_id,
        subscription_id=subscription.id,
        version=subscription.version,
        event=str(event),
        data=data,
        now=now,
    )
