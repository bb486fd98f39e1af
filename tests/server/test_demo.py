"""Demo data: the subscribers that tutorials and other people's apps count on, loaded any number of times."""

import pytest

from domain.clock import from_micros
from domain.database import fetch, fetch_row
from domain.ledger_check import check_ledger
from resolvers.approval import approve
from resolvers.context import Context, StaffActor
from server import demo, demo_suppliers
from server.demo import load_demo
from server.demo_bulk import load_bulk
from server.demo_people import DEMO_SUBSCRIBERS
from server.demo_suppliers import SUPPLIERS
from server.settings import Settings
from server.surroundings import system_context


@pytest.fixture
async def ctx(db: str) -> Context:
    made = system_context(Settings())
    await load_demo(made)
    return made


async def rows_in_all_tables() -> dict[str, int]:
    tables = (
        "subscriber",
        "subscriber_number",
        "wallet",
        "ledger_transfer",
        "product_order",
        "tariff",
        "offer_edition",
        "supplier",
        "favourite",
        "scheduled_payment",
        "wallet_event",
        "wallet_block",
        "hold",
        "partner",
        "approval",
    )
    counts = ", ".join(f"(SELECT COUNT(*) FROM {table}) AS {table}" for table in tables)
    row = await fetch_row(f"SELECT {counts}")
    assert row is not None
    return {table: row[table] for table in tables}


async def count(sql: str) -> int:
    row = await fetch_row(sql)
    assert row is not None
    return int(row["n"])


async def faults() -> list[str]:
    return [str(fault) async for fault in check_ledger()]


