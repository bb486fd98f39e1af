"""Paying suppliers: what is moved, what is refused, and that a refusal moves nothing; the operator's list."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.database import execute, fetch, fetch_row, in_transaction
from domain.ledger import InsufficientFunds
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.refusal import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidAmount,
    InvalidInput,
    NotFound,
    Refusal,
    TokenOver,
    Unauthenticated,
)
from domain.supplier import Commission, ReferenceForm, ReferenceKind, SupplierExists, SupplierNotFound, SupplierView
from domain.wallet import NotToppedUpYet, WalletLocked, WalletMissing, WalletNotActive
from resolvers import account as accounts
from resolvers import supplier as suppliers
from resolvers.context import Claimed, Context, Expired, StaffActor, SubscriberActor
from resolvers.paging import PageRequest
from resolvers.supplier import PaymentView
from tests.resolvers.bills import CONTRACT, TERMS, water
from tests.support.world import World

ADMIN, AGENT = StaffActor(1, "admin", "admin"), StaffActor(2, "agent", "agent")
ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def world(db: str) -> World:
    return World()


async def pay(ctx: Context, som: int | str | Decimal = 10_000, key: str = "k", **given: str) -> PaymentView:
    asked = {"supplier": "water", "reference": CONTRACT} | given
    return await suppliers.pay(ctx, amount=Decimal(som), key=key, **asked)


async def received(supplier: SupplierView) -> Money:
    row = await fetch_row(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS total FROM ledger_entry WHERE account_id = $1",
        supplier.ledger_account_id,
    )
    assert row is not None
    return Money(row["total"])


# Paying


@pytest.mark.rule("W-4.4.4")
@pytest.mark.rule("W-4.4.7")
async def test_a_payment_carries_out_two_instructions(world: World) -> None:
    holder, supplier = await world.holder(100_000), await water(world)
    ctx = await world.signed_in(holder)

    paid = await pay(ctx, 50_000)

    assert (paid.amount, paid.commission, paid.wallet.balance) == (Money.som(50_000), Money.som(550), Money.som(49_450))
    assert await received(supplier) == Money.som(50_000)
    legs = await fetch("SELECT kind, amount FROM ledger_entry WHERE transfer_id = $1 ORDER BY id", paid.id)
    assert [(leg["kind"], leg["amount"] // 100) for leg in legs] == [
        ("payment", -50_000),
        ("payment", 50_000),
        ("commission", -550),
        ("commission", 550),
    ]
    assert [fault async for fault in check_ledger()] == []
    assert world.announced == [f"wallet:{holder.wallet_id}"]


@pytest.mark.rule("W-2.19")
async def test_its_receipt_says_who_paid_whom_for_which_contract_and_what_was_taken(world: World) -> None:
    holder, _ = await world.holder(100_000), await water(world)
    ctx = await world.signed_in(holder)

    paid = await pay(ctx, 50_000)
    [again] = await accounts.receipts(ctx, [paid.id])

    receipt = paid.receipt
    assert receipt == again
    assert (receipt.amount, receipt.commission, receipt.total) == tuple(map(Money.som, (50_000, 550, 50_550)))
    assert receipt.recipient == f'"Suv" MChJ 301234567 {CONTRACT}'
    assert receipt.payer.startswith(holder.wallet_number)
    assert holder.phone not in paid.memo
    assert receipt.purpose == "payment"


async def test_where_nothing_is_taken_there_is_one_instruction(world: World) -> None:
    ctx, _ = await world.signed_in(await world.holder(100_000)), await water(world, commission=Commission())

    paid = await pay(ctx, "0.01")

    assert paid.commission == Money(0)
    assert len(await fetch("SELECT 1 FROM ledger_entry WHERE transfer_id = $1", paid.id)) == 2


@pytest.mark.rule("W-4.4.4")
async def test_the_last_tiyin_can_be_paid_but_not_one_more(world: World) -> None:
    ctx, _ = await world.signed_in(await world.holder(10_200)), await water(world)

    with pytest.raises(InsufficientFunds) as refused:
        await pay(ctx, "10000.01", key="one")
    paid = await pay(ctx, 10_000, key="two")

    assert (refused.value.available, refused.value.needed) == (Money.som(10_200), Money.som("10200.01"))
    assert refused.value.rule == "W-4.4.4"
    assert paid.wallet.balance == Money(0)


async def test_a_reference_is_taken_as_people_write_it(world: World) -> None:
    ctx, _ = await world.signed_in(await world.holder(100_000)), await water(world)

    first = await pay(ctx, reference=" 1234-56 78 ")
    again = await pay(ctx, reference=CONTRACT)

    assert again.id == first.id


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"som": 0}, InvalidAmount),
        ({"som": -1}, InvalidAmount),
        ({"som": "0.001"}, InvalidAmount),
        ({"som": "NaN"}, InvalidAmount),
        ({"som": "1e999999"}, InvalidAmount),
        ({"supplier": "gas"}, SupplierNotFound),
        ({"supplier": "WATER"}, SupplierNotFound),
        ({"supplier": "closed"}, SupplierNotFound),
        ({"supplier": "wa\x00ter"}, SupplierNotFound),
        ({"supplier": ""}, SupplierNotFound),
        ({"reference": "12345"}, InvalidInput),
        ({"reference": "12345678901"}, InvalidInput),
        ({"reference": "1234567A"}, InvalidInput),
        ({"reference": '123456"'}, InvalidInput),
        ({"reference": "1" * 10_000}, InvalidInput),
        ({"key": ""}, InvalidInput),
        ({"key": "k" * 101}, InvalidInput),
        ({"som": 100_000}, InsufficientFunds),
    ],
)
async def test_a_refused_payment_moves_nothing(world: World, given: dict[str, Any], refusal: type[Refusal]) -> None:
    ctx, _ = await world.signed_in(await world.holder(100_000)), await water(world)
    await water(world, code="closed", on_sale=False)
    before = await world.everything("ledger_account", "ledger_transfer", "ledger_entry", "idempotency")

    with pytest.raises(refusal):
        await pay(ctx, **given)

    assert await world.everything("ledger_account", "ledger_transfer", "ledger_entry", "idempotency") == before
    assert world.announced == []


@pytest.mark.rule("W-2.15")
@pytest.mark.rule("W-4.1.2")
@pytest.mark.rule("W-5.2.1")
async def test_only_an_unlocked_active_wallet_that_was_topped_up_pays(world: World) -> None:
    await water(world)
    states = {
        WalletMissing: await world.signed_in(await world.person()),
        WalletLocked: await world.signed_in(await world.holder(100_000), unlocked=False),
        WalletNotActive: await world.signed_in(await world.holder(100_000, status="blocked")),
        NotToppedUpYet: await world.signed_in(await world.holder()),
    }

    for refusal, ctx in states.items():
        with pytest.raises(refusal):
            await pay(ctx)

    assert await fetch_row("SELECT COUNT(*) AS n FROM ledger_transfer WHERE kind = 'payment'") == {"n": 0}


async def test_who_is_not_signed_in_pays_nothing(world: World) -> None:
    holder, _ = await world.holder(100_000), await water(world)
    ctx = await world.signed_in(holder)
    actor = ctx.actor
    assert isinstance(actor, SubscriberActor)
    await execute("UPDATE session SET ended_at = 1 WHERE id = $1", actor.session_id)
    over = world.context(Claimed(actor.subscriber_id, actor.session_id))

    with pytest.raises(Unauthenticated):
        await pay(world.context())
    with pytest.raises(TokenOver):
        await pay(over)

    assert isinstance(over.actor, Expired)
    assert await world.total() == Money.som(100_000)


async def test_a_claimed_session_pays_in_the_one_call(world: World) -> None:
    holder, _ = await world.holder(100_000), await water(world)
    actor = (await world.signed_in(holder)).actor
    assert isinstance(actor, SubscriberActor)
    claimed = world.context(Claimed(actor.subscriber_id, actor.session_id))

    await pay(claimed)

    assert claimed.actor == actor


async def test_the_same_key_pays_once_and_stands_for_one_body(world: World) -> None:
    ctx, supplier = await world.signed_in(await world.holder(100_000)), await water(world)

    first = await pay(ctx)
    world.clock.move(timedelta(hours=1))  # the wallet is locked again: a replay is answered all the same
    again = await pay(ctx)
    with pytest.raises(IdempotencyKeyReused):
        await pay(ctx, 10_001)

    assert replace(again, memo=first.memo) == first
    assert await received(supplier) == Money.som(10_000)


async def test_new_terms_hold_from_the_next_payment_and_change_no_replay(world: World) -> None:
    ctx, supplier = await world.signed_in(await world.holder(100_000)), await water(world)
    first = await pay(ctx, key="one")

    dearer = replace(supplier.terms, commission=Commission(fixed=Money.som(900)))
    await suppliers.edit_supplier(world.context(ADMIN), code="water", terms=dearer)

    assert (await pay(ctx, key="one")).commission == first.commission == Money.som(200)
    assert (await pay(ctx, key="two")).commission == Money.som(900)


# At once


@ON_POSTGRES
@pytest.mark.slow
async def test_a_thousand_payments_to_one_supplier_lose_nothing(world: World) -> None:
    supplier = await water(world)
    holders = [await world.signed_in(await world.holder(1_000_000)) for _ in range(100)]

    async def ten(ctx: Context) -> None:
        await asyncio.gather(*(pay(ctx, 1_000, key=str(n)) for n in range(10)))

    await asyncio.gather(*map(ten, holders))

    assert await received(supplier) == Money.som(1_000_000)
    assert await world.total() == Money.som(100_000_000 - 1_000_000 - 1_000 * 200)
    assert [fault async for fault in check_ledger()] == []


@ON_POSTGRES
async def test_who_pays_a_supplier_waits_for_nobody_else_who_does(world: World) -> None:
    supplier = await water(world)
    one, other = [await world.signed_in(await world.holder(100_000)) for _ in range(2)]
    written, done = asyncio.Event(), asyncio.Event()

    @in_transaction
    async def pay_and_stay_open() -> None:
        await pay(one)
        written.set()
        await done.wait()

    staying = asyncio.ensure_future(pay_and_stay_open())
    await written.wait()
    async with asyncio.timeout(20):  # were there a row that both write, this would wait for ever
        paid = await pay(other)
    seen_meanwhile, waiting = await received(supplier), await fetch("SELECT 1 FROM pg_locks WHERE NOT granted")
    done.set()
    await staying

    assert paid.wallet.balance == Money.som(89_800)
    assert (seen_meanwhile, waiting) == (Money.som(10_000), [])
    assert await received(supplier) == Money.som(20_000)


async def test_fifty_payments_at_once_never_spend_more_than_there_is(world: World) -> None:
    holder, supplier = await world.holder(10_200 * 3), await water(world)
    ctx = await world.signed_in(holder)

    told = await asyncio.gather(*(pay(ctx, key=str(n)) for n in range(50)), return_exceptions=True)

    assert sum(isinstance(one, PaymentView) for one in told) == 3
    assert sum(isinstance(one, InsufficientFunds) for one in told) == 47
    assert await received(supplier) == Money.som(30_000)
    assert await world.total() == Money(0)


async def test_the_same_call_ten_times_at_once_pays_once(world: World) -> None:
    ctx, supplier = await world.signed_in(await world.holder(100_000)), await water(world)

    told = await asyncio.gather(*(pay(ctx) for _ in range(10)))

    assert len({one.id for one in told}) == 1
    assert await received(supplier) == Money.som(10_000)


# Looking before paying


@pytest.mark.rule("W-4.4.5")
async def test_a_preview_tells_what_paying_will_cost(world: World) -> None:
    ctx, _ = await world.signed_in(await world.holder(100_000)), await water(world)

    shown = await suppliers.payment_preview(ctx, supplier="water", reference="1234 5678", amount=Decimal(50_000))
    paid = await pay(ctx, 50_000)

    assert (shown.commission, shown.total) == (paid.commission, paid.receipt.total)
    assert shown.reference == CONTRACT
    assert shown.supplier.terms.legal_name == TERMS.legal_name


@pytest.mark.parametrize(
    ("given", "refusal", "path"),
    [
        ({"supplier": "gas"}, SupplierNotFound, ("supplier",)),
        ({"reference": "12"}, InvalidInput, ("reference",)),
        ({"reference": "§"}, InvalidInput, ("reference",)),
        ({"amount": Decimal(0)}, InvalidAmount, ("amount",)),
    ],
)
async def test_a_preview_refuses_what_paying_would(
    world: World, given: dict[str, Any], refusal: type[Refusal], path: tuple[str, ...]
) -> None:
    ctx, _ = await world.signed_in(await world.holder(100_000)), await water(world)
    asked: dict[str, Any] = {"supplier": "water", "reference": CONTRACT, "amount": Decimal(10)} | given

    with pytest.raises(refusal) as refused:
        await suppliers.payment_preview(ctx, **asked)

    assert refused.value.path == path


async def test_suppliers_are_found_by_any_of_their_names(world: World) -> None:
    await water(world)
    await water(world, code="gas", name={"uz": "Gaz_taʼminoti"})
    await water(world, code="closed", on_sale=False)
    ctx = world.context()

    found = {
        text: [one.code for one in (await suppliers.suppliers(ctx, PageRequest(), text)).items]
        for text in ("", "  ", "ВОДО", "таъм", "taminoti", "301234567", "%", "_", "gas", "\x00", "nothing")
    }

    assert found.pop("_") == ["gas"]
    assert found.pop("gas") == ["gas"]
    assert found.pop("ВОДО") == ["water"]
    assert found.pop("%") == found.pop("nothing") == []
    assert all(codes == ["water", "gas"] for codes in found.values())


# The operator's list


async def test_an_admin_enters_and_changes_suppliers_and_the_trail_tells(world: World) -> None:
    admin = world.context(ADMIN)

    supplier_id = await suppliers.enter_supplier(admin, code="water", terms=TERMS)
    await suppliers.edit_supplier(admin, code="water", terms=replace(TERMS, stir="309999999", on_sale=False))

    found = await suppliers.supplier(admin, "water")
    assert found is not None
    assert (found.id, found.terms.stir, found.terms.on_sale) == (supplier_id, "309999999", False)
    trail = await fetch("SELECT action, subject, facts FROM audit_event ORDER BY id")
    assert [(line["action"], line["subject"]) for line in trail] == [
        ("supplier.add", f"supplier:{supplier_id}"),
        ("supplier.change", f"supplier:{supplier_id}"),
    ]
    assert trail[1]["facts"] == '{"on_sale": [true, false], "stir": ["301234567", "309999999"]}'


@pytest.mark.parametrize("actor", [AGENT, replace(AGENT, role="viewer"), SubscriberActor(1, 1, "+998901234567")])
async def test_nobody_else_may(world: World, actor: Any) -> None:
    ctx = world.context(actor)
    await water(world)
    before = await world.everything("supplier", "ledger_account", "audit_event")

    with pytest.raises(Forbidden):
        await suppliers.enter_supplier(ctx, code="gas", terms=TERMS)
    with pytest.raises(Forbidden):
        await suppliers.edit_supplier(ctx, code="water", terms=replace(TERMS, on_sale=False))

    assert await world.everything("supplier", "ledger_account", "audit_event") == before


async def test_what_cannot_be_is_not_entered(world: World) -> None:
    admin = world.context(ADMIN)
    await water(world)
    before = await world.everything("supplier", "ledger_account", "audit_event")

    with pytest.raises(SupplierExists):
        await suppliers.enter_supplier(admin, code="water", terms=TERMS)
    with pytest.raises(NotFound):
        await suppliers.edit_supplier(admin, code="gas", terms=TERMS)
    with pytest.raises(NotFound):
        await suppliers.enter_supplier(admin, code="gas", terms=replace(TERMS, partner_id=99))
    wrong = replace(TERMS, reference=ReferenceForm(ReferenceKind.DIGITS, 9, 3))
    with pytest.raises(InvalidInput):
        await suppliers.edit_supplier(admin, code="water", terms=wrong)

    assert await world.everything("supplier", "ledger_account", "audit_event") == before


async def test_a_suppliers_totals_are_added_up_from_the_ledger(world: World) -> None:
    ctx, supplier = await world.signed_in(await world.holder(100_000)), await water(world)
    await pay(ctx, key="one")
    await pay(ctx, 500, key="two")

    told = await suppliers.totals(world.context(AGENT), supplier)

    assert told == (2, Money.som(10_500))
