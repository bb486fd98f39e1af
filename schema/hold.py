"""Holds in the API: a holder reserves for a purchase, the supplier's partner takes it in whole or in parts."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain.hold import HoldView
from resolvers import hold as holds
from resolvers.paging import PageRequest
from schema import problem
from schema.context import Info
from schema.hold_status import HOLD_STATUSES, HoldStatus
from schema.money import Money
from schema.relay import After, Before, Connection, First, Last, Node, connection, number_of, to_global_id
from schema.supplier import Supplier, wrap_supplier


@strawberry.type(description="A part of a hold that was taken.")
class HoldCapture:
    view: strawberry.Private[holds.CaptureView]

    @strawberry.field(description="When it was taken.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What was taken for the supplier.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The commission that the holder paid with it.")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="The number of its receipt (W-2.19).")
    def receipt_number(self) -> str:
        return self.view.receipt


@strawberry.type(description="Money of a wallet that is reserved for a purchase which a partner confirms later.")
class Hold(Node):
    view: strawberry.Private[HoldView]

    @strawberry.field(description="Whether something is reserved.")
    def status(self) -> HoldStatus:
        return HOLD_STATUSES[self.view.status]

    @strawberry.field(description="Whom it is for.")
    def supplier(self) -> Supplier:
        return wrap_supplier(self.view.supplier)

    @strawberry.field(description="What it is for: the holder's number at the supplier.")
    def reference(self) -> str:
        return self.view.reference

    @strawberry.field(description="What was reserved for the supplier, without commission.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="The most that the commission can come to; it is reserved too (W-4.4.4).")
    def commission(self) -> Money:
        return Money(value=self.view.commission)

    @strawberry.field(description="What of the amount has been taken.")
    def captured(self) -> Money:
        return Money(value=self.view.captured)

    @strawberry.field(description="What of the amount can still be taken.")
    def remaining(self) -> Money:
        return Money(value=self.view.remaining)

    @strawberry.field(description="When it was reserved.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="When what has not been taken by then becomes available again.")
    def expires_at(self) -> datetime:
        return self.view.expires_at

    @strawberry.field(description="When it was closed; null while it is open.")
    def closed_at(self) -> datetime | None:
        return self.view.closed_at

    @strawberry.field(description="The parts that were taken, newest first.")
    async def captures(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[HoldCapture]:
        page = await holds.captures(self.view, PageRequest.of(first, after, last, before))
        return connection(page, lambda view: HoldCapture(view=view))


def wrap_hold(view: HoldView) -> Hold:
    return Hold(id=to_global_id("Hold", view.id), view=view)


@strawberry.input(description="What to reserve for a purchase.")
class ReserveInput:
    supplier: strawberry.ID = strawberry.field(description="The supplier's code.")
    reference: str = strawberry.field(description="The holder's number at the supplier, as the supplier wants it.")
    amount: Decimal = strawberry.field(description="So'm, at most two decimals, without commission.")
    minutes: int = strawberry.field(description="For how long: 1 to 43,200, which is 30 days.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended purchase: sending it again never reserves twice."
    )


@strawberry.input(description="What to take of a hold.")
class CaptureHoldInput:
    hold_id: strawberry.ID = strawberry.field(description="The hold.")
    amount: Decimal | None = strawberry.field(
        default=None, description="So'm, at most two decimals; left out: all that remains."
    )
    final: bool = strawberry.field(
        default=False, description="True: nothing more will be taken, what remains is released."
    )
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended part: sending it again never takes twice."
    )


@strawberry.input(description="A hold to let go of.")
class ReleaseHoldInput:
    hold_id: strawberry.ID = strawberry.field(description="The hold.")


ReserveResult = Annotated[
    Hold
    | problem.InvalidAmount
    | problem.InvalidInput
    | problem.WalletMissing
    | problem.WalletLocked
    | problem.SupplierNotFound
    | problem.HoldsNotTaken
    | problem.WalletNotActive
    | problem.NotToppedUpYet
    | problem.TooManyHolds
    | problem.InsufficientFunds
    | problem.IdempotencyKeyReused,
    strawberry.union("ReserveResult", description="The hold, or why nothing was reserved."),
]
CaptureHoldResult = Annotated[
    Hold
    | problem.InvalidAmount
    | problem.InvalidInput
    | problem.NotFound
    | problem.HoldClosed
    | problem.HoldExceeded
    | problem.WalletNotActive
    | problem.IdempotencyKeyReused,
    strawberry.union("CaptureHoldResult", description="The hold as it stands now, or why nothing was taken."),
]
ReleaseHoldResult = Annotated[
    Hold | problem.NotFound | problem.HoldClosed,
    strawberry.union("ReleaseHoldResult", description="The released hold, or why it was not."),
]


def _id(id_: str) -> int:
    return number_of(id_, "Hold", path=("input", "holdId"))


@strawberry.type
class HoldMutations:
    @strawberry.mutation(
        description="Reserves money of the caller's wallet for a purchase that a partner confirms later (W-4.4.4)."
    )
    async def reserve(self, info: Info, input: ReserveInput) -> ReserveResult:
        view = await holds.reserve(
            info.context,
            supplier=input.supplier,
            reference=input.reference,
            amount=input.amount,
            minutes=input.minutes,
            key=input.idempotency_key,
        )
        return wrap_hold(view)

    @strawberry.mutation(description="Takes a part of a hold, or all of it: by the partner whose supplier it is for.")
    async def capture_hold(self, info: Info, input: CaptureHoldInput) -> CaptureHoldResult:
        view = await holds.capture_hold(
            info.context,
            hold_id=_id(input.hold_id),
            amount=input.amount,
            final=input.final,
            key=input.idempotency_key,
        )
        return wrap_hold(view)

    @strawberry.mutation(description="Lets go of what is still reserved: by the partner whose supplier it is for.")
    async def release_hold(self, info: Info, input: ReleaseHoldInput) -> ReleaseHoldResult:
        return wrap_hold(await holds.release_hold(info.context, hold_id=_id(input.hold_id)))
