"""The text of the home statement: the session and its subscriber, and beside them a JSON list or object for each part.

One text serves both databases but for the names of their JSON functions. Values stand at their places: $1 the session,
$2 now, $3 today and $4 the window of the limits if these are asked for, then those of the pages (`page_values`).
"""

from functools import lru_cache
from typing import Final

from domain.wallet.rules import most, oldest, used
from resolvers.access import LIVE_SESSION
from resolvers.home.wants import Accounts, Entries, HomeWants, Orders, WalletWants
from resolvers.paging import PageRequest, Sorted

# (an object, an array, a list of either, JSON inside JSON)
_JSON: Final = {
    "postgres": ("json_build_object({})", "json_build_array({})", "json_agg({})", "{}"),
    "sqlite": ("json_object({})", "json_array({})", "json_group_array(json({}))", "json({})"),
}

_SUBSCRIBER: Final = """me.id, me.kind, me.last_name, me.first_name, me.patronymic, me.organisation_name, me.status,
    me.language, live.phone, live.id AS session_id"""
_ACCOUNT: Final = {
    "id": "p.id",
    "number": "p.number",
    "ledger_account_id": "p.ledger_account_id",
    "balance": "a.balance",
    "held": "a.held",
    "billing": "p.billing",
    "floor": "a.floor",
    "cursor_order": "p.opened_at",
    "cursor_id": "p.id",
}
_WALLET: Final = {
    "id": "w.id",
    "number": "w.number",
    "phone": "w.phone",
    "level": "w.level",
    "status": "w.status",
    "balance": "a.balance",
    "held": "a.held",
    "ledger_account_id": "w.ledger_account_id",
    "opened_at": "w.opened_at",
}
# An array, for these lists are long; a receipt comes last.
_ENTRY: Final[tuple[str, ...]] = ("e.seq", "e.id", "e.transfer_id", "e.at", "e.kind", "e.amount", "e.balance_after")
_RECEIPT: Final = {
    "id": "t.id",
    "kind": "t.kind",
    "at": "t.at",
    "memo": "t.memo",
    "amount": "SUM(CASE WHEN o.amount > 0 AND o.kind <> 'commission' THEN o.amount ELSE 0 END)",
    "commission": "SUM(CASE WHEN o.amount > 0 AND o.kind = 'commission' THEN o.amount ELSE 0 END)",
}
_SUBSCRIPTION: Final = {
    "subscription_id": "s.id",
    "subscription_subscriber_id": "s.subscriber_id",
    "subscription_account_id": "s.account_id",
    "subscription_phone": "s.phone",
    "subscription_status": "s.status",
    "activated_on": "s.activated_on",
    "ends_on": "s.ends_on",
    "subscription_months": "s.months",
    "auto_renew": "s.auto_renew",
    "version": "s.version",
    "subscription_created_at": "s.created_at",
    "subscription_cancelled_at": "s.cancelled_at",
    "paid_months": """(SELECT CAST(SUM(o.months) AS BIGINT) FROM product_subscription o
        WHERE o.subscriber_id = s.subscriber_id AND o.product_id = s.product_id)""",
    "product_id": "s.product_id",
}
_ORDER: Final = {
    "order_id": "r.id",
    "public_id": "r.public_id",
    "order_subscriber_id": "r.subscriber_id",
    "account_id": "r.account_id",
    "order_phone": "r.phone",
    "order_months": "r.months",
    "total": "r.total",
    "kind": "r.kind",
    "source": "r.source",
    "order_status": "r.status",
    "challenge_id": "r.challenge_id",
    "order_created_at": "r.created_at",
    "completed_at": "r.completed_at",
    "challenge_public_id": "c.public_id",
    "challenge_expires_at": "c.expires_at",
    "challenge_sent_at": "c.sent_at",
    "product_id": "r.product_id",
    "cursor_order": "r.created_at",
    "cursor_id": "r.id",
}
_CURSOR: Final = {"cursor_order": "s.created_at", "cursor_id": "s.id"}


@lru_cache(maxsize=256)
def text_of(shape: HomeWants, kind: str) -> str:
    """The statement for wants of this shape on this kind of database."""
    return _Writer(kind, first=5 if shape.wallet and shape.wallet.limits else 3).statement(shape)


