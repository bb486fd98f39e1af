"""A wallet's life by its use cases (W-4.6): each way it is blocked or closed, what that does, and its way back."""

import asyncio
from collections.abc import Awaitable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access import CodeExpired, OtpPurpose, SessionEnded, code_of, otp_message
from domain.database import execute, fetch, fetch_row
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.refusal import Forbidden, InvalidInput, NotFound, Refusal, TokenOver, Unauthenticated
from domain.wallet import (
    BirthDateWrong,
    RecipientNotFound,
    WalletLocked,
    WalletMissing,
    WalletNotActive,
    WalletStatus,
)
from domain.wallet.life import BalanceNotZero, Cause, ClosedBecause, Step, StepImpossible
from resolvers import wallet
from resolvers.access import refresh_session, request_otp, settle, verify_otp
from resolvers.context import Claimed, Context, PartnerActor, ProviderActor, SubscriberActor
from tests.resolvers.lives import (
    BIRTH,
    WHY,
    Act,
    clear,
    refused,
    report_loss,
    restore_number,
    seen,
    send,
    steps,
    suspect,
)
from tests.support.market import open_market
from tests.support.world import Person, World


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def agent(world: World) -> Context:
    return await world.staff("agent")


@pytest.fixture
async def admin(world: World) -> Context:
    return await world.staff("admin")


# Given up (W-4.6.1a)


@pytest.mark.rule("W-4.6.1a")
@pytest.mark.rule("W-4.6.2")
async def test_an_empty_wallet_is_given_up_and_another_is_opened(world: World, agent: Context) -> None:
    edition, holder = await world.wallet_offer(), await world.holder(0)
    ctx = await world.signed_in(holder)

    closed = await wallet.close_wallet(ctx, leave_rest=False)
    anew = await wallet.open_wallet(ctx, birth_date=BIRTH, pin=None, offer_edition=edition)

    assert closed.status is WalletStatus.CLOSED
    assert await seen(agent, holder) == (WalletStatus.CLOSED, set(), ClosedBecause.GIVEN_UP)
    assert await steps(agent, holder) == [Step.GIVEN_UP]
    assert (anew.phone, anew.status, anew.level) == (holder.phone, WalletStatus.ACTIVE, "light")
    assert anew.number != holder.wallet_number
    assert f"wallet:{holder.wallet_id}" in world.announced


@pytest.mark.rule("W-4.6.2")
async def test_a_wallet_with_money_is_given_up_only_knowingly_and_its_rest_stays(world: World, agent: Context) -> None:
    holder, bob = await world.holder(100), await world.holder(100)
    ctx = await world.signed_in(holder)

    told = await refused(world, BalanceNotZero, wallet.close_wallet(ctx, leave_rest=False))
    await wallet.close_wallet(ctx, leave_rest=True)

    assert (told.balance, told.rule) == (Money.som(100), "W-4.6.2")
    view = await wallet.wallet(agent, holder.wallet_id)
    assert view is not None
    found = await wallet.life(agent, view)
    assert (view.balance, found.closed_at) == (Money.som(100), world.clock.now())
    assert found.rest_until is not None
    assert found.rest_until.isoformat() == "2029-03-10T14:00:00+05:00"
    await refused(world, WalletMissing, send(ctx, bob))
    await refused(world, RecipientNotFound, send(await world.signed_in(bob), holder))
    assert await wallet.my_wallet(ctx) is None


@pytest.mark.rule("W-4.6.1a")
@pytest.mark.parametrize("state", ["locked", "blocked", "closed", "none", "nobody", "staff"])
async def test_a_wallet_is_given_up_by_its_unlocked_active_holder_alone(
    world: World, agent: Context, state: str
) -> None:
    status = state if state in ("blocked", "closed") else "active"
    holder, stranger = await world.holder(0, status=status), await world.person()
    contexts = {
        "locked": await world.signed_in(holder, unlocked=False),
        "none": await world.signed_in(stranger),
        "nobody": world.context(),
        "staff": agent,
    }
    refusals: dict[str, type[Exception]] = {
        "locked": WalletLocked,
        "blocked": WalletNotActive,
        "closed": WalletMissing,
        "none": WalletMissing,
        "nobody": Unauthenticated,
        "staff": Forbidden,
    }
    ctx = contexts.get(state) or await world.signed_in(holder)

    await refused(world, refusals[state], wallet.close_wallet(ctx, leave_rest=True))


