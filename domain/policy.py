"""The operator's choices, in one place."""

from dataclasses import dataclass
from datetime import timedelta

from domain.quota import Quota


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choices; the defaults are the spec's. Lifetimes and limits of the doors to money and accounts."""

    otp_lifetime: timedelta = timedelta(minutes=10)  # C-4, A-3.23.4: the most that is allowed
    otp_wrong_tries: int = 5
    otp_resend_wait: timedelta = timedelta(seconds=60)
    otp_per_phone: Quota = Quota(8, timedelta(hours=1))
    otp_per_address: Quota = Quota(60, timedelta(hours=1))
    otp_in_total: Quota = Quota(20_000, timedelta(hours=1))
    access_lifetime: timedelta = timedelta(minutes=15)
    session_lifetime: timedelta = timedelta(days=30)
    wallet_unlock_lifetime: timedelta = timedelta(minutes=15)
    pin_wrong_tries: int = 5
    pin_lock: timedelta = timedelta(minutes=30)
    upgrades_open: bool = True
    renewal_notice: timedelta = timedelta(days=3)
