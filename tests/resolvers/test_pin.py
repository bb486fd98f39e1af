"""The holder's PIN: another one, a forgotten one, a new one by the birth date; and what guessing comes to."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.clock import to_micros
from domain.database import execute, fetch, fetch_row
from domain.refusal import Forbidden, InvalidInput, NotFound, Unauthenticated
from domain.wallet import (
    BirthDateLocked,
    NotTheWalletsNumber,
    PinLocked,
    WalletLocked,
    WalletMissing,
    WalletNotActive,
    WalletStatus,
    WrongBirthDate,
    WrongPin,
)
from domain.wallet.life import Step
from resolvers import wallet
from resolvers.context import Context
from tests.support.world import PIN, Person, World

BIRTH = date(1990, 5, 17)
OTHER = date(1990, 5, 18)
NEW = "135790"
TABLES = ("subscriber", "session", "wallet", "wallet_block", "wallet_event", "audit_event", "ledger_entry")
NOT_A_PIN = ["", "123", "1234567", "12a4", "١٢٣٤", " 1234", "12 34", "-123", "1234\n"]


@pytest.fixture
def world(db: str) -> World:
    return World()


async def refused(world: World, refusal: type[Exception], work: Awaitable[object]) -> Any:
    """The work is refused and nothing has changed; gives the refusal."""
    before = await world.everything(*TABLES)
    with pytest.raises(refusal) as told:
        await work
    assert await world.everything(*TABLES) == before
    return told.value


async def opens(ctx: Context, pin: str) -> bool:
    """Whether that PIN unlocks the wallet."""
    try:
        await wallet.unlock_wallet(ctx, pin=pin)
    except WrongPin:
        return False
    return True


async def send(ctx: Context, to: Person, key: str = "k") -> None:
    await wallet.transfer(ctx, to=to.phone, amount=Decimal(1), key=key)


async def status(person: Person) -> str:
    row = await fetch_row("SELECT status FROM wallet WHERE id = $1", person.wallet_id)
    assert row is not None
    return str(row["status"])


async def another_wallet(world: World, holder: Person, birth_date: date = BIRTH) -> Person:
    """A second number of the holder's, with a wallet of its own."""
    return await world.opened(await another_number(world, holder), birth_date=birth_date)


async def another_number(world: World, holder: Person) -> Person:
    """A second number of the holder's."""
    phone = f"+99891{holder.id:07d}"
    await execute(
        """INSERT INTO subscriber_number (phone, subscriber_id, account_id, status, activated_at)
           VALUES ($1, $2, $3, 'active', 0)""",
        phone,
        holder.id,
        holder.account_id,
    )
    return replace(holder, phone=phone)


# Another PIN


@pytest.mark.rule("W-2.15")
async def test_who_knows_the_pin_makes_another_and_every_session_is_locked(world: World) -> None:
    holder, bob = await world.holder(100), await world.holder(0)
    ctx, elsewhere = await world.signed_in(holder), await world.signed_in(holder)

    view = await wallet.change_pin(ctx, old=PIN, new=NEW)

    assert (view.id, view.status) == (holder.wallet_id, WalletStatus.ACTIVE)
    for session in (ctx, elsewhere):
        with pytest.raises(WalletLocked):
            await send(session, bob)
    assert not await opens(ctx, PIN)
    assert await opens(ctx, NEW)
    row = await fetch_row("SELECT pin_hash FROM subscriber WHERE id = $1", holder.id)
    assert row is not None
    assert NEW not in row["pin_hash"]


@pytest.mark.parametrize("pin", NOT_A_PIN)
async def test_what_is_no_pin_is_refused_before_anything_is_counted(world: World, pin: str) -> None:
    ctx = await world.signed_in(await world.holder(100))

    works = {
        "oldPin": wallet.change_pin(ctx, old=pin, new=NEW),
        "newPin": wallet.change_pin(ctx, old=PIN, new=pin),
    }
    for field, work in works.items():
        assert (await refused(world, InvalidInput, work)).path == ("input", field)
    work = wallet.reset_pin(ctx, birth_date=BIRTH, pin=pin)
    assert (await refused(world, InvalidInput, work)).path == ("input", "newPin")


