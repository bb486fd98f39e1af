"""Ordering a digital product: place the order, enter the code, look (S-4, S-5).

Two ways in: the cabinet, signed in, and a web site, not signed in, with phone and personal account. Staff and partners
place orders as a web site does; whoever places it, the number's own phone gets the code.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from domain import access, offer
from domain.access import CodeExpired, OtpPurpose
from domain.clock import local_day
from domain.database import after_commit, fetch_row, in_transaction
from domain.idempotency import Key, begin, finish
from domain.ledger import require_funds
from domain.order import (
    AccountNotFound,
    OrderKind,
    OrderSource,
    OrderStatus,
    OrderView,
    PriceChanged,
    charge,
    check_months,
    complete,
    funds,
    held,
    lapse_due,
    load,
    order_select,
    order_view,
    place,
)
from domain.order import begin as begin_order
from domain.phone import read_phone
from domain.product import ProductView, product_columns, product_view
from domain.refusal import Forbidden, MissingInput, NotFound
from domain.subscription import (
    AlreadySubscribed,
    SubscriptionView,
    activate,
    expire,
    hold_subscriber,
    live_one,
    paid_months,
)
from resolvers.context import (
    Anonymous,
    Context,
    PartnerActor,
    StaffActor,
    SubscriberActor,
    SystemActor,
    require_no_stale_token,
    the_partner,
    the_staff,
    the_subscriber,
)
from resolvers.paging import Page, PageRequest, page

OFFER = "operator"


@dataclass(frozen=True, slots=True)
class Line:
    """A number with the account that pays for it."""

    phone: str
    subscriber_id: int
    account_id: int


async def order_subscription(
    ctx: Context, *, product: str, months: int, phone: str | None, account: str | None, key: str
) -> OrderView:
    """Places an order and sends its code to the number; nothing is taken yet (S-4.6, S-8).

    Signed in, the phone defaults to the one signed in with and the account to the number's. Raises MissingInput,
    InvalidPhone, InvalidInput (months), NotFound (product), AccountNotFound, AlreadySubscribed, InsufficientFunds,
    TooManyCodes, IdempotencyKeyReused. A replay gives the first order as it stands now.
    """
    source = _source(ctx)
    if isinstance(ctx.actor, SubscriberActor):
        phone = phone if phone and phone.strip() else ctx.actor.phone
    number = read_phone(phone, path=("input", "phone"))
    given = (account or "").replace(" ", "") or None
    if given is None and source is not OrderSource.CABINET:
        raise MissingInput(rule="S-5.1", path=("input", "account"))
    check_months(months)
    return await _order(ctx, source, product, months, number, given, key)


def _source(ctx: Context) -> OrderSource:
    require_no_stale_token(ctx)
    if isinstance(ctx.actor, SubscriberActor):
        return OrderSource.CABINET
    if isinstance(ctx.actor, StaffActor):
        the_staff(ctx, "agent")
        return OrderSource.STAFF
    if isinstance(ctx.actor, PartnerActor):
        the_partner(ctx, "order:write")
    return OrderSource.WEB


@in_transaction
async def _order(
    ctx: Context, source: OrderSource, code: str, months: int, phone: str, account: str | None, key: str
) -> OrderView:
    now = ctx.clock.now()
    scope = f"web:{phone}" if isinstance(ctx.actor, Anonymous) else ctx.actor.label
    body = {"product": code, "months": months, "phone": phone, "account": account}
    call = Key(scope, "orderSubscription", key, body)
    if replay := await begin(call, now):
        return await _found(replay.subject, now)
    product = await _product_on_sale(ctx, code)
    line = await _line(ctx, phone, account)
    await _require_free(product, line.phone, now)
    counted = await paid_months(line.subscriber_id, product.id)
    total = product.price_of(from_month=counted + 1, months=months)
    seen = isinstance(ctx.actor, SubscriberActor | StaffActor)
    require_funds(await funds(line.account_id), total, rule="R-3", seen=seen)
    challenge = await access.open_challenge(
        phone=line.phone,
        purpose=OtpPurpose.ORDER,
        language=ctx.language,
        now=now,
        policy=ctx.policy,
        address=ctx.address,
    )
    public_id = await place(
        product_id=product.id,
        subscriber_id=line.subscriber_id,
        account_id=line.account_id,
        phone=line.phone,
        months=months,
        total=total,
        kind=OrderKind.FIRST,
        source=source,
        challenge_id=challenge.id,
        now=now,
    )
    await finish(call, public_id)
    return await _found(public_id, now)


async def _product_on_sale(ctx: Context, code: str) -> ProductView:
    row = await fetch_row(f"SELECT {product_columns()} FROM product p WHERE p.code = $1 AND p.on_sale", code)
    product = product_view(row) if row else None
    foreign = isinstance(ctx.actor, PartnerActor) and product and product.partner_id != ctx.actor.partner_id
    if product is None or foreign:
        raise NotFound(what="product", path=("input", "product"))
    return product


async def _line(ctx: Context, phone: str, account: str | None) -> Line:
    """The number with its account: the caller's own (S-4.5), or the pair that was given (S-5.1)."""
    signed_in = isinstance(ctx.actor, SubscriberActor)
    mine = ctx.actor.subscriber_id if isinstance(ctx.actor, SubscriberActor) else None
    row = await fetch_row(
        """SELECT n.phone, n.subscriber_id, n.account_id, a.number FROM subscriber_number n
           JOIN personal_account a ON a.id = n.account_id AND a.subscriber_id = n.subscriber_id
           JOIN subscriber s ON s.id = n.subscriber_id
           WHERE n.phone = $1 AND n.status = 'active' AND s.status = 'active'""",
        phone,
    )
    if signed_in and (row is None or row["subscriber_id"] != mine):
        raise AccountNotFound(path=("input", "phone"), rule="S-4.5")
    if row is None or account not in (None, row["number"]):
        raise AccountNotFound(path=("input", "account"), rule="S-4.5" if signed_in else "S-5.1")
    return Line(row["phone"], row["subscriber_id"], row["account_id"])


