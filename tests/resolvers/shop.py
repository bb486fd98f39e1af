"""A small shop to test orders in: subscribers with money, one product, a clock that is moved by hand."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.access import code_of
from domain.account import check_digit
from domain.clock import SetClock, to_micros
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.language import Language
from domain.ledger import EntryKind, Leg, OperatorAccount, open_account, operator_account, post
from domain.money import ZERO, Money
from domain.order import OrderView
from domain.secrets import Secrets
from resolvers.context import Anonymous, Context, PartnerActor, StaffActor, SubscriberActor, SystemActor
from resolvers.order import confirm_order, order_subscription

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
CINEMA = ((1, 6, 10_000), (7, None, 25_000))  # so'm a month, as in S-2


@dataclass(frozen=True, slots=True)
class Buyer:
    """A subscriber with one number and one personal account."""

    subscriber_id: int
    phone: str
    account: str
    account_id: int
    ledger_account_id: int


@dataclass
class Shop:
    clock: SetClock = field(default_factory=lambda: SetClock(START))
    secrets: Secrets = field(default_factory=lambda: Secrets("a key for tests"))
    announced: list[str] = field(default_factory=list)
    keys: int = 0

    def _context(self, actor: Any) -> Context:
        return Context(
            actor=actor,
            secrets=self.secrets,
            language=Language.EN,
            clock=self.clock,
            address="192.0.2.1",
            announce=self.announced.append,
        )

    def signed_in(self, buyer: Buyer) -> Context:
        return self._context(SubscriberActor(buyer.subscriber_id, 0, buyer.phone))

    def stranger(self) -> Context:
        return self._context(Anonymous())

    def staff(self, role: str = "agent") -> Context:
        return self._context(StaffActor(1, "dilnoza", role))

    def partner(self, partner_id: int, *scopes: str) -> Context:
        return self._context(PartnerActor(partner_id, "kino", frozenset(scopes)))

    def worker(self) -> Context:
        return self._context(SystemActor())

    def pass_days(self, days: int) -> None:
        self.clock.move(timedelta(days=days))

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    async def add_partner(self, code: str = "kino") -> int:
        return await _insert("partner", code=code, name=code, created_at=to_micros(START))

    async def add_product(
        self,
        code: str = "cinema",
        steps: tuple[tuple[int, int | None, int], ...] = CINEMA,
        *,
        partner_id: int | None = None,
        on_sale: bool = True,
        position: int = 1,
    ) -> int:
        product_id = await _insert(
            "product",
            code=code,
            name=json.dumps({"uz": "Kino", "en": "Cinema"}),
            partner_id=partner_id,
            on_sale=on_sale,
            zero_rated=True,
            old_price=2_500_000,
            position=position,
        )
        for from_month, to_month, price in steps:
            await _insert(
                "product_price_step",
                product_id=product_id,
                from_month=from_month,
                to_month=to_month,
                price=Money.som(price).tiyin,
            )
        return product_id

    async def add_buyer(self, phone: str = "+998901234567", som: int = 500_000, *, postpaid: bool = False) -> Buyer:
        subscriber_id = await _insert(
            "subscriber",
            kind="organisation" if postpaid else "private",
            first_name="Malika",
            search_name="malika",
            status="active",
            language="en",
            created_at=to_micros(START),
        )
        return await self.add_number(subscriber_id, phone, som, postpaid=postpaid)

    async def add_number(self, subscriber_id: int, phone: str, som: int = 0, *, postpaid: bool = False) -> Buyer:
        """Another number of the subscriber, with a personal account of its own."""
        ledger_account_id = await open_account("personal", floor=None if postpaid else ZERO)
        digits = f"1{phone[-8:]}"
        number = digits + check_digit(digits)
        account_id = await _insert(
            "personal_account",
            number=number,
            subscriber_id=subscriber_id,
            ledger_account_id=ledger_account_id,
            billing="postpaid" if postpaid else "prepaid",
            opened_at=to_micros(START),
        )
        await _insert(
            "subscriber_number",
            phone=phone,
            subscriber_id=subscriber_id,
            account_id=account_id,
            status="active",
            activated_at=to_micros(START),
        )
        buyer = Buyer(subscriber_id, phone, number, account_id, ledger_account_id)
        if som:
            await self.move(buyer, som)
        return buyer

    @in_transaction
    async def move(self, buyer: Buyer, som: int) -> None:
        """Money into the buyer's account from outside; out of it when negative."""
        funding = await operator_account(OperatorAccount.FUNDING)
        legs = [
            Leg(buyer.ledger_account_id, EntryKind.TOP_UP, Money.som(som)),
            Leg(funding, EntryKind.TOP_UP, Money.som(-som)),
        ]
        await post("top_up", legs, at=self.clock.now())

    async def order(self, buyer: Buyer, months: int = 1, product: str = "cinema", **given: Any) -> OrderView:
        """Places an order in the buyer's cabinet."""
        asked = {"phone": buyer.phone, "account": None, "key": self.key()} | given
        return await order_subscription(self.signed_in(buyer), product=product, months=months, **asked)

    async def confirm(self, buyer: Buyer, order: OrderView) -> OrderView:
        return await confirm_order(self.signed_in(buyer), order_id=order.public_id, code=await self.code(order))

    async def buy(self, buyer: Buyer, months: int = 1, product: str = "cinema") -> OrderView:
        return await self.confirm(buyer, await self.order(buyer, months, product))

    async def code(self, order: OrderView) -> str:
        """The code as the SMS would tell it."""
        row = await fetch_row("SELECT * FROM otp_challenge WHERE id = $1", order.challenge_id)
        assert row is not None
        return code_of(
            self.secrets,
            public_id=row["public_id"],
            nonce=row["nonce"],
            purpose=row["purpose"],
            phone=row["phone"],
        )

    async def wrong_code(self, order: OrderView) -> str:
        return f"{(int(await self.code(order)) + 1) % 1_000_000:06d}"

    async def balance(self, buyer: Buyer) -> int:
        """In whole so'm."""
        row = await fetch_row("SELECT balance FROM ledger_account WHERE id = $1", buyer.ledger_account_id)
        assert row is not None
        return int(row["balance"]) // 100

    async def state(self) -> dict[str, Any]:
        """Everything that an order could change, to prove that a refusal changed nothing."""
        counted = ("ledger_transfer", "outbox", "idempotency", "offer_acceptance", "audit_event", "quota")
        state: dict[str, Any] = {
            table: (await fetch(f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"] for table in counted
        }
        for table in ("product_order", "product_subscription", "otp_challenge", "ledger_account"):
            state[table] = await fetch(f"SELECT * FROM {table} ORDER BY id")
        return state

    async def events(self) -> list[dict[str, Any]]:
        """What the partner would be told, in order."""
        rows = await fetch("SELECT payload FROM outbox WHERE topic = 'webhook' ORDER BY id")
        return [json.loads(row["payload"]) for row in rows]

    async def messages(self) -> list[str]:
        """The texts of the SMS on their way, codes apart."""
        rows = await fetch("SELECT payload FROM outbox WHERE topic = 'sms' ORDER BY id")
        return [json.loads(row["payload"])["text"] for row in rows]


async def publish_offer(edition: str = "2026-01") -> int:
    """An operator's offer that is in force; gives its edition's id."""
    offer_id = await _insert("offer", code="operator", title='{"en": "Offer"}', notice_days=15)
    edition_id = await _insert(
        "offer_edition",
        offer_id=offer_id,
        edition=edition,
        published_at=to_micros(START - timedelta(days=30)),
        effective_from="2026-10-18",
        hash="edition",
    )
    await _insert("offer_text", edition_id=edition_id, language="en", title="Offer", body="1. Offer", hash="text")
    return edition_id


async def set_prices(product_id: int, *steps: tuple[int, int | None, int]) -> None:
    """Replaces the product's price plan."""
    await execute("DELETE FROM product_price_step WHERE product_id = $1", product_id)
    for from_month, to_month, price in steps:
        await _insert(
            "product_price_step",
            product_id=product_id,
            from_month=from_month,
            to_month=to_month,
            price=Money.som(price).tiyin,
        )


async def _insert(table: str, **values: Any) -> int:
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    row = await fetch_row(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING id", *values.values())
    assert row is not None
    return int(row["id"])
