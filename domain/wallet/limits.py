"""The limits of a Light wallet, in BHM, the legal unit (W-4.5.1). Premium has none (W-4.5.2).

What is counted, and against which limit, is said in `rules`. 30 calendar days are today and the 29 days before it, in
Tashkent; what was topped up on a day stops counting at the start of the 30th day after.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from domain.clock import TASHKENT, from_micros, local_day, to_micros
from domain.database import Row, fetch_named
from domain.money import ZERO, Money
from domain.wallet.model import WalletLevel
from domain.wallet.rules import most, oldest, used

WINDOW_DAYS: Final = 30
_LIMITS: Final = f"""SELECT {most("w")} AS most, {used("w")} AS used, {oldest("w.ledger_account_id")} AS oldest
FROM wallet w WHERE w.ledger_account_id = :account"""


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
    row = await fetch_named(_LIMITS, {"account": ledger_account_id} | counting(now))
    return Limits() if row is None else limits_of(row)


def limits_of(row: Row) -> Limits:
    """The limits in a row with `most`, `used` and `oldest` of the rules; none for a wallet that is not Light (now)."""
    if row["most"] is None:
        return Limits()
    return Limits(
        top_up_limit=Money(row["most"]),
        top_up_used=Money(row["used"]),
        balance_limit=Money(row["most"]),
        resets_at=room_comes_back(row["oldest"]),
    )


def counting(now: datetime) -> dict[str, str | int]:
    """What the rules know the time by: `day` and `window`."""
    day, window = _counting(local_day(now))
    return {"day": day, "window": window}


@lru_cache(maxsize=8)
def _counting(today: date) -> tuple[str, int]:
    return today.isoformat(), to_micros(window_opens(today))


def room_comes_back(oldest: int | None) -> datetime | None:
    """When the oldest top-up that counts (microseconds) leaves the window; None when there is none."""
    return None if oldest is None else leaves_window(from_micros(oldest))
