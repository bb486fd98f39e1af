"""Scheduled and repeated payments in the API."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Final

import strawberry

from domain import schedule as domain_schedule
from resolvers import schedule as schedules
from resolvers.account import receipt_number
from schema import problem
from schema.context import Info
from schema.favourite import TargetKind, favourite_number
from schema.money import Money
from schema.relay import Node, number_of, to_global_id
from schema.supplier import Supplier, wrap_supplier


@strawberry.enum(description="How often something is paid. New values may come: tolerate unknown ones.")
class Repeat(Enum):
    ONCE = strawberry.enum_value("once", description="One time.")
    DAILY = strawberry.enum_value("daily", description="Every day at the same time.")
    WEEKLY = strawberry.enum_value("weekly", description="Every seven days at the same time.")
    MONTHLY = strawberry.enum_value(
        "monthly", description="On the first one's day of each month, or on the month's last day where it has no such."
    )


@strawberry.enum(description="Whether anything will be paid. New values may come: tolerate unknown ones.")
class ScheduledPaymentStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="There is more to come.")
    COMPLETED = strawberry.enum_value("completed", description="All that was ordered is over.")
    FAILED = strawberry.enum_value("failed", description="It was to be paid once, and that was refused.")
    SUSPENDED = strawberry.enum_value("suspended", description="Refused three times in a row: order it anew.")
    CANCELLED = strawberry.enum_value("cancelled", description="Cancelled, or its wallet was closed.")


@strawberry.enum(description="What came of one time. New values may come: tolerate unknown ones.")
class ScheduledOutcome(Enum):
    CARRIED_OUT = strawberry.enum_value("carried_out", description="Paid.")
    REFUSED = strawberry.enum_value("refused", description="Not paid: `problem` says why.")
    MISSED = strawberry.enum_value("missed", description="Left out: a later one was due already.")


_REPEATS: Final = {str(one.value): one for one in Repeat}
_STATUSES: Final = {str(one.value): one for one in ScheduledPaymentStatus}
_OUTCOMES: Final = {str(one.value): one for one in ScheduledOutcome}


@strawberry.type(description="What came of a scheduled payment the last time that it was due.")
class ScheduledResult:
    view: strawberry.Private[schedules.ResultView]

    @strawberry.field(description="When it was due.")
    def due_at(self) -> datetime:
        return self.view.due_at

    @strawberry.field(description="When it was dealt with.")
    def at(self) -> datetime:
        return self.view.at

    @strawberry.field(description="What came of it.")
    def outcome(self) -> ScheduledOutcome:
        return _OUTCOMES[self.view.outcome]

    @strawberry.field(description="Why it was refused; null if it was not.")
    def problem(self) -> problem.ProblemCode | None:
        code = self.view.problem
        return None if code is None else problem.ProblemCode[code]

    @strawberry.field(description="The id of the rule that refused it, such as W-4.4.4.")
    def rule(self) -> str | None:
        return self.view.rule

    @strawberry.field(description="The number of its receipt; null if it was not paid.")
    def receipt_number(self) -> str | None:
        return None if self.view.transfer_id is None else receipt_number(self.view.transfer_id)


@strawberry.type(description="A transfer or a payment that the holder has ordered for later.")
class ScheduledPayment(Node):
    view: strawberry.Private[schedules.ScheduledView]

    @strawberry.field(description="Whether money is sent or a supplier paid.")
    def kind(self) -> TargetKind:
        return TargetKind.TRANSFER if self.view.target.supplier is None else TargetKind.PAYMENT

    @strawberry.field(description="The recipient's wallet number or phone; null for payments.")
    def to(self) -> str | None:
        return self.view.target.recipient

    @strawberry.field(description="Who is paid; null for transfers.")
    def supplier(self) -> Supplier | None:
        found = self.view.target.supplier
        return wrap_supplier(found) if found else None

    @strawberry.field(description="The contract number; null for transfers.")
    def reference(self) -> str | None:
        return self.view.target.reference

    @strawberry.field(description="How much each time, the commission apart.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="How often.")
    def repeat(self) -> Repeat:
        return _REPEATS[self.view.plan.repeat]

    @strawberry.field(description="When it is, or was, due first.")
    def starts_at(self) -> datetime:
        return self.view.plan.starts_at

    @strawberry.field(description="The last day that counts; null: until it is cancelled.")
    def until(self) -> date | None:
        return self.view.plan.until

    @strawberry.field(description="Whether anything will be paid.")
    def status(self) -> ScheduledPaymentStatus:
        return _STATUSES[self.view.status]

    @strawberry.field(description="When it is due next; null when nothing more will come.")
    def next_at(self) -> datetime | None:
        return self.view.next_at

    @strawberry.field(description="When it was ordered.")
    def created_at(self) -> datetime:
        return self.view.created_at

    @strawberry.field(description="What came of it the last time; null before the first.")
    def last_result(self) -> ScheduledResult | None:
        return None if self.view.last is None else ScheduledResult(view=self.view.last)


def wrap_scheduled_payment(view: schedules.ScheduledView) -> ScheduledPayment:
    return ScheduledPayment(id=to_global_id("ScheduledPayment", view.id), view=view)


@strawberry.input(
    description="What to pay and when: a favourite, a transfer (`to`), or a payment (`supplier` and `reference`)."
)
class SchedulePaymentInput:
    starts_at: datetime = strawberry.field(description="When it is due first: from now on, at most five years ahead.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended order: sending it again never orders twice."
    )
    repeat: Repeat | None = strawberry.field(default=None, description="How often; once if left out.")
    until: date | None = strawberry.field(
        default=None, description="The last day that counts, in Tashkent; null: until it is cancelled."
    )
    amount: Decimal | None = strawberry.field(
        default=None, description="So'm; may be left out for a favourite that has an amount."
    )
    favourite_id: strawberry.ID | None = strawberry.field(default=None, description="What to pay, as it was kept.")
    to: strawberry.ID | None = strawberry.field(default=None, description="A wallet number or a phone.")
    supplier: strawberry.ID | None = strawberry.field(default=None, description="A supplier's code.")
    reference: str | None = strawberry.field(default=None, description="The contract number.")


@strawberry.input(description="A scheduled payment to cancel.")
class CancelScheduledPaymentInput:
    scheduled_payment_id: strawberry.ID = strawberry.field(description="Which.")


SchedulePaymentResult = Annotated[
    ScheduledPayment
    | problem.WalletMissing
    | problem.WalletLocked
    | problem.WalletNotActive
    | problem.InvalidInput
    | problem.MissingInput
    | problem.InvalidAmount
    | problem.NotFound
    | problem.RecipientNotFound
    | problem.SameWallet
    | problem.SupplierNotFound
    | problem.TooManySaved
    | problem.IdempotencyKeyReused,
    strawberry.union("SchedulePaymentResult", description="The order, or why there is none."),
]
CancelScheduledPaymentResult = Annotated[
    ScheduledPayment | problem.NotFound,
    strawberry.union("CancelScheduledPaymentResult", description="The order as it stands now, or that there is none."),
]


@strawberry.type
class ScheduleMutations:
    @strawberry.mutation(
        description="Orders a transfer or a payment for later, once or again and again; the session must be unlocked."
    )
    async def schedule_payment(self, info: Info, input: SchedulePaymentInput) -> SchedulePaymentResult:
        ordered = schedules.Ordered(
            starts_at=input.starts_at,
            repeat=domain_schedule.Repeat(str(input.repeat.value)) if input.repeat else domain_schedule.Repeat.ONCE,
            until=input.until,
            amount=input.amount,
            favourite_id=None if input.favourite_id is None else favourite_number(input.favourite_id),
            to=input.to,
            supplier=input.supplier,
            reference=input.reference,
        )
        view = await schedules.schedule_payment(info.context, ordered, key=input.idempotency_key)
        return wrap_scheduled_payment(view)

    @strawberry.mutation(description="Cancels what was ordered: nothing more will come of it.")
    async def cancel_scheduled_payment(
        self, info: Info, input: CancelScheduledPaymentInput
    ) -> CancelScheduledPaymentResult:
        number = number_of(input.scheduled_payment_id, "ScheduledPayment", path=("input", "scheduledPaymentId"))
        return wrap_scheduled_payment(await schedules.cancel_scheduled_payment(info.context, payment_id=number))
