"""Many made-up subscribers, for trying things at scale: fast, deterministic, and with a ledger as sound as any.

Rows are made in Python, hashes of the chains included, and written in batches: COPY on PostgreSQL, executemany on
SQLite, one transaction a batch. The triggers stay on, so what they would refuse cannot get in this way either. A run
that was stopped goes on where it ended.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tortoise.connection import get_connection

from domain.account import check_digit
from domain.clock import local_day, to_micros
from domain.database import CONNECTION, dialect, execute, fetch_row, in_transaction
from domain.ledger import FIRST_HEAD, EntryKind, OperatorAccount, entry_hash, operator_account, transfer_hash
from domain.subscriber import search_form
from domain.subscription import months_after
from domain.wallet import hash_pin
from resolvers.context import Context

BATCH: Final = 2_000
PHONES: Final = "+99888"  # a mobile code that no demo subscriber has
MOST: Final = 5_000_000
PIN: Final = "2580"

LAST: Final = (
    "Abdullayev Alimov Axmedov Boboyev Ergashev Gʻaniyev Hamidov Ibragimov Ismoilov Jalilov Karimov Mahmudov "
    "Mirzayev Nazarov Normatov Olimov Qodirov Rahimov Rustamov Saidov Salimov Sobirov Sultonov Toshmatov "
    "Tursunov Umarov Usmonov Xolmatov Yoʻldoshev Yusupov Zokirov Shodmonov Choriyev"
)
MEN: Final = (
    "Akmal Alisher Anvar Aziz Baxtiyor Bekzod Botir Dilshod Doniyor Eldor Farrux Gʻayrat Ilhom Islom Jahongir "
    "Jamshid Kamol Laziz Murod Nodir Otabek Oybek Rustam Sanjar Sardor Sherzod Temur Ulugʻbek Umid Xurshid "
    "Zafar"
)
WOMEN: Final = (
    "Aziza Barno Dildora Dilnoza Feruza Gulnora Hilola Iroda Kamola Lola Madina Malika Mavluda Munira Nargiza "
    "Nigora Nilufar Nodira Ozoda Rayhona Sabina Saodat Sevara Shahnoza Umida Yulduz Zarina Zebo Ziyoda"
)

TABLES: Final = {
    "subscriber": (
        "id kind last_name first_name patronymic organisation_name search_name birth_date status language pin_hash "
        "pin_wrong_tries created_at"
    ),
    "ledger_account": "id kind balance floor seq head",
    "personal_account": "id number subscriber_id ledger_account_id billing opened_at",
    "subscriber_number": "id phone subscriber_id account_id tariff_id status activated_at",
    "offer_acceptance": "id edition_id subscriber_id phone language text_hash at occasion proof",
    "wallet": (
        "id number subscriber_id phone ledger_account_id level status birth_date opened_at first_top_up_at "
        "acceptance_id"
    ),
    "identification": (
        "id wallet_id document_kind document_number last_name first_name patronymic birth_date pinfl staff_id at"
    ),
    "ledger_entry": "id transfer_id account_id kind amount at seq balance_after hash",
    "ledger_transfer": "id kind at memo hash",
    "product_subscription": (
        "id product_id subscriber_id account_id phone status activated_on ends_on months auto_renew version created_at"
    ),
    "product_order": (
        "id public_id product_id subscriber_id account_id phone months total kind source status subscription_id "
        "transfer_id created_at completed_at"
    ),
}

_SEQ: Final = TABLES["ledger_entry"].split().index("seq")


@dataclass(slots=True)
class _Standing:
    """A customer's account while its entries are being made."""

    balance: int = 0
    seq: int = 0
    head: str = FIRST_HEAD


@dataclass(slots=True)
class _Facts:
    """What the bulk hangs on: ids of the demo's catalogue."""

    tariff_id: int
    product_id: int
    price: int
    edition_id: int
    text_hash: str
    funding: int
    revenue: int
    staff_id: int
    pin_hash: str


