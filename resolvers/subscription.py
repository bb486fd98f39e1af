"""Holding a subscription: look, extend, cancel, renew, expire (S-6, S-7, S-9)."""

import logging
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from functools import partial
from typing import Final

from domain.audit import note
from domain.clock import local_day
from domain.database import after_commit, execute, fetch, fetch_row, in_transaction
from domain.idempotency import Key, begin, finish
from domain.language import Language
from domain.ledger import InsufficientFunds
from domain.order import OrderView, buy_months, check_months, funds, load
from domain.outbox import enqueue
from domain.refusal import Forbidden, NotFound
from domain.subscription import (
    SUSPENDED_DAYS,
    SubscriptionOver,
    SubscriptionStatus,
    SubscriptionView,
    cancel,
    expire,
    held,
    renewal_text,
    renews_by_itself,
    subscription_columns,
    subscription_view,
    suspend,
)
from resolvers.context import (
    Context,
    PartnerActor,
    StaffActor,
    SubscriberActor,
    SystemActor,
    the_partner,
    the_staff,
    the_subscriber,
)
from resolvers.paging import Page, PageRequest, page

log = logging.getLogger("kabinet.subscription")
PATH: Final = ("input", "subscriptionId")


def _select() -> str:
    return f"""SELECT {subscription_columns()}, s.created_at AS cursor_order, s.id AS cursor_id
        FROM product_subscription s JOIN product p ON p.id = s.product_id"""


async def subscriptions(ctx: Context, request: PageRequest) -> Page[SubscriptionView]:
    """The signed-in subscriber's subscriptions, newest first (S-4.7)."""
    return await _subscriptions(ctx, the_subscriber(ctx).subscriber_id, request)


async def subscriptions_of(ctx: Context, subscriber_id: int, request: PageRequest) -> Page[SubscriptionView]:
    """A subscriber's subscriptions, for staff."""
    the_staff(ctx)
    return await _subscriptions(ctx, subscriber_id, request)


async def _subscriptions(ctx: Context, subscriber_id: int, request: PageRequest) -> Page[SubscriptionView]:
    return await page(
        f"{_select()} WHERE s.subscriber_id = $1",
        [subscriber_id],
        request,
        partial(subscription_view, now=ctx.clock.now()),
        order="s.created_at",
        id_="s.id",
    )


async def subscription(ctx: Context, subscription_id: int) -> SubscriptionView | None:
    """One subscription: the caller's own, one to the partner's own product, any for staff; None otherwise."""
    scope, values = _scope(ctx)
    row = await fetch_row(f"{_select()} WHERE s.id = $1 {scope}", subscription_id, *values)
    return subscription_view(row, ctx.clock.now()) if row else None


def _scope(ctx: Context) -> tuple[str, list[int]]:
    if isinstance(ctx.actor, StaffActor):
        return "", []
    if isinstance(ctx.actor, PartnerActor):
        return "AND p.partner_id = $2", [the_partner(ctx, "subscription:read").partner_id]
    return "AND s.subscriber_id = $2", [the_subscriber(ctx).subscriber_id]


async def extend_subscription(ctx: Context, *, subscription_id: int, months: int, key: str) -> OrderView:
    """Adds months to the caller's subscription and takes their price at once (S-6).

    Raises InvalidInput (months), NotFound, SubscriptionOver, InsufficientFunds, IdempotencyKeyReused. A replay gives
    the first order.
    """
    actor = the_subscriber(ctx)
    check_months(months)
    return await _extend(ctx, actor, subscription_id, months, key)


@in_transaction
async def _extend(ctx: Context, actor: SubscriberActor, subscription_id: int, months: int, key: str) -> OrderView:
    now = ctx.clock.now()
    call = Key(actor.label, "extendSubscription", key, {"subscription": subscription_id, "months": months})
    if replay := await begin(call, now):
        order = await load(replay.subject, now)
        assert order is not None
        return order
    held_one = await _held_live(ctx, subscription_id)
    order = await buy_months(held_one, months, now=now)
    await finish(call, order.public_id)
    after_commit(partial(ctx.announce, f"order:{order.id}"))
    return order


