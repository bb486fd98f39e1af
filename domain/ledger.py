"""The ledger: every movement is one transfer whose entries sum to zero; nothing is ever changed or taken away.

What the database itself sees to, on both engines (server/database/migrations/0001): transfers and entries are
append-only, a transfer takes no entry after it is written and only balances when its entries sum to zero, an account's
running balance changes by its entries alone and never falls below its floor. This module is the polite way in: it
locks, looks, refuses in time and writes. The triggers would stop it, and anyone else, from doing wrong.

A movement is one call: of a routine on PostgreSQL (server/database/routines), of the database's thread on SQLite.

Customers' accounts keep a running balance and a hash chain: each entry carries a hash over the one before. The
operator's own accounts take part in all movements and keep neither, so that they make nobody wait; they are covered by
the transfers' hashes.

Races that this must survive: two movements out of one account (the row lock serialises them, the CHECK would refuse
the second); two movements between the same accounts in opposite directions (locks are taken in the order of ids); the
same call twice at once (see domain/idempotency.py: the key's row makes the second wait for the first).
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import Row, call, dialect, fetch, fetch_row, in_one_hop
from domain.fields import InstantField, MoneyField, TextsField
from domain.money import ZERO, Money
from domain.refusal import UNTOLD, Refusal


class EntryKind(StrEnum):
    """What an entry is, seen from its account."""

    TOP_UP = "top_up"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    PAYMENT = "payment"
    COMMISSION = "commission"
    SUBSCRIPTION = "subscription"
    REFUND = "refund"
    REVERSAL = "reversal"
    REDEMPTION = "redemption"
    FORFEITURE = "forfeiture"
    ADJUSTMENT = "adjustment"


class OperatorAccount(StrEnum):
    """The operator's own accounts: where money comes from and goes to."""

    FUNDING = "funding"
    PAYME = "payme"
    CLICK = "click"
    PAYOUT = "payout"
    REVENUE = "revenue"
    COMMISSION = "commission"
    ADJUSTMENT = "adjustment"


@dataclass(eq=False, kw_only=True)
class InsufficientFunds(Refusal):
    """The movement would take the account below its floor (W-4.4.4, A-6.12).

    `available` is None for a caller who may order from the account but not see it: a web site's visitor.
    """

    code: ClassVar[str] = "INSUFFICIENT_FUNDS"
    text: ClassVar[str] = "Not enough money: {needed} is needed, {available} is available."
    text_unseen: ClassVar[str] = "Not enough money on the account: {needed} is needed."
    available: Money | None
    needed: Money
    held: Money = field(default=ZERO, metadata=UNTOLD)  # what is reserved: a part of it may have expired

    @property
    def sentence(self) -> str:
        return self.text if self.available is not None else self.text_unseen


class LedgerAccount(Model):
    """One side of movements. `balance` is None for the operator's own accounts; `floor` None means no floor.

    `held` is the part of the balance that open holds reserve (domain/hold.py).
    """

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=16)
    code = fields.CharField(max_length=32, null=True, unique=True)
    balance = MoneyField(null=True)
    floor = MoneyField(null=True)
    seq = fields.BigIntField(default=0)
    head = fields.CharField(max_length=64, default="")
    held = MoneyField(default=ZERO)

    class Meta:
        table = "ledger_account"


class LedgerTransfer(Model):
    """One movement, whole."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=32)
    at = InstantField()
    memo = TextsField()
    corrects: fields.ForeignKeyNullableRelation["LedgerTransfer"] = fields.ForeignKeyField(
        "kabinet.LedgerTransfer", null=True
    )
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "ledger_transfer"


class LedgerEntry(Model):
    """One account's part in a movement: plus is more for the account's holder, minus is less."""

    id = fields.BigIntField(primary_key=True)
    transfer: fields.ForeignKeyRelation[LedgerTransfer] = fields.ForeignKeyField(
        "kabinet.LedgerTransfer", related_name="entries"
    )
    account: fields.ForeignKeyRelation[LedgerAccount] = fields.ForeignKeyField(
        "kabinet.LedgerAccount", related_name="entries"
    )
    kind = fields.CharField(max_length=32)
    amount = MoneyField()
    at = InstantField()
    seq = fields.BigIntField(null=True)
    balance_after = MoneyField(null=True)
    hash = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "ledger_entry"


@dataclass(frozen=True, slots=True)
class Leg:
    """An entry to be: `amount` goes into the account (out of it when negative)."""

    account_id: int
    kind: EntryKind
    amount: Money


@dataclass(frozen=True, slots=True)
class Held:
    """An account as it stands under its lock."""

    id: int
    balance: Money | None
    floor: Money | None
    seq: int
    head: str
    held: Money = ZERO

    @property
    def available(self) -> Money | None:
        """What may leave it; None when there is no end to it."""
        if self.balance is None or self.floor is None:
            return None
        return self.balance - self.floor - self.held


@dataclass(frozen=True, slots=True)
class Posted:
    """A movement that has been written. `balances`: the customers' accounts after it, by account id."""

    transfer_id: int
    at: datetime
    balances: Mapping[int, Money] = field(default_factory=dict)


