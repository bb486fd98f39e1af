"""From the home statement's row to the views that each part is shown by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter
from typing import Any, Final, NoReturn, TypeVar, cast

import orjson

from domain.clock import from_micros, local_day
from domain.database import Row
from domain.money import Money
from domain.order import OrderView, order_of
from domain.subscription import SubscriptionView, subscription_of
from domain.wallet import Limits
from domain.wallet.limits import limits_of
from resolvers.access import SubscriberView, subscriber_view
from resolvers.account import ENTRY_KINDS, AccountView, EntryView, ReceiptView, account_view, receipt_view
from resolvers.catalogue import Catalogue, TariffView
from resolvers.home.wants import Entries, HomeWants
from resolvers.paging import Page, PageRequest, cut_page
from resolvers.wallet import WalletView, wallet_view

T = TypeVar("T")

EntryRow = list[Any]
"""As `text` writes it: its place (sequence, id), the movement, the instant, the kind, the amounts; a receipt."""
_PLACE: Final = itemgetter(0, 1)


class _NotRead:
    """Stands where the look ahead saw that nothing is asked for; whoever asks after all is told so."""

    def __bool__(self) -> NoReturn:
        raise AssertionError("not read: looking ahead has missed a field")

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"not read: looking ahead has missed a field that needs {name}")


NOT_READ: Final = cast(Any, _NotRead())


@dataclass(slots=True)
class History:
    """A page of an account's history; `receipts` by the movement, None if they were not asked for."""

    page: Page[EntryView]
    receipts: dict[int, ReceiptView] | None


Histories = dict[PageRequest, History]


@dataclass(slots=True)
class Home:
    """What one look has found; a part that was not asked for (`wants`) is not in it."""

    wants: HomeWants
    subscriber: SubscriberView
    accounts: dict[PageRequest, Page[AccountView]] = field(default_factory=dict)
    wallet: WalletView | None = None
    limits: Limits | None = None
    histories: dict[int, Histories] = field(default_factory=dict)
    """By the ledger account's id."""
    subscriptions: dict[PageRequest, Page[SubscriptionView]] = field(default_factory=dict)
    orders: dict[PageRequest, Page[OrderView]] = field(default_factory=dict)
    tariff: TariffView | None = None


def home_of(row: Row, wants: HomeWants, now: datetime, known: Catalogue | None) -> Home:
    """All of it; `known` is the catalogue of the row's version, None if nothing of it is shown."""
    home = Home(wants, subscriber_view(row, row["phone"]))
    for n, accounts in enumerate(wants.accounts):
        rows = _loads(row[f"accounts{n}"])
        home.accounts[accounts.request] = cut_page(rows, accounts.request, account_view)
        for account in rows:
            _add_histories(home, account, accounts.entries)
    if wants.wallet is not None and row["wallet"] is not None:
        wallet = orjson.loads(row["wallet"])
        home.wallet = wallet_view(wallet)
        _add_histories(home, wallet, wants.wallet.entries)
        if wants.wallet.limits:
            home.limits = limits_of(wallet)
    if known is not None:
        _add_products(home, row, now, known)
    return home


def _add_histories(home: Home, account: Row, wanted: tuple[Entries, ...]) -> None:
    if wanted:
        histories = home.histories.setdefault(account["ledger_account_id"], {})
        for n, entries in enumerate(wanted):
            histories[entries.request] = _history(account[f"entries{n}"] or [], entries)


def _history(rows: list[EntryRow], wanted: Entries) -> History:
    receipts = {row[2]: receipt_view(row[7]) for row in rows} if wanted.receipts else None
    return History(cut_page(rows, wanted.request, _entry, _PLACE), receipts)


def _entry(row: EntryRow) -> EntryView:
    _, id_, transfer_id, at, kind, amount, balance_after, *_ = row
    return EntryView(
        id_, transfer_id, from_micros(at), ENTRY_KINDS[kind], Money(amount), Money(balance_after), NOT_READ
    )


def _add_products(home: Home, row: Row, now: datetime, known: Catalogue) -> None:
    products, today = known.product_by_id, local_day(now)
    for n, request in enumerate(home.wants.subscriptions):
        make = _with_product(products, today)
        home.subscriptions[request] = cut_page(_loads(row[f"subscriptions{n}"]), request, make)

    def order(found: Row) -> OrderView:
        product, made = products[found["product_id"]], found.get("subscription", NOT_READ)
        if made is not NOT_READ and made is not None:
            made = subscription_of(made, product, today)
        return order_of(found, now, product, made)

    for n, orders in enumerate(home.wants.orders):
        home.orders[orders.request] = cut_page(_loads(row[f"orders{n}"]), orders.request, order)
    if home.wants.tariff and row["tariff_id"] is not None:
        home.tariff = known.tariff_by_id[row["tariff_id"]]


def _with_product(products: dict[int, Any], today: date) -> Callable[[Row], SubscriptionView]:
    return lambda row: subscription_of(row, products[row["product_id"]], today)


def _loads(text: str | None) -> list[Row]:
    return cast("list[Row]", orjson.loads(text)) if text else []
