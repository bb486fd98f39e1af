"""Switching ways of topping up and upgrades on and off (W-4.3.1, W-4.2.1), by admins."""

from domain.audit import note
from domain.database import in_transaction
from domain.refusal import InvalidInput
from domain.switch import Switch, all_switches, turn
from resolvers.context import Context, the_staff


async def switches(ctx: Context) -> dict[Switch, bool]:
    """Each switch and whether it is on, for staff."""
    the_staff(ctx)
    return await all_switches()


@in_transaction
async def set_switch(ctx: Context, *, code: str, on: bool) -> None:
    """Switches at once, for all processes. Raises Forbidden for who is no admin, InvalidInput for an unknown code."""
    actor = the_staff(ctx, "admin")
    if code not in list(Switch):
        raise InvalidInput(path=("code",))
    now = ctx.clock.now()
    await turn(Switch(code), on=on, by=actor.label, at=now)
    await note(actor.label, "switch.on" if on else "switch.off", f"switch:{code}", now)
