"""The wallet's use cases: looking, opening, sending, its PIN, its life, its holder's document, paying out.

Each tells its story in order: who may, load, decide, write, announce. What enters a transaction works on the database
alone; what must reach the outside is announced after commit.
"""

from resolvers.wallet.life import (
    LifeEvent,
    LifeView,
    clear,
    close_wallet,
    end_idle_wallets,
    end_unclaimed,
    history,
    life,
    my_blocks,
    possible_steps,
    report_loss,
    require_unlocked,
    restore_number,
    suspect,
)
from resolvers.wallet.opening import OFFER, open_wallet
from resolvers.wallet.pin import change_pin, forget_pin, lift_pin_lock, reset_pin, unlock_wallet
from resolvers.wallet.premium import Document, IdentificationView, identification, identify
from resolvers.wallet.redemption import (
    RedemptionView,
    open_redemptions,
    pay_out,
    redemption,
    redemptions,
    reject_redemption,
    request_redemption,
    request_rest,
)
from resolvers.wallet.sending import RecipientView, TransferView, recipient, transfer
from resolvers.wallet.views import WalletView, limits, my_wallet, wallet, wallet_view

__all__ = [
    "OFFER",
    "Document",
    "IdentificationView",
    "LifeEvent",
    "LifeView",
    "RecipientView",
    "RedemptionView",
    "TransferView",
    "WalletView",
    "change_pin",
    "clear",
    "close_wallet",
    "end_idle_wallets",
    "end_unclaimed",
    "forget_pin",
    "history",
    "identification",
    "identify",
    "life",
    "lift_pin_lock",
    "limits",
    "my_blocks",
    "my_wallet",
    "open_redemptions",
    "open_wallet",
    "pay_out",
    "possible_steps",
    "recipient",
    "redemption",
    "redemptions",
    "reject_redemption",
    "report_loss",
    "request_redemption",
    "request_rest",
    "require_unlocked",
    "reset_pin",
    "restore_number",
    "suspect",
    "transfer",
    "unlock_wallet",
    "wallet",
    "wallet_view",
]