def tell(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


@pytest.mark.parametrize(
    ("phone", "born", "account", "wallet"),
    [
        ("+998901234567", "1990-05-17", 500_000, ("light", 300_000)),
        ("+998931112233", "2001-11-30", 4_000, None),
        ("+998977654321", None, 120_000, ("premium", 5_000_000)),
        ("+998952223344", None, 60_000, None),
    ],
)
async def test_each_subscriber_has_what_was_promised(
    ctx: Context, phone: str, born: str | None, account: int, wallet: tuple[str, int] | None
) -> None:
    row = await fetch_row(
        """SELECT s.kind, s.birth_date, l.balance, w.level, wl.balance AS wallet_balance
           FROM subscriber_number n
           JOIN subscriber s ON s.id = n.subscriber_id
           JOIN personal_account a ON a.id = n.account_id
           JOIN ledger_account l ON l.id = a.ledger_account_id
           LEFT JOIN wallet w ON w.phone = n.phone
           LEFT JOIN ledger_account wl ON wl.id = w.ledger_account_id
           WHERE n.phone = $1""",
        phone,
    )

    assert row is not None
    assert row["kind"] == "private"
    assert born in (None, row["birth_date"])
    assert row["balance"] == account * 100
    found = (str(row["level"]), int(row["wallet_balance"]) // 100) if row["level"] else None
    assert found == wallet


async def test_the_organisation_has_five_numbers_on_one_postpaid_account(ctx: Context) -> None:
    rows = await fetch(
        """SELECT n.phone, s.kind, a.id, a.billing, l.floor FROM subscriber_number n
           JOIN subscriber s ON s.id = n.subscriber_id
           JOIN personal_account a ON a.id = n.account_id
           JOIN ledger_account l ON l.id = a.ledger_account_id
           WHERE n.phone LIKE '+9989950000%' ORDER BY n.phone"""
    )

    assert [row["phone"] for row in rows] == [f"+99899500000{n}" for n in range(1, 6)]
    assert {(row["kind"], row["id"], row["billing"], row["floor"]) for row in rows} == {
        ("organisation", rows[0]["id"], "postpaid", None)
    }


async def test_the_tourist_is_on_the_tariff_for_guests(ctx: Context) -> None:
    row = await fetch_row(
        """SELECT t.code FROM subscriber_number n JOIN tariff t ON t.id = n.tariff_id
           WHERE n.phone = '+998952223344'"""
    )

    assert row is not None
    assert row["code"] == "welcome"


async def test_the_story_has_an_order_under_way_and_a_subscription_in_its_sixth_month(ctx: Context) -> None:
    orders = await fetch("SELECT phone, status FROM product_order ORDER BY phone")
    subscription = await fetch_row("SELECT phone, status, months FROM product_subscription")

    assert [(row["phone"], row["status"]) for row in orders] == [
        ("+998912345670", "acknowledged"),
        ("+998946667788", "completed"),
    ]
    assert subscription is not None
    assert (subscription["phone"], subscription["status"], subscription["months"]) == ("+998946667788", "active", 6)


async def test_the_demos_money_is_sound(ctx: Context) -> None:
    assert await faults() == []


async def test_loading_twice_changes_nothing(ctx: Context) -> None:
    before = await rows_in_all_tables()

    await load_demo(ctx)

    assert await rows_in_all_tables() == before
    assert before["subscriber"] == len(DEMO_SUBSCRIBERS)


async def test_many_subscribers_come_with_a_sound_ledger(ctx: Context) -> None:
    await load_bulk(ctx, 60, tell)

    bulk = await fetch_row(
        """SELECT COUNT(*) AS numbers, COUNT(DISTINCT n.phone) AS phones, COUNT(w.id) AS wallets
           FROM subscriber_number n LEFT JOIN wallet w ON w.phone = n.phone WHERE n.phone LIKE '+99888%'"""
    )
    assert bulk is not None
    assert (bulk["numbers"], bulk["phones"], bulk["wallets"]) == (60, 60, 20)
    assert await faults() == []


async def test_many_subscribers_are_topped_up_to_the_number_asked_for(ctx: Context) -> None:
    await load_bulk(ctx, 10, tell)
    names = await fetch("SELECT id, search_name FROM subscriber ORDER BY id")

    await load_bulk(ctx, 25, tell)
    await load_bulk(ctx, 25, tell)

    assert await count("SELECT COUNT(*) AS n FROM subscriber_number WHERE phone LIKE '+99888%'") == 25
    assert (await fetch("SELECT id, search_name FROM subscriber ORDER BY id"))[: len(names)] == names
    assert await faults() == []


async def test_life_goes_on_after_many_were_written_by_hand(ctx: Context) -> None:
    """Ids that were given by hand do not stand in the way of the next ones."""
    from tests.support.world import World

    await load_bulk(ctx, 10, tell)
    world = World()

    holder = await world.holder(1_000)

    assert holder.id > 10
    assert await faults() == []


async def test_a_proposal_waits_for_the_admin_and_can_be_approved(ctx: Context) -> None:
    admin = await fetch_row("SELECT id FROM staff WHERE role = 'admin'")
    assert admin is not None

    approved = await approve(ctx.acting_as(StaffActor(admin["id"], "admin", "admin")), proposal_id=1)

    assert approved.result["after"] - approved.result["before"] == 1_250_000
    assert await faults() == []


async def test_there_are_suppliers_to_pay_and_one_is_paid_every_month(ctx: Context) -> None:
    suppliers = await fetch("SELECT code FROM supplier WHERE on_sale ORDER BY id")
    scheduled = await fetch("SELECT repeat, status, due_at FROM scheduled_payment")

    assert [row["code"] for row in suppliers] == ["electricity", "internet", "school", "furniture"]
    assert [(row["repeat"], row["status"]) for row in scheduled] == [("monthly", "active")]
    assert from_micros(scheduled[0]["due_at"]) > ctx.clock.now()
    assert await count("SELECT COUNT(*) AS n FROM favourite") == 1


@pytest.mark.parametrize("phone", ["+998901234567", "+998931112233", "+998977654321", "+998952223344"])
async def test_nothing_is_frozen_or_reserved_of_those_whom_apps_count_on(ctx: Context, phone: str) -> None:
    blocked = await fetch("SELECT 1 FROM wallet WHERE phone = $1 AND status <> 'active'", phone)
    held = await fetch("SELECT 1 FROM hold h JOIN wallet w ON w.id = h.wallet_id WHERE w.phone = $1", phone)

    assert (blocked, held) == ([], [])


async def test_one_wallet_is_frozen_by_a_loss_and_one_has_a_reservation(ctx: Context) -> None:
    frozen = await fetch("SELECT w.phone, b.cause FROM wallet w JOIN wallet_block b ON b.wallet_id = w.id")
    reserved = await fetch(
        """SELECT w.phone, h.status, a.held, a.balance FROM hold h JOIN wallet w ON w.id = h.wallet_id
           JOIN ledger_account a ON a.id = w.ledger_account_id"""
    )

    assert frozen == [{"phone": "+998505556677", "cause": "number_lost"}]
    assert reserved == [
        {"phone": "+998912345670", "status": "authorized", "held": 35_000_000, "balance": 205_000_000},
    ]


async def test_every_wallet_has_a_history_and_premium_has_a_document(ctx: Context) -> None:
    steps = await fetch("SELECT w.level, e.step FROM wallet w JOIN wallet_event e ON e.wallet_id = w.id ORDER BY e.id")

    assert [row["step"] for row in steps if row["level"] == "premium"] == ["opened", "identified"]
    assert [row["step"] for row in steps if row["level"] == "light"] == ["opened", "opened", "opened", "loss_reported"]


async def test_a_demo_of_an_earlier_version_gets_what_is_new(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = system_context(Settings())
    with monkeypatch.context() as earlier:
        earlier.setattr(demo, "DEMO_SUBSCRIBERS", DEMO_SUBSCRIBERS[:-1])
        earlier.setattr(demo_suppliers, "SUPPLIERS", {code: SUPPLIERS[code] for code in ("internet", "school")})
        earlier.setattr(demo, "load_hold", _nothing)
        await load_demo(ctx)
    before = await rows_in_all_tables()

    await load_demo(ctx)

    after = await rows_in_all_tables()
    new = {table: after[table] - before[table] for table in after if after[table] != before[table]}
    assert new == {
        "subscriber": 1,
        "subscriber_number": 1,
        "wallet": 1,
        "ledger_transfer": 2,
        "supplier": 3,
        "wallet_event": 2,
        "wallet_block": 1,
        "hold": 1,
    }
    assert await faults() == []


async def _nothing(*_: object) -> None:
    """What an earlier version did not have."""
