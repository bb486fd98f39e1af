"""All that is a subscriber's, on one page."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.clock import from_micros, local_day
from domain.database import Row, dialect, fetch_row
from domain.money import Money
from domain.number import NumberStatus
from domain.order import OrderStatus
from domain.subscription import SubscriptionStatus, days_left, is_over
from domain.wallet import Limits, WalletStatus, current_limits
from resolvers.account import ENTRY_COLUMNS, AccountView, EntryView, account_view, entry_view
from resolvers.context import Context, the_staff
from resolvers.subscriber.person import PERSON, SubscriberView, person_view
from resolvers.wallet import WalletView, wallet_view


@dataclass(frozen=True, slots=True)
class NumberView:
    """A subscriber's number; `account` and `tariff` as they are called, an empty code when it has no tariff."""

    phone: str
    status: NumberStatus
    account_id: int
    account: str
    tariff: str
    tariff_names: dict[str, str]
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A movement of any of the subscriber's accounts. `owner` is "account" or "wallet", `owner_id` its id."""

    entry: EntryView
    owner: str
    owner_id: int
    number: str


@dataclass(frozen=True, slots=True)
class CardSubscription:
    id: int
    product: str
    names: dict[str, str]
    phone: str
    status: SubscriptionStatus
    activated_on: date
    ends_on: date
    days_left: int
    auto_renew: bool


@dataclass(frozen=True, slots=True)
class CardOrder:
    public_id: str
    product: str
    names: dict[str, str]
    phone: str
    status: OrderStatus
    total: Money
    months: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CardWallet:
    """A wallet with what is used of its limits; the limits of one that is closed are of no use to anyone."""

    view: WalletView
    limits: Limits


@dataclass(frozen=True, slots=True)
class SubscriberCard:
    """Everything of one subscriber on one page, newest first where it has a time."""

    subscriber: SubscriberView
    numbers: list[NumberView]
    accounts: list[AccountView]
    wallets: list[CardWallet]
    entries: list[CardEntry]
    subscriptions: list[CardSubscription]
    orders: list[CardOrder]


async def subscriber_card(ctx: Context, subscriber_id: int) -> SubscriberCard | None:
    """All that is a subscriber's, in one statement and one more for a Light wallet's limits; None for nobody."""
    the_staff(ctx)
    now = ctx.clock.now()
    row = await fetch_row(_card_statement(dialect()), subscriber_id)
    if row is None:
        return None
    lists = {name: json.loads(row[name] or "[]") for name in _LISTS}
    return SubscriberCard(
        subscriber=person_view(row),
        numbers=[_number(item) for item in lists["numbers"]],
        accounts=[account_view(item) for item in lists["accounts"]],
        wallets=[await _with_limits(wallet_view(item), now) for item in lists["wallets"]],
        entries=[
            CardEntry(entry_view(item), item["owner"], item["owner_id"], item["number"]) for item in lists["entries"]
        ],
        subscriptions=[_subscription(item, local_day(now)) for item in lists["subscriptions"]],
        orders=[_order(item) for item in lists["orders"]],
    )