async def _require_free(product: ProductView, phone: str, now: datetime) -> SubscriptionView | None:
    """Raises AlreadySubscribed; gives the one that is over, if the worker has not noted that yet."""
    live = await live_one(product.id, phone, now)
    if live is not None and not live.is_over:
        raise AlreadySubscribed(subscription_id=live.id, path=("input", "phone"))
    return live


async def _found(public_id: str, now: datetime) -> OrderView:
    order = await load(public_id, now)
    assert order is not None
    return order


@in_transaction
async def confirm_order(ctx: Context, *, order_id: str, code: str) -> OrderView:
    """Enters the code: the price is taken and the subscription registered, both or neither (S-5.3).

    Raises NotFound, WrongCode (counted), CodeExpired, AlreadySubscribed, PriceChanged, InsufficientFunds; after the
    last three the code is still good. A completed order is given again, and nothing is taken.
    """
    now = ctx.clock.now()
    order = await held(order_id, now)
    if order is None or not _may_see(ctx, order):
        raise NotFound(what="order", path=("input", "orderId"))
    if order.status is OrderStatus.COMPLETED:
        return order
    if order.status is not OrderStatus.ACKNOWLEDGED or order.challenge_id is None:
        raise CodeExpired(rule="S-8", path=("input", "code"))
    challenge = await access.use_code(
        challenge_id=order.challenge_id,
        code=code,
        purpose=OtpPurpose.ORDER,
        secrets=ctx.secrets,
        now=now,
        policy=ctx.policy,
    )
    return await _fulfil(ctx, order, f"otp:{challenge.public_id}", now)


async def _fulfil(ctx: Context, order: OrderView, proof: str, now: datetime) -> OrderView:
    await hold_subscriber(order.subscriber_id)
    if over := await _require_free(order.product, order.phone, now):
        await expire(over, now)
    from_month = await paid_months(order.subscriber_id, order.product.id) + 1
    total = order.product.price_of(from_month=from_month, months=order.months)
    if total != order.total:
        raise PriceChanged(total=total)
    await begin_order(order)
    acceptance_id = await _accept_offer(ctx, order, proof, now)
    subscription = await activate(
        product_id=order.product.id,
        subscriber_id=order.subscriber_id,
        account_id=order.account_id,
        phone=order.phone,
        months=order.months,
        now=now,
    )
    # The money last: the account, which other purchases may be waiting for, is locked for the shortest time.
    transfer_id = await charge(order, from_month=from_month, now=now)
    await complete(
        order, subscription_id=subscription.id, transfer_id=transfer_id, acceptance_id=acceptance_id, now=now
    )
    after_commit(partial(ctx.announce, f"order:{order.id}"))
    return await _found(order.public_id, now)


async def _accept_offer(ctx: Context, order: OrderView, proof: str, now: datetime) -> int | None:
    """The code is also the consent to the operator's offer as it is in force (A-3.7, R-1)."""
    edition = await offer.edition_in_force(OFFER, local_day(now))
    if edition is None:
        return None
    return await offer.accept(
        edition=edition,
        subscriber_id=order.subscriber_id,
        phone=order.phone,
        language=ctx.language,
        at=now,
        occasion=f"order:{order.public_id}",
        proof=proof,
    )


def _may_see(ctx: Context, order: OrderView) -> bool:
    """A cabinet order is its subscriber's; any other is known by its unguessable id (S-5.4). Staff see all."""
    if isinstance(ctx.actor, SubscriberActor) and ctx.actor.subscriber_id == order.subscriber_id:
        return True
    return isinstance(ctx.actor, StaffActor) or order.source is not OrderSource.CABINET


async def order(ctx: Context, public_id: str) -> OrderView | None:
    """One order that the caller may see; None otherwise."""
    found = await load(public_id, ctx.clock.now())
    return found if found and _may_see(ctx, found) else None


async def orders(ctx: Context, request: PageRequest) -> Page[OrderView]:
    """The signed-in subscriber's orders, newest first."""
    return await _orders(ctx, the_subscriber(ctx).subscriber_id, request)


async def orders_of(ctx: Context, subscriber_id: int, request: PageRequest) -> Page[OrderView]:
    """A subscriber's orders, for staff."""
    the_staff(ctx)
    return await _orders(ctx, subscriber_id, request)


async def _orders(ctx: Context, subscriber_id: int, request: PageRequest) -> Page[OrderView]:
    return await page(
        f"{order_select()} WHERE r.subscriber_id = $1",
        [subscriber_id],
        request,
        partial(order_view, now=ctx.clock.now()),
        order="r.created_at",
        id_="r.id",
    )


async def lapse_orders(ctx: Context, *, batch: int = 100) -> int:
    """Cancels orders whose code was never entered (S-8), for the worker; gives how many. Safe to run twice."""
    if not isinstance(ctx.actor, SystemActor):
        raise Forbidden
    return await _lapse(ctx, batch)


@in_transaction
async def _lapse(ctx: Context, batch: int) -> int:
    lapsed = await lapse_due(ctx.clock.now(), batch)
    for order_id in lapsed:
        after_commit(partial(ctx.announce, f"order:{order_id}"))
    return len(lapsed)
