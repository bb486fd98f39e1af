"""Holds: money that a holder reserves for a purchase which a partner confirms later, in whole or in parts.

What is held stays on the balance and is not available: domain/ledger.py leaves it out of what an account can give, and
the database keeps `ledger_account.held` equal to the open holds (migration 0030). The commission is reserved with the
amount, by the terms in force when the holder agreed (W-4.4.4): a purchase that is taken in parts costs what it would
have cost whole, because each part carries what the commission on all parts so far is more than before.

States: authorized → captured | cancelled | expired, and no way back. The state says what closed a hold; `captured` says
how much was taken until then. Whoever takes from a hold or ends it locks its wallet first (`hold_wallets`) and reads
the hold after that, so that a capture meets a block, an expiry, a release or another capture one after the other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch_row
from domain.ledger import Leg, OperatorAccount, operator_account, post, require_funds
from domain.money import ZERO, Money
from domain.phone import masked
from domain.refusal import Refusal
from domain.supplier import SUPPLIER_COLUMNS, Commission, SupplierView, supplier_view
from domain.view import view
from domain.wallet import HeldWallet, NotToppedUpYet, WalletNotActive, WalletStatus
from domain.wallet.life import is_frozen
from domain.wallet.paying import payment_legs


class HoldStatus(StrEnum):
    """Open, or what closed it."""

    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(eq=False, kw_only=True)
class HoldClosed(Refusal):
    """Nothing is reserved any more: all was taken, it was released, or its time is over."""

    code: ClassVar[str] = "HOLD_CLOSED"
    text: ClassVar[str] = "Nothing is reserved any more: this hold is closed."
    status: HoldStatus


@dataclass(eq=False, kw_only=True)
class HoldExceeded(Refusal):
    """More was to be taken than is still reserved."""

    code: ClassVar[str] = "HOLD_EXCEEDED"
    text: ClassVar[str] = "At most {remaining} of this hold can still be taken."
    default_rule: ClassVar[str | None] = "W-4.4.4"
    remaining: Money


@dataclass(eq=False, kw_only=True)
class HoldsNotTaken(Refusal):
    """No partner's system confirms purchases for this supplier, so nothing can be reserved for it."""

    code: ClassVar[str] = "HOLDS_NOT_TAKEN"
    text: ClassVar[str] = "Nothing can be reserved for this supplier. Pay it at once instead."
    default_rule: ClassVar[str | None] = "W-5.2.1"


@dataclass(eq=False, kw_only=True)
class TooManyHolds(Refusal):
    """The wallet has as many open holds as it may."""

    code: ClassVar[str] = "TOO_MANY_HOLDS"
    text: ClassVar[str] = "At most {most} amounts can be reserved at a time. Wait until one is taken or over."
    default_rule: ClassVar[str | None] = "W-5.2.1"
    most: int


@view
class HoldView:
    """A hold as it stands. Amounts are the purchase's own, without the commission."""

    id: int
    wallet_id: int
    supplier: SupplierView
    reference: str
    amount: Money
    commission: Money
    terms: Commission
    captured: Money
    commission_captured: Money
    status: HoldStatus
    at: datetime
    expires_at: datetime
    closed_at: datetime | None
    version: int

    @property
    def remaining(self) -> Money:
        """What of the amount can still be taken."""
        return self.amount - self.captured if self.status is HoldStatus.AUTHORIZED else ZERO

    def require_open(self, now: datetime) -> None:
        """Raises HoldClosed; also when its time is over and the worker has not noted that yet."""
        if self.status is not HoldStatus.AUTHORIZED:
            raise HoldClosed(status=self.status)
        if now >= self.expires_at:
            raise HoldClosed(status=HoldStatus.EXPIRED)

    def commission_of(self, part: Money) -> Money:
        """The commission that comes with taking `part` now: never more, in all, than was reserved (W-4.4.4)."""
        return self.terms.of(self.captured + part) - self.commission_captured


_ITS: Final = "supplier_"
_COLUMNS: Final = """h.id, h.wallet_id, h.reference, h.amount, h.commission, h.commission_basis_points,
    h.commission_fixed, h.commission_least, h.commission_most, h.captured, h.commission_captured, h.status, h.at,
    h.expires_at, h.closed_at, h.version"""
_SUPPLIER: Final = re.sub(r"s\.(\w+)", rf"s.\1 AS {_ITS}\1", SUPPLIER_COLUMNS)
HOLD: Final = f"SELECT {_COLUMNS}, {_SUPPLIER} FROM hold h JOIN supplier s ON s.id = h.supplier_id"


def hold_view(row: Row) -> HoldView:
    closed_at = row["closed_at"]
    return HoldView(
        id=row["id"],
        wallet_id=row["wallet_id"],
        supplier=supplier_view(
            {name.removeprefix(_ITS): value for name, value in row.items() if name.startswith(_ITS)}
        ),
        reference=row["reference"],
        amount=Money(row["amount"]),
        commission=Money(row["commission"]),
        terms=_terms(row),
        captured=Money(row["captured"]),
        commission_captured=Money(row["commission_captured"]),
        status=HoldStatus(row["status"]),
        at=from_micros(row["at"]),
        expires_at=from_micros(row["expires_at"]),
        closed_at=from_micros(closed_at) if closed_at is not None else None,
        version=row["version"],
    )


