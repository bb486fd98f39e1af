"""What can happen to a wallet's money.

A wallet's row and its ledger account are locked together, in the order of accounts, before anything is decided: status,
level, limits and balance are then facts. Whoever changes a wallet's status takes the same lock, so nothing is sent from
a wallet that is being blocked. What is decided, and in which order, is said in `rules`.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.clock import from_micros, to_micros
from domain.database import Row, call, dialect, execute, fetch, fetch_named, in_one_hop
from domain.idempotency import Key
from domain.ledger import EntryKind, Held, Leg, Movement, OperatorAccount, Posted, operator_account, post
from domain.money import ZERO, Money
from domain.wallet.limits import counting
from domain.wallet.model import WalletLevel, WalletStatus
from domain.wallet.rules import ANSWER, PARTIES, POSTED, TOP_UP_VERDICT, VERDICT
from domain.wallet.verdicts import refusal


@dataclass(frozen=True, slots=True)
class HeldWallet:
    """A wallet under its lock, with its ledger account as it stands."""

    id: int
    number: str
    phone: str
    level: WalletLevel
    status: WalletStatus
    first_top_up_at: datetime | None
    account: Held

    @property
    def balance(self) -> Money:
        assert self.account.balance is not None, "a wallet keeps a running balance"
        return self.account.balance


async def hold_wallets(wallet_ids: Sequence[int]) -> dict[int, HeldWallet]:
    """Locks these wallets and their ledger accounts until the transaction ends."""
    places = ", ".join(f"${n}" for n in range(1, len(wallet_ids) + 1))
    rows = await fetch(
        # In the order of the ledger accounts' ids, as all who lock them do: two transfers in opposite directions
        # must not wait for each other.
        f"""SELECT w.id, w.number, w.phone, w.level, w.status, w.first_top_up_at,
                   a.id AS account_id, a.balance, a.floor, a.seq, a.head, a.held
            FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
            WHERE w.id IN ({places}) ORDER BY a.id FOR NO KEY UPDATE""",
        *wallet_ids,
    )
    return {row["id"]: _held_wallet(row) for row in rows}


def _held_wallet(row: Row) -> HeldWallet:
    first = row["first_top_up_at"]
    return HeldWallet(
        id=row["id"],
        number=row["number"],
        phone=row["phone"],
        level=WalletLevel(row["level"]),
        status=WalletStatus(row["status"]),
        first_top_up_at=from_micros(first) if first is not None else None,
        account=Held(
            row["account_id"],
            Money(row["balance"]),
            Money(row["floor"]),
            row["seq"],
            row["head"],
            Money(row["held"]),
        ),
    )


@dataclass(frozen=True, slots=True)
class Sending:
    """A transfer that is asked for: `to` names the receiver by the wallet's number or by the phone."""

    subscriber_id: int
    session_id: int
    to: str
    amount: Money
    key: Key
    at: datetime

    @property
    def values(self) -> dict[str, str | int]:
        """By the names that the rules know them by, in the order in which `wallet_transfer` takes them."""
        number, phone = named(self.to)
        values: dict[str, str | int] = {
            "subscriber": self.subscriber_id,
            "session": self.session_id,
            "scope": self.key.scope,
            "key": self.key.key,
            "digest": self.key.digest,
            "number": number,
            "phone": phone,
            "amount": self.amount.tiyin,
            "now": to_micros(self.at),
        }
        return values | counting(self.at)


def named(to: str) -> tuple[str, str]:
    """The wallet number and the phone that `to` may be, written in any usual way; nothing is nobody's.

    Whatever else stands in it makes it nobody's too: a number of another country, or one digit too many, must not
    lead to whoever has the rest of it (W-4.4.5).
    """
    plain = _SEPARATORS.sub("", to) if len(to) <= 40 else ""
    if phone := _PHONE.fullmatch(plain):
        return "", f"+998{phone[1]}"
    return (plain if _DIGITS.fullmatch(plain) else ""), ""


