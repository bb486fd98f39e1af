"""Paying suppliers: two instructions in one movement, the amount and the commission (W-4.4.4)."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.clock import to_micros
from domain.database import Row, call, dialect, in_one_hop
from domain.idempotency import Key
from domain.ledger import EntryKind, Leg, Movement
from domain.money import Money
from domain.wallet.rules import PAYER, PAYMENT_ANSWER, PAYMENT_VERDICT, POSTED


@dataclass(frozen=True, slots=True)
class Paying:
    """A payment that is asked for: `supplier` is its code, `reference` what `plain_reference` gave."""

    subscriber_id: int
    session_id: int
    supplier: str
    reference: str
    amount: Money
    key: Key
    at: datetime

    @property
    def values(self) -> dict[str, str | int]:
        """By the names that the rules know them by, in the order in which `wallet_pay` takes them."""
        return {
            "subscriber": self.subscriber_id,
            "session": self.session_id,
            "scope": self.key.scope,
            "key": self.key.key,
            "digest": self.key.digest,
            "supplier": self.supplier,
            "reference": self.reference,
            "all_digits": int(self.reference.isdigit()),
            "amount": self.amount.tiyin,
            "now": to_micros(self.at),
        }


PAY_CALL: Final = f"""SELECT * FROM wallet_pay({", ".join(f"${n}" for n in range(1, 11))})
AS f ({", ".join(f"{name} {type_}" for name, type_ in PAYMENT_ANSWER.items())})"""


async def pay(paying: Paying) -> Row:
    """A wallet's money to a supplier, all of it in one call: on PostgreSQL a routine.

    Gives the facts that `rules.PAYMENT_ANSWER` names; the `verdict` is as that of `movements.send`. A part of the
    caller's transaction if there is one.
    """
    values = paying.values
    if dialect() == "sqlite":
        return await in_one_hop(lambda db: _pay_on_sqlite(db, values))
    return await call(PAY_CALL, *values.values())


def _pay_on_sqlite(db: sqlite3.Connection, values: dict[str, str | int]) -> Row:
    """The same as the routine `wallet_pay`; the transaction's write lock stands for all of its locks."""
    values = values | dict(db.execute(PAYER, values).fetchone())
    facts = dict(db.execute(PAYMENT_VERDICT, values).fetchone())
    if facts["verdict"] != POSTED:
        return facts
    amount, commission = Money(int(values["amount"])), Money(facts["commission"])
    legs = payment_legs(facts, amount)
    transfer_id = Movement("payment", int(values["now"]), facts["memo"], legs).write(db)
    db.execute(
        "INSERT INTO idempotency (scope, key, digest, subject, at) VALUES (:scope, :key, :digest, :subject, :now)",
        values | {"subject": f"{transfer_id}:{facts['payer']}"},
    )
    left = Money(facts["balance"]) - amount - commission
    return facts | {"transfer": transfer_id, "balance": left.tiyin}


def payment_legs(facts: Row, amount: Money) -> Sequence[Leg]:
    """The two instructions of a payment that the rules let through; the second is left out where nothing is taken."""
    wallet, commission = facts["ledger_account_id"], Money(facts["commission"])
    legs = [
        Leg(wallet, EntryKind.PAYMENT, -amount),
        Leg(facts["supplier_account"], EntryKind.PAYMENT, amount),
    ]
    if commission:
        legs += [
            Leg(wallet, EntryKind.COMMISSION, -commission),
            Leg(facts["commission_account"], EntryKind.COMMISSION, commission),
        ]
    return legs