async def test_what_is_reserved_for_a_purchase_ends_before_its_wallet_does(world: World) -> None:
    market, holder = await open_market(world), await world.holder(1_000)
    ctx = await world.signed_in(holder)
    hold = await market.reserve(ctx, 300)

    await refused(world, InsufficientFunds, wallet.close_wallet(ctx, leave_rest=True))
    await market.release(hold)

    assert (await wallet.close_wallet(ctx, leave_rest=True)).status is WalletStatus.CLOSED


# A lost number (W-4.6.1b, W-6.4)


@pytest.mark.rule("W-6.4")
@pytest.mark.rule("W-4.6.1b")
async def test_from_the_report_on_nothing_is_carried_out_and_what_was_done_stands(world: World, agent: Context) -> None:
    holder, bob = await world.holder(100), await world.holder(100)
    ctx, elsewhere = await world.signed_in(holder), await world.signed_in(holder)
    await send(ctx, bob, 30)
    world.clock.move(timedelta(seconds=1))
    await report_loss(agent, holder.wallet_id)
    anew = await world.signed_in(holder)

    for session in (ctx, elsewhere):
        await refused(world, TokenOver, send(session, bob, key="again"))
    await refused(world, WalletNotActive, send(anew, bob, key="anew"))
    await refused(world, WalletNotActive, send(await world.signed_in(bob), holder))
    await refused(world, WalletNotActive, world.top_up(holder.wallet_id, Money.som(1)))
    asking = wallet.request_redemption(anew, amount=Decimal(1), destination="my card", key="r")
    await refused(world, WalletNotActive, asking)
    await refused(world, WalletNotActive, wallet.close_wallet(anew, leave_rest=True))

    holdings = await world.holdings()
    assert (holdings[holder.wallet_ledger], holdings[bob.wallet_ledger]) == (Money.som(70), Money.som(130))
    reported = (await wallet.history(agent, holder.wallet_id))[0]
    assert (reported.step, reported.at, reported.note) == (Step.LOSS_REPORTED, world.clock.now(), WHY)
    view = await wallet.wallet(agent, holder.wallet_id)
    assert view is not None
    (block,) = (await wallet.life(agent, view)).blocks
    assert (block.cause, block.since) == (Cause.NUMBER_LOST, world.clock.now())


@pytest.mark.rule("W-6.4")
async def test_a_report_ends_the_numbers_sessions_and_kills_its_codes(world: World, agent: Context) -> None:
    holder, other = await world.holder(0), await world.holder(0)
    entered = await verify(world, holder)
    world.clock.move(timedelta(minutes=2))
    open_, others = await challenge(world, holder), await challenge(world, other)
    strangers = await world.signed_in(other)

    await report_loss(agent, holder.wallet_id)

    with pytest.raises(SessionEnded):
        await refresh_session(world.context(), refresh_token=entered.refresh_token)
    with pytest.raises(CodeExpired):
        await verify_otp(world.context(), challenge=open_[0], code=open_[1])
    assert (await verify_otp(world.context(), challenge=others[0], code=others[1])).actor.phone == other.phone
    assert isinstance((await looked_up(world, strangers)).actor, SubscriberActor)


async def challenge(world: World, person: Person) -> tuple[str, str]:
    """A code that waits to be entered: the challenge's id and the code."""
    made = await request_otp(world.context(), phone=person.phone, purpose=OtpPurpose.SIGN_IN)
    row = await fetch_row("SELECT nonce FROM otp_challenge WHERE public_id = $1", made.public_id)
    assert row is not None
    known = {"public_id": made.public_id, "nonce": row["nonce"], "purpose": made.purpose, "phone": person.phone}
    return made.public_id, code_of(world.secrets, **known)


async def verify(world: World, person: Person) -> Any:
    id_, code = await challenge(world, person)
    return await verify_otp(world.context(), challenge=id_, code=code)