@dataclass(slots=True)
class _Batch:
    """Rows to be written together, by table; ids go on from the tables' largest."""

    facts: _Facts
    next_id: dict[str, int]
    now: datetime
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    standing: dict[int, _Standing] = field(default_factory=lambda: defaultdict(_Standing))
    last_wallet: int | None = None

    def take(self, table: str) -> int:
        self.next_id[table] += 1
        return self.next_id[table]

    def add(self, table: str, *values: Any) -> int:
        id_ = self.take(table)
        self.rows[table].append((id_, *values))
        return id_

    def move(self, kind: str, legs: Sequence[tuple[int, EntryKind, int]], at: datetime, memo: dict[str, Any]) -> int:
        """One movement: its entries, chained where the account keeps a balance, and its seal."""
        transfer_id, micros = self.take("ledger_transfer"), to_micros(at)
        text = json.dumps(memo, ensure_ascii=False, sort_keys=True)
        for account, entry_kind, amount in legs:
            if account in (self.facts.funding, self.facts.revenue):
                self.add("ledger_entry", transfer_id, account, str(entry_kind), amount, micros, None, None, None)
                continue
            standing = self.standing[account]
            standing.balance, standing.seq = standing.balance + amount, standing.seq + 1
            standing.head = entry_hash(
                before=standing.head,
                transfer_id=transfer_id,
                account_id=account,
                seq=standing.seq,
                kind=str(entry_kind),
                amount=amount,
                balance=standing.balance,
                at=micros,
            )
            values = (
                transfer_id,
                account,
                str(entry_kind),
                amount,
                micros,
                standing.seq,
                standing.balance,
                standing.head,
            )
            self.add("ledger_entry", *values)
        digest = transfer_hash(
            transfer_id=transfer_id, kind=kind, at=micros, memo=text, legs=[(a, str(k), n) for a, k, n in legs]
        )
        self.rows["ledger_transfer"].append((transfer_id, kind, micros, text, digest))
        return transfer_id

    def top_up(self, account: int, som: int, at: datetime, way: str) -> None:
        amount = som * 100
        legs = [(self.facts.funding, EntryKind.TOP_UP, -amount), (account, EntryKind.TOP_UP, amount)]
        self.move("top_up", legs, at, {"way": way})


async def load_bulk(ctx: Context, count: int, tell: Callable[[str, int, int], None]) -> None:
    """Fills up to `count` made-up subscribers besides the demo's own, and says how far it is."""
    row = await fetch_row("SELECT COUNT(*) AS n FROM subscriber_number WHERE phone LIKE $1", f"{PHONES}%")
    done = int(row["n"]) if row else 0
    facts = await _facts()
    tell("subscribers", min(done, count), count)
    while done < count:
        until = min(done + BATCH, count)
        await _write(_make(range(done, until), facts, await _last_ids(), ctx.clock.now()))
        done = until
        tell("subscribers", done, count)
    await _settle()


async def _facts() -> _Facts:
    row = await fetch_row(
        """SELECT (SELECT id FROM tariff WHERE code = 'oddiy') AS tariff_id,
                  (SELECT id FROM product WHERE code = 'cinema') AS product_id,
                  (SELECT MIN(s.price) FROM product_price_step s JOIN product p ON p.id = s.product_id
                   WHERE p.code = 'cinema' AND s.from_month = 1) AS price,
                  (SELECT MIN(e.id) FROM offer_edition e JOIN offer o ON o.id = e.offer_id
                   WHERE o.code = 'wallet') AS edition_id,
                  (SELECT MIN(id) FROM staff) AS staff_id"""
    )
    assert row is not None
    assert None not in row.values(), "the demo data comes first"
    text = await fetch_row("SELECT hash FROM offer_text WHERE edition_id = $1 AND language = 'uz'", row["edition_id"])
    assert text is not None
    return _Facts(
        **row,
        text_hash=text["hash"],
        funding=await operator_account(OperatorAccount.FUNDING),
        revenue=await operator_account(OperatorAccount.REVENUE),
        pin_hash=await hash_pin(PIN),
    )


async def _last_ids() -> dict[str, int]:
    sums = ", ".join(f"(SELECT COALESCE(MAX(id), 0) FROM {table}) AS {table}" for table in TABLES)
    row = await fetch_row(f"SELECT {sums}")
    assert row is not None
    return {table: int(row[table]) for table in TABLES}


def _make(indices: range, facts: _Facts, next_id: dict[str, int], now: datetime) -> _Batch:
    batch = _Batch(facts, next_id, now)
    for index in indices:
        _subscriber(batch, index, random.Random(index))  # noqa: S311  # made-up people, the same on each run
    return batch


def _subscriber(batch: _Batch, index: int, chance: random.Random) -> None:
    woman = chance.random() < 0.5
    last, first = chance.choice(LAST.split()), chance.choice((WOMEN if woman else MEN).split())
    last, patronymic = last + ("a" if woman else ""), chance.choice(MEN.split()) + ("ovna" if woman else "ovich")
    birth = f"{chance.randint(1955, 2006)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    joined = batch.now - timedelta(days=chance.randint(60, 1_500), minutes=chance.randint(0, 1_000))
    language = chance.choice(("uz", "uz", "uz-Cyrl", "ru"))
    has_wallet = index % 3 == 0
    phone, pin = f"{PHONES}{index:07d}", batch.facts.pin_hash if has_wallet else None
    names = (last, first, patronymic, "", search_form(last, first, patronymic))
    subscriber = batch.add("subscriber", "private", *names, birth, "active", language, pin, 0, to_micros(joined))
    ledger = batch.add("ledger_account", "personal", 0, 0, 0, "")
    digits = f"2{index:08d}"
    number = digits + check_digit(digits)
    account = batch.add("personal_account", number, subscriber, ledger, "prepaid", to_micros(joined))
    tariff = batch.facts.tariff_id
    batch.add("subscriber_number", phone, subscriber, account, tariff, "active", to_micros(joined))
    for days in (50, 20):
        at = batch.now - timedelta(days=days, minutes=chance.randint(0, 900))
        batch.top_up(ledger, chance.randint(20, 150) * 1_000, at, chance.choice(("cash agent", "bank card")))
    if index % 5 == 0:
        _subscription(batch, index, subscriber, account, ledger, phone)
    if has_wallet:
        wallet, opened = _wallet(batch, index, subscriber, phone, birth, chance)
        if index % 12 == 0:
            _identification(batch, index, wallet, birth, opened, last, first, patronymic)


