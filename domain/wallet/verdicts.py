"""From a verdict of the rules to the refusal that says so, with its facts."""

from collections.abc import Callable
from typing import Final

from domain.database import Row
from domain.ledger import InsufficientFunds
from domain.money import ZERO, Money
from domain.refusal import IdempotencyKeyReused, InvalidInput, TokenOver
from domain.supplier import SupplierNotFound
from domain.switch import WayClosed
from domain.wallet.limits import room_comes_back
from domain.wallet.refusals import (
    BalanceLimitReached,
    NotToppedUpYet,
    RecipientNotFound,
    SameWallet,
    TopUpLimitReached,
    WalletLocked,
    WalletMissing,
    WalletNotActive,
)

_AMOUNT: Final = ("input", "amount")
_TO: Final = ("input", "to")


def _too_little(facts: Row, needed: Money) -> InsufficientFunds:
    available = max(Money(facts["available"]), ZERO)
    return InsufficientFunds(available=available, needed=needed, held=Money(facts["held"]), rule="W-4.4.4")


def _topped_up_enough(facts: Row, _amount: Money) -> TopUpLimitReached:
    limit, used = Money(facts["most"]), Money(facts["used"])
    return TopUpLimitReached(
        limit=limit,
        used=used,
        left=max(limit - used, ZERO),
        resets_at=room_comes_back(facts["oldest"]),
        path=_AMOUNT,
    )


def _too_full(facts: Row, _amount: Money) -> BalanceLimitReached:
    limit = Money(facts["most"])
    return BalanceLimitReached(limit=limit, left=max(limit - Money(facts["payee_balance"]), ZERO), path=_AMOUNT)


_REFUSALS: Final[dict[str, Callable[[Row, Money], Exception]]] = {
    "SESSION_OVER": lambda *_: TokenOver(),
    "IDEMPOTENCY_KEY_REUSED": lambda *_: IdempotencyKeyReused(path=("input", "idempotencyKey")),
    "WALLET_MISSING": lambda *_: WalletMissing(),
    "WALLET_LOCKED": lambda *_: WalletLocked(),
    "RECIPIENT_NOT_FOUND": lambda *_: RecipientNotFound(path=_TO),
    "SUPPLIER_NOT_FOUND": lambda *_: SupplierNotFound(path=("input", "supplier")),
    "REFERENCE_INVALID": lambda *_: InvalidInput(path=("input", "reference")),
    "SAME_WALLET": lambda *_: SameWallet(path=_TO),
    "WALLET_NOT_ACTIVE": lambda *_: WalletNotActive(),
    "RECIPIENT_NOT_ACTIVE": lambda *_: WalletNotActive(path=_TO),
    "NOT_TOPPED_UP_YET": lambda *_: NotToppedUpYet(),
    "WAY_CLOSED": lambda *_: WayClosed(),
    "INSUFFICIENT_FUNDS": _too_little,
    "TOP_UP_LIMIT_REACHED": _topped_up_enough,
    "BALANCE_LIMIT_REACHED": _too_full,
}


def refusal(facts: Row, amount: Money) -> Exception:
    """The refusal of a verdict of `rules` on moving `amount`, commissions included; for a session that is over,
    TokenOver."""
    return _REFUSALS[facts["verdict"]](facts, amount)
