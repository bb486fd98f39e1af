"""What can happen to a wallet's money. All run inside the caller's transaction.

A wallet's row and its ledger account are locked together, in the order of accounts, before anything is decided: status,
level, limits and balance are then facts. Whoever changes a wallet's status takes the same lock, so nothing is sent from
a wallet that is being blocked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch
from domain.ledger import (
    EntryKind,
    Held,
    Leg,
    OperatorAccount,
    Posted,
    hold,
    operator_account,
    post,
    require_funds,
)
from domain.money import Money
from domain.phone import masked
from domain.wallet.limits import current_limits, require_room
from domain.wallet.model import WalletLevel, WalletStatus
from domain.wallet.refusals import NotToppedUpYet, SameWallet, WalletNotActive


@dataclass(frozen=True, slots=True)
class HeldWallet:
    """A wallet under its lock, with its ledger account as it stands."""

    id: int
    number: str
    phone: str
    level: WalletLevel
    status: WalletStatus
    first_top_up_at: datetime | None
    account: Held

    @property
    def balance(self) -> Money:
        assert self.account.balance is not None, "a wallet keeps a running balance"
        return self.account.balance


async def hold_wallets(wallet_ids: Sequence[int]) -> dict[int, HeldWallet]:
    """Locks these wallets and their ledger accounts until the transaction ends."""
    places = ", ".join(f"${n}" for n in range(1, len(wallet_ids) + 1))
    rows = await fetch(
        # In the order of the ledger accounts' ids, as all who lock them do: two transfers in opposite directions
        # must not wait for each other.
        f"""SELECT w.id, w.number, w.phone, w.level, w.status, w.first_top_up_at,
                   a.id AS account_id, a.balance, a.floor, a.seq, a.head
            FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
            WHERE w.id IN ({places}) ORDER BY a.id FOR UPDATE""",
        *wallet_ids,
    )
    return {row["id"]: _held_wallet(row) for row in rows}


def _held_wallet(row: Row) -> HeldWallet:
    first = row["first_top_up_at"]
    return HeldWallet(
        id=row["id"],
        number=row["number"],
        phone=row["phone"],
        level=WalletLevel(row["level"]),
        status=WalletStatus(row["status"]),
        first_top_up_at=from_micros(first) if first is not None else None,
        account=Held(row["account_id"], Money(row["balance"]), Money(row["floor"]), row["seq"], row["head"]),
    )


async def send(source: HeldWallet, target: HeldWallet, amount: Money, *, at: datetime) -> Posted:
    """One wallet's money to another (commission 0 %); both are held.

    Raises SameWallet, WalletNotActive (either), NotToppedUpYet (W-4.1.2), InsufficientFunds (W-4.4.4), and for a
    Light receiver TopUpLimitReached or BalanceLimitReached (W-4.5.1a, b).
    """
    if source.id == target.id:
        raise SameWallet(path=("input", "to"))
    if source.status is not WalletStatus.ACTIVE:
        raise WalletNotActive
    if target.status is not WalletStatus.ACTIVE:
        raise WalletNotActive(path=("input", "to"))
    if source.first_top_up_at is None:
        raise NotToppedUpYet
    require_funds(source.account, amount, rule="W-4.4.4")
    await _require_room(target, amount, at)
    legs = [
        Leg(source.account.id, EntryKind.TRANSFER_OUT, -amount),
        Leg(target.account.id, EntryKind.TRANSFER_IN, amount),
    ]
    posted = await post("transfer", legs, held=_accounts(source, target), at=at, memo=_parties(source, target))
    await _note_first_top_up(target, at)
    return posted


async def top_up(wallet: HeldWallet, amount: Money, *, at: datetime, memo: dict[str, Any]) -> Posted:
    """Money from outside into a wallet (W-4.3.1); the wallet is held.

    Raises WalletNotActive, TopUpLimitReached, BalanceLimitReached.
    """
    if wallet.status is not WalletStatus.ACTIVE:
        raise WalletNotActive
    await _require_room(wallet, amount, at)
    funding = await operator_account(OperatorAccount.FUNDING)
    legs = [
        Leg(funding, EntryKind.TOP_UP, -amount),
        Leg(wallet.account.id, EntryKind.TOP_UP, amount),
    ]
    posted = await post("top_up", legs, held=_accounts(wallet) | await hold(funding), at=at, memo=memo)
    await _note_first_top_up(wallet, at)
    return posted


async def _require_room(wallet: HeldWallet, amount: Money, at: datetime) -> None:
    require_room(amount, wallet.balance, await current_limits(wallet.account.id, wallet.level, at))


async def _note_first_top_up(wallet: HeldWallet, at: datetime) -> None:
    if wallet.first_top_up_at is None:
        await execute("UPDATE wallet SET first_top_up_at = $1 WHERE id = $2", to_micros(at), wallet.id)


def _accounts(*wallets: HeldWallet) -> dict[int, Held]:
    return {wallet.account.id: wallet.account for wallet in wallets}


def _parties(source: HeldWallet, target: HeldWallet) -> dict[str, Any]:
    """What the receipt says of the two (W-2.19): numbers of wallets, phones masked."""
    return {
        "payer": source.number,
        "payer_phone": masked(source.phone),
        "recipient": target.number,
        "recipient_phone": masked(target.phone),
    }
