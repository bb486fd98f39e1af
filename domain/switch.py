"""What the operator switches on and off while Kabinet runs: ways of topping up (W-4.3.1) and upgrades (W-4.2.1).

A switch that nobody has touched is on.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import execute, fetch, fetch_row
from domain.fields import InstantField
from domain.refusal import Refusal


class Switch(StrEnum):
    """The ways in of W-4.3.1, each by itself, and Premium by staff."""

    TOP_UP_BY_TRANSFER = "top_up.transfer"
    TOP_UP_BY_PAYME = "top_up.payme"
    TOP_UP_BY_CLICK = "top_up.click"
    TOP_UP_BY_PARTNER = "top_up.partner"
    UPGRADES = "upgrades"


@dataclass(eq=False, kw_only=True)
class WayClosed(Refusal):
    """The operator has switched this way of topping up off."""

    code: ClassVar[str] = "WAY_CLOSED"
    text: ClassVar[str] = "The operator does not take top-ups in this way now."
    default_rule: ClassVar[str | None] = "W-4.3.1"


class OperatorSwitch(Model):
    code = fields.CharField(max_length=64, primary_key=True)
    is_on = fields.BooleanField()
    changed_at = InstantField()
    changed_by = fields.CharField(max_length=64)

    class Meta:
        table = "operator_switch"


async def is_on(switch: Switch) -> bool:
    """Whether it is on now; for this moment only, unless the caller's transaction holds what depends on it."""
    return await fetch_row("SELECT 1 FROM operator_switch WHERE code = $1 AND NOT is_on", str(switch)) is None


async def require_way(switch: Switch) -> None:
    """Raises WayClosed when this way of topping up is off."""
    if not await is_on(switch):
        raise WayClosed


async def all_switches() -> dict[Switch, bool]:
    """Each switch and whether it is on."""
    off = {row["code"] for row in await fetch("SELECT code FROM operator_switch WHERE NOT is_on")}
    return {switch: switch.value not in off for switch in Switch}


async def turn(switch: Switch, *, on: bool, by: str, at: datetime) -> None:
    """Switches, inside the caller's transaction."""
    await execute(
        """INSERT INTO operator_switch (code, is_on, changed_at, changed_by) VALUES ($1, $2, $3, $4)
           ON CONFLICT (code) DO UPDATE SET is_on = excluded.is_on, changed_at = excluded.changed_at,
               changed_by = excluded.changed_by""",
        str(switch),
        on,
        to_micros(at),
        by,
    )