async def _held(ctx: Context, subscription_id: int) -> SubscriptionView:
    """The caller's own, or any for an agent of the staff, under its lock; else NotFound."""
    owner = None
    if isinstance(ctx.actor, StaffActor):
        the_staff(ctx, "agent")
    else:
        owner = the_subscriber(ctx).subscriber_id
    found = await held(subscription_id, ctx.clock.now(), subscriber_id=owner)
    if found is None:
        raise NotFound(what="subscription", path=PATH)
    return found


async def _held_live(ctx: Context, subscription_id: int) -> SubscriptionView:
    found = await _held(ctx, subscription_id)
    if found.is_over:
        raise SubscriptionOver(status=found.status, path=PATH)
    return found


@in_transaction
async def cancel_subscription(ctx: Context, *, subscription_id: int) -> SubscriptionView:
    """Ends it at once and for ever, by its subscriber or an agent; what was paid is not refunded.

    Cancelling again gives the same answer. Raises NotFound, and SubscriptionOver for an expired one.
    """
    now = ctx.clock.now()
    found = await _held(ctx, subscription_id)
    if found.stored_status is SubscriptionStatus.CANCELLED:
        return found
    if found.is_over:
        raise SubscriptionOver(status=found.status, path=PATH)
    cancelled = await cancel(found, now)
    await note(ctx.actor.label, "subscription.cancel", f"subscription:{subscription_id}", now)
    return cancelled


@in_transaction
async def set_renewal(ctx: Context, *, subscription_id: int, on: bool) -> SubscriptionView:
    """Switches renewal by itself on or off (S-7). On only by the subscriber, and the proof is kept (R-1).

    Raises NotFound and SubscriptionOver; Forbidden for staff who would switch it on.
    """
    if on:
        the_subscriber(ctx)
    found = await _held_live(ctx, subscription_id)
    if found.auto_renew == on:
        return found
    await execute("UPDATE product_subscription SET auto_renew = $1 WHERE id = $2", on, subscription_id)
    action = "subscription.renewal_on" if on else "subscription.renewal_off"
    await note(ctx.actor.label, action, f"subscription:{subscription_id}", ctx.clock.now(), months=1, price=found.price)
    return await _held(ctx, subscription_id)


async def tell_renewals(ctx: Context, *, batch: int = 100) -> int:
    """Tells subscribers by SMS of renewals to come, once a period (S-7, R-2), for the worker; gives how many."""
    until = local_day(ctx.clock.now()) + ctx.policy.renewal_notice
    rows = await fetch(
        """SELECT s.id FROM product_subscription s WHERE s.auto_renew AND s.status = 'active' AND s.ends_on <= $1
             AND (s.renewal_told_for IS NULL OR s.renewal_told_for <> s.ends_on)
           ORDER BY s.ends_on, s.id LIMIT $2""",
        until.isoformat(),
        batch,
    )
    return await _each(ctx, [row["id"] for row in rows], _tell)


@in_transaction
async def _tell(ctx: Context, subscription_id: int) -> bool:
    now = ctx.clock.now()
    found = await held(subscription_id, now)
    row = await fetch_row(
        """SELECT u.language, s.renewal_told_for FROM product_subscription s
           JOIN subscriber u ON u.id = s.subscriber_id WHERE s.id = $1""",
        subscription_id,
    )
    assert found is not None
    assert row is not None
    if not _renewing(found) or row["renewal_told_for"] == found.ends_on.isoformat():
        return False
    payload = {"to": found.phone, "text": renewal_text(found, Language(row["language"]))}
    await enqueue("sms", f"renewal:{subscription_id}", payload, now)
    await _note_told(subscription_id, found.ends_on)
    return True


async def _note_told(subscription_id: int, ends_on: date) -> None:
    await execute(
        "UPDATE product_subscription SET renewal_told_for = $1 WHERE id = $2", ends_on.isoformat(), subscription_id
    )