FIRST_HEAD: Final = ""


def entry_hash(
    *, before: str, transfer_id: int, account_id: int, seq: int, kind: str, amount: int, balance: int, at: int
) -> str:
    """The link of an account's chain: SHA-256 over the link before and everything that the entry says."""
    text = f"{before}|{transfer_id}|{account_id}|{seq}|{kind}|{amount}|{balance}|{at}"
    return hashlib.sha256(text.encode()).hexdigest()


def transfer_hash(
    *,
    transfer_id: int,
    kind: str,
    at: int,
    memo: str,
    legs: Iterable[tuple[int, str, int]],
    corrects: int | None = None,
) -> str:
    """SHA-256 over a transfer, its legs (account, kind, amount) in the order in which they were written.

    A correction also says which transfer it `corrects`; the others have nothing in that place.
    """
    head = f"{transfer_id}|{kind}|{at}|{memo}" + ("" if corrects is None else f"|{corrects}")
    lines = [head, *(f"{account}|{k}|{amount}" for account, k, amount in legs)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


async def open_account(kind: str, *, floor: Money | None = ZERO) -> int:
    """A new empty customer's account; gives its id."""
    row = await fetch_row(
        "INSERT INTO ledger_account (kind, balance, floor) VALUES ($1, 0, $2) RETURNING id",
        kind,
        floor.tiyin if floor is not None else None,
    )
    assert row is not None
    return int(row["id"])


async def operator_account(which: OperatorAccount) -> int:
    """The id of one of the operator's own accounts."""
    row = await fetch_row("SELECT id FROM ledger_account WHERE code = $1", str(which))
    assert row is not None, "the operator's accounts are made by the first migration"
    return int(row["id"])


async def hold(*account_ids: int) -> dict[int, Held]:
    """Locks the customers' accounts among these until the transaction ends, and says how they stand.

    The operator's own are read, never locked.
    """
    places = ", ".join(f"${n}" for n in range(1, len(account_ids) + 1))
    rows = await fetch(
        # Always in the order of ids: two transfers in opposite directions must not wait for each other.
        f"""SELECT id, balance, floor, seq, head, held FROM ledger_account
            WHERE id IN ({places}) AND balance IS NOT NULL ORDER BY id FOR NO KEY UPDATE""",
        *account_ids,
    )
    held = {row["id"]: _held(row) for row in rows}
    return held | {id_: Held(id_, None, None, 0, FIRST_HEAD) for id_ in account_ids if id_ not in held}


def _held(row: Row) -> Held:
    floor = None if row["floor"] is None else Money(row["floor"])
    return Held(row["id"], Money(row["balance"]), floor, row["seq"], row["head"], Money(row["held"]))


def require_funds(account: Held, needed: Money, *, rule: str, seen: bool = True) -> None:
    """Raises InsufficientFunds when `needed` (all instructions with their commissions) exceeds what is available.

    Not `seen`: the caller may not learn the balance.
    """
    available = account.available
    if available is not None and needed > available:
        shown = max(available, ZERO) if seen else None
        raise InsufficientFunds(available=shown, needed=needed, held=account.held, rule=rule)


# Whether an account cannot give what is needed, stated once: SQLite runs this text, and so does PostgreSQL's routine
# `ledger_post`. No floor is no end, and the operator's own accounts have no balance: both compare as unknown.
SHORT: Final = """SELECT a.balance - a.floor - a.held AS available, :needed AS needed
FROM ledger_account a WHERE a.id = :account AND :needed > a.balance - a.floor - a.held"""


async def post(
    kind: str,
    legs: Sequence[Leg],
    *,
    at: datetime,
    memo: Mapping[str, Any] | None = None,
    rule: str = "W-4.4.4",
    corrects: int | None = None,
) -> Posted:
    """Writes one movement, whole, as part of the caller's transaction if there is one; locks what it touches.

    `corrects` names the transfer that this one puts right.

    Raises InsufficientFunds, by `rule`, when an account would fall below its floor; nothing is written then. That legs
    sum to zero and that none is zero is the caller's duty: an assertion here, the database's own refusal behind it.
    """
    assert sum(leg.amount.tiyin for leg in legs) == 0, "a movement must sum to zero"
    assert len(legs) > 1, "a movement has two sides"
    movement = Movement(
        kind, to_micros(at), json.dumps(dict(memo or {}), ensure_ascii=False, sort_keys=True), legs, corrects
    )
    if dialect() == "sqlite":
        row = await in_one_hop(movement.post)
    else:
        row = await call("SELECT * FROM ledger_post($1, $2, $3, $4, $5, $6, $7)", *movement.values)
    if row["transfer"] is None:
        available, needed = max(Money(row["available"]), ZERO), Money(row["needed"])
        raise InsufficientFunds(available=available, needed=needed, rule=rule)
    balances = zip(row["accounts"] or (), map(Money, row["balances"] or ()), strict=True)
    return Posted(row["transfer"], at, dict(balances))


@dataclass(frozen=True, slots=True)
class Movement:
    """A transfer to be. On SQLite, whose open transaction holds the only write lock, it writes itself."""

    kind: str
    at: int
    memo: str
    legs: Sequence[Leg]
    corrects: int | None = None

    @property
    def values(self) -> tuple[str, int, str, list[int], list[str], list[int], int | None]:
        """What PostgreSQL's routines take."""
        accounts, kinds, amounts = zip(
            *((leg.account_id, leg.kind.value, leg.amount.tiyin) for leg in self.legs), strict=True
        )
        return self.kind, self.at, self.memo, list(accounts), list(kinds), list(amounts), self.corrects

    def post(self, db: sqlite3.Connection) -> Row:
        """The same as the routine `ledger_post`, with the same answer."""
        for account in sorted({leg.account_id for leg in self.legs}):
            needed = -sum(leg.amount.tiyin for leg in self.legs if leg.account_id == account)
            if needed > 0 and (short := db.execute(SHORT, {"account": account, "needed": needed}).fetchone()):
                return {"transfer": None} | dict(short)
        transfer_id = self.write(db)
        places = ", ".join("?" * len(self.legs))
        rows = db.execute(
            f"SELECT id, balance FROM ledger_account WHERE id IN ({places}) AND balance IS NOT NULL",
            [leg.account_id for leg in self.legs],
        ).fetchall()
        return {"transfer": transfer_id, "accounts": [row[0] for row in rows], "balances": [row[1] for row in rows]}

    def write(self, db: sqlite3.Connection) -> int:
        """The same as the routine `ledger_write`: the entries, then the transfer that seals them; gives its id."""
        (transfer_id,) = db.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM ledger_transfer").fetchone()
        lines = []
        for leg in self.legs:
            self._write_entry(db, transfer_id, leg)
            lines.append((leg.account_id, leg.kind.value, leg.amount.tiyin))
        digest = transfer_hash(
            transfer_id=transfer_id, kind=self.kind, at=self.at, memo=self.memo, legs=lines, corrects=self.corrects
        )
        db.execute(
            "INSERT INTO ledger_transfer (id, kind, at, memo, corrects_id, hash) VALUES (?, ?, ?, ?, ?, ?)",
            (transfer_id, self.kind, self.at, self.memo, self.corrects, digest),
        )
        return int(transfer_id)

    def _write_entry(self, db: sqlite3.Connection, transfer_id: int, leg: Leg) -> None:
        account, kind, amount = leg.account_id, leg.kind.value, leg.amount.tiyin
        balance, seq, head = db.execute(
            "SELECT balance + ?, seq + 1, head FROM ledger_account WHERE id = ?", (amount, account)
        ).fetchone()
        link: tuple[int, int, str] | tuple[None, None, None] = (None, None, None)
        if balance is not None:
            digest = entry_hash(
                before=head,
                transfer_id=transfer_id,
                account_id=account,
                seq=seq,
                kind=kind,
                amount=amount,
                balance=balance,
                at=self.at,
            )
            link = (seq, balance, digest)
        db.execute(
            """INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (transfer_id, account, kind, amount, self.at, *link),
        )