_SEPARATORS: Final = re.compile(r"[\s\-().]+")
_PHONE: Final = re.compile(r"(?:\+?998)?([0-9]{9})", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
TRANSFER_CALL: Final = f"""SELECT * FROM wallet_transfer({", ".join(f"${n}" for n in range(1, 12))})
AS f ({", ".join(f"{name} {type_}" for name, type_ in ANSWER.items())})"""


async def send(sending: Sending) -> Row:
    """One wallet's money to another (commission 0 %), all of it in one call: on PostgreSQL a routine.

    Gives the facts that `rules.ANSWER` names. The `verdict` is POSTED, with the payer's wallet as it stands afterwards;
    REPLAY, when the same was done before (`subject` is "transfer:wallet"); or a rule's, which `refusal` makes an
    exception of: then nothing was written. A part of the caller's transaction if there is one.
    """
    values = sending.values
    if dialect() == "sqlite":
        return await in_one_hop(lambda db: _send_on_sqlite(db, values))
    return await call(TRANSFER_CALL, *values.values())


def _send_on_sqlite(db: sqlite3.Connection, values: dict[str, str | int]) -> Row:
    """The same as the routine `wallet_transfer`; the transaction's write lock stands for all of its locks."""
    values = values | dict(db.execute(PARTIES, values).fetchone())
    facts = dict(db.execute(VERDICT, values).fetchone())
    if facts["verdict"] != POSTED:
        return facts
    amount, now = Money(int(values["amount"])), int(values["now"])
    legs = (
        Leg(facts["ledger_account_id"], EntryKind.TRANSFER_OUT, -amount),
        Leg(facts["payee_account"], EntryKind.TRANSFER_IN, amount),
    )
    transfer_id = Movement("transfer", now, facts["memo"], legs).write(db)
    db.execute(
        "INSERT INTO idempotency (scope, key, digest, subject, at) VALUES (:scope, :key, :digest, :subject, :now)",
        values | {"subject": f"{transfer_id}:{facts['payer']}"},
    )
    if facts["payee_first_top_up_at"] is None:
        db.execute("UPDATE wallet SET first_top_up_at = ? WHERE id = ?", (now, facts["payee"]))
    return facts | {"transfer": transfer_id, "balance": facts["balance"] - amount.tiyin}


async def require_room(wallet_id: int, amount: Money, at: datetime, *, commission: Money = ZERO) -> None:
    """Whether this much may come in: a fact under the wallet's lock, a good look without it.

    `commission` is what an agent keeps for itself. Raises WalletNotActive, TopUpLimitReached, BalanceLimitReached.
    """
    asked = {"payee": wallet_id, "amount": amount.tiyin, "commission": commission.tiyin}
    facts = await fetch_named(TOP_UP_VERDICT, asked | counting(at))
    assert facts is not None
    if facts["verdict"] != POSTED:
        raise refusal(facts, amount)


async def top_up(
    wallet: HeldWallet,
    amount: Money,
    *,
    at: datetime,
    memo: dict[str, Any],
    source: OperatorAccount = OperatorAccount.FUNDING,
    commission: Money = ZERO,
) -> Posted:
    """Money from outside into a wallet (W-4.3.1), which the caller's transaction holds.

    `commission` is what an agent keeps for itself: it counts towards the limit of 30 days (W-4.5.1a). Raises
    WalletNotActive, TopUpLimitReached, BalanceLimitReached.
    """
    await require_room(wallet.id, amount, at, commission=commission)
    legs = [
        Leg(await operator_account(source), EntryKind.TOP_UP, -amount),
        Leg(wallet.account.id, EntryKind.TOP_UP, amount),
    ]
    posted = await post("top_up", legs, at=at, memo=memo)
    if wallet.first_top_up_at is None:
        await execute("UPDATE wallet SET first_top_up_at = $1 WHERE id = $2", to_micros(at), wallet.id)
    return posted
