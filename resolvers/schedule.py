"""Scheduled and repeated payments: ordering them, and carrying out what is due.

An occurrence is carried out in one transaction with the note of what came of it, under the lock of its order's row, so
that it happens once, however many workers there are and whenever one dies.
"""

import logging
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from domain.clock import from_micros, to_micros
from domain.database import Row, after_commit, execute, fetch, fetch_row, in_transaction
from domain.favourite import Target, TooManySaved
from domain.idempotency import Key, begin, finish
from domain.language import LANGUAGES
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.outbox import enqueue
from domain.refusal import Forbidden, MissingInput, NotFound, Refusal
from domain.schedule import MOST_REFUSALS, Outcome, Plan, Repeat, ScheduleStatus
from domain.statement import aware
from domain.wallet import Standing, WalletMissing, WalletNotActive, pay_standing, send_standing
from resolvers.context import Context, SubscriberActor, SystemActor, the_subscriber
from resolvers.favourite import SUPPLIER_BESIDE, favourite, own_wallet, read_target, target_view
from resolvers.paging import Page, PageRequest, page
from resolvers.texts import money_text, problem_text, translator
from resolvers.wallet import require_unlocked

log = logging.getLogger("kabinet.schedule")

MOST_ACTIVE: Final = 100


def N_(text: str) -> str:  # gettext's own name for a text that is translated elsewhere
    return text


TOLD: Final = N_("A scheduled payment of {amount} was not carried out. {reason}")
SUSPENDED: Final = N_("It was refused {count} times in a row and is suspended.")


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
        plan=_plan(row),
        status=ScheduleStatus(row["status"]),
        next_at=None if row["due_at"] is None else from_micros(row["due_at"]),
        created_at=from_micros(row["created_at"]),
        last=None if row["last_at"] is None else _result(row),
    )


def _plan(row: Row) -> Plan:
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
        return {name: getattr(self, name) for name in self.__slots__}


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
    row = await fetch_row("SELECT status FROM scheduled_payment WHERE id = $1 FOR UPDATE", payment_id)
    assert row is not None, "orders are kept"
    if row["status"] in (ScheduleStatus.ACTIVE, ScheduleStatus.SUSPENDED):
        await _end(payment_id, ScheduleStatus.CANCELLED, ctx.clock.now())
    found = await scheduled_payment(ctx, payment_id)
    assert found is not None, "it is the caller's"
    return found


async def _end(payment_id: int, status: ScheduleStatus, now: datetime) -> None:
    await execute(
        "UPDATE scheduled_payment SET status = $1, due_at = NULL, ended_at = $2 WHERE id = $3",
        str(status),
        to_micros(now),
        payment_id,
    )


# Carrying out


async def carry_out_scheduled(ctx: Context, *, batch: int = 100) -> int:
    """Pays what is due, for the worker; gives how many orders it dealt with. Safe to run anywhere, twice."""
    if not isinstance(ctx.actor, SystemActor):
        raise Forbidden
    rows = await fetch(
        "SELECT id FROM scheduled_payment WHERE status = 'active' AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
        to_micros(ctx.clock.now()),
        batch,
    )
    done = 0
    for row in rows:
        try:
            done += await _carry_out(ctx, row["id"])
        except Exception as error:
            log.error("scheduled payment %d: %s", row["id"], type(error).__name__)
    return done


_DUE: Final = """SELECT p.*, b.code AS supplier, w.phone, w.status AS wallet_status, h.language
FROM scheduled_payment p
JOIN wallet w ON w.id = p.wallet_id JOIN subscriber h ON h.id = w.subscriber_id
LEFT JOIN supplier b ON b.id = p.supplier_id
WHERE p.id = $1"""