async def looked_up(world: World, ctx: Context) -> Context:
    assert isinstance(ctx.actor, SubscriberActor)
    again = world.context(Claimed(ctx.actor.subscriber_id, ctx.actor.session_id))
    await settle(again)
    return again


@pytest.mark.rule("W-4.6.1b")
@pytest.mark.rule("W-4.6.3")
async def test_the_call_centre_restores_a_lost_number_by_the_birth_date(world: World, agent: Context) -> None:
    holder, bob = await world.holder(100), await world.holder(0)
    await report_loss(agent, holder.wallet_id)

    for born in (None, date(1990, 5, 18), date(1, 1, 1)):
        work = wallet.restore_number(agent, wallet_id=holder.wallet_id, birth_date=born, reason=WHY)
        assert (await refused(world, BirthDateWrong, work)).rule == "W-4.6.3"
    await restore_number(agent, holder.wallet_id)
    await send(await world.signed_in(holder), bob, 40)

    assert await seen(agent, holder) == (WalletStatus.ACTIVE, set(), None)
    assert await steps(agent, holder) == [Step.LOSS_REPORTED, Step.NUMBER_RESTORED]


@pytest.mark.rule("W-4.6.3")
async def test_who_signed_in_with_a_lost_number_is_out_when_it_is_given_back(world: World, agent: Context) -> None:
    holder = await world.holder(100)
    await report_loss(agent, holder.wallet_id)
    finder = await world.signed_in(holder, unlocked=False)

    await restore_number(agent, holder.wallet_id)

    assert not isinstance((await looked_up(world, finder)).actor, SubscriberActor)


@pytest.mark.rule("W-6.4")
@pytest.mark.parametrize("purpose", list(OtpPurpose))
async def test_no_code_reaches_a_lost_number_until_it_is_given_back(
    world: World, agent: Context, purpose: OtpPurpose
) -> None:
    holder, other = await world.holder(100), await world.holder(0)
    await report_loss(agent, holder.wallet_id)

    async def is_sent(phone: str) -> bool:
        world.clock.move(timedelta(minutes=2))
        asked = await request_otp(world.context(), phone=phone, purpose=purpose)
        return await otp_message(world.secrets, asked.public_id, world.clock.now()) is not None

    sent = [await is_sent(holder.phone), await is_sent(other.phone)]
    await restore_number(agent, holder.wallet_id)

    assert sent == [False, True]
    assert await is_sent(holder.phone)


@pytest.mark.rule("W-6.4")
async def test_a_number_that_has_gone_to_somebody_else_is_not_theirs_to_miss(world: World, agent: Context) -> None:
    holder, heir = await world.holder(100), await world.holder(0)
    await report_loss(agent, holder.wallet_id)
    await execute("UPDATE subscriber_number SET subscriber_id = $1 WHERE phone = $2", heir.id, holder.phone)

    asked = await request_otp(world.context(), phone=holder.phone, purpose=OtpPurpose.SIGN_IN)

    assert await otp_message(world.secrets, asked.public_id, world.clock.now()) is not None


# Suspicion (W-4.6.1c)


@pytest.mark.rule("W-4.6.1c")
@pytest.mark.rule("W-4.6.4")
async def test_a_suspected_wallet_is_frozen_until_an_admin_clears_it(
    world: World, agent: Context, admin: Context
) -> None:
    holder, bob = await world.holder(100), await world.holder(10)
    ctx = await world.signed_in(holder)

    await suspect(agent, holder.wallet_id)
    await refused(world, WalletNotActive, send(ctx, bob))
    await refused(world, WalletNotActive, send(await world.signed_in(bob), holder))
    await refused(world, Forbidden, clear(agent, holder.wallet_id))
    await clear(admin, holder.wallet_id)
    await send(ctx, bob, 100)

    assert await steps(agent, holder) == [Step.SUSPECTED, Step.CLEARED]
    notes = [
        (row["actor"], row["action"], row["facts"]) for row in await fetch("SELECT * FROM audit_event ORDER BY id")
    ]
    assert [note[:2] for note in notes] == [
        (agent.actor.label, "wallet.suspected"),
        (admin.actor.label, "wallet.cleared"),
    ]
    assert all(WHY not in str(note) for note in notes)


