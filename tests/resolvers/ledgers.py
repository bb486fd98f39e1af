"""Payments of a payment system here, and what its own statement says of them."""

import io
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from domain.clock import to_micros
from domain.money import Money
from domain.reconciliation.rows import TheirState
from resolvers.context import Context, ProviderActor, SystemActor
from resolvers.payment import cancel_payment, create_payment, payee_named, perform_payment
from resolvers.reconciliation import Period, RunView, reconcile
from tests.support.world import World


@dataclass(slots=True)
class Said:
    """A line of their statement."""

    id: str
    amount: int
    at: datetime
    state: TheirState

    @property
    def csv(self) -> str:
        return f"{self.id},{self.amount},{to_micros(self.at) // 1000},{self.state}\n"


class Books:
    """Payme's payments, begun, performed and cancelled here, and its statement of them."""

    def __init__(self, world: World, number: str) -> None:
        self.world, self.number = world, number
        self.payme = world.context(ProviderActor("payme"))
        self.system = world.context(SystemActor())

    async def paid(
        self, id_: str, *, som: int = 10, state: TheirState = TheirState.PERFORMED, at: datetime | None = None
    ) -> Said:
        """A payment that is here in this state, and what they say of it when they are right."""
        at = at or self.world.clock.now()
        payee = partial(payee_named, self.number)
        await create_payment(self.payme, payee, Money.som(som), external_id=id_, named="{}", provider_at=at)
        if state is TheirState.PERFORMED:
            await perform_payment(self.payme, external_id=id_)
        if state is TheirState.CANCELLED:
            await cancel_payment(self.payme, external_id=id_, reason="3")
        return Said(id_, som * 100, at, state)

    async def compare(
        self, said: list[Said], *, period: Period | None = None, ctx: Context | None = None, more: str = ""
    ) -> RunView:
        text = "id,amount,time,state\n" + "".join(one.csv for one in said) + more
        file = io.BytesIO(text.encode())
        return await reconcile(
            ctx or self.system, file, provider="payme", source="a.csv", period=period, tell=lambda done, of: None
        )