@in_transaction
async def _carry_out(ctx: Context, payment_id: int) -> bool:
    now = ctx.clock.now()
    # Whoever holds it is at it; what they have done is seen by the next statement.
    if not await fetch_row(
        """SELECT 1 FROM scheduled_payment WHERE id = $1 AND status = 'active' AND due_at <= $2
           FOR UPDATE SKIP LOCKED""",
        payment_id,
        to_micros(now),
    ):
        return False
    row = await fetch_row(_DUE, payment_id)
    assert row is not None, "it is locked"
    plan = _plan(row)
    number = plan.newest_due(row["next_number"], now)
    await _note_missed(row, plan, number, now)
    refused = await _move(ctx, row, plan, number, now)
    refusals = row["refusals"] + 1 if refused else 0
    status = await _go_on(row, plan, number, refusals, refused, now)
    if refused is not None:
        await _tell(row, refused, status, now)
    after_commit(lambda: ctx.announce(f"wallet:{row['wallet_id']}"))
    return True


async def _note_missed(row: Row, plan: Plan, until: int, now: datetime) -> None:
    """After a long stop of the worker only the newest occurrence that is due is carried out."""
    for number in range(row["next_number"], until):
        await _note(row["id"], number, plan, Outcome.MISSED, now)


async def _note(
    payment_id: int,
    number: int,
    plan: Plan,
    outcome: Outcome,
    now: datetime,
    *,
    transfer_id: int | None = None,
    refused: Refusal | None = None,
) -> None:
    due = plan.due_at(number)
    assert due is not None, "what is noted was due"
    await execute(
        """INSERT INTO scheduled_result (payment_id, number, due_at, at, outcome, transfer_id, problem, rule)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        payment_id,
        number,
        to_micros(due),
        to_micros(now),
        str(outcome),
        transfer_id,
        refused.code if refused else None,
        refused.rule if refused else None,
    )


async def _move(ctx: Context, row: Row, plan: Plan, number: int, now: datetime) -> Refusal | None:
    """Carries the occurrence out and notes it; or notes why not, and gives the refusal."""
    order = Standing(row["wallet_id"], Money(row["amount"]), now, {"scheduled": f"{row['id']}:{number}"})
    try:
        if row["recipient"] is not None:
            posted, payee = await send_standing(order, row["recipient"])
            after_commit(lambda: ctx.announce(f"wallet:{payee}"))
        else:
            posted = await pay_standing(order, row["supplier"], row["reference"])
    except Refusal as refused:  # by the rules, before anything was written
        await _note(row["id"], number, plan, Outcome.REFUSED, now, refused=refused)
        return refused
    await _note(row["id"], number, plan, Outcome.CARRIED_OUT, now, transfer_id=posted.transfer_id)
    return None


async def _go_on(
    row: Row, plan: Plan, number: int, refusals: int, refused: Refusal | None, now: datetime
) -> ScheduleStatus:
    """To the next occurrence, or to the end; gives the status that it has then."""
    following = plan.due_at(number + 1)
    await execute(
        "UPDATE scheduled_payment SET next_number = $1, refusals = $2, due_at = $3 WHERE id = $4",
        number + 1,
        refusals,
        row["due_at"] if following is None else to_micros(following),
        row["id"],
    )
    status = ScheduleStatus.ACTIVE
    if isinstance(refused, WalletMissing):  # closed since
        status = ScheduleStatus.CANCELLED
    elif following is None:
        once = plan.repeat is Repeat.ONCE
        status = ScheduleStatus.FAILED if once and refused is not None else ScheduleStatus.COMPLETED
    elif refusals >= MOST_REFUSALS:
        status = ScheduleStatus.SUSPENDED
    if status is not ScheduleStatus.ACTIVE:
        await _end(row["id"], status, now)
    return status


async def _tell(row: Row, refused: Refusal, status: ScheduleStatus, now: datetime) -> None:
    """The holder, by SMS; but not at a number that may have been lost, nor about a wallet that is no more (W-6.4)."""
    if row["wallet_status"] != "active" or (isinstance(refused, WalletNotActive) and not refused.path):
        return
    if isinstance(refused, InsufficientFunds):
        refused.available = None  # a balance is not for SMS
    language = LANGUAGES[row["language"]]
    say = translator(language).gettext
    text = say(TOLD).format(amount=money_text(Money(row["amount"]), language), reason=problem_text(refused, language))
    if status is ScheduleStatus.SUSPENDED:
        text += " " + say(SUSPENDED).format(count=MOST_REFUSALS)
    await enqueue("sms", f"scheduled:{row['id']}", {"to": row["phone"], "text": text}, now)