def _renewing(found: SubscriptionView) -> bool:
    return found.auto_renew and found.stored_status is SubscriptionStatus.ACTIVE


# Due, told, and something can be done: the money is there for a month that may follow by itself, or the end has passed.
# Those that wait for money on their last day are left out, so that they never fill the batches.
_DUE: Final = """
WITH due AS (
    SELECT s.id, s.ends_on, s.product_id, s.account_id,
           (SELECT SUM(o.months) FROM product_subscription o
            WHERE o.subscriber_id = s.subscriber_id AND o.product_id = s.product_id) AS paid
    FROM product_subscription s
    WHERE s.auto_renew AND s.status = 'active' AND s.renewal_told_for = s.ends_on AND s.ends_on <= $1)
SELECT d.id FROM due d
JOIN personal_account a ON a.id = d.account_id JOIN ledger_account l ON l.id = a.ledger_account_id
JOIN product_price_step last ON last.product_id = d.product_id
     AND last.from_month <= d.paid AND (last.to_month IS NULL OR last.to_month >= d.paid)
JOIN product_price_step next ON next.product_id = d.product_id
     AND next.from_month <= d.paid + 1 AND (next.to_month IS NULL OR next.to_month > d.paid)
WHERE d.ends_on < $1
   OR ((l.floor IS NULL OR l.balance - l.floor - l.held >= next.price) AND (next.price = 0 OR last.price > 0))
ORDER BY d.ends_on, d.id LIMIT $2"""


async def renew_due(ctx: Context, *, batch: int = 100) -> int:
    """Charges renewals on the end day, or as soon that day as the money is there; suspends what could not be paid by
    its end (S-7, T-26); for the worker. Gives how many subscriptions changed. Safe to run anywhere, twice."""
    rows = await fetch(_DUE, local_day(ctx.clock.now()).isoformat(), batch)
    return await _each(ctx, [row["id"] for row in rows], _renew)


@in_transaction
async def _renew(ctx: Context, subscription_id: int) -> bool:
    now = ctx.clock.now()
    found = await held(subscription_id, now)
    assert found is not None
    if not _renewing(found) or found.ends_on > found.today:
        return False
    available = (await funds(found.account_id)).available
    if renews_by_itself(found.last_price, found.price) and (available is None or available >= found.price):
        order = await buy_months(found, 1, renewal=True, now=now)
        after_commit(partial(ctx.announce, f"order:{order.id}"))
        return True
    if found.ends_on < found.today:
        await suspend(found, now)
        return True
    return False


async def expire_due(ctx: Context, *, batch: int = 100) -> int:
    """Ends subscriptions whose time is over, for the worker; gives how many. Safe to run anywhere, twice."""
    today = local_day(ctx.clock.now())
    rows = await fetch(
        """SELECT id FROM product_subscription
           WHERE (status = 'active' AND NOT auto_renew AND ends_on < $1) OR (status = 'suspended' AND ends_on < $2)
           ORDER BY ends_on, id LIMIT $3""",
        today.isoformat(),
        (today - timedelta(days=SUSPENDED_DAYS)).isoformat(),
        batch,
    )
    return await _each(ctx, [row["id"] for row in rows], _expire)


@in_transaction
async def _expire(ctx: Context, subscription_id: int) -> bool:
    now = ctx.clock.now()
    found = await held(subscription_id, now)
    assert found is not None
    if not found.is_over or found.status is not SubscriptionStatus.EXPIRED or found.stored_status is found.status:
        return False
    await expire(found, now)
    return True


async def _each(ctx: Context, ids: list[int], work: Callable[[Context, int], Awaitable[bool]]) -> int:
    """Each in a transaction of its own: one that fails holds nobody else up."""
    if not isinstance(ctx.actor, SystemActor):
        raise Forbidden
    done = 0
    for subscription_id in ids:
        try:
            done += await work(ctx, subscription_id)
        except InsufficientFunds:  # spent between the look and the lock: the next round looks again
            continue
        except Exception as error:
            log.error("subscription %d: %s", subscription_id, type(error).__name__)
    return done