@pytest.mark.rule("W-2.15")
async def test_a_wrong_old_pin_is_counted_as_any_other_and_changes_nothing(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100))

    left = []
    for guess in range(5):
        with pytest.raises(WrongPin) as wrong:
            await (wallet.change_pin(ctx, old="0000", new=NEW) if guess % 2 else wallet.unlock_wallet(ctx, pin="0000"))
        left.append(wrong.value.tries_left)
    await refused(world, PinLocked, wallet.change_pin(ctx, old=PIN, new=NEW))
    world.clock.move(timedelta(minutes=30))

    assert left == [4, 3, 2, 1, 0]
    assert await opens(ctx, PIN)


async def test_of_two_changes_at_once_one_is_made(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100))

    works = (wallet.change_pin(ctx, old=PIN, new=new) for new in ("1111", "2222"))
    results = await asyncio.gather(*works, return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["WalletView", "WrongPin"]
    opened = [await opens(ctx, pin) for pin in (PIN, "1111", "2222")]
    assert (opened[0], sum(opened)) == (False, 1)


# Forgotten


@pytest.mark.rule("W-4.6.1e")
async def test_a_forgotten_pin_blocks_the_wallet_and_locks_every_session(world: World) -> None:
    holder, bob = await world.holder(100), await world.holder(0)
    ctx, elsewhere = await world.signed_in(holder), await world.signed_in(holder)

    (view,) = await wallet.forget_pin(ctx)
    again = await wallet.forget_pin(elsewhere)

    assert (view.status, view.balance) == (WalletStatus.BLOCKED, (await world.holdings())[holder.wallet_ledger])
    assert again == [view]
    with pytest.raises(WalletLocked):
        await send(elsewhere, bob)
    assert await opens(ctx, PIN)
    with pytest.raises(WalletNotActive):
        await send(ctx, bob)
    assert [row["step"] for row in await fetch("SELECT step FROM wallet_event")] == [Step.PIN_FORGOTTEN]
    assert f"wallet:{holder.wallet_id}" in world.announced


@pytest.mark.rule("W-4.6.1e")
@pytest.mark.rule("W-4.6.6")
async def test_the_birth_date_gives_a_new_pin_and_the_money_is_kept(world: World) -> None:
    holder, bob = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(holder)
    await wallet.forget_pin(ctx)
    before = await world.holdings()

    view = await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)

    assert (view.id, view.status) == (holder.wallet_id, WalletStatus.ACTIVE)
    assert await world.holdings() == before
    with pytest.raises(WalletLocked):
        await send(ctx, bob)
    assert not await opens(ctx, PIN)
    assert await opens(ctx, NEW)
    await send(ctx, bob)


@pytest.mark.rule("W-4.6.6")
async def test_a_pin_is_made_anew_without_having_been_forgotten_aloud(world: World) -> None:
    holder = await world.holder(100)
    ctx = await world.signed_in(holder)
    for _ in range(5):
        with pytest.raises(WrongPin):
            await wallet.unlock_wallet(ctx, pin="0000")

    await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)

    assert await opens(ctx, NEW)
    assert await fetch("SELECT * FROM wallet_event") == []


@pytest.mark.rule("W-4.6.6")
async def test_a_new_pin_is_made_from_the_wallets_own_number_alone(world: World) -> None:
    holder = await world.holder(100)
    second = await another_wallet(world, holder)
    third = replace(holder, phone="+998917654321")
    first_ctx, second_ctx = await world.signed_in(holder), await world.signed_in(second)
    blocked = await wallet.forget_pin(first_ctx)

    work = wallet.reset_pin(await world.signed_in(third), birth_date=BIRTH, pin=NEW)
    told = await refused(world, NotTheWalletsNumber, work)
    await wallet.reset_pin(first_ctx, birth_date=BIRTH, pin=NEW)
    between = [await status(person) for person in (holder, second)]
    await wallet.reset_pin(second_ctx, birth_date=BIRTH, pin=NEW)

    assert {view.status for view in blocked} == {WalletStatus.BLOCKED}
    assert len(blocked) == 2
    assert told.rule == "W-4.6.6"
    assert between == ["active", "blocked"]
    assert [await status(person) for person in (holder, second)] == ["active", "active"]


