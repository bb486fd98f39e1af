"""A bank of a few named accounts, for the tests of the ledger."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.database import fetch, in_transaction
from domain.ledger import EntryKind, Leg, OperatorAccount, Posted, open_account, operator_account, post
from domain.ledger_check import check_ledger
from domain.money import ZERO, Money

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Bank:
    """Accounts by name. Amounts are so'm."""

    ids: dict[str, int] = field(default_factory=dict)

    async def open(self, name: str, som: int = 0, *, kind: str = "wallet", floor: int | None = 0) -> int:
        """An account with `som` on it; `floor` None lets it fall without end."""
        self.ids[name] = await open_account(kind, floor=None if floor is None else Money.som(floor))
        if som:
            await self.fund(name, som)
        return self.ids[name]

    @in_transaction
    async def fund(self, name: str, som: int) -> Posted:
        """Money from outside."""
        source, target, amount = await operator_account(OperatorAccount.FUNDING), self.ids[name], Money.som(som)
        legs = [Leg(source, EntryKind.TOP_UP, -amount), Leg(target, EntryKind.TOP_UP, amount)]
        return await post("top_up", legs, at=NOW, memo={"from": "outside"})

    @in_transaction
    async def move(self, source: str, target: str, som: int, *, commission: int = 0) -> Posted:
        """A transfer, its commission to the operator."""
        payer, payee, amount, fee = self.ids[source], self.ids[target], Money.som(som), Money.som(commission)
        earned = await operator_account(OperatorAccount.COMMISSION)
        legs = [Leg(payer, EntryKind.TRANSFER_OUT, -amount), Leg(payee, EntryKind.TRANSFER_IN, amount)]
        if fee:
            legs += [Leg(payer, EntryKind.COMMISSION, -fee), Leg(earned, EntryKind.COMMISSION, fee)]
        return await post("transfer", legs, at=NOW)

    async def holdings(self) -> dict[str, int]:
        """What each named account holds."""
        rows = {row["id"]: row["balance"] for row in await fetch("SELECT id, balance FROM ledger_account")}
        return {name: rows[id_] // 100 for name, id_ in self.ids.items()}

    async def total(self) -> Money:
        """What all customers hold together."""
        rows = await fetch("SELECT balance FROM ledger_account WHERE balance IS NOT NULL")
        return sum((Money(row["balance"]) for row in rows), ZERO)

    async def books(self) -> list[list[dict[str, Any]]]:
        """Every row of the ledger, to compare before and after."""
        tables = ("ledger_account", "ledger_transfer", "ledger_entry")
        return [await fetch(f"SELECT * FROM {table} ORDER BY id") for table in tables]

    async def faults(self) -> list[str]:
        """What `kabinet ledger check` would report."""
        return [str(fault) async for fault in check_ledger()]
