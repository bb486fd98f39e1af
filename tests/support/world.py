"""A small operator to test with: subscribers, accounts and wallets made in a line each, on a clock that tests move."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from domain.account import new_account_number
from domain.clock import SetClock, to_micros
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.language import Language
from domain.ledger import EntryKind, Leg, OperatorAccount, open_account, operator_account, post
from domain.money import ZERO, Money
from domain.secrets import Secrets
from domain.wallet import hold_wallets, new_wallet_number, top_up
from domain.wallet.life import Step, take
from domain.wallet.pin import hash_pin
from resolvers.context import Actor, Anonymous, Context, StaffActor, SubscriberActor

PIN = "2580"
# Argon2 is slow on purpose; one hash serves all subscribers of a test run.
_pin_hash: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A subscriber with a number, a personal account and perhaps a wallet."""

    id: int
    phone: str
    account_id: int
    account_number: str
    account_ledger: int
    wallet_id: int = 0
    wallet_number: str = ""
    wallet_ledger: int = 0


@dataclass(slots=True)
class World:
    """The operator. `clock` stands until a test moves it."""

    clock: SetClock = field(default_factory=lambda: SetClock(datetime(2026, 3, 10, 9, 0, tzinfo=UTC)))
    secrets: Secrets = field(default_factory=lambda: Secrets("a secret for tests only, long enough"))
    announced: list[str] = field(default_factory=list)
    _people: int = 0
    _offers: int = 0
    _hired: int = 0

    def context(self, actor: Actor | None = None) -> Context:
        """Surroundings for a call by this actor; by nobody if left out."""
        return Context(
            actor=actor or Anonymous(),
            secrets=self.secrets,
            language=Language.EN,
            clock=self.clock,
            address="192.0.2.7",
            announce=self.announced.append,
        )

    async def person(
        self, *, balance: int = 0, kind: str = "private", birth_date: date | None = date(1990, 5, 17)
    ) -> Person:
        """A subscriber with `balance` so'm on a prepaid personal account."""
        self._people += 1
        phone, now = f"+99890{self._people:07d}", to_micros(self.clock.now())
        subscriber = await _insert(
            """INSERT INTO subscriber (kind, first_name, last_name, search_name, birth_date, status, created_at)
               VALUES ($1, 'Test', $2, $3, $4, 'active', $5) RETURNING id""",
            kind,
            f"Person{self._people}",
            f"person{self._people} test",
            birth_date.isoformat() if birth_date else None,
            now,
        )
        ledger, number = await open_account("personal"), new_account_number()
        account = await _insert(
            """INSERT INTO personal_account (number, subscriber_id, ledger_account_id, billing, opened_at)
               VALUES ($1, $2, $3, 'prepaid', $4) RETURNING id""",
            number,
            subscriber,
            ledger,
            now,
        )
        await _insert(
            """INSERT INTO subscriber_number (phone, subscriber_id, account_id, status, activated_at)
               VALUES ($1, $2, $3, 'active', $4) RETURNING id""",
            phone,
            subscriber,
            account,
            now,
        )
        if balance:
            await self.fund(ledger, Money.som(balance))
        return Person(subscriber, phone, account, number, ledger)

    @in_transaction
    async def fund(self, ledger_account: int, amount: Money) -> None:
        """Money from outside onto a personal account."""
        funding = await operator_account(OperatorAccount.FUNDING)
        legs = [Leg(funding, EntryKind.TOP_UP, -amount), Leg(ledger_account, EntryKind.TOP_UP, amount)]
        await post("top_up", legs, at=self.clock.now())

    async def holder(self, balance: int = 0, *, level: str = "light", status: str = "active") -> Person:
        """A person with a wallet of `balance` so'm and the PIN 2580."""
        global _pin_hash
        _pin_hash = _pin_hash or await hash_pin(PIN)
        person = await self.person()
        await execute("UPDATE subscriber SET pin_hash = $1 WHERE id = $2", _pin_hash, person.id)
        opened = await self.opened(person, level=level)
        if balance:
            await self.top_up(opened.wallet_id, Money.som(balance))
        if status != "active":
            await self.put(opened.wallet_id, status)
        return opened

    async def opened(self, person: Person, *, level: str = "light", birth_date: date = date(1990, 5, 17)) -> Person:
        """The person with an empty wallet of their number: their first, or another after one that is closed."""
        ledger, number = await open_account("wallet"), new_wallet_number()
        wallet = await _insert(
            """INSERT INTO wallet (number, subscriber_id, phone, ledger_account_id, level, status, birth_date,
                                   opened_at, acceptance_id)
               VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $8) RETURNING id""",
            number,
            person.id,
            person.phone,
            ledger,
            "light",
            birth_date.isoformat(),
            to_micros(self.clock.now()),
            await self._acceptance(person),
        )
        if level == "premium":
            await self._identified(wallet, birth_date)
        return Person(
            person.id,
            person.phone,
            person.account_id,
            person.account_number,
            person.account_ledger,
            wallet,
            number,
            ledger,
        )

    @in_transaction
    async def put(self, wallet_id: int, status: str) -> None:
        """Makes an active wallet blocked (on suspicion) or closed (given up, a rest left in it), by the machine."""
        held = await hold_wallets([wallet_id])
        if status != held[wallet_id].status:
            step = {"blocked": Step.SUSPECTED, "closed": Step.GIVEN_UP}[status]
            await take(step, held[wallet_id], by="system", at=self.clock.now())

    async def _identified(self, wallet_id: int, birth_date: date) -> None:
        """What the database wants to see before a wallet is Premium; no step is written down."""
        await execute(
            """INSERT INTO staff (username, name, role, password_hash, totp_nonce, language, created_at)
               VALUES ('notary', 'notary', 'viewer', 'x', 'x', 'en', 0) ON CONFLICT DO NOTHING"""
        )
        await execute(
            """INSERT INTO identification (wallet_id, document_kind, document_number, last_name, first_name, patronymic,
                                           birth_date, pinfl, staff_id, at)
               SELECT $1, 'id_card', 'AD0000001', 'A', 'B', '', $2, '31705900000000', id, 0 FROM staff
               WHERE username = 'notary'""",
            wallet_id,
            birth_date.isoformat(),
        )
        await execute("UPDATE wallet SET level = 'premium' WHERE id = $1", wallet_id)

    async def staff(self, role: str = "agent") -> Context:
        """The surroundings of a member of staff: each call hires another."""
        self._hired += 1
        staff = await _insert(
            """INSERT INTO staff (username, name, role, password_hash, totp_nonce, language, created_at)
               VALUES ($1, $1, $2, 'x', 'x', 'en', 0) RETURNING id""",
            f"{role}{self._hired}",
            role,
        )
        return self.context(StaffActor(staff, f"{role}{self._hired}", role))

    @in_transaction
    async def top_up(self, wallet_id: int, amount: Money) -> None:
        """Money from outside into a wallet, by all rules."""
        held = await hold_wallets([wallet_id])
        await top_up(held[wallet_id], amount, at=self.clock.now(), memo={})

    async def signed_in(self, person: Person, *, unlocked: bool = True) -> Context:
        """The person's own surroundings, with a live session whose wallet is unlocked (or not)."""
        now = self.clock.now()
        session = await _insert(
            """INSERT INTO session (subscriber_id, phone, created_at, expires_at, wallet_unlocked_until)
               VALUES ($1, $2, $3, $4, $5) RETURNING id""",
            person.id,
            person.phone,
            to_micros(now),
            to_micros(now + timedelta(days=30)),
            to_micros(now + timedelta(minutes=15)) if unlocked else None,
        )
        return self.context(SubscriberActor(person.id, session, person.phone))

    async def wallet_offer(self, edition: str = "2026-01") -> str:
        """An edition of the offer `wallet` in force since January 2026; gives its name."""
        offer = await fetch_row("SELECT id FROM offer WHERE code = 'wallet'")
        offer_id = (
            offer["id"]
            if offer
            else await _insert(
                "INSERT INTO offer (code, title, notice_days) VALUES ('wallet', '{\"en\": \"Wallet\"}', 0) RETURNING id"
            )
        )
        edition_id = await _insert(
            """INSERT INTO offer_edition (offer_id, edition, published_at, effective_from, hash)
               VALUES ($1, $2, $3, '2026-01-01', 'e') RETURNING id""",
            offer_id,
            edition,
            to_micros(datetime(2026, 1, 1, tzinfo=UTC)),
        )
        await _insert(
            """INSERT INTO offer_text (edition_id, language, title, body, hash)
               VALUES ($1, 'en', 'Wallet', 'Text', 'h') RETURNING id""",
            edition_id,
        )
        return edition

    async def _acceptance(self, person: Person) -> int:
        edition = await fetch_row("SELECT id FROM offer_edition ORDER BY id LIMIT 1")
        if edition is None:
            await self.wallet_offer()
            edition = await fetch_row("SELECT id FROM offer_edition ORDER BY id LIMIT 1")
        assert edition is not None
        return await _insert(
            """INSERT INTO offer_acceptance (edition_id, subscriber_id, phone, language, text_hash, at, occasion, proof)
               VALUES ($1, $2, $3, 'en', 'h', $4, 'wallet opening', 'test') RETURNING id""",
            edition["id"],
            person.id,
            person.phone,
            to_micros(self.clock.now()),
        )

    async def holdings(self) -> dict[int, Money]:
        """Every customer account's balance, by ledger account: what a refused call must leave as it was."""
        rows = await fetch("SELECT id, balance FROM ledger_account WHERE balance IS NOT NULL ORDER BY id")
        return {row["id"]: Money(row["balance"]) for row in rows}

    async def total(self) -> Money:
        """The sum of all customers' balances."""
        return sum((await self.holdings()).values(), ZERO)

    async def everything(self, *tables: str) -> dict[str, list[dict[str, object]]]:
        """All rows of these tables, to compare before and after a refusal."""
        return {table: await fetch(f"SELECT * FROM {table} ORDER BY 1") for table in tables}


async def _insert(sql: str, *values: object) -> int:
    row = await fetch_row(sql, *values)
    assert row is not None
    return int(row["id"])
