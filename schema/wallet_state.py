"""What a wallet's life shows: blocks, why it is closed, and requests to be paid out."""

from datetime import datetime
from enum import Enum
from typing import Final

import strawberry

from domain.wallet.life import Block
from resolvers.account import receipt_number
from resolvers.wallet import RedemptionView
from schema.money import Money
from schema.relay import Node, to_global_id


@strawberry.enum(description="Why a wallet is blocked. New values may come: tolerate unknown ones.")
class BlockCause(Enum):
    PIN_FORGOTTEN = strawberry.enum_value(
        "pin_forgotten", description="The holder forgot the PIN: resetPin gives it back (W-4.6.1e)."
    )
    NUMBER_LOST = strawberry.enum_value(
        "number_lost", description="The number was reported lost: the call centre gives it back (W-4.6.1b)."
    )
    SUSPICION = strawberry.enum_value(
        "suspicion", description="The operator looks into something: it gives the wallet back itself (W-4.6.1c)."
    )


@strawberry.enum(description="Why a wallet is closed. New values may come: tolerate unknown ones.")
class ClosedBecause(Enum):
    GIVEN_UP = strawberry.enum_value("given_up", description="Its holder gave it up (W-4.6.1a).")
    DORMANT = strawberry.enum_value("dormant", description="Nobody used it for more than three years (W-4.6.1d).")
    UNCLAIMED = strawberry.enum_value(
        "unclaimed", description="Its number was lost and nobody claimed it in three years (W-4.6.3)."
    )


_CAUSES: Final = {str(cause.value): cause for cause in BlockCause}
CLOSED: Final = {str(because.value): because for because in ClosedBecause}


@strawberry.type(description="One reason for which a wallet is blocked now. All must end before it can be used.")
class WalletBlock:
    view: strawberry.Private[Block]

    @strawberry.field(description="Why.")
    def cause(self) -> BlockCause:
        return _CAUSES[self.view.cause]

    @strawberry.field(description="Since when nothing is carried out.")
    def since(self) -> datetime:
        return self.view.since

    @strawberry.field(description="Until when it must be claimed; null when there is no end to it.")
    def until(self) -> datetime | None:
        return self.view.until


@strawberry.enum(description="Where a request to be paid out stands. New values may come: tolerate unknown ones.")
class RedemptionStatus(Enum):
    REQUESTED = strawberry.enum_value("requested", description="Staff will look at it; the money is still there.")
    PAID = strawberry.enum_value("paid", description="The money has left the wallet for its holder.")
    REJECTED = strawberry.enum_value("rejected", description="Refused; `reason` says why.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="It lost its sense: the wallet was closed.")


_STATUSES: Final = {str(status.value): status for status in RedemptionStatus}


@strawberry.type(description="A request to be paid out of the wallet (W-5.4.2).")
class Redemption(Node):
    view: strawberry.Private[RedemptionView]

    @strawberry.field(description="How much.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="Where to, in the holder's words.")
    def destination(self) -> str:
        return self.view.destination

    @strawberry.field(description="Where it stands.")
    def status(self) -> RedemptionStatus:
        return _STATUSES[self.view.status]

    @strawberry.field(description="When it was asked for.")
    def asked_at(self) -> datetime:
        return self.view.asked_at

    @strawberry.field(description="When it was decided; null while it waits.")
    def decided_at(self) -> datetime | None:
        return self.view.decided_at

    @strawberry.field(description="Why it was refused; empty otherwise.")
    def reason(self) -> str:
        return self.view.reason

    @strawberry.field(description="The receipt's number, once it is paid.")
    def receipt_number(self) -> str | None:
        return receipt_number(self.view.transfer_id) if self.view.transfer_id is not None else None


def wrap_redemption(view: RedemptionView) -> Redemption:
    return Redemption(id=to_global_id("Redemption", view.id), view=view)
