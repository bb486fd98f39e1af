"""The e-wallet: electronic money issued by the operator, apart from the telecom balance (spec: wallet).

`refusals` are how it says no, `model` what it is, `life` its states and the steps between them, `document` how its
holder is identified, `limits` those of a Light wallet, `pin` the holder's, `movements` what can happen to its money,
`paying` what goes to suppliers, `standing` what was ordered for later, `rules` what all of that must obey, once for
both databases, `verdicts` what they say. The use cases are told as stories in resolvers/wallet.
"""

from domain.wallet.limits import Limits, current_limits
from domain.wallet.model import Wallet, WalletLevel, WalletStatus, new_wallet_number
from domain.wallet.movements import HeldWallet, Sending, hold_wallets, named, require_room, send, top_up
from domain.wallet.paying import Paying, pay
from domain.wallet.pin import check_pin, hash_pin, read_pin
from domain.wallet.refusals import (
    BalanceLimitReached,
    BirthDateGuessed,
    BirthDateLocked,
    BirthDateWrong,
    NotTheWalletsNumber,
    NotToppedUpYet,
    PinLocked,
    RecipientNotFound,
    SameWallet,
    TopUpLimitReached,
    WalletExists,
    WalletLocked,
    WalletMissing,
    WalletNotActive,
    WalletNotForYou,
    WrongBirthDate,
    WrongPin,
)
from domain.wallet.rules import POSTED, REPLAY
from domain.wallet.standing import Standing, pay_standing, send_standing
from domain.wallet.verdicts import refusal

__all__ = [
    "POSTED",
    "REPLAY",
    "BalanceLimitReached",
    "BirthDateGuessed",
    "BirthDateLocked",
    "BirthDateWrong",
    "HeldWallet",
    "Limits",
    "NotTheWalletsNumber",
    "NotToppedUpYet",
    "Paying",
    "PinLocked",
    "RecipientNotFound",
    "SameWallet",
    "Sending",
    "Standing",
    "TopUpLimitReached",
    "Wallet",
    "WalletExists",
    "WalletLevel",
    "WalletLocked",
    "WalletMissing",
    "WalletNotActive",
    "WalletNotForYou",
    "WalletStatus",
    "WrongBirthDate",
    "WrongPin",
    "check_pin",
    "current_limits",
    "hash_pin",
    "hold_wallets",
    "named",
    "new_wallet_number",
    "pay",
    "pay_standing",
    "read_pin",
    "refusal",
    "require_room",
    "send",
    "send_standing",
    "top_up",
]
