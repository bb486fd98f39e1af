"""The limits of a Light wallet, in BHM, the legal unit (W-4.5.1). Premium has none (W-4.5.2).

The rules are pure: `require_room` decides on facts that were read under the wallet's lock. 30 calendar days are today
and the 29 days before it, in Tashkent; what was topped up on a day stops counting at the start of the 30th day after.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from domain.clock import TASHKENT, from_micros, local_day, to_micros
from domain.database import fetch_row
from domain.ledger import EntryKind
from domain.money import ZERO, Money
from domain.wallet.model import WalletLevel
from domain.wallet.refusals import BalanceLimitReached, TopUpLimitReached

LIGHT_BHMS: Final = 5
WINDOW_DAYS: Final = 30
TOP_UPS: Final = (EntryKind.TOP_UP, EntryKind.TRANSFER_IN)  # a transfer in is a top-up of its receiver (W-4.5)


@dataclass(frozen=True, slots=True)
class Limits:
    """How a wallet stands: None means without limit. `resets_at`: when used room begins to come back."""

    top_up_limit: Money | None = None
    top_up_used: Money = ZERO
    balance_limit: Money | None = None
    resets_at: datetime | None = None

    @property
    def top_up_left(self) -> Money | None:
        if self.top_up_limit is None:
            return None
        return max(self.top_up_limit - self.top_up_used, ZERO)


def require_room(amount: Money, balance: Money, limits: Limits) -> None:
    """Whether a top-up of `amount`, commissions included, may come in.

    Raises TopUpLimitReached (W-4.5.1a) or BalanceLimitReached (W-4.5.1b).
    """
    left = limits.top_up_left
    if limits.top_up_limit is not None and left is not None and amount > left:
        raise TopUpLimitReached(
            limit=limits.top_up_limit,
            used=limits.top_up_used,
            left=left,
            resets_at=limits.resets_at,
            path=("input", "amount"),
        )
    if limits.balance_limit is not None and balance + amount > limits.balance_limit:
        room = max(limits.balance_limit - balance, ZERO)
        raise BalanceLimitReached(limit=limits.balance_limit, left=room, path=("input", "amount"))


def window_opens(today: date) -> datetime:
    """The first moment that counts today."""
    return datetime.combine(today - timedelta(days=WINDOW_DAYS - 1), time.min, TASHKENT)


def leaves_window(topped_up_at: datetime) -> datetime:
    """The first moment at which that top-up counts no more."""
    return datetime.combine(local_day(topped_up_at) + timedelta(days=WINDOW_DAYS), time.min, TASHKENT)


async def current_limits(ledger_account_id: int, level: WalletLevel, now: datetime) -> Limits:
    """The wallet's limits and how much of them is used; exact under the wallet's lock, a good look without it."""
    if level is not WalletLevel.LIGHT:
        return Limits()
    today = local_day(now)
    row = await fetch_row(
        """SELECT (SELECT amount FROM bhm WHERE effective_from <= $1 ORDER BY effective_from DESC LIMIT 1) AS bhm,
                  SUM(e.amount) AS used, MIN(e.at) AS oldest
           FROM ledger_entry e WHERE e.account_id = $2 AND e.at >= $3 AND e.kind IN ($4, $5)""",
        today.isoformat(),
        ledger_account_id,
        to_micros(window_opens(today)),
        *map(str, TOP_UPS),
    )
    assert row is not None
    limit = Money(row["bhm"] or 0) * LIGHT_BHMS
    return Limits(
        top_up_limit=limit,
        top_up_used=Money(int(row["used"] or 0)),
        balance_limit=limit,
        resets_at=leaves_window(from_micros(row["oldest"])) if row["oldest"] is not None else None,
    )
