"""BHM values, seen by staff and entered by admins; a new one changes Light wallets' limits from its day (W-4.5.1)."""

from datetime import date
from decimal import Decimal

from domain import bhm
from domain.audit import note
from domain.bhm import Bhm, BhmNotPossible
from domain.clock import local_day
from domain.database import in_transaction
from domain.money import Money
from resolvers.context import Context, the_staff


async def bhm_values(ctx: Context) -> list[Bhm]:
    """All values, the newest first, for staff."""
    the_staff(ctx)
    return await bhm.values()


@in_transaction
async def add_bhm(ctx: Context, *, effective_from: date | None, amount: Decimal) -> None:
    """Enters a value that holds from a day on.

    Raises InvalidAmount and BhmNotPossible; Forbidden for who is no admin.
    """
    actor, now = the_staff(ctx, "admin"), ctx.clock.now()
    if effective_from is None:
        raise BhmNotPossible(path=("effectiveFrom",))
    entered = Money.asked(amount, path=("amount",))
    await bhm.add(effective_from, entered, today=local_day(now))
    await note(actor.label, "bhm.added", f"bhm:{effective_from}", now, amount=entered.tiyin)


@in_transaction
async def withdraw_bhm(ctx: Context, *, effective_from: date) -> None:
    """Takes back a value that does not hold yet. Raises BhmNotPossible; Forbidden for who is no admin."""
    actor, now = the_staff(ctx, "admin"), ctx.clock.now()
    await bhm.withdraw(effective_from, today=local_day(now))
    await note(actor.label, "bhm.withdrawn", f"bhm:{effective_from}", now)