@pytest.mark.rule("W-4.6.3")
@pytest.mark.rule("W-4.6.4")
@pytest.mark.rule("W-4.6.6")
async def test_lifting_one_block_lifts_no_other(world: World, agent: Context, admin: Context) -> None:
    holder, bob = await world.holder(100), await world.holder(0)
    await wallet.forget_pin(await world.signed_in(holder))
    await report_loss(agent, holder.wallet_id)
    await suspect(agent, holder.wallet_id)

    left = [(await seen(agent, holder))[1]]
    await clear(admin, holder.wallet_id)
    left.append((await seen(agent, holder))[1])
    await restore_number(agent, holder.wallet_id)
    left.append((await seen(agent, holder))[1])
    ctx = await world.signed_in(holder)
    await refused(world, WalletNotActive, send(ctx, bob))
    await wallet.reset_pin(ctx, birth_date=BIRTH, pin="1357")

    assert left == [set(Cause), {Cause.NUMBER_LOST, Cause.PIN_FORGOTTEN}, {Cause.PIN_FORGOTTEN}]
    assert await seen(agent, holder) == (WalletStatus.ACTIVE, set(), None)


# Who may, and how


STAFF_STEPS: list[tuple[str, Act]] = [
    ("active", report_loss),
    ("number_lost", restore_number),
    ("active", suspect),
    ("suspicion", clear),
]


@pytest.mark.parametrize(("begin", "act"), STAFF_STEPS)
async def test_staffs_steps_are_for_staff_of_that_role_alone(world: World, begin: str, act: Act) -> None:
    holder, agent, admin = await world.holder(100), await world.staff("agent"), await world.staff("admin")
    into: dict[str, Act | None] = {"active": None, "number_lost": report_loss, "suspicion": suspect}
    if (first := into[begin]) is not None:
        await first(agent, holder.wallet_id)
    strangers: list[tuple[Context, type[Exception]]] = [
        (await world.signed_in(holder), Forbidden),
        (await world.staff("viewer"), Forbidden),
        (world.context(PartnerActor(1, "p", frozenset({"topup:write", "hold:write"}))), Forbidden),
        (world.context(ProviderActor("payme")), Forbidden),
        (world.context(), Unauthenticated),
    ]

    for ctx, refusal in strangers:
        await refused(world, refusal, act(ctx, holder.wallet_id))
    await refused(world, NotFound, act(admin, 999_999))

    await act(admin if act is clear else agent, holder.wallet_id)


@pytest.mark.parametrize(("begin", "act"), STAFF_STEPS)
async def test_a_step_that_the_state_does_not_allow_is_refused_with_its_rule(
    world: World, begin: str, act: Act
) -> None:
    """The other states, with each step of staff; domain/wallet/test_life.py has them all."""
    admin, taken = await world.staff("admin"), {report_loss: "number_lost", suspect: "suspicion"}
    people = {"active": await world.holder(10), "closed": await world.holder(10, status="closed")}
    for into, state in taken.items():
        people[state] = await world.holder(10)
        await into(admin, people[state].wallet_id)
    # Restoring needs the loss, clearing the suspicion; a loss or suspicion is reported once, whatever else there is.
    impossible = {"closed", taken[act]} if act in taken else set(people) - {begin}

    for state in impossible:
        await refused(world, StepImpossible, act(admin, people[state].wallet_id))


@pytest.mark.parametrize("reason", ["", "  ", "no", "\t\n a \n", "x" * 501])
async def test_staff_give_a_reason(world: World, admin: Context, reason: str) -> None:
    holder, lost, suspected = [await world.holder(10) for _ in range(3)]
    await report_loss(admin, lost.wallet_id)
    await suspect(admin, suspected.wallet_id)
    works: list[Awaitable[object]] = [
        wallet.report_loss(admin, wallet_id=holder.wallet_id, reason=reason),
        wallet.suspect(admin, wallet_id=holder.wallet_id, reason=reason),
        wallet.restore_number(admin, wallet_id=lost.wallet_id, birth_date=BIRTH, reason=reason),
        wallet.clear(admin, wallet_id=suspected.wallet_id, reason=reason),
    ]

    for work in works:
        assert (await refused(world, InvalidInput, work)).path == ("reason",)