@pytest.mark.rule("W-4.6.6")
async def test_a_birth_date_opens_no_wallet_from_another_number(world: World) -> None:
    holder, thief = await world.holder(1_000), await world.holder(0)
    second = await another_wallet(world, holder)
    ctx = await world.signed_in(second)  # whoever has that telephone, and knows the birth date

    await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)
    await wallet.unlock_wallet(ctx, pin=NEW)
    await wallet.close_wallet(ctx, leave_rest=False)
    await wallet.unlock_wallet(ctx, pin=NEW)
    await refused(world, WalletNotActive, wallet.transfer(ctx, to=thief.phone, amount=Decimal(1), key="k"))
    await refused(world, NotTheWalletsNumber, wallet.reset_pin(ctx, birth_date=BIRTH, pin=PIN))

    own = await world.signed_in(holder)
    await wallet.reset_pin(own, birth_date=BIRTH, pin=PIN)
    await wallet.unlock_wallet(own, pin=PIN)
    await send(own, thief)


@pytest.mark.rule("W-4.6.6")
@pytest.mark.rule("W-4.1.1")
async def test_opening_another_wallet_is_no_way_to_guess_the_birth_date(world: World) -> None:
    edition, holder = await world.wallet_offer(), await world.holder(100)
    own, second = await world.signed_in(holder), await another_number(world, holder)
    ctx = await world.signed_in(second)

    def guess(day: int) -> Awaitable[object]:
        return wallet.open_wallet(ctx, birth_date=date(1990, 5, day), pin=None, offer_edition=edition)

    told = [type(one) for one in await asyncio.gather(*(guess(day) for day in range(1, 6)), return_exceptions=True)]
    await refused(world, BirthDateLocked, guess(17))
    await refused(world, BirthDateLocked, wallet.reset_pin(own, birth_date=BIRTH, pin=NEW))
    world.clock.move(timedelta(days=1))
    await guess(17)

    assert sorted(kind.__name__ for kind in told) == ["BirthDateGuessed"] * 3 + ["BirthDateLocked"] * 2


@pytest.mark.rule("W-4.6.6")
async def test_the_birth_date_that_counts_is_that_wallets_own(world: World) -> None:
    holder = await world.holder(100)
    second = await another_wallet(world, holder, OTHER)
    ctx = await world.signed_in(second)

    with pytest.raises(WrongBirthDate):
        await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)
    view = await wallet.reset_pin(ctx, birth_date=OTHER, pin=NEW)

    assert view.id == second.wallet_id


async def test_the_pin_of_another_reason_to_block_is_made_anew_and_the_block_stays(world: World) -> None:
    holder = await world.holder(100, status="blocked")
    ctx = await world.signed_in(holder)
    await wallet.forget_pin(ctx)

    view = await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)

    assert view.status is WalletStatus.BLOCKED
    assert await opens(ctx, NEW)


@pytest.mark.parametrize("state", ["none", "closed", "nobody", "staff"])
async def test_without_a_wallet_there_is_no_pin_to_forget_or_make(world: World, state: str) -> None:
    people = {"none": await world.person(), "closed": await world.holder(0, status="closed")}
    contexts = {"nobody": world.context(), "staff": await world.staff("admin")}
    ctx = contexts.get(state) or await world.signed_in(people[state])
    refusal: type[Exception] = {"nobody": Unauthenticated, "staff": Forbidden}.get(state, WalletMissing)

    await refused(world, refusal, wallet.change_pin(ctx, old=PIN, new=NEW))
    await refused(world, refusal, wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW))
    if state in people:
        assert await wallet.forget_pin(ctx) == []
    else:
        await refused(world, refusal, wallet.forget_pin(ctx))


