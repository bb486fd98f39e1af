"""Staff find a subscriber by whatever the caller says, and see all that is theirs; nobody else does."""

from datetime import timedelta
from typing import Any

import pytest

from domain.database import execute, fetch
from domain.money import Money
from domain.refusal import Forbidden, Unauthenticated
from resolvers.context import Context, StaffActor
from resolvers.subscriber import holder, note_seen, search_subscribers, seen_by, subscriber, subscriber_card
from tests.admin.office import People, move_in
from tests.support.world import World


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
def desk(world: World) -> Context:
    return world.context(StaffActor(7, "dilnoza", "viewer"))


def whole_number(people: People, of: str) -> str:
    return {
        "phone": people.nilufar.phone,
        "account": people.nilufar.account_number,
        "wallet": people.nilufar.wallet_number,
    }[of]


async def test_a_number_is_found_however_it_is_written(world: World, desk: Context) -> None:
    people = await move_in(world)
    found = []
    for text in ("+998 90 000-00-01", "998900000001", "90 000 00 01", "(90) 0000001", " 900000001 ", "900000001"):
        found.append([one.id for one in await search_subscribers(desk, text)])
    assert found == [[people.nilufar.id]] * 6


@pytest.mark.parametrize("of", ["phone", "account", "wallet"])
async def test_a_whole_number_finds_its_owner_and_says_what_matched(world: World, desk: Context, of: str) -> None:
    people = await move_in(world)
    number = whole_number(people, of)
    (found,) = await search_subscribers(desk, number)
    assert (found.id, found.matched) == (people.nilufar.id, number)


@pytest.mark.parametrize(("text", "count"), [("0001", 1), ("9000", 3), ("+998 90 00", 3), ("000", 0), ("99999", 0)])
async def test_a_part_of_a_number_finds_those_that_begin_or_end_with_it(
    world: World, desk: Context, text: str, count: int
) -> None:
    await move_in(world)
    found = await search_subscribers(desk, text)
    assert len([one for one in found if one.matched.startswith("+")]) == count


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("karim", "nilufar"),
        ("KARIMOVA", "nilufar"),
        ("nil kar", "nilufar"),
        ("bahodir", "nilufar"),
        ("каримова", "nilufar"),
        ("нилуфар", "nilufar"),
        ("o'rin", "ulugbek"),
        ("oʻrin", "ulugbek"),
        ("o‘rin", "ulugbek"),
        ("ўринов улуғ", "ulugbek"),
        ("zarafshon", "firm"),
        ("savdo mchj", "firm"),
        ("arimova", None),
        ("karimova ulugbek", None),
        ("%", None),
        ("k_r", None),
        ("kar%", None),
        ("!", None),
        ("k", None),
        ("", None),
        ("a\0b", None),
        ("x" * 5_000, None),
    ],
)
async def test_a_name_is_found_by_the_beginnings_of_its_words(
    world: World, desk: Context, text: str, who: str | None
) -> None:
    people = await move_in(world)
    found = [one.id for one in await search_subscribers(desk, text)]
    assert found == ([getattr(people, who).id] if who else [])


async def test_a_search_gives_no_more_than_asked(world: World, desk: Context) -> None:
    for _ in range(5):
        await world.person()
    assert len(await search_subscribers(desk, "person", limit=3)) == 3
    assert len(await search_subscribers(desk, "person", limit=0)) == 1


async def test_the_card_holds_all_that_is_the_subscribers_and_nothing_else(world: World, desk: Context) -> None:
    people = await move_in(world)
    card = await subscriber_card(desk, people.nilufar.id)
    assert card is not None
    assert card.subscriber.name == "Karimova Nilufar Bahodirovna"
    assert [number.phone for number in card.numbers] == [people.nilufar.phone]
    assert [(account.number, account.balance) for account in card.accounts] == [
        (people.nilufar.account_number, Money.som("492345.50"))
    ]
    (wallet,) = card.wallets
    assert (wallet.view.number, wallet.view.balance) == (people.nilufar.wallet_number, Money.som(300_000))
    assert wallet.limits.top_up_used == Money.som(300_000)
    assert [(line.owner, line.entry.amount) for line in card.entries] == [
        ("account", Money.som(-20_000)),
        ("account", Money.som("512345.50")),
        ("wallet", Money.som(300_000)),
    ]
    assert card.entries[0].entry.memo["order"] == people.order
    assert [(one.product, one.status, one.days_left) for one in card.subscriptions] == [("cinema", "active", 61)]
    assert [(order.public_id, order.status, order.total) for order in card.orders] == [
        (people.order, "completed", Money.som(20_000))
    ]


async def test_a_subscription_past_its_end_is_shown_as_expired(world: World, desk: Context) -> None:
    people = await move_in(world)
    world.clock.move(timedelta(days=62))
    card = await subscriber_card(desk, people.nilufar.id)
    assert card is not None
    assert [(one.status, one.days_left) for one in card.subscriptions] == [("expired", 0)]


async def test_a_subscriber_with_nothing_has_an_empty_card(world: World, desk: Context) -> None:
    await execute(
        "INSERT INTO subscriber (kind, search_name, status, created_at) VALUES ('private', 'new', 'active', 0)"
    )
    (row,) = await fetch("SELECT id FROM subscriber")
    card = await subscriber_card(desk, row["id"])
    assert card is not None
    assert (card.numbers, card.accounts, card.wallets, card.entries) == ([], [], [], [])
    assert await subscriber_card(desk, row["id"] + 1) is None


async def test_whose_an_account_or_a_wallet_is(world: World, desk: Context) -> None:
    people = await move_in(world)
    by_account = await holder(desk, account_id=people.firm.account_id)
    by_wallet = await holder(desk, wallet_id=people.nilufar.wallet_id)
    assert by_account is not None
    assert by_wallet is not None
    assert (by_account.name, by_wallet.id) == ("«Zarafshon Savdo» MChJ", people.nilufar.id)
    assert await holder(desk, account_id=0) is None


async def test_looks_are_noted_once_in_a_quarter_of_an_hour_and_remembered(world: World, desk: Context) -> None:
    people = await move_in(world)
    for person in (people.nilufar, people.firm, people.nilufar):
        await note_seen(desk, person.id)
        world.clock.move(timedelta(minutes=5))
    noted = await fetch("SELECT actor, subject FROM audit_event WHERE action = 'subscriber.seen'")
    seen = [one.id for one in await seen_by(desk, most=8)]
    others = await seen_by(world.context(StaffActor(8, "other", "admin")), most=8)
    assert len(noted) == 2
    assert seen == [people.firm.id, people.nilufar.id]
    assert others == []


async def test_nobody_but_staff_looks(world: World) -> None:
    people = await move_in(world)
    before = await fetch("SELECT * FROM audit_event ORDER BY id")
    for ctx, refusal in ((world.context(), Unauthenticated), (await world.signed_in(people.nilufar), Forbidden)):
        looks: list[Any] = [
            lambda ctx=ctx: search_subscribers(ctx, "karimova"),
            lambda ctx=ctx: subscriber_card(ctx, people.nilufar.id),
            lambda ctx=ctx: subscriber(ctx, people.nilufar.id),
            lambda ctx=ctx: holder(ctx, account_id=people.nilufar.account_id),
            lambda ctx=ctx: note_seen(ctx, people.nilufar.id),
            lambda ctx=ctx: seen_by(ctx, 8),
        ]
        for look in looks:
            with pytest.raises(refusal):
                await look()
    assert await fetch("SELECT * FROM audit_event ORDER BY id") == before
