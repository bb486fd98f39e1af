"""The operator's choices, in one place."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.quota import Quota

HOUR: Final = timedelta(hours=1)
PER_PHONE: Final = Quota(8, HOUR)
PER_ADDRESS: Final = Quota(60, HOUR)
IN_TOTAL: Final = Quota(20_000, HOUR)


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs this installation, as receipts name them (W-2.19); what is empty is left out."""

    name: str = ""
    stir: str = ""
    address: str = ""
    phone: str = ""


NAMELESS: Final = Operator()


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choices; the defaults are the spec's. Lifetimes and limits of the doors to money and accounts."""

    otp_lifetime: timedelta = timedelta(minutes=10)  # C-4, A-3.23.4: the most that is allowed
    otp_wrong_tries: int = 5
    otp_resend_wait: timedelta = timedelta(seconds=60)
    otp_per_phone: Quota = PER_PHONE
    otp_per_address: Quota = PER_ADDRESS
    otp_in_total: Quota = IN_TOTAL
    access_lifetime: timedelta = timedelta(minutes=15)
    session_lifetime: timedelta = timedelta(days=30)
    wallet_unlock_lifetime: timedelta = timedelta(minutes=15)
    pin_wrong_tries: int = 5
    pin_lock: timedelta = timedelta(minutes=30)
    birth_date_wrong_tries: int = 3
    birth_date_lock: timedelta = timedelta(days=1)
    upgrades_open: bool = True
    renewal_notice: timedelta = timedelta(days=3)
    hold_longest: timedelta = timedelta(days=30)
    holds_at_a_time: int = 100
    seal_every: timedelta = timedelta(minutes=5)
    paper_link_lifetime: timedelta = timedelta(minutes=10)
    public_url: str = "http://127.0.0.1:8000"
    operator: Operator = NAMELESS