def _subscription(batch: _Batch, index: int, subscriber: int, account: int, ledger: int, phone: str) -> None:
    began, months, price = batch.now - timedelta(days=10), 2, batch.facts.price
    day = local_day(began)
    subscription = batch.add(
        "product_subscription",
        batch.facts.product_id,
        subscriber,
        account,
        phone,
        "active",
        day.isoformat(),
        months_after(day, months).isoformat(),
        months,
        False,
        1,
        to_micros(began),
    )
    public_id = f"b{index:031x}"
    legs = [
        (ledger, EntryKind.SUBSCRIPTION, -price * months),
        (batch.facts.revenue, EntryKind.SUBSCRIPTION, price * months),
    ]
    memo = {"product": "cinema", "months": months, "from_month": 1, "order": public_id}
    transfer = batch.move("subscription", legs, began, memo)
    batch.add(
        "product_order",
        public_id,
        batch.facts.product_id,
        subscriber,
        account,
        phone,
        months,
        price * months,
        "first",
        "cabinet",
        "completed",
        subscription,
        transfer,
        to_micros(began),
        to_micros(began),
    )


def _wallet(
    batch: _Batch, index: int, subscriber: int, phone: str, birth: str, chance: random.Random
) -> tuple[int, int]:
    opened = batch.now - timedelta(days=40, minutes=chance.randint(0, 900))
    micros = to_micros(opened)
    ledger = batch.add("ledger_account", "wallet", 0, 0, 0, "")
    acceptance = batch.add(
        "offer_acceptance",
        batch.facts.edition_id,
        subscriber,
        phone,
        "uz",
        batch.facts.text_hash,
        micros,
        "wallet opening",
        "demo",
    )
    digits = f"97{index:013d}"
    number = digits + check_digit(digits)
    wallet = batch.add(
        "wallet", number, subscriber, phone, ledger, "light", "active", birth, micros, micros, acceptance
    )
    for step in range(8):
        at = opened + timedelta(days=4 * step, minutes=chance.randint(0, 300))
        batch.top_up(ledger, chance.randint(10, 90) * 1_000, at, chance.choice(("bank card", "cash agent")))
    if batch.last_wallet is not None:
        amount = chance.randint(1, 9) * 100_000
        legs = [(ledger, EntryKind.TRANSFER_OUT, -amount), (batch.last_wallet, EntryKind.TRANSFER_IN, amount)]
        batch.move("transfer", legs, batch.now - timedelta(days=2), {"payer": number, "recipient": ""})
    batch.last_wallet = ledger
    return wallet, micros


@in_transaction
async def _write(batch: _Batch) -> None:
    for table in TABLES:
        for rows in _in_turns(table, batch.rows.get(table, [])):
            await _insert(table, rows)
    if identified := batch.rows.get("identification"):
        await execute(
            """UPDATE wallet SET level = 'premium'
               WHERE id IN (SELECT wallet_id FROM identification WHERE id BETWEEN $1 AND $2)""",
            identified[0][0],
            identified[-1][0],
        )


def _in_turns(table: str, rows: list[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
    """PostgreSQL lets an entry count after its whole statement: an account's next one comes with the next statement."""
    if table != "ledger_entry":
        return [rows] if rows else []
    turns: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        turns[row[_SEQ] or 0].append(row)
    return [turns[turn] for turn in sorted(turns)]


async def _insert(table: str, rows: list[tuple[Any, ...]]) -> None:
    connection: Any = get_connection(CONNECTION)
    names = TABLES[table].split()
    if dialect() == "postgres":
        await connection._connection.copy_records_to_table(table, records=rows, columns=names)
        return
    places = ", ".join("?" for _ in names)
    await connection.execute_many(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows)


async def _settle() -> None:
    """PostgreSQL's sequences and statistics catch up with ids that were given by hand."""
    if dialect() != "postgres":
        return
    for table in TABLES:
        await fetch_row(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))")
        await get_connection(CONNECTION).execute_script(f"ANALYZE {table}")


def _identification(batch: _Batch, index: int, wallet: int, birth: str, at: int, *names: str) -> None:
    """A made-up document, with the birth date that the wallet was opened with (W-4.2.1)."""
    year, month, day = birth.split("-")
    century = {"19": "3", "20": "5"}[year[:2]]
    first = f"{century}{day}{month}{year[2:]}{index % 1_000_000:06d}"
    pinfl = first + str(sum(int(digit) * (7, 3, 1)[place % 3] for place, digit in enumerate(first)) % 10)
    batch.add("identification", wallet, "id_card", f"AD{index:07d}", *names, birth, pinfl, batch.facts.staff_id, at)