def _terms(row: Row) -> Commission:
    most = row["commission_most"]
    return Commission(
        basis_points=row["commission_basis_points"],
        fixed=Money(row["commission_fixed"]),
        least=Money(row["commission_least"]),
        most=None if most is None else Money(most),
    )


async def load(hold_id: int) -> HoldView | None:
    """The hold as it stands: a fact while its wallet is held."""
    row = await fetch_row(f"{HOLD} WHERE h.id = $1", hold_id)
    return hold_view(row) if row else None


async def reserve_from(
    wallet: HeldWallet,
    supplier: SupplierView,
    *,
    reference: str,
    amount: Money,
    most: int,
    at: datetime,
    until: datetime,
) -> HoldView:
    """Reserves the amount with its commission, from a wallet that the caller's transaction holds.

    Raises WalletNotActive, NotToppedUpYet (W-4.1.2), TooManyHolds (with `most` open ones), InsufficientFunds.
    """
    if wallet.status is not WalletStatus.ACTIVE:
        raise WalletNotActive
    if wallet.first_top_up_at is None:
        raise NotToppedUpYet
    await _require_room(wallet, most)
    terms = supplier.terms.commission
    commission = terms.of(amount)
    require_funds(wallet.account, amount + commission, rule="W-4.4.4")
    row = await fetch_row(
        """INSERT INTO hold (wallet_id, ledger_account_id, supplier_id, reference, amount, commission, held,
                             commission_basis_points, commission_fixed, commission_least, commission_most,
                             at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id""",
        wallet.id,
        wallet.account.id,
        supplier.id,
        reference,
        amount.tiyin,
        commission.tiyin,
        (amount + commission).tiyin,
        terms.basis_points,
        terms.fixed.tiyin,
        terms.least.tiyin,
        terms.most.tiyin if terms.most is not None else None,
        to_micros(at),
        to_micros(until),
    )
    assert row is not None
    return await _loaded(row["id"])


async def _require_room(wallet: HeldWallet, most: int) -> None:
    row = await fetch_row(
        "SELECT COUNT(*) AS open FROM hold WHERE ledger_account_id = $1 AND status = 'authorized'", wallet.account.id
    )
    assert row is not None
    if row["open"] >= most:
        raise TooManyHolds(most=most)


async def capture(hold: HoldView, wallet: HeldWallet, part: Money, *, final: bool, at: datetime) -> HoldView:
    """Takes a part for the supplier, its share of the commission with it; `final` lets go of the rest.

    The caller's transaction holds the wallet and has read the hold and the supplier since. Raises HoldClosed,
    WalletNotActive (frozen money stays frozen, whoever was promised it: W-6.4), HoldExceeded.
    """
    hold.require_open(at)
    if await is_frozen(wallet):
        raise WalletNotActive
    if part > hold.remaining:
        raise HoldExceeded(remaining=hold.remaining, path=("input", "amount"))
    commission = hold.commission_of(part)
    # Let go of it first: what is held cannot be moved, not even by us. The transaction puts both together.
    await _take_down(hold, part, commission, closes=final or part == hold.remaining, at=at)
    legs = await _legs(hold, wallet, part, commission)
    posted = await post("payment", legs, at=at, memo=_memo(hold, wallet))
    await execute(
        "INSERT INTO hold_capture (transfer_id, hold_id, amount, commission) VALUES ($1, $2, $3, $4)",
        posted.transfer_id,
        hold.id,
        part.tiyin,
        commission.tiyin,
    )
    return await _loaded(hold.id)


async def _legs(hold: HoldView, wallet: HeldWallet, part: Money, commission: Money) -> Sequence[Leg]:
    facts = {
        "ledger_account_id": wallet.account.id,
        "supplier_account": hold.supplier.ledger_account_id,
        "commission": commission.tiyin,
        "commission_account": await operator_account(OperatorAccount.COMMISSION),
    }
    return payment_legs(facts, part)


def _memo(hold: HoldView, wallet: HeldWallet) -> dict[str, Any]:
    """What the receipt says (W-2.19): the same as of a payment at once, and the hold that it was taken of."""
    return {
        "payer": wallet.number,
        "payer_phone": masked(wallet.phone),
        "recipient": hold.supplier.terms.legal_name,
        "recipient_stir": hold.supplier.terms.stir,
        "recipient_reference": hold.reference,
        "supplier": hold.supplier.code,
        "hold": hold.id,
    }


async def _take_down(hold: HoldView, part: Money, commission: Money, *, closes: bool, at: datetime) -> None:
    taken, fee = hold.captured + part, hold.commission_captured + commission
    rest = ZERO if closes else hold.amount + hold.commission - taken - fee
    await execute(
        """UPDATE hold SET captured = $1, commission_captured = $2, held = $3, status = $4, closed_at = $5,
               version = version + 1 WHERE id = $6""",
        taken.tiyin,
        fee.tiyin,
        rest.tiyin,
        HoldStatus.CAPTURED if closes else HoldStatus.AUTHORIZED,
        to_micros(at) if closes else None,
        hold.id,
    )


async def let_go(hold: HoldView, status: HoldStatus, at: datetime) -> HoldView:
    """Ends an open hold: what was not taken is available again. The caller's transaction holds the wallet."""
    await execute(
        "UPDATE hold SET held = 0, status = $1, closed_at = $2, version = version + 1 WHERE id = $3",
        str(status),
        to_micros(at),
        hold.id,
    )
    return await _loaded(hold.id)


async def _loaded(hold_id: int) -> HoldView:
    found = await load(hold_id)
    assert found is not None
    return found
