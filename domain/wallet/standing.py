"""Movements that a wallet's holder has ordered for later: the rules of transfers and payments, but for the PIN.

The holder was asked for it when the order was made. Whatever else holds for a movement holds here, at the moment when
it is carried out: a blocked wallet carries out nothing (W-6.4).
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.clock import to_micros
from domain.database import Row, execute, fetch_named, fetch_row
from domain.ledger import EntryKind, Leg, Posted, post
from domain.money import Money
from domain.wallet.limits import counting
from domain.wallet.movements import hold_wallets, named
from domain.wallet.paying import payment_legs
from domain.wallet.rules import POSTED, STANDING_PAYMENT_VERDICT, STANDING_TRANSFER_VERDICT
from domain.wallet.verdicts import refusal

# The rules' texts name the caller's request, too, though none of the rules that are left looks at it.
_NOBODY: Final[dict[str, str | int]] = {"subscriber": 0, "session": 0, "scope": "", "key": "", "digest": ""}


@dataclass(frozen=True, slots=True)
class Standing:
    """An order to move `amount` out of a wallet; `note` goes into the movement's memo."""

    wallet_id: int
    amount: Money
    at: datetime
    note: dict[str, Any]

    @property
    def values(self) -> dict[str, str | int]:
        common = {"payer": self.wallet_id, "amount": self.amount.tiyin, "now": to_micros(self.at)}
        return _NOBODY | common | counting(self.at)


async def send_standing(order: Standing, to: str) -> tuple[Posted, int]:
    """A transfer in the caller's transaction; also gives the receiver's wallet.

    Raises what a transfer's rules refuse, before anything is written; WalletMissing when the wallet is closed.
    """
    number, phone = named(to)
    found = await fetch_row(
        "SELECT id FROM wallet WHERE (number = $1 OR phone = $2) AND status <> 'closed'", number, phone
    )
    payee = found["id"] if found else 0
    await hold_wallets([order.wallet_id, payee])
    facts = await _allowed(STANDING_TRANSFER_VERDICT, order, {"payee": payee})
    legs = [
        Leg(facts["ledger_account_id"], EntryKind.TRANSFER_OUT, -order.amount),
        Leg(facts["payee_account"], EntryKind.TRANSFER_IN, order.amount),
    ]
    posted = await post("transfer", legs, at=order.at, memo=json.loads(facts["memo"]) | order.note)
    if facts["payee_first_top_up_at"] is None:
        await execute("UPDATE wallet SET first_top_up_at = $1 WHERE id = $2", to_micros(order.at), payee)
    return posted, payee


async def pay_standing(order: Standing, supplier: str, reference: str) -> Posted:
    """A payment in the caller's transaction. Raises as `send_standing`."""
    await hold_wallets([order.wallet_id])
    asked: dict[str, str | int] = {
        "supplier": supplier,
        "reference": reference,
        "all_digits": int(reference.isdigit()),
    }
    facts = await _allowed(STANDING_PAYMENT_VERDICT, order, asked)
    memo = json.loads(facts["memo"]) | order.note
    return await post("payment", payment_legs(facts, order.amount), at=order.at, memo=memo)


async def _allowed(text: str, order: Standing, asked: dict[str, str | int]) -> Row:
    """The facts, if the rules let it through under the locks that are held."""
    facts = await fetch_named(text, order.values | asked)
    assert facts is not None, "the rules always have a verdict"
    if facts["verdict"] != POSTED:
        raise refusal(facts, order.amount + Money(facts.get("commission") or 0))
    return facts
