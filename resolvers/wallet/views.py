"""Looking at wallets: the caller's own, or any for staff."""

from datetime import datetime
from typing import Final

from domain.clock import from_micros
from domain.database import Row, after_commit, fetch_row
from domain.money import ZERO, Money
from domain.view import view
from domain.wallet import Limits, WalletLevel, WalletStatus, current_limits
from resolvers.context import Context, StaffActor, the_subscriber


@view
class WalletView:
    """A wallet as its holder sees it."""

    id: int
    number: str
    phone: str
    level: WalletLevel
    status: WalletStatus
    balance: Money
    ledger_account_id: int
    opened_at: datetime
    held: Money = ZERO


WALLET: Final = """SELECT w.id, w.number, w.phone, w.level, w.status, a.balance, a.held, w.ledger_account_id,
       w.opened_at
FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id"""

# By what is stored: an enumeration takes much longer to find its members by their values.
_LEVELS: Final = {level.value: level for level in WalletLevel}
_STATUSES: Final = {status.value: status for status in WalletStatus}


def wallet_view(row: Row) -> WalletView:
    return WalletView(
        id=row["id"],
        number=row["number"],
        phone=row["phone"],
        level=_LEVELS[row["level"]],
        status=_STATUSES[row["status"]],
        balance=Money(row["balance"]),
        ledger_account_id=row["ledger_account_id"],
        opened_at=from_micros(row["opened_at"]),
        held=Money(row["held"]),
    )


async def my_wallet(ctx: Context) -> WalletView | None:
    """The caller's wallet: that of the number they signed in with, else of another number of theirs."""
    actor = the_subscriber(ctx)
    row = await fetch_row(
        f"""{WALLET} WHERE w.subscriber_id = $1 AND w.status <> 'closed'
            ORDER BY CASE WHEN w.phone = $2 THEN 0 ELSE 1 END, w.id LIMIT 1""",
        actor.subscriber_id,
        actor.phone,
    )
    return wallet_view(row) if row else None


async def wallet(ctx: Context, wallet_id: int) -> WalletView | None:
    """One wallet: the caller's own, or any for staff; None otherwise."""
    if isinstance(ctx.actor, StaffActor):
        row = await fetch_row(f"{WALLET} WHERE w.id = $1", wallet_id)
    else:
        mine = the_subscriber(ctx).subscriber_id
        row = await fetch_row(f"{WALLET} WHERE w.id = $1 AND w.subscriber_id = $2", wallet_id, mine)
    return wallet_view(row) if row else None


async def limits(ctx: Context, view: WalletView) -> Limits:
    """How much of the wallet's limits is used now (W-4.5.1)."""
    return await current_limits(view.ledger_account_id, view.level, ctx.clock.now())


def announce(ctx: Context, *wallet_ids: int) -> None:
    """Tells open streams, after commit, that something happened to these wallets."""
    for wallet_id in wallet_ids:
        after_commit(lambda id_=wallet_id: ctx.announce(f"wallet:{id_}"))  # type: ignore[misc]  # bound now, on purpose
