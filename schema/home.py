"""From what a document asks for below `viewer` to what the home statement must read."""

from collections.abc import Iterable

from domain.refusal import BadPage
from resolvers.home import Accounts, Entries, HomeWants, Orders, WalletWants
from resolvers.paging import PageRequest
from schema.engine.selection import Selected, Selection

Pages = dict[PageRequest, list[Selected]]


def wants_of(viewer: Selection) -> HomeWants:
    """All parts of a viewer that are asked for, by whatever aliases."""
    wallets = list(viewer.named("wallet"))
    return HomeWants(
        accounts=tuple(
            Accounts(request, _entries(_nodes(asked))) for request, asked in _pages(viewer.named("accounts")).items()
        ),
        wallet=_wallet(wallets) if wallets else None,
        subscriptions=tuple(_pages(viewer.named("subscriptions"))),
        orders=tuple(
            Orders(request, any("subscription" in order for order in _nodes(asked)))
            for request, asked in _pages(viewer.named("orders")).items()
        ),
        tariff="tariff" in viewer,
    )


def _wallet(wallets: list[Selected]) -> WalletWants:
    below = [wallet.below for wallet in wallets]
    return WalletWants(any("limits" in wallet for wallet in below), _entries(below))


def _entries(accounts: Iterable[Selection]) -> tuple[Entries, ...]:
    every = (entries for account in accounts for entries in account.named("entries"))
    # With a filter it is not this page: the field runs its own statement.
    asked = _pages(entries for entries in every if entries.arguments.get("filter") is None)
    return tuple(
        Entries(request, any("receipt" in entry for entry in _nodes(selected))) for request, selected in asked.items()
    )


def _pages(fields: Iterable[Selected]) -> Pages:
    """The fields of a list by the page that they ask for. What is no page is left out: the field itself says so."""
    found: Pages = {}
    for selected in fields:
        try:
            request = PageRequest.of(**{name: selected.arguments.get(name) for name in _ARGUMENTS})
        except BadPage:
            continue
        found.setdefault(request, []).append(selected)
    return found


_ARGUMENTS = ("first", "after", "last", "before")


def _nodes(connections: Iterable[Selected]) -> list[Selection]:
    """What is asked of the items of these connections, as nodes or behind edges."""
    below = [connection.below for connection in connections]
    edges = [edge.below for connection in below for edge in connection.named("edges")]
    return [
        node.below for selection in (*below, *edges) for name in ("nodes", "node") for node in selection.named(name)
    ]
