"""What a caller asks to see of their own things. Each list may be asked for with several page requests at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from resolvers.paging import PageRequest


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of an account's history, with the receipts of its movements or without."""

    request: PageRequest
    receipts: bool = False


@dataclass(frozen=True, slots=True)
class Accounts:
    """A page of personal accounts, each with these pages of its history."""

    request: PageRequest
    entries: tuple[Entries, ...] = ()


@dataclass(frozen=True, slots=True)
class WalletWants:
    """The wallet, with how much of its limits is used, and these pages of its history."""

    limits: bool = False
    entries: tuple[Entries, ...] = ()


@dataclass(frozen=True, slots=True)
class Orders:
    """A page of orders, with the subscriptions that came of them or without."""

    request: PageRequest
    subscription: bool = False


@dataclass(frozen=True)
class HomeWants:
    """All that one look may be asked for; who the subscriber is is always told."""

    accounts: tuple[Accounts, ...] = ()
    wallet: WalletWants | None = None
    subscriptions: tuple[PageRequest, ...] = ()
    orders: tuple[Orders, ...] = ()
    tariff: bool = False
    texts: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Its statement by the kind of database, once it is known."""

    @property
    def catalogue(self) -> bool:
        """Whether products or tariffs are shown."""
        return bool(self.subscriptions or self.orders or self.tariff)

    @cached_property
    def page_values(self) -> tuple[int, ...]:
        """The values of all pages, in the order in which the statement has their places."""
        return tuple(value for request in self._requests() for value in request.values)

    @cached_property
    def shape(self) -> "HomeWants":
        """The same without sizes and cursors: what the statement's text depends on."""
        return HomeWants(
            accounts=tuple(Accounts(_blank(a.request), _shapes(a.entries)) for a in self.accounts),
            wallet=self.wallet and WalletWants(self.wallet.limits, _shapes(self.wallet.entries)),
            subscriptions=tuple(map(_blank, self.subscriptions)),
            orders=tuple(replace(o, request=_blank(o.request)) for o in self.orders),
            tariff=self.tariff,
        )

    def _requests(self) -> Iterator[PageRequest]:
        for accounts in self.accounts:
            yield from (entries.request for entries in accounts.entries)
            yield accounts.request
        if self.wallet is not None:
            yield from (entries.request for entries in self.wallet.entries)
        yield from self.subscriptions
        yield from (orders.request for orders in self.orders)


def _blank(request: PageRequest) -> PageRequest:
    return PageRequest(1, request.after and (0, 0), request.before and (0, 0), request.backwards)


def _shapes(entries: tuple[Entries, ...]) -> tuple[Entries, ...]:
    return tuple(Entries(_blank(one.request), one.receipts) for one in entries)
