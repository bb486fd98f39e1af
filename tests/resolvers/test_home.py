"""The read model of one's own things: its shapes, its places for values, and what it refuses to show."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.refusal import Forbidden, TokenOver
from resolvers import account, home
from resolvers.context import Anonymous, Claimed, Expired, PartnerActor, SubscriberActor
from resolvers.home import Accounts, Entries, HomeWants, Orders, WalletWants
from resolvers.home.text import text_of
from resolvers.home.views import NOT_READ
from resolvers.paging import PageRequest
from tests.support.world import World

cursors = some.none() | some.tuples(some.integers(0, 9), some.integers(0, 9))
requests = some.builds(PageRequest, some.integers(1, 100), cursors, cursors, some.booleans())
entries = some.lists(some.builds(Entries, requests, some.booleans()), max_size=2).map(tuple)
wants = some.builds(
    HomeWants,
    accounts=some.lists(some.builds(Accounts, requests, entries), max_size=2).map(tuple),
    wallet=some.none() | some.builds(WalletWants, some.booleans(), entries),
    subscriptions=some.lists(requests, max_size=2).map(tuple),
    orders=some.lists(some.builds(Orders, requests, some.booleans()), max_size=2).map(tuple),
    tariff=some.booleans(),
)


@given(wants, some.sampled_from(["postgres", "sqlite"]))
def test_every_value_has_its_place(wanted: HomeWants, kind: str) -> None:
    text = text_of(wanted.shape, kind)

    places = {int(place) for place in re.findall(r"\$(\d+)", text)}
    counted = 2 if wanted.wallet and wanted.wallet.limits else 0
    assert places == set(range(1, 2 + counted + len(wanted.page_values) + 1))


@given(wants, some.sampled_from(["postgres", "sqlite"]))
def test_sizes_and_cursors_are_values_and_make_no_new_text(wanted: HomeWants, kind: str) -> None:
    assert wanted.shape.shape == wanted.shape
    assert text_of(wanted.shape, kind) == text_of.__wrapped__(wanted, kind)


async def test_a_claimed_actor_is_known_afterwards(db: str) -> None:
    world = World()
    person = await world.person()
    live = (await world.signed_in(person)).actor
    assert isinstance(live, SubscriberActor)
    ctx = world.context(Claimed(person.id, live.session_id))

    found = await home.load(ctx)

    assert found is not None
    assert found.subscriber.id == person.id
    assert ctx.actor == live


async def test_who_may_not_look_is_told_why(db: str) -> None:
    world = World()
    over = world.context(Claimed(1, 1))

    assert await home.load(world.context(Anonymous())) is None
    for ctx in (over, over, world.context(Expired())):  # the second time it is known to be over
        with pytest.raises(TokenOver):
            await home.load(ctx)
    with pytest.raises(Forbidden):
        await home.load(world.context(PartnerActor(1, "kino", frozenset())))
    assert over.actor == Expired()


async def test_a_history_is_the_same_as_when_it_is_read_alone(db: str) -> None:
    world = World()
    person = await world.person(balance=500)
    ctx, request = await world.signed_in(person), PageRequest(5)

    found = await home.load(ctx, HomeWants(accounts=(Accounts(request, (Entries(request),)),)))

    assert found is not None
    alone = await account.accounts(ctx, request)
    assert found.accounts[request].items == alone.items
    read = found.histories[person.account_ledger][request].page
    apart = await account.entries(ctx, person.account_ledger, request)
    assert [entry.balance_after for entry in read.items] == [entry.balance_after for entry in apart.items]
    assert list(read.cursors) == list(apart.cursors)


def test_what_was_not_read_is_not_taken_for_nothing() -> None:
    with pytest.raises(AssertionError):
        bool(NOT_READ)
    with pytest.raises(AssertionError):
        _ = NOT_READ.name
