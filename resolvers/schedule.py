"""Scheduled and repeated payments: ordering, looking, cancelling. They are carried out by resolvers/schedule_due.py."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.favourite import Target, TooManySaved
from domain.idempotency import Key, begin, finish
from domain.money import Money, exact_tiyin
from domain.refusal import MissingInput, NotFound
from domain.schedule import Outcome, Plan, Repeat, ScheduleStatus
from domain.statement import aware
from domain.wallet import WalletNotActive
from resolvers.context import Context, SubscriberActor, the_subscriber
from resolvers.favourite import SUPPLIER_BESIDE, favourite, own_wallet, read_target, target_view
from resolvers.paging import Page, PageRequest, page
from resolvers.wallet import require_unlocked

MOST_ACTIVE: Final = 100


@dataclass(frozen=True, slots=True)
class ResultView:
    """What came of one occurrence. `problem` and `rule` say why it was refused."""

    due_at: datetime
    at: datetime
    outcome: Outcome
    transfer_id: int | None
    problem: str | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class ScheduledView:
    """An order to pay or send later. `next_at` is None when nothing will come; `last` before anything has."""

    id: int
    wallet_id: int
    target: Target
    amount: Money
    plan: Plan
    status: ScheduleStatus
    next_at: datetime | None
    created_at: datetime
    last: ResultView | None


_SCHEDULED: Final = f"""SELECT p.id, p.wallet_id, p.recipient, p.reference, p.amount, p.repeat, p.starts_at, p.until,
    p.status, p.next_number, p.due_at, p.refusals, p.created_at, {SUPPLIER_BESIDE},
    r.due_at AS last_due_at, r.at AS last_at, r.outcome AS last_outcome, r.transfer_id AS last_transfer_id,
    r.problem AS last_problem, r.rule AS last_rule, p.created_at AS cursor_order, p.id AS cursor_id
FROM scheduled_payment p
LEFT JOIN supplier s ON s.id = p.supplier_id
LEFT JOIN scheduled_result r ON r.payment_id = p.id AND r.number = p.next_number - 1"""


def _view(row: Row) -> ScheduledView:
    return ScheduledView(
        id=row["id"],
        wallet_id=row["wallet_id"],
        target=target_view(row),
        amount=Money(row["amount"]),
        plan=plan_of(row),
        status=ScheduleStatus(row["status"]),
        next_at=None if row["due_at"] is None else from_micros(row["due_at"]),
        created_at=from_micros(row["created_at"]),
        last=None if row["last_at"] is None else _result(row),
    )


def plan_of(row: Row) -> Plan:
    """The plan in an order's row."""
    until = None if row["until"] is None else date.fromisoformat(row["until"])
    return Plan(Repeat(row["repeat"]), from_micros(row["starts_at"]), until)


def _result(row: Row) -> ResultView:
    return ResultView(
        due_at=from_micros(row["last_due_at"]),
        at=from_micros(row["last_at"]),
        outcome=Outcome(row["last_outcome"]),
        transfer_id=row["last_transfer_id"],
        problem=row["last_problem"],
        rule=row["last_rule"],
    )


async def scheduled_payments(ctx: Context, wallet_id: int, request: PageRequest) -> Page[ScheduledView]:
    """A wallet's orders, those that are over too, the newest first.

    The wallet must come from a look that was scoped to the caller.
    """
    return await page(
        _SCHEDULED + " WHERE p.wallet_id = $1", [wallet_id], request, _view, order="p.created_at", id_="p.id"
    )