# name: (columns, the rest of the statement about subscriber s). Each becomes one JSON array.
_LISTS: Final = {
    "numbers": (
        "phone status account_id account tariff tariff_names activated_at",
        """SELECT n.phone, n.status, n.account_id, p.number AS account, COALESCE(t.code, '') AS tariff,
                  COALESCE(t.name, '{}') AS tariff_names, n.activated_at
           FROM subscriber_number n JOIN personal_account p ON p.id = n.account_id
           LEFT JOIN tariff t ON t.id = n.tariff_id
           WHERE n.subscriber_id = s.id ORDER BY CASE n.status WHEN 'ended' THEN 1 ELSE 0 END, n.id LIMIT 100""",
    ),
    "accounts": (
        "id number ledger_account_id balance held billing floor",
        """SELECT p.id, p.number, p.ledger_account_id, a.balance, a.held, p.billing, a.floor
           FROM personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id
           WHERE p.subscriber_id = s.id ORDER BY p.opened_at, p.id LIMIT 100""",
    ),
    "wallets": (
        "id number phone level status balance held ledger_account_id opened_at",
        """SELECT w.id, w.number, w.phone, w.level, w.status, a.balance, a.held, w.ledger_account_id, w.opened_at
           FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
           WHERE w.subscriber_id = s.id ORDER BY CASE w.status WHEN 'closed' THEN 1 ELSE 0 END, w.id LIMIT 100""",
    ),
    "entries": (
        "id transfer_id at kind amount balance_after memo owner owner_id number",
        f"""SELECT {ENTRY_COLUMNS}, o.owner, o.owner_id, o.number
            FROM (SELECT p.ledger_account_id, 'account' AS owner, p.id AS owner_id, p.number FROM personal_account p
                  WHERE p.subscriber_id = s.id
                  UNION ALL SELECT w.ledger_account_id, 'wallet', w.id, w.number FROM wallet w
                  WHERE w.subscriber_id = s.id) o
            JOIN ledger_entry e ON e.account_id = o.ledger_account_id JOIN ledger_transfer t ON t.id = e.transfer_id
            ORDER BY e.at DESC, e.id DESC LIMIT 10""",
    ),
    "subscriptions": (
        "id product names phone status activated_on ends_on auto_renew",
        """SELECT b.id, p.code AS product, p.name AS names, b.phone, b.status, b.activated_on, b.ends_on, b.auto_renew
           FROM product_subscription b JOIN product p ON p.id = b.product_id
           WHERE b.subscriber_id = s.id ORDER BY b.created_at DESC, b.id DESC LIMIT 20""",
    ),
    "orders": (
        "public_id product names phone status total months created_at",
        """SELECT o.public_id, p.code AS product, p.name AS names, o.phone, o.status, o.total, o.months, o.created_at
           FROM product_order o JOIN product p ON p.id = o.product_id
           WHERE o.subscriber_id = s.id ORDER BY o.created_at DESC, o.id DESC LIMIT 10""",
    ),
}


def _card_statement(database: str) -> str:
    gather, make = ("json_agg", "json_build_object") if database == "postgres" else ("json_group_array", "json_object")
    lists = [
        f"(SELECT CAST({gather}({make}({', '.join(f'{column!r}, x.{column}' for column in columns.split())})) AS TEXT)"
        f" FROM ({statement}) x) AS {name}"
        for name, (columns, statement) in _LISTS.items()
    ]
    return f"SELECT {PERSON}, {', '.join(lists)} FROM subscriber s WHERE s.id = $1"


def _number(item: Row) -> NumberView:
    return NumberView(
        phone=item["phone"],
        status=NumberStatus(item["status"]),
        account_id=item["account_id"],
        account=item["account"],
        tariff=item["tariff"],
        tariff_names=json.loads(item["tariff_names"]),
        activated_at=from_micros(item["activated_at"]),
    )


async def _with_limits(view: WalletView, now: datetime) -> CardWallet:
    if view.status is WalletStatus.CLOSED:
        return CardWallet(view, Limits())
    return CardWallet(view, await current_limits(view.ledger_account_id, view.level, now))


def _subscription(item: Row, today: date) -> CardSubscription:
    stored, ends_on = SubscriptionStatus(item["status"]), date.fromisoformat(item["ends_on"])
    over = is_over(stored, ends_on, today, auto_renew=bool(item["auto_renew"]))
    cancelled = stored is SubscriptionStatus.CANCELLED
    status = SubscriptionStatus.EXPIRED if over and not cancelled else stored
    return CardSubscription(
        id=item["id"],
        product=item["product"],
        names=json.loads(item["names"]),
        phone=item["phone"],
        status=status,
        activated_on=date.fromisoformat(item["activated_on"]),
        ends_on=ends_on,
        days_left=days_left(ends_on, today) if status is SubscriptionStatus.ACTIVE else 0,
        auto_renew=bool(item["auto_renew"]),
    )


def _order(item: Row) -> CardOrder:
    return CardOrder(
        public_id=item["public_id"],
        product=item["product"],
        names=json.loads(item["names"]),
        phone=item["phone"],
        status=OrderStatus(item["status"]),
        total=Money(item["total"]),
        months=item["months"],
        created_at=from_micros(item["created_at"]),
    )
