"""Demo data: a small operator whose subscribers each tell a part of the story. Loading it twice is as good as once.

The figures are the specification's, the people are made up. Nothing here reaches into tables past the domain's own
operations, so that the demo's money is as true as any.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from typing import Final

from domain import offer
from domain.account import Billing, open_personal_account, top_up
from domain.clock import SetClock, local_day, to_micros
from domain.database import execute, fetch_row, in_transaction
from domain.ledger import open_account
from domain.money import Money
from domain.number import connect_number
from domain.product import check_steps
from domain.staff import UsernameTaken
from domain.subscriber import SubscriberKind, register
from domain.tariff import seed_tariff
from domain.wallet import hash_pin, hold_wallets, new_wallet_number
from domain.wallet import top_up as top_up_wallet
from domain.wallet.life import Step, note_step
from resolvers import order as orders
from resolvers.approval import propose_adjustment
from resolvers.context import Anonymous, Context, StaffActor
from resolvers.offer import import_offer
from resolvers.partner import add_partner
from resolvers.staff import add_staff
from resolvers.tariff import import_price_list
from resolvers.wallet import report_loss
from server.demo_catalogue import CINEMA_DESCRIPTION, CINEMA_NAME, CINEMA_STEPS, TARIFFS
from server.demo_identity import identified
from server.demo_payments import pay_in
from server.demo_people import DEMO_SUBSCRIBERS, DemoSubscriber, DemoWallet
from server.demo_suppliers import load_habits, load_hold, load_suppliers

STAFF_USERNAME: Final = "admin"
AGENT_USERNAME: Final = "agent"
STAFF_PASSWORD: Final = "kabinet-demo-admin"  # noqa: S105  # demo data is refused in production
PIN: Final = "2580"
PAYS_MONTHLY: Final = "+998977654321"
ORDERS: Final = "+998912345670"
RESERVES: Final = ORDERS

Tell = Callable[[str], None]


async def load_demo(ctx: Context, tell: Tell = lambda _: None) -> None:
    """Loads whatever of the demo data is missing, whichever version brought the rest. The actor is the system."""
    now = ctx.clock.now()
    missing = [person for person in DEMO_SUBSCRIBERS if not await _is_there(person)]
    if missing:
        tell("catalogue")
        await _catalogue(ctx, now)
        tell("offers")
        await _offers(ctx)
        await _staff(ctx)
        pin_hash = await hash_pin(PIN)
        for person in missing:
            tell(person.phone)
            await _subscriber(ctx, person, pin_hash, now - timedelta(days=10))
    await load_suppliers(ctx, now)
    await load_habits(PAYS_MONTHLY, now)
    await _order_under_way(ctx)
    await _proposal(ctx)
    await load_hold(RESERVES, now)


async def _is_there(person: DemoSubscriber) -> bool:
    return await fetch_row("SELECT 1 FROM subscriber_number WHERE phone = $1", person.phones[0]) is not None


async def _catalogue(ctx: Context, now: datetime) -> None:
    for tariff in TARIFFS:
        await seed_tariff(tariff)
    with as_file(files("domain.tariff") / "data") as folder:
        await import_price_list(ctx, folder / "price-list-2022-05-19.csv")
    if await fetch_row("SELECT 1 FROM partner WHERE code = 'cinema'") is None:
        await add_partner(ctx, code="cinema", name="Kino Olami", scopes=["catalogue:read", "subscription:read"])
    await _cinema(now)


@in_transaction
async def _cinema(now: datetime) -> None:
    check_steps(CINEMA_STEPS)
    if await fetch_row("SELECT 1 FROM product WHERE code = 'cinema'"):
        return
    row = await fetch_row(
        """INSERT INTO product (code, name, description, partner_id, on_sale, zero_rated, old_price, position)
           SELECT 'cinema', $1, $2, id, TRUE, TRUE, 2500000, 1 FROM partner WHERE code = 'cinema' RETURNING id""",
        CINEMA_NAME,
        CINEMA_DESCRIPTION,
    )
    assert row is not None
    for step in CINEMA_STEPS:
        await execute(
            "INSERT INTO product_price_step (product_id, from_month, to_month, price) VALUES ($1, $2, $3, $4)",
            row["id"],
            step.from_month,
            step.to_month,
            step.price.tiyin,
        )


async def _offers(ctx: Context) -> None:
    with as_file(files("domain") / "offer_texts") as folder:
        sources = sorted(folder.glob("*.md"))
        for name in sorted({path.name.rsplit(".", 2)[0] for path in sources}):
            await import_offer(ctx, [path for path in sources if path.name.rsplit(".", 2)[0] == name])


async def _staff(ctx: Context) -> None:
    for username, name, role in ((STAFF_USERNAME, "Demo Admin", "admin"), (AGENT_USERNAME, "Demo Agent", "agent")):
        with suppress(UsernameTaken):
            await add_staff(ctx, username=username, name=name, role=role, password=STAFF_PASSWORD)


@in_transaction
async def _subscriber(ctx: Context, person: DemoSubscriber, pin_hash: str, at: datetime) -> None:
    kind = SubscriberKind.ORGANISATION if person.organisation else SubscriberKind.PRIVATE
    subscriber = await register(
        kind=kind,
        created_at=at,
        last_name=person.last_name,
        first_name=person.first_name,
        patronymic=person.patronymic,
        organisation_name=person.organisation,
        birth_date=person.birth_date,
        language=person.language,
    )
    billing = Billing.POSTPAID if person.som is None else Billing.PREPAID
    account, ledger = await open_personal_account(subscriber, billing=billing, opened_at=at)
    if person.som:
        spent = sum(step.price.tiyin for step in CINEMA_STEPS[:1]) * person.paid_months
        later = person.paid_by[1] if person.paid_by else 0
        await top_up(ledger, Money.som(person.som - later) + Money(spent), at=at, memo={"way": "cash agent"})
    tariff = await fetch_row("SELECT id FROM tariff WHERE code = $1", person.tariff)
    assert tariff is not None
    for phone in person.phones:
        await connect_number(
            phone, subscriber_id=subscriber, account_id=account, activated_at=at, tariff_id=tariff["id"]
        )
    if person.paid_by:
        way, som = person.paid_by
        await pay_in(ctx, way=way, phone=person.phones[0], amount=Money.som(som), at=at + timedelta(days=2))
    if person.wallet:
        await execute("UPDATE subscriber SET pin_hash = $1 WHERE id = $2", pin_hash, subscriber)
        await _wallet(ctx, person, person.wallet, subscriber, at)
    if person.paid_months:
        await _months_paid(ctx, person, subscriber, account)


async def _wallet(ctx: Context, person: DemoSubscriber, wallet: DemoWallet, subscriber: int, at: datetime) -> None:
    edition = await offer.edition_in_force("wallet", local_day(at + timedelta(days=10)))
    assert edition is not None
    assert person.birth_date is not None
    acceptance = await offer.accept(
        edition=edition,
        subscriber_id=subscriber,
        phone=person.phones[0],
        language=person.language,
        at=at,
        occasion="wallet opening",
        proof="demo",
    )
    row = await fetch_row(
        """INSERT INTO wallet (number, subscriber_id, phone, ledger_account_id, level, status, birth_date, opened_at,
                               acceptance_id)
           VALUES ($1, $2, $3, $4, 'light', 'active', $5, $6, $7) RETURNING id, number""",
        new_wallet_number(),
        subscriber,
        person.phones[0],
        await open_account("wallet"),
        person.birth_date.isoformat(),
        to_micros(at),
        acceptance,
    )
    assert row is not None
    await note_step(Step.OPENED, row["id"], by=ctx.actor.label, at=at)
    if wallet.level == "premium":
        await identified(await _agent(ctx, at), person, wallet_id=row["id"], number=row["number"])
    held = await hold_wallets([row["id"]])
    await top_up_wallet(held[row["id"]], Money.som(wallet.som), at=at, memo={"way": "bank card"})
    if person.is_lost:
        reason = "The holder called: the phone was stolen."
        await report_loss(await _agent(ctx, at + timedelta(days=7)), wallet_id=row["id"], reason=reason)


async def _months_paid(ctx: Context, person: DemoSubscriber, subscriber: int, account: int) -> None:
    """A subscription whose months were paid one run long ago, ending in about a week."""
    from domain import order as ordering
    from domain.order import OrderKind, OrderSource
    from domain.subscription import activate

    now = ctx.clock.now()
    began = now - timedelta(days=30 * person.paid_months - 8)
    product = await fetch_row("SELECT id FROM product WHERE code = 'cinema'")
    assert product is not None
    public_id = await ordering.place(
        product_id=product["id"],
        subscriber_id=subscriber,
        account_id=account,
        phone=person.phones[0],
        months=person.paid_months,
        total=CINEMA_STEPS[0].price * person.paid_months,
        kind=OrderKind.FIRST,
        source=OrderSource.STAFF,
        challenge_id=None,
        now=began,
    )
    placed = await ordering.load(public_id, began)
    assert placed is not None
    subscription = await activate(
        product_id=product["id"],
        subscriber_id=subscriber,
        account_id=account,
        phone=person.phones[0],
        months=person.paid_months,
        now=began,
    )
    transfer = await ordering.charge(placed, from_month=1, now=now - timedelta(days=9))
    await ordering.complete(placed, subscription_id=subscription.id, transfer_id=transfer, now=began)


async def _order_under_way(ctx: Context) -> None:
    """An order that waits for its code, placed from the web site; once, whatever became of it."""
    if await fetch_row("SELECT 1 FROM product_order WHERE phone = $1", ORDERS):
        return
    account = await fetch_row(
        """SELECT a.number FROM subscriber_number n JOIN personal_account a ON a.id = n.account_id
           WHERE n.phone = $1""",
        ORDERS,
    )
    assert account is not None
    visitor = replace(ctx, actor=Anonymous(), clock=SetClock(ctx.clock.now()), address="")
    await orders.order_subscription(
        visitor, product="cinema", months=1, phone=ORDERS, account=account["number"], key="demo-order-under-way"
    )


async def _proposal(ctx: Context) -> None:
    """An adjustment that the agent has proposed, for the admin to decide on; once, whatever became of it."""
    wallet = await fetch_row("SELECT id FROM wallet WHERE phone = '+998901234567' AND status = 'active'")
    if wallet is None or await fetch_row("SELECT 1 FROM approval"):
        return
    await propose_adjustment(
        await _agent(ctx, ctx.clock.now()),
        subject=f"wallet:{wallet['id']}",
        amount=Money.som(12_500),
        code="not_credited",
        reason="A cash agent took the money, its terminal was off line; the day's list has it.",
        key="demo-proposal",
    )


async def _agent(ctx: Context, at: datetime) -> Context:
    """The demo's agent, at work at this time."""
    agent = await fetch_row("SELECT id FROM staff WHERE username = $1", AGENT_USERNAME)
    assert agent is not None
    return replace(ctx, actor=StaffActor(agent["id"], AGENT_USERNAME, "agent"), clock=SetClock(at))
