"""Carrying out what was ordered for later, for the worker.

An occurrence is carried out in one transaction with the note of what came of it, under the lock of its order's row, so
that it happens once, however many workers there are and whenever one dies.
"""

import logging
from datetime import datetime
from typing import Final

from domain.clock import to_micros
from domain.database import Row, after_commit, execute, fetch, fetch_row, in_transaction
from domain.language import LANGUAGES
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.outbox import enqueue
from domain.refusal import Forbidden, Refusal
from domain.schedule import MOST_REFUSALS, Outcome, Plan, Repeat, ScheduleStatus
from domain.wallet import Standing, WalletMissing, WalletNotActive, pay_standing, send_standing
from resolvers.context import Context, SystemActor
from resolvers.schedule import end, plan_of
from resolvers.texts import money_text, problem_text, translator

log = logging.getLogger("kabinet.schedule")


def N_(text: str) -> str:  # gettext's own name for a text that is translated elsewhere
    return text


TOLD: Final = N_("A scheduled payment of {amount} was not carried out. {reason}")
SUSPENDED: Final = N_("It was refused {count} times in a row and is suspended.")


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
           FOR NO KEY UPDATE SKIP LOCKED""",
        payment_id,
        to_micros(now),
    ):
        return False
    row = await fetch_row(_DUE, payment_id)
    assert row is not None, "it is locked"
    plan = plan_of(row)
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
        await end(row["id"], status, now)
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