async def scheduled_payment(ctx: Context, payment_id: int) -> ScheduledView | None:
    """One of the caller's own; None otherwise."""
    row = await fetch_row(
        f"""{_SCHEDULED} JOIN wallet w ON w.id = p.wallet_id
            WHERE p.id = $1 AND w.subscriber_id = $2""",
        payment_id,
        the_subscriber(ctx).subscriber_id,
    )
    return _view(row) if row else None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a holder orders: a favourite, or `to`, or `supplier` and `reference`; a favourite may know the amount."""

    starts_at: datetime
    repeat: Repeat = Repeat.ONCE
    until: date | None = None
    amount: Decimal | None = None
    favourite_id: int | None = None
    to: str | None = None
    supplier: str | None = None
    reference: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """All that makes two calls the same."""
        told = {name: getattr(self, name) for name in self.__slots__}
        amount = None if self.amount is None else exact_tiyin(self.amount)
        starts_at = aware(self.starts_at).astimezone(UTC)
        # 100 and 100.00, and one instant in two time zones, are the same.
        return told | {"amount": self.amount if amount is None else amount, "starts_at": starts_at}


async def schedule_payment(ctx: Context, ordered: Ordered, *, key: str) -> ScheduledView:
    """Orders a payment or a transfer for later, once or again and again, from an unlocked session (W-2.15).

    Raises WalletMissing, WalletLocked, WalletNotActive, InvalidInput, MissingInput, InvalidAmount, NotFound (the
    favourite), RecipientNotFound, SameWallet, SupplierNotFound, TooManySaved, IdempotencyKeyReused.
    """
    found = await scheduled_payment(ctx, await _schedule(ctx, the_subscriber(ctx), ordered, key))
    assert found is not None, "it has just been ordered"
    return found


@in_transaction
async def _schedule(ctx: Context, actor: SubscriberActor, ordered: Ordered, key: str) -> int:
    now = ctx.clock.now()
    call = Key(actor.label, "schedulePayment", key, ordered.body)
    if replay := await begin(call, now):
        return int(replay.subject)
    wallet = await own_wallet(actor)
    await require_unlocked(ctx)
    if wallet["status"] != "active":
        raise WalletNotActive
    plan = Plan(ordered.repeat, aware(ordered.starts_at), ordered.until)
    plan.require_form(now)
    target, amount = await _what(ctx, wallet, ordered)
    await _require_room(wallet["id"])
    payment_id = await _insert(wallet["id"], target, amount, plan, now)
    await finish(call, str(payment_id))
    return payment_id


async def _what(ctx: Context, wallet: Row, ordered: Ordered) -> tuple[Target, Money]:
    """Where the money is to go, and how much of it."""
    amount = None if ordered.amount is None else Money.asked(ordered.amount, path=("input", "amount"))
    if ordered.favourite_id is None:
        target = await read_target(wallet, to=ordered.to, supplier=ordered.supplier, reference=ordered.reference)
    else:
        kept = await favourite(ctx, ordered.favourite_id)
        if kept is None:
            raise NotFound(path=("input", "favouriteId"))
        target, amount = kept.target, amount or kept.amount
    if amount is None:
        raise MissingInput(path=("input", "amount"))
    return target, amount


async def _require_room(wallet_id: int) -> None:
    counted = await fetch_row(
        "SELECT COUNT(*) AS n FROM scheduled_payment WHERE wallet_id = $1 AND status = 'active'", wallet_id
    )
    if counted is not None and counted["n"] >= MOST_ACTIVE:
        raise TooManySaved(most=MOST_ACTIVE)


async def _insert(wallet_id: int, target: Target, amount: Money, plan: Plan, now: datetime) -> int:
    row = await fetch_row(
        """INSERT INTO scheduled_payment
               (wallet_id, recipient, supplier_id, reference, amount, repeat, starts_at, until, due_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9) RETURNING id""",
        wallet_id,
        *target.columns,
        amount.tiyin,
        str(plan.repeat),
        to_micros(plan.starts_at),
        None if plan.until is None else plan.until.isoformat(),
        to_micros(now),
    )
    assert row is not None
    return int(row["id"])


@in_transaction
async def cancel_scheduled_payment(ctx: Context, *, payment_id: int) -> ScheduledView:
    """Nothing more will come of it; one that is over stays as it is. Raises NotFound for what is not the caller's."""
    if await scheduled_payment(ctx, payment_id) is None:
        raise NotFound(path=("input", "scheduledPaymentId"))
    row = await fetch_row("SELECT status FROM scheduled_payment WHERE id = $1 FOR NO KEY UPDATE", payment_id)
    assert row is not None, "orders are kept"
    if row["status"] in (ScheduleStatus.ACTIVE, ScheduleStatus.SUSPENDED):
        await end(payment_id, ScheduleStatus.CANCELLED, ctx.clock.now())
    found = await scheduled_payment(ctx, payment_id)
    assert found is not None, "it is the caller's"
    return found


async def end(payment_id: int, status: ScheduleStatus, now: datetime) -> None:
    """Nothing more will come of the order, whose row the caller's transaction holds."""
    await execute(
        "UPDATE scheduled_payment SET status = $1, due_at = NULL, ended_at = $2 WHERE id = $3",
        str(status),
        to_micros(now),
        payment_id,
    )