class _Writer:
    """Writes one statement; `place` is the next place for a value."""

    def __init__(self, kind: str, first: int) -> None:
        self._object, self._array, self._list, self._inside = _JSON[kind]
        self.place = first

    def statement(self, wants: HomeWants) -> str:
        columns = [_SUBSCRIBER]
        columns += [f"{self._accounts(each)} AS accounts{n}" for n, each in enumerate(wants.accounts)]
        if wants.wallet is not None:
            columns.append(f"{self._wallet(wants.wallet)} AS wallet")
        columns += [f"{self._subscriptions(each)} AS subscriptions{n}" for n, each in enumerate(wants.subscriptions)]
        columns += [f"{self._orders(each)} AS orders{n}" for n, each in enumerate(wants.orders)]
        if wants.tariff:
            number = "n.phone = live.phone AND n.subscriber_id = me.id"
            columns.append(f"(SELECT n.tariff_id FROM subscriber_number n WHERE {number} LIMIT 1) AS tariff_id")
        if wants.catalogue:
            columns.append("(SELECT version FROM catalogue_version) AS catalogue_version")
        return f"SELECT {', '.join(columns)} FROM {LIVE_SESSION}"

    def _accounts(self, wanted: Accounts) -> str:
        columns = _ACCOUNT | self._histories(wanted.entries, "p.ledger_account_id")
        source = "personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id WHERE p.subscriber_id = me.id"
        return self._page(self._made_of(columns), source, Sorted("p.opened_at", "p.id", ascending=True), wanted.request)

    def _wallet(self, wanted: WalletWants) -> str:
        columns = _WALLET | self._histories(wanted.entries, "w.ledger_account_id")
        if wanted.limits:
            limits = {"most": most("w"), "used": used("w"), "oldest": oldest("w.ledger_account_id")}
            columns |= {name: rule.replace(":day", "$3").replace(":window", "$4") for name, rule in limits.items()}
        # SQLite does not know the session's columns in the ORDER BY itself.
        return f"""(SELECT {self._made_of(columns)} FROM
            (SELECT *, CASE WHEN phone = live.phone THEN 0 ELSE 1 END AS turn FROM wallet
             WHERE subscriber_id = me.id AND status <> 'closed') w
            JOIN ledger_account a ON a.id = w.ledger_account_id ORDER BY w.turn, w.id LIMIT 1)"""

    def _histories(self, entries: tuple[Entries, ...], account: str) -> dict[str, str]:
        return {f"entries{n}": self._inside.format(self._history(each, account)) for n, each in enumerate(entries)}

    def _history(self, wanted: Entries, account: str) -> str:
        columns, source = _ENTRY, "ledger_entry e"
        if wanted.receipts:
            receipt = f"(SELECT {self._made_of(_RECEIPT)} FROM ledger_entry o WHERE o.transfer_id = e.transfer_id)"
            columns = (*_ENTRY, self._inside.format(receipt))
            source += " JOIN ledger_transfer t ON t.id = e.transfer_id"
        made, source = self._array.format(", ".join(columns)), f"{source} WHERE e.account_id = {account}"
        return self._page(made, source, Sorted("e.seq", "e.id"), wanted.request)

    def _subscriptions(self, request: PageRequest) -> str:
        source = "product_subscription s WHERE s.subscriber_id = me.id"
        return self._page(self._made_of(_SUBSCRIPTION | _CURSOR), source, Sorted("s.created_at", "s.id"), request)

    def _orders(self, wanted: Orders) -> str:
        columns, source = _ORDER, "product_order r LEFT JOIN otp_challenge c ON c.id = r.challenge_id"
        if wanted.subscription:
            subscription = f"CASE WHEN s.id IS NOT NULL THEN {self._made_of(_SUBSCRIPTION)} END"
            columns = _ORDER | {"subscription": self._inside.format(subscription)}
            source += " LEFT JOIN product_subscription s ON s.id = r.subscription_id"
        order = Sorted("r.created_at", "r.id")
        return self._page(self._made_of(columns), f"{source} WHERE r.subscriber_id = me.id", order, wanted.request)

    def _page(self, made: str, source: str, order: Sorted, request: PageRequest) -> str:
        """A list of what is made of each row on a page, in its order: both databases put them together as they come."""
        cut = order.cut(request.form, self.place)
        self.place += len(request.values)
        return f"(SELECT {self._list.format('x.j')} FROM (SELECT {made} AS j FROM {source}{cut}) x)"

    def _made_of(self, columns: dict[str, str]) -> str:
        return self._object.format(", ".join(f"'{name}', {column}" for name, column in columns.items()))
