"""A market to test with: suppliers that take payments and reservations, and the partners behind them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.database import fetch_row
from domain.hold import HoldView
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.supplier import Commission, ReferenceForm, SupplierTerms, SupplierView, add_supplier, find_supplier
from resolvers import hold as holds
from resolvers.context import Context, PartnerActor, SystemActor
from tests.support.world import Person, World


@dataclass(slots=True)
class Market:
    """A world with two suppliers: `power`, whose commission is 1 % and at least 5 so'm, and `plain`, without a system.

    The partner `grid` confirms for `power`.
    """

    world: World
    supplier_ledger: int
    partner: Context
    stranger: Context

    async def reserve(self, ctx: Context, som: str | int = 300, key: str = "k", **given: Any) -> HoldView:
        asked: dict[str, Any] = {"supplier": "power", "reference": "1234567", "minutes": 60}
        return await holds.reserve(ctx, amount=Decimal(som), key=key, **(asked | given))

    async def capture(
        self, hold: HoldView, som: str | int | None = None, *, final: bool = False, key: str = "c"
    ) -> HoldView:
        amount = None if som is None else Decimal(som)
        return await holds.capture_hold(self.partner, hold_id=hold.id, amount=amount, final=final, key=key)

    async def release(self, hold: HoldView) -> HoldView:
        return await holds.release_hold(self.partner, hold_id=hold.id)

    async def expire(self) -> int:
        return await holds.expire_holds(self.world.context(SystemActor()))

    async def held(self, person: Person) -> Money:
        row = await fetch_row("SELECT held FROM ledger_account WHERE id = $1", person.wallet_ledger)
        assert row is not None
        return Money(row["held"])

    async def balance(self, person: Person) -> Money:
        return (await self.world.holdings())[person.wallet_ledger]

    async def earned(self) -> Money:
        """What has gone to `power`."""
        row = await fetch_row(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS sum FROM ledger_entry WHERE account_id = $1",
            self.supplier_ledger,
        )
        assert row is not None
        return Money(row["sum"])

    async def faults(self) -> list[str]:
        return [str(fault) async for fault in check_ledger()]


async def open_market(world: World) -> Market:
    """The two suppliers with the partners `grid` and `other`."""
    partners = [await _partner(world, code) for code in ("grid", "other")]
    power = await _supplier(world, "power", partners[0])
    await _supplier(world, "plain", None)
    contexts = [
        world.context(PartnerActor(id_, code, frozenset({"hold:write"})))
        for id_, code in zip(partners, ("grid", "other"), strict=True)
    ]
    return Market(world, power.ledger_account_id, *contexts)


async def _partner(world: World, code: str) -> int:
    row = await fetch_row("INSERT INTO partner (code, name, created_at) VALUES ($1, $1, 0) RETURNING id", code)
    assert row is not None
    return int(row["id"])


async def _supplier(world: World, code: str, partner: int | None) -> SupplierView:
    terms = SupplierTerms(
        name={"uz": "Quvvat"},
        legal_name="Quvvat MChJ",
        stir="300111222",
        reference_label={"uz": "Shartnoma"},
        reference=ReferenceForm(least=5, most=9),
        commission=Commission(basis_points=100, least=Money.som(5)),
        partner_id=partner,
    )
    await add_supplier(code, terms, world.clock.now())
    found = await find_supplier(code)
    assert found is not None
    return found