async def test_staff_see_the_steps_that_they_could_take_and_no_others(world: World) -> None:
    holder = await world.holder(10)
    viewer, agent, admin = [await world.staff(role) for role in ("viewer", "agent", "admin")]

    async def possible(ctx: Context) -> set[Step]:
        view = await wallet.wallet(ctx, holder.wallet_id)
        assert view is not None
        return set(wallet.possible_steps(ctx, view, await wallet.life(ctx, view)))

    fresh = [await possible(ctx) for ctx in (viewer, agent, admin)]
    await suspect(agent, holder.wallet_id)
    suspected = [await possible(ctx) for ctx in (viewer, agent, admin)]

    assert fresh == [set(), {Step.LOSS_REPORTED, Step.SUSPECTED}, {Step.LOSS_REPORTED, Step.SUSPECTED}]
    assert suspected == [set(), {Step.LOSS_REPORTED}, {Step.LOSS_REPORTED, Step.CLEARED}]


async def test_a_strangers_wallet_is_not_found_and_its_history_is_for_staff(world: World) -> None:
    holder, stranger = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(stranger)

    assert await wallet.wallet(ctx, holder.wallet_id) is None
    with pytest.raises(Forbidden):
        await wallet.history(ctx, holder.wallet_id)
    with pytest.raises(Forbidden):
        await wallet.history(await world.signed_in(holder), holder.wallet_id)


# Races


@pytest.mark.rule("W-6.4")
@pytest.mark.parametrize("act", [report_loss, suspect])
async def test_once_a_block_has_returned_nothing_leaves(world: World, agent: Context, act: Act) -> None:
    holder, bob = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(holder)
    at_the_block: list[Money] = []

    async def block() -> None:
        await asyncio.sleep(0.01)
        await act(agent, holder.wallet_id)
        at_the_block.append((await world.holdings())[holder.wallet_ledger])

    async def try_to_send(number: int) -> bool:
        await asyncio.sleep(0.001 * number)
        try:
            await send(ctx, bob, key=str(number))
        except (WalletNotActive, TokenOver):
            return False
        return True

    *sent, _ = await asyncio.gather(*(try_to_send(number) for number in range(20)), block())

    assert at_the_block == [Money.som(100 - sum(map(bool, sent)))]
    assert (await world.holdings())[holder.wallet_ledger] == at_the_block[0]
    assert (await seen(agent, holder))[0] is WalletStatus.BLOCKED


@pytest.mark.rule("W-4.6.2")
async def test_a_closing_that_meets_a_top_up_leaves_no_money_unseen(world: World) -> None:
    people = [await world.holder(0) for _ in range(8)]
    contexts = [await world.signed_in(person) for person in people]

    async def close(number: int) -> bool:
        return not isinstance(await _outcome(wallet.close_wallet(contexts[number], leave_rest=False)), Refusal)

    async def top_up(number: int) -> bool:
        return not isinstance(await _outcome(world.top_up(people[number].wallet_id, Money.som(1))), Refusal)

    works = [work(number) for number in range(8) for work in (close, top_up)[:: 1 - 2 * (number % 2)]]
    results = await asyncio.gather(*works)

    assert [first != second for first, second in zip(results[::2], results[1::2], strict=True)] == [True] * 8
    rows = await fetch(
        """SELECT w.status, a.balance FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id"""
    )
    assert all((row["status"] == "closed") == (row["balance"] == 0) for row in rows)


async def _outcome(work: Awaitable[object]) -> object:
    try:
        return await work
    except Refusal as refusal:
        return refusal


@pytest.mark.rule("W-6.4")
async def test_two_reports_of_one_loss_at_once_are_one(world: World) -> None:
    holder, first, second = await world.holder(100), await world.staff("agent"), await world.staff("agent")
    await world.signed_in(holder)

    works = [report_loss(first, holder.wallet_id), report_loss(second, holder.wallet_id)]
    results = await asyncio.gather(*works, return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["NoneType", "StepImpossible"]
    assert await steps(first, holder) == [Step.LOSS_REPORTED]
    assert len(await fetch("SELECT * FROM audit_event WHERE action = 'wallet.loss_reported'")) == 1
