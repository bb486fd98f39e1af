"""A Light wallet's limits under fifty at once, by agents and by transfers, and on the day of another BHM (W-4.5.1)."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.language import Language
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.wallet import BalanceLimitReached, TopUpLimitReached
from resolvers import wallet
from resolvers.bhm import add_bhm
from resolvers.context import Context, PartnerActor, SystemActor
from resolvers.partner import add_partner
from resolvers.texts import problem_text
from resolvers.top_up import top_up
from tests.support.world import PIN, Person, World

FIVE_BHM = 2_060_000  # so'm, since August 2025
REFUSED = (TopUpLimitReached, BalanceLimitReached)


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def agent(world: World) -> Context:
    made = await add_partner(world.context(SystemActor()), code="terminal", name="T", scopes=["topup:write"])
    return world.context(PartnerActor(made.partner_id, "terminal", frozenset({"topup:write"})))


def bring(agent: Context, to: Person, som: int, key: str) -> Awaitable[Any]:
    return top_up(agent, to=to.wallet_number, amount=Decimal(som), commission=None, key=key, external_id=None)


async def at_once(calls: list[Awaitable[Any]]) -> tuple[int, int]:
    """How many were carried out and how many a limit has refused; nothing else may happen."""
    ended = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in ended if isinstance(one, BaseException)]
    assert all(isinstance(one, REFUSED) for one in refused), refused
    return len(ended) - len(refused), len(refused)


async def is_sound() -> bool:
    return [fault async for fault in check_ledger(lambda what, done: None)] == []


@pytest.mark.rule("W-4.5.1a")
async def test_of_fifty_top_ups_at_once_exactly_as_many_come_in_as_fit(world: World, agent: Context) -> None:
    alice = await world.holder()

    carried_out, refused = await at_once([bring(agent, alice, 100_000, f"k{n}") for n in range(50)])

    assert (carried_out, refused) == (20, 30)
    assert (await world.holdings())[alice.wallet_ledger] == Money.som(2_000_000)
    assert await is_sound()


@pytest.mark.rule("W-4.5.1a")
async def test_of_fifty_transfers_at_once_exactly_as_many_come_in_as_fit(world: World) -> None:
    alice, payers = await world.holder(), [await world.holder(2_000_000, level="premium") for _ in range(5)]
    contexts = [await world.signed_in(payer) for payer in payers]

    carried_out, refused = await at_once(
        [
            wallet.transfer(contexts[n % 5], to=alice.wallet_number, amount=Decimal(100_000), key=f"k{n}")
            for n in range(50)
        ]
    )

    assert (carried_out, refused) == (20, 30)
    held = await world.holdings()
    assert held[alice.wallet_ledger] == Money.som(2_000_000)
    assert sum(held[payer.wallet_ledger].tiyin for payer in payers) == Money.som(8_000_000).tiyin
    assert await is_sound()


@pytest.mark.rule("W-4.5.1a")
@pytest.mark.rule("W-4.5.1b")
async def test_top_ups_and_transfers_share_the_limit(world: World, agent: Context) -> None:
    alice, payer = await world.holder(), await world.holder(5_000_000, level="premium")
    ctx = await world.signed_in(payer)
    calls: list[Awaitable[Any]] = [bring(agent, alice, 100_000, f"k{n}") for n in range(25)]
    calls += [wallet.transfer(ctx, to=alice.wallet_number, amount=Decimal(100_000), key=f"t{n}") for n in range(25)]

    assert await at_once(calls) == (20, 30)
    assert (await world.holdings())[alice.wallet_ledger] == Money.som(2_000_000)
    assert await is_sound()


@pytest.mark.rule("W-4.5.1a")
async def test_the_refusal_tells_limit_used_left_and_when_it_resets(world: World, agent: Context) -> None:
    alice = await world.holder()
    await bring(agent, alice, 2_000_000, "first")

    with pytest.raises(TopUpLimitReached) as refused:
        await bring(agent, alice, 60_001, "second")

    told = refused.value
    assert (told.limit, told.used, told.left) == (Money.som(FIVE_BHM), Money.som(2_000_000), Money.som(60_000))
    assert told.resets_at is not None
    assert told.resets_at > world.clock.now()
    await bring(agent, alice, 60_000, "third")


@pytest.mark.rule("W-4.5.1a")
@pytest.mark.rule("W-4.4.2")
async def test_what_the_agent_keeps_counts_towards_the_limit_and_never_comes_to_the_balance(
    world: World, agent: Context
) -> None:
    alice, payer = await world.holder(), await world.signed_in(await world.holder(5_000_000, level="premium"))
    ctx = await world.signed_in(alice)

    with pytest.raises(TopUpLimitReached) as at_first:
        await top_up(
            agent, to=alice.wallet_number, amount=Decimal(FIVE_BHM), commission=Decimal(1), key="0", external_id=None
        )
    await top_up(
        agent, to=alice.wallet_number, amount=Decimal(1_900_000), commission=Decimal(60_000), key="a", external_id=None
    )
    with pytest.raises(TopUpLimitReached) as told:
        await wallet.transfer(payer, to=alice.wallet_number, amount=Decimal(100_001), key="b")
    mine = await wallet.my_wallet(ctx)
    assert mine is not None

    assert (told.value.used, told.value.left) == (Money.som(1_960_000), Money.som(100_000))
    assert (await wallet.limits(ctx, mine)).top_up_used == Money.som(1_960_000)
    assert mine.balance == Money.som(1_900_000)
    assert "30 days." in problem_text(at_first.value, Language.EN), "nothing is used yet: no room comes back"
    await wallet.transfer(payer, to=alice.wallet_number, amount=Decimal(100_000), key="c")


@pytest.mark.rule("W-4.5.1a")
async def test_a_wallet_opened_anew_begins_no_new_thirty_days(world: World, agent: Context) -> None:
    edition, alice = await world.wallet_offer(), await world.holder()
    await bring(agent, alice, 2_000_000, "before")
    ctx = await world.signed_in(alice)
    await wallet.close_wallet(ctx, leave_rest=True)
    anew = await wallet.open_wallet(ctx, birth_date=date(1990, 5, 17), pin=PIN, offer_edition=edition)
    reopened = replace(alice, wallet_id=anew.id, wallet_number=anew.number)

    with pytest.raises(TopUpLimitReached) as told:
        await bring(agent, reopened, 60_001, "after")
    await bring(agent, reopened, 60_000, "within")
    used = (await wallet.limits(ctx, anew)).top_up_used
    world.clock.move(timedelta(days=30))
    await bring(agent, reopened, 2_000_000, "later")

    assert (told.value.used, used) == (Money.som(2_000_000), Money.som(FIVE_BHM))
    assert told.value.resets_at is not None


@pytest.mark.rule("W-4.5.1a")
@pytest.mark.rule("W-4.5.1b")
async def test_another_bhm_changes_the_limit_from_its_day_and_not_before(world: World, agent: Context) -> None:
    alice, admin = await world.holder(), await world.staff("admin")
    tomorrow = (world.clock.now() + timedelta(hours=5)).date() + timedelta(days=1)
    await add_bhm(admin, effective_from=tomorrow, amount=Decimal(500_000))
    await bring(agent, alice, FIVE_BHM, "today")

    with pytest.raises(TopUpLimitReached):
        await bring(agent, alice, 1, "still today")
    world.clock.at = world.clock.now().replace(hour=18, minute=59, second=59)
    with pytest.raises(TopUpLimitReached):
        await bring(agent, alice, 1, "the last second of today")
    world.clock.move(timedelta(seconds=1))
    await bring(agent, alice, 440_000, "tomorrow")

    with pytest.raises(TopUpLimitReached) as refused:
        await bring(agent, alice, 1, "full again")
    assert refused.value.limit == Money.som(2_500_000)
    assert tomorrow > date(2026, 1, 1)