# Guessing


@pytest.mark.rule("W-4.6.6")
async def test_three_wrong_birth_dates_lock_for_a_day_even_the_right_one(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100))
    await wallet.forget_pin(ctx)

    left = []
    for _ in range(3):
        with pytest.raises(WrongBirthDate) as wrong:
            await wallet.reset_pin(ctx, birth_date=OTHER, pin=NEW)
        left.append(wrong.value.tries_left)
    locked = await refused(world, BirthDateLocked, wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW))
    world.clock.move(timedelta(days=1) - timedelta(microseconds=1))
    await refused(world, BirthDateLocked, wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW))
    until = world.clock.now() + timedelta(microseconds=1)
    world.clock.at = until
    view = await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)

    assert left == [2, 1, 0]
    assert (locked.until, locked.rule) == (until, "W-4.6.6")
    assert view.status is WalletStatus.ACTIVE


@pytest.mark.rule("W-4.6.6")
async def test_after_the_lock_there_are_three_tries_again_and_a_right_one_clears_the_count(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100))

    left = []
    for born in (OTHER, OTHER, BIRTH, OTHER, OTHER, OTHER, None, OTHER):
        if born is None:
            world.clock.move(timedelta(days=1))
        elif born == BIRTH:
            await wallet.reset_pin(ctx, birth_date=born, pin=NEW)
        else:
            with pytest.raises(WrongBirthDate) as wrong:
                await wallet.reset_pin(ctx, birth_date=born, pin=NEW)
            left.append(wrong.value.tries_left)

    assert left == [2, 1, 2, 1, 0, 2]


@pytest.mark.rule("W-4.6.6")
async def test_birth_dates_guessed_at_once_are_all_counted(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100))

    guesses = (wallet.reset_pin(ctx, birth_date=OTHER + timedelta(days=n), pin=NEW) for n in range(8))
    results = await asyncio.gather(*guesses, return_exceptions=True)

    names = sorted(type(result).__name__ for result in results)
    assert names == ["BirthDateLocked"] * 5 + ["WrongBirthDate"] * 3


async def test_wrong_birth_dates_and_wrong_pins_are_counted_apart(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100))
    for _ in range(3):
        with pytest.raises(WrongBirthDate):
            await wallet.reset_pin(ctx, birth_date=OTHER, pin=NEW)

    assert await opens(ctx, PIN)


# Staff


async def test_staff_let_a_holder_try_again_at_once(world: World) -> None:
    holder, agent = await world.holder(100), await world.staff("agent")
    ctx = await world.signed_in(holder)
    for _ in range(5):
        with pytest.raises(WrongPin):
            await wallet.unlock_wallet(ctx, pin="0000")
    for _ in range(3):
        with pytest.raises(WrongBirthDate):
            await wallet.reset_pin(ctx, birth_date=OTHER, pin=NEW)

    for refusal, other in (
        (Forbidden, await world.staff("viewer")),
        (Forbidden, ctx),
        (Unauthenticated, world.context()),
    ):
        await refused(world, refusal, wallet.lift_pin_lock(other, subscriber_id=holder.id))
    await refused(world, NotFound, wallet.lift_pin_lock(agent, subscriber_id=999_999))
    await wallet.lift_pin_lock(agent, subscriber_id=holder.id)

    assert await opens(ctx, PIN)
    await wallet.reset_pin(ctx, birth_date=BIRTH, pin=NEW)
    trail = await fetch("SELECT at, actor, action, subject, facts FROM audit_event")
    assert [(row["actor"], row["action"], row["subject"]) for row in trail] == [
        (agent.actor.label, "pin.unlocked", f"subscriber:{holder.id}")
    ]
    assert trail[0]["at"] == to_micros(world.clock.now())
