"""Staff find a subscriber and see all that is theirs on one page; every such look is noted.

The search takes whatever the caller on the phone says: a number written in any way or its last digits, the number of
an account or a wallet, a name or the beginnings of its words, in Latin or Cyrillic letters.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from domain.audit import note
from domain.clock import from_micros, local_day, to_micros
from domain.database import Row, dialect, fetch, fetch_row, in_transaction
from domain.language import Language
from domain.money import Money
from domain.number import NumberStatus
from domain.order import OrderStatus
from domain.subscriber import SubscriberKind, SubscriberStatus, search_form
from domain.subscription import SubscriptionStatus, days_left, is_over
from domain.wallet import Limits, WalletStatus, current_limits
from resolvers.account import ENTRY_COLUMNS, AccountView, EntryView, account_view, entry_view
from resolvers.context import Context, StaffActor, the_staff
from resolvers.wallet import WalletView, wallet_view

SEEN: Final = "subscriber.seen"
SEEN_AGAIN_AFTER: Final = timedelta(minutes=15)
RECENT: Final = timedelta(days=30)
FEWEST_DIGITS: Final = 4
FEWEST_LETTERS: Final = 2
MOST_FOUND: Final = 50
LONGEST_TEXT: Final = 100


@dataclass(frozen=True, slots=True)
class FoundSubscriber:
    """One line of a search. `matched`: the number of a phone, account or wallet that was searched for, if it was."""

    id: int
    kind: SubscriberKind
    name: str
    status: SubscriberStatus
    phone: str
    more_numbers: int
    account: str
    balance: Money | None
    matched: str


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
class SubscriberView:
    """Who a subscriber is, for staff."""

    id: int
    kind: SubscriberKind
    name: str
    status: SubscriberStatus
    language: Language
    birth_date: date | None
    since: datetime
    pin_locked_until: datetime | None


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


_FOUND: Final = """SELECT s.id, s.kind, s.status, s.last_name, s.first_name, s.patronymic, s.organisation_name,
    (SELECT n.phone FROM subscriber_number n WHERE n.subscriber_id = s.id
     ORDER BY CASE n.status WHEN 'ended' THEN 1 ELSE 0 END, n.id LIMIT 1) AS phone,
    (SELECT COUNT(*) FROM subscriber_number n WHERE n.subscriber_id = s.id AND n.status <> 'ended') AS numbers,
    (SELECT p.number FROM personal_account p
     WHERE p.subscriber_id = s.id ORDER BY p.opened_at, p.id LIMIT 1) AS account,
    (SELECT a.balance FROM personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id
     WHERE p.subscriber_id = s.id ORDER BY p.opened_at, p.id LIMIT 1) AS balance"""

_PERSON: Final = """s.id, s.kind, s.last_name, s.first_name, s.patronymic, s.organisation_name, s.status, s.language,
    s.birth_date, s.created_at, s.pin_locked_until"""


async def search_subscribers(ctx: Context, text: str, limit: int = 20) -> list[FoundSubscriber]:
    """Who fits the text, in one statement; nobody for a text too short to mean someone. Staff only."""
    the_staff(ctx)
    text, limit = text.replace("\0", "").strip()[:LONGEST_TEXT], min(max(limit, 1), MOST_FOUND)
    if digits := _digits(text):
        return await _by_digits(digits, limit)
    words = search_form(text).split()
    if sum(map(len, words)) < FEWEST_LETTERS:
        return []
    return await _by_name(words, limit)


def _digits(text: str) -> str:
    """The digits of what is written as a number; empty for anything else and for too few of them."""
    if not re.fullmatch(r"[0-9+()./\s\u2010-\u2015-]+", text):
        return ""
    digits = re.sub(r"[^0-9]", "", text)
    return digits if len(digits) >= FEWEST_DIGITS else ""


async def _by_digits(digits: str, limit: int) -> list[FoundSubscriber]:
    rows = await fetch(
        f"""WITH hit AS ({_WHOLE if _is_whole(digits) else _PART}),
                 found AS (SELECT subscriber_id, MIN(matched) AS matched FROM hit GROUP BY subscriber_id)
            {_FOUND}, found.matched FROM found JOIN subscriber s ON s.id = found.subscriber_id
            ORDER BY s.search_name, s.id LIMIT $4""",
        *_number_places(digits),
        limit,
    )
    return [_found(row) for row in rows]


# A whole number is found by its index; a part of one by looking through.
_WHOLE: Final = """SELECT subscriber_id, phone AS matched FROM subscriber_number WHERE phone = $1
    UNION ALL SELECT subscriber_id, number FROM personal_account WHERE number = $2
    UNION ALL SELECT subscriber_id, number FROM wallet WHERE number = $3"""
_PART: Final = """SELECT subscriber_id, phone AS matched FROM subscriber_number WHERE phone LIKE $1 OR phone LIKE $2
    UNION ALL SELECT subscriber_id, number FROM personal_account WHERE number LIKE $3
    UNION ALL SELECT subscriber_id, number FROM wallet WHERE number LIKE $3"""


def _is_whole(digits: str) -> bool:
    return len(digits) in (9, 10, 16) or (len(digits) == 12 and digits.startswith("998"))


def _number_places(digits: str) -> tuple[str, str, str]:
    if _is_whole(digits):
        return f"+998{digits[-9:]}" if len(digits) in (9, 12) else "", digits, digits
    national = digits.removeprefix("998")
    return f"+998{national}%", f"%{digits}", f"{digits}%"


async def _by_name(words: list[str], limit: int) -> list[FoundSubscriber]:
    values: list[Any] = []
    tests = []
    for word in words[:6]:
        forms = dict.fromkeys((word, _in_latin(word)))
        values += [f"% {_plain(form)}%" for form in forms]
        places = range(len(values) - len(forms) + 1, len(values) + 1)
        tests.append("(" + " OR ".join(f"padded.name LIKE ${place} ESCAPE '!'" for place in places) + ")")
    rows = await fetch(
        # Words also begin after a quotation mark or a dash: «Orient» MChJ, Karimova-Salieva.
        f"""{_FOUND}, '' AS matched FROM subscriber s JOIN
            (SELECT id, ' ' || REPLACE(REPLACE(REPLACE(search_name, '"', ' '), '«', ' '), '-', ' ') AS name
             FROM subscriber) padded ON padded.id = s.id
            WHERE {" AND ".join(tests)} ORDER BY s.search_name, s.id LIMIT ${len(values) + 1}""",
        *values,
        limit,
    )
    return [_found(row) for row in rows]


def _plain(word: str) -> str:
    """A word whose own signs mean nothing to LIKE."""
    return re.sub(r"([!%_])", r"!\1", word)


_LATIN: Final = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхқҳыэ", "abvgdeziyklmnoprstufxqhie", strict=True))
    | {"ё": "yo", "ж": "j", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "'", "ь": "", "ю": "yu", "я": "ya"}
    | {"ў": "o'", "ғ": "g'"}
)


def _in_latin(word: str) -> str:
    """A name typed in Cyrillic as it is written in Latin documents; a Latin one stays as it is."""
    return re.sub(r"^е", "ye", word).translate(_LATIN) if re.search("[а-яёўқғҳ]", word) else word


def _found(row: Row) -> FoundSubscriber:
    return FoundSubscriber(
        id=row["id"],
        kind=SubscriberKind(row["kind"]),
        name=_name(row),
        status=SubscriberStatus(row["status"]),
        phone=row["phone"] or "",
        more_numbers=max(row["numbers"] - 1, 0),
        account=row["account"] or "",
        balance=None if row["balance"] is None else Money(row["balance"]),
        matched=row["matched"],
    )


def _name(row: Row) -> str:
    return row["organisation_name"] or " ".join(filter(None, (row["last_name"], row["first_name"], row["patronymic"])))


async def subscriber(ctx: Context, subscriber_id: int) -> SubscriberView | None:
    """Who this is; None for nobody. Staff only."""
    the_staff(ctx)
    row = await fetch_row(f"SELECT {_PERSON} FROM subscriber s WHERE s.id = $1", subscriber_id)
    return _subscriber(row) if row else None


async def holder(ctx: Context, *, account_id: int | None = None, wallet_id: int | None = None) -> SubscriberView | None:
    """Whose account or wallet it is; None for nobody's. Staff only."""
    the_staff(ctx)
    row = await fetch_row(
        f"""SELECT {_PERSON} FROM subscriber s WHERE s.id IN
            (SELECT subscriber_id FROM personal_account WHERE id = $1 UNION ALL SELECT subscriber_id FROM wallet WHERE id = $2)""",  # noqa: E501
        account_id or 0,
        wallet_id or 0,
    )
    return _subscriber(row) if row else None


