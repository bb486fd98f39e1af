"""Corrections of a balance by staff: always against the operator's account for adjustments, always by four eyes.

What an adjustment obeys is looked at when it is carried out, under the lock of what it changes: a wallet must be
active (frozen money stays frozen), nothing falls below its floor less what is held, and a Light wallet's balance stays
within its limit (W-4.5.1b). It is no top-up: it neither counts towards 30 days' top-ups nor opens a new wallet for
sending.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from domain.database import fetch_row
from domain.ledger import EntryKind, Leg, OperatorAccount, operator_account, post
from domain.money import LARGEST_SOM, TIYIN_PER_SOM, ZERO, Money
from domain.refusal import InvalidAmount, NotFound
from domain.wallet import BalanceLimitReached, HeldWallet, WalletNotActive, WalletStatus, current_limits, hold_wallets

KIND: Final = "adjustment"
_SUBJECT: Final = re.compile(r"(wallet|account):([1-9][0-9]{0,17})", re.ASCII)


class AdjustmentReason(StrEnum):
    """What the holder is told of the reason; staff write more, for staff only."""

    WRONG_AMOUNT = "wrong_amount"
    DUPLICATE = "duplicate"
    NOT_CREDITED = "not_credited"
    SERVICE_FAULT = "service_fault"
    GOODWILL = "goodwill"
    RECONCILIATION = "reconciliation"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`subject` is wallet:id or account:id (a personal account); `amount` plus gives, minus takes.

    `corrects` is the transfer that it puts right, if it is one.
    """

    subject: str
    amount: Money
    code: AdjustmentReason
    corrects: int | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """The adjustment as a proposal carries it."""
        return {"amount": self.amount.tiyin, "code": str(self.code), "corrects": self.corrects}

    @classmethod
    def proposed(cls, subject: str, payload: Mapping[str, Any]) -> "Adjustment":
        """The adjustment that a proposal carries."""
        return cls(subject, Money(payload["amount"]), AdjustmentReason(payload["code"]), payload["corrects"])

    def require_form(self) -> None:
        """Raises InvalidAmount for nothing and for more than there is money."""
        if not self.amount or abs(self.amount.tiyin) > LARGEST_SOM * TIYIN_PER_SOM:
            raise InvalidAmount(path=("amount",))


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be adjusted, as it stands; `status` is None for a personal account."""

    ledger_account_id: int
    number: str
    subscriber_id: int
    balance: Money
    status: WalletStatus | None


async def target(subject: str) -> Target:
    """What a subject names. Raises NotFound."""
    kind, id_ = _parts(subject)
    table, status = ("wallet", "x.status") if kind == "wallet" else ("personal_account", "NULL")
    row = await fetch_row(
        f"""SELECT x.ledger_account_id, x.number, x.subscriber_id, a.balance, {status} AS status
            FROM {table} x JOIN ledger_account a ON a.id = x.ledger_account_id WHERE x.id = $1""",
        id_,
    )
    if row is None:
        raise NotFound(path=("subject",))
    return Target(
        row["ledger_account_id"],
        row["number"],
        row["subscriber_id"],
        Money(row["balance"]),
        WalletStatus(row["status"]) if row["status"] else None,
    )


async def require_possible(adjustment: Adjustment) -> None:
    """What can be said beforehand. Raises NotFound (also for a transfer of somebody else's) and WalletNotActive."""
    found = await target(adjustment.subject)
    if found.status not in (None, WalletStatus.ACTIVE):
        raise WalletNotActive
    if adjustment.corrects is None:
        return
    theirs = await fetch_row(
        "SELECT 1 FROM ledger_entry WHERE transfer_id = $1 AND account_id = $2 LIMIT 1",
        adjustment.corrects,
        found.ledger_account_id,
    )
    if theirs is None:
        raise NotFound(path=("corrects",))


async def carry_out(adjustment: Adjustment, *, proposal_id: int, at: datetime) -> dict[str, Any]:
    """Moves the money, inside the transaction of the approval; gives the transfer and the balance before and after.

    Raises WalletNotActive, BalanceLimitReached and InsufficientFunds.
    """
    kind, id_ = _parts(adjustment.subject)
    if kind == "wallet":
        held = (await hold_wallets([id_]))[id_]
        await _require_room(held, adjustment.amount, at)
        account, number, rule = held.account.id, held.number, "W-4.4.4"
    else:
        found = await target(adjustment.subject)
        account, number, rule = found.ledger_account_id, found.number, "A-6.12"
    side = "recipient" if adjustment.amount > ZERO else "payer"
    against = await operator_account(OperatorAccount.ADJUSTMENT)
    posted = await post(
        KIND,
        [Leg(account, EntryKind.ADJUSTMENT, adjustment.amount), Leg(against, EntryKind.ADJUSTMENT, -adjustment.amount)],
        at=at,
        memo={"reason": str(adjustment.code), "proposal": proposal_id, side: number},
        rule=rule,
        corrects=adjustment.corrects,
    )
    after = posted.balances[account]
    return {"transfer": posted.transfer_id, "before": (after - adjustment.amount).tiyin, "after": after.tiyin}


async def _require_room(wallet: HeldWallet, amount: Money, at: datetime) -> None:
    if wallet.status is not WalletStatus.ACTIVE:
        raise WalletNotActive
    limit = (await current_limits(wallet.account.id, wallet.level, at)).balance_limit
    if limit is not None and amount > ZERO and wallet.balance + amount > limit:
        raise BalanceLimitReached(limit=limit, left=max(limit - wallet.balance, ZERO), path=("amount",))


def _parts(subject: str) -> tuple[str, int]:
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        raise NotFound(path=("subject",))
    return found[1], int(found[2])