def _subscriber(row: Row) -> SubscriberView:
    locked = row["pin_locked_until"]
    return SubscriberView(
        id=row["id"],
        kind=SubscriberKind(row["kind"]),
        name=_name(row),
        status=SubscriberStatus(row["status"]),
        language=Language(row["language"]),
        birth_date=date.fromisoformat(row["birth_date"]) if row["birth_date"] else None,
        since=from_micros(row["created_at"]),
        pin_locked_until=None if locked is None else from_micros(locked),
    )


async def subscriber_card(ctx: Context, subscriber_id: int) -> SubscriberCard | None:
    """All that is a subscriber's, in one statement and one more for a Light wallet's limits; None for nobody."""
    the_staff(ctx)
    now = ctx.clock.now()
    row = await fetch_row(_card_statement(dialect()), subscriber_id)
    if row is None:
        return None
    lists = {name: json.loads(row[name] or "[]") for name in _LISTS}
    return SubscriberCard(
        subscriber=_subscriber(row),
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
        "id number ledger_account_id balance billing floor",
        """SELECT p.id, p.number, p.ledger_account_id, a.balance, p.billing, a.floor
           FROM personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id
           WHERE p.subscriber_id = s.id ORDER BY p.opened_at, p.id LIMIT 100""",
    ),
    "wallets": (
        "id number phone level status balance ledger_account_id opened_at",
        """SELECT w.id, w.number, w.phone, w.level, w.status, a.balance, w.ledger_account_id, w.opened_at
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
    return f"SELECT {_PERSON}, {', '.join(lists)} FROM subscriber s WHERE s.id = $1"


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


@in_transaction
async def note_seen(ctx: Context, subscriber_id: int) -> None:
    """Notes who looked at whose data; looks within a quarter of an hour are one."""
    actor, now = the_staff(ctx), ctx.clock.now()
    subject = f"subscriber:{subscriber_id}"
    since = to_micros(now - SEEN_AGAIN_AFTER)
    just_now = await fetch_row(
        "SELECT 1 AS one FROM audit_event WHERE actor = $1 AND at > $2 AND action = $3 AND subject = $4 LIMIT 1",
        actor.label,
        since,
        SEEN,
        subject,
    )
    if just_now is None:
        await note(actor.label, SEEN, subject, now)


async def seen_by(ctx: Context, most: int) -> list[FoundSubscriber]:
    """Whom the member of staff who calls looked at last, newest first, each once."""
    actor: StaffActor = the_staff(ctx)
    rows = await fetch(
        f"""{_FOUND}, '' AS matched FROM subscriber s JOIN
            (SELECT subject, MAX(at) AS at FROM audit_event
             WHERE actor = $1 AND at > $2 AND action = $3 GROUP BY subject) seen
            ON s.id = CAST(SUBSTR(seen.subject, 12) AS BIGINT)
            ORDER BY seen.at DESC LIMIT $4""",
        actor.label,
        to_micros(ctx.clock.now() - RECENT),
        SEEN,
        most,
    )
    return [_found(row) for row in rows]
