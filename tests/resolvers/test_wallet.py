"""The wallet's stories: opening, unlocking, sending; what each refuses, and that a refusal moves nothing."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from domain.database import execute, fetch, fetch_row
from domain.language import Language
from domain.ledger import InsufficientFunds
from domain.ledger_check import check_ledger
from domain.money import Money
from domain.offer import OfferOutdated
from domain.refusal import IdempotencyKeyReused, InvalidAmount, InvalidInput, Refusal, TokenOver, Unauthenticated
from domain.wallet import (
    BalanceLimitReached,
    BirthDateWrong,
    NotToppedUpYet,
    PinLocked,
    RecipientNotFound,
    SameWallet,
    TopUpLimitReached,
    WalletExists,
    WalletLocked,
    WalletMissing,
    WalletNotActive,
    WalletNotForYou,
    WrongPin,
)
from resolvers import account as accounts
from resolvers import wallet
from resolvers.context import Claimed, Context, Expired, SubscriberActor
from resolvers.paging import PageRequest
from tests.support.world import PIN, World

BIRTH = date(1990, 5, 17)


@pytest.fixture
def world(db: str) -> World:
    return World()


# Opening


@pytest.mark.rule("W-4.1.1")
@pytest.mark.rule("W-4.1.2")
async def test_a_person_opens_a_light_wallet_for_the_number_they_proved(world: World) -> None:
    edition, person = await world.wallet_offer(), await world.person()
    ctx = await world.signed_in(person)

    opened = await wallet.open_wallet(ctx, birth_date=BIRTH, pin=PIN, offer_edition=edition)

    assert (opened.phone, opened.level, opened.status, opened.balance) == (person.phone, "light", "active", Money(0))
    accepted = await fetch("SELECT * FROM offer_acceptance WHERE subscriber_id = $1", person.id)
    assert [(row["occasion"], row["text_hash"]) for row in accepted] == [("wallet opening", "h")]


@pytest.mark.rule("W-4.1.1")
@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"birth_date": None}, BirthDateWrong),
        ({"birth_date": date(1991, 5, 17)}, BirthDateWrong),
        ({"birth_date": date(2026, 3, 11)}, BirthDateWrong),
        ({"birth_date": date(1880, 1, 1)}, BirthDateWrong),
        ({"pin": None}, InvalidInput),
        ({"pin": "123"}, InvalidInput),
        ({"pin": "1234567"}, InvalidInput),
        ({"pin": "12a4"}, InvalidInput),
        ({"pin": "١٢٣٤"}, InvalidInput),
        ({"offer_edition": "2019-01"}, OfferOutdated),
    ],
)
async def test_a_wallet_is_refused_when_anything_is_missing_or_wrong(
    world: World, given: dict[str, Any], refusal: type[Refusal]
) -> None:
    edition, person = await world.wallet_offer(), await world.person()
    ctx = await world.signed_in(person)
    right: dict[str, Any] = {"birth_date": BIRTH, "pin": PIN, "offer_edition": edition}
    before = await world.everything("wallet", "ledger_account", "offer_acceptance", "subscriber")

    with pytest.raises(refusal) as refused:
        await wallet.open_wallet(ctx, **(right | given))

    assert refused.value.rule == "W-4.1.1"
    assert await world.everything("wallet", "ledger_account", "offer_acceptance", "subscriber") == before


@pytest.mark.rule("W-4.1.1")
async def test_an_organisation_and_nobody_at_all_cannot_open_a_wallet(world: World) -> None:
    edition, firm = await world.wallet_offer(), await world.person(kind="organisation", birth_date=None)

    with pytest.raises(WalletNotForYou):
        await wallet.open_wallet(await world.signed_in(firm), birth_date=BIRTH, pin=PIN, offer_edition=edition)
    with pytest.raises(Unauthenticated):
        await wallet.open_wallet(world.context(), birth_date=BIRTH, pin=PIN, offer_edition=edition)

    assert await fetch("SELECT * FROM wallet") == []


async def test_ten_openings_at_once_give_one_wallet(world: World) -> None:
    edition, person = await world.wallet_offer(), await world.person()
    ctx = await world.signed_in(person)

    results = await asyncio.gather(
        *(wallet.open_wallet(ctx, birth_date=BIRTH, pin=PIN, offer_edition=edition) for _ in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, WalletExists) for result in results) == 9
    assert len(await fetch("SELECT * FROM wallet")) == 1


# Unlocking


@pytest.mark.rule("W-2.15")
async def test_five_wrong_pins_lock_it_for_a_while_even_for_the_right_one(world: World) -> None:
    holder = await world.holder(100)
    ctx = await world.signed_in(holder, unlocked=False)

    left = []
    for _ in range(5):
        with pytest.raises(WrongPin) as wrong:
            await wallet.unlock_wallet(ctx, pin="0000")
        left.append(wrong.value.tries_left)
    with pytest.raises(PinLocked):
        await wallet.unlock_wallet(ctx, pin=PIN)
    world.clock.move(timedelta(minutes=31))
    until = await wallet.unlock_wallet(ctx, pin=PIN)

    assert left == [4, 3, 2, 1, 0]
    assert until == world.clock.now() + timedelta(minutes=15)


@pytest.mark.rule("W-2.15")
async def test_twenty_guesses_at_once_are_all_counted(world: World) -> None:
    ctx = await world.signed_in(await world.holder(100), unlocked=False)

    guesses = (wallet.unlock_wallet(ctx, pin=f"{guess:04d}") for guess in range(20))
    results = await asyncio.gather(*guesses, return_exceptions=True)

    assert sum(isinstance(result, WrongPin) for result in results) == 5
    assert sum(isinstance(result, PinLocked) for result in results) == 15


# Sending


@pytest.mark.rule("W-4.4.4")
@pytest.mark.rule("W-4.4.7")
@pytest.mark.rule("W-2.19")
async def test_a_transfer_moves_exactly_its_amount_and_gives_a_receipt(world: World) -> None:
    alice, bob = await world.holder(50_000), await world.holder(1_000)
    ctx = await world.signed_in(alice)

    sent = await wallet.transfer(ctx, to=bob.phone, amount=Decimal("12500.50"), key="k1")
    receipt = sent.receipt

    holdings = await world.holdings()
    assert (holdings[alice.wallet_ledger], holdings[bob.wallet_ledger]) == (
        Money.som("37499.50"),
        Money.som("13500.50"),
    )
    assert (receipt.amount, receipt.commission, receipt.total) == (sent.amount, Money(0), sent.amount)
    assert alice.phone not in receipt.payer
    assert bob.phone not in receipt.recipient
    assert set(world.announced) == {f"wallet:{alice.wallet_id}", f"wallet:{bob.wallet_id}"}


@pytest.mark.parametrize(
    "write", [lambda b: b.wallet_number, lambda b: b.phone, lambda b: b.phone[4:], lambda b: b.phone[1:]]
)
async def test_the_recipient_is_named_by_wallet_number_or_phone_in_any_usual_form(world: World, write: Any) -> None:
    alice, bob = await world.holder(100), await world.holder(0)

    await wallet.transfer(await world.signed_in(alice), to=write(bob), amount=Decimal(40), key="k")

    assert (await world.holdings())[bob.wallet_ledger] == Money.som(40)


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(
    ("case", "amount", "refusal"),
    [
        ("zero", "0", InvalidAmount),
        ("negative", "-1", InvalidAmount),
        ("three decimals", "1.001", InvalidAmount),
        ("ten to the eighteenth", "1000000000000000000", InvalidAmount),
        ("a huge exponent", "1e999999", InvalidAmount),
        ("not a number", "NaN", InvalidAmount),
        ("infinite", "Infinity", InvalidAmount),
        ("one tiyin too much", "50000.01", InsufficientFunds),
    ],
)
async def test_a_wrong_amount_moves_nothing(world: World, case: str, amount: str, refusal: type[Refusal]) -> None:
    alice, bob = await world.holder(50_000), await world.holder(0)
    before = await world.holdings()

    with pytest.raises(refusal):
        await wallet.transfer(await world.signed_in(alice), to=bob.phone, amount=Decimal(amount), key="k")

    assert await world.holdings() == before
    assert await fetch("SELECT * FROM idempotency") == []


@pytest.mark.rule("W-4.4.5")
@pytest.mark.parametrize("to", ["+998909999999", "", "0", "9800000000000000", "x" * 500, "' OR 1=1 --"])
async def test_an_unknown_recipient_gets_nothing(world: World, to: str) -> None:
    alice = await world.holder(500)
    before = await world.holdings()

    with pytest.raises(RecipientNotFound):
        await wallet.transfer(await world.signed_in(alice), to=to, amount=Decimal(1), key="k")

    assert await world.holdings() == before


@pytest.mark.rule("W-4.4.5")
@pytest.mark.parametrize("foreign", ["+380{}", "380{}", "00998{}", "998{}1", "{} or so", "+{}", "-998 {}x"])
async def test_a_number_of_another_country_is_nobody_s_here(world: World, foreign: str) -> None:
    alice, bob = await world.holder(500), await world.holder(0)
    before, to = await world.holdings(), foreign.format(bob.phone.removeprefix("+998"))
    ctx = await world.signed_in(alice)

    with pytest.raises(RecipientNotFound):
        await wallet.recipient(ctx, to=to)
    with pytest.raises(RecipientNotFound):
        await wallet.transfer(ctx, to=to, amount=Decimal(1), key="k")

    assert await world.holdings() == before


@pytest.mark.rule("W-2.15")
async def test_a_locked_wallet_sends_nothing(world: World) -> None:
    alice, bob = await world.holder(500), await world.holder(0)
    never, lapsed = await world.signed_in(alice, unlocked=False), await world.signed_in(alice)
    world.clock.move(timedelta(minutes=15))
    before = await world.holdings()

    for ctx in (never, lapsed):
        with pytest.raises(WalletLocked):
            await wallet.transfer(ctx, to=bob.phone, amount=Decimal(1), key="k")

    assert await world.holdings() == before


async def test_who_has_no_wallet_or_sends_to_themselves_is_refused(world: World) -> None:
    alice, nobody = await world.holder(500), await world.person()
    before = await world.holdings()

    with pytest.raises(WalletMissing):
        await wallet.transfer(await world.signed_in(nobody), to=alice.phone, amount=Decimal(1), key="k")
    with pytest.raises(SameWallet):
        await wallet.transfer(await world.signed_in(alice), to=alice.wallet_number, amount=Decimal(1), key="k")
    with pytest.raises(Unauthenticated):
        await wallet.transfer(world.context(), to=alice.phone, amount=Decimal(1), key="k")

    assert await world.holdings() == before


@pytest.mark.rule("W-4.1.2")
async def test_a_new_wallet_can_send_only_after_its_first_top_up(world: World) -> None:
    fresh, bob = await world.holder(0), await world.holder(100)
    ctx = await world.signed_in(fresh)

    with pytest.raises(NotToppedUpYet):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(1), key="k1")
    await wallet.transfer(await world.signed_in(bob), to=fresh.phone, amount=Decimal(10), key="k2")
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal(1), key="k1")

    assert (await world.holdings())[fresh.wallet_ledger] == Money.som(9)


@pytest.mark.rule("W-5.2.1")
@pytest.mark.parametrize("status", ["blocked", "closed"])
async def test_a_wallet_that_is_not_active_neither_sends_nor_receives(world: World, status: str) -> None:
    frozen, bob = await world.holder(100, status=status), await world.holder(100)
    before = await world.holdings()

    with pytest.raises((WalletNotActive, WalletMissing)):
        await wallet.transfer(await world.signed_in(frozen), to=bob.phone, amount=Decimal(1), key="k")
    with pytest.raises((WalletNotActive, RecipientNotFound)):
        await wallet.transfer(await world.signed_in(bob), to=frozen.phone, amount=Decimal(1), key="k")

    assert await world.holdings() == before


# Known by the token alone


def claimed(ctx: Context, *, language_asked: bool = False) -> Context:
    """The same caller, whose session nobody has looked up yet."""
    actor = ctx.actor
    assert isinstance(actor, SubscriberActor)
    return ctx.acting_as(Claimed(actor.subscriber_id, actor.session_id, language_asked))


@pytest.mark.parametrize("language_asked", [False, True])
async def test_a_transfer_looks_the_session_up_by_itself(world: World, language_asked: bool) -> None:
    alice, bob = await world.holder(100), await world.holder(0)
    await execute("UPDATE subscriber SET language = 'ru' WHERE id = $1", alice.id)
    known = await world.signed_in(alice)
    ctx = claimed(known, language_asked=language_asked)

    sent = await wallet.transfer(ctx, to=bob.phone, amount=Decimal(40), key="k")

    assert ctx.actor == known.actor
    assert ctx.language == (Language.EN if language_asked else Language.RU)
    assert sent.wallet == await wallet.my_wallet(known)
    assert sent.wallet.balance == Money.som(60)


@pytest.mark.parametrize(("amount", "key"), [(1, "k"), (0, "k"), (1, "")])
@pytest.mark.parametrize("column", ["ended_at", "expires_at"])
async def test_who_is_signed_in_no_more_is_told_that_before_anything_else(
    world: World, column: str, amount: int, key: str
) -> None:
    alice, bob = await world.holder(100), await world.holder(0)
    ctx = claimed(await world.signed_in(alice))
    await execute(f"UPDATE session SET {column} = 1")
    before = await world.everything("ledger_entry", "ledger_transfer", "idempotency", "wallet")

    with pytest.raises(TokenOver):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(amount), key=key)

    assert isinstance(ctx.actor, Expired)
    assert await world.everything("ledger_entry", "ledger_transfer", "idempotency", "wallet") == before
    assert world.announced == []


async def test_a_refused_transfer_announces_nothing_and_speaks_the_holders_language(world: World) -> None:
    alice, bob = await world.holder(100), await world.holder(0)
    await execute("UPDATE subscriber SET language = 'ru' WHERE id = $1", alice.id)
    ctx = claimed(await world.signed_in(alice))

    with pytest.raises(InsufficientFunds):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(101), key="k")

    assert (ctx.language, world.announced) == (Language.RU, [])


async def test_a_replay_shows_the_wallet_as_it_stands_now(world: World) -> None:
    alice, bob = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(alice)
    first = await wallet.transfer(ctx, to=bob.phone, amount=Decimal(40), key="k")
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal(10), key="k2")
    world.announced.clear()

    again = await wallet.transfer(claimed(ctx), to=bob.phone, amount=Decimal(40), key="k")

    assert (again.id, again.at, again.receipt) == (first.id, first.at, first.receipt)
    assert (first.wallet.balance, again.wallet.balance) == (Money.som(60), Money.som(50))
    assert world.announced == []


# Limits


@pytest.mark.rule("W-4.5.1a")
async def test_a_transfer_into_a_light_wallet_counts_towards_its_top_ups(world: World) -> None:
    rich, light = await world.holder(5_000_000, level="premium"), await world.holder(2_000_000)
    ctx = await world.signed_in(rich)

    with pytest.raises(TopUpLimitReached) as refused:
        await wallet.transfer(ctx, to=light.phone, amount=Decimal("60000.01"), key="k1")
    await wallet.transfer(ctx, to=light.phone, amount=Decimal(60_000), key="k2")

    facts = refused.value
    assert (facts.limit, facts.used, facts.left) == (Money.som(2_060_000), Money.som(2_000_000), Money.som(60_000))
    assert facts.resets_at is not None
    assert facts.resets_at.isoformat() == "2026-04-09T00:00:00+05:00"
    assert facts.rule == "W-4.5.1a"


@pytest.mark.rule("W-4.5.1a")
async def test_top_ups_stop_counting_after_thirty_calendar_days(world: World) -> None:
    rich, light = await world.holder(9_000_000, level="premium"), await world.holder(2_060_000)
    await wallet.transfer(await world.signed_in(light), to=rich.phone, amount=Decimal(2_060_000), key="out")

    world.clock.move(timedelta(days=29))
    with pytest.raises(TopUpLimitReached):
        await wallet.transfer(await world.signed_in(rich), to=light.phone, amount=Decimal(1), key="a")
    world.clock.move(timedelta(days=1))
    await wallet.transfer(await world.signed_in(rich), to=light.phone, amount=Decimal(2_060_000), key="b")

    assert (await world.holdings())[light.wallet_ledger] == Money.som(2_060_000)


@pytest.mark.rule("W-4.5.1b")
async def test_a_light_wallet_never_holds_more_than_five_bhm(world: World) -> None:
    rich, light = await world.holder(9_000_000, level="premium"), await world.holder(2_000_000)
    world.clock.move(timedelta(days=40))

    with pytest.raises(BalanceLimitReached) as refused:
        await wallet.transfer(await world.signed_in(rich), to=light.phone, amount=Decimal(60_001), key="a")

    assert (refused.value.left, refused.value.rule) == (Money.som(60_000), "W-4.5.1b")
    assert (await world.holdings())[light.wallet_ledger] == Money.som(2_000_000)


@pytest.mark.rule("W-4.5.2")
async def test_a_premium_wallet_has_no_limits(world: World) -> None:
    rich, premium = await world.holder(9_000_000, level="premium"), await world.holder(3_000_000, level="premium")

    await wallet.transfer(await world.signed_in(rich), to=premium.phone, amount=Decimal(9_000_000), key="a")

    assert (await world.holdings())[premium.wallet_ledger] == Money.som(12_000_000)


@pytest.mark.rule("W-4.5.1a")
async def test_fifty_transfers_at_once_cannot_slip_past_a_limit_together(world: World) -> None:
    light = await world.holder(2_000_000)
    senders = [await world.signed_in(await world.holder(20_000)) for _ in range(10)]

    transfers = (
        wallet.transfer(senders[n % 10], to=light.phone, amount=Decimal(4_000), key=f"k{n}") for n in range(50)
    )
    results = await asyncio.gather(*transfers, return_exceptions=True)

    assert sum(isinstance(result, wallet.TransferView) for result in results) == 15
    assert (await world.holdings())[light.wallet_ledger] == Money.som(2_060_000)


# Keys and concurrency


async def test_the_same_key_twice_moves_money_once_and_gives_the_first_answer(world: World) -> None:
    alice, bob = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(alice)

    first = await wallet.transfer(ctx, to=bob.phone, amount=Decimal(40), key="once")
    again = await asyncio.gather(
        *(wallet.transfer(ctx, to=bob.phone, amount=Decimal(40), key="once") for _ in range(10))
    )

    assert all(answer == first for answer in again)
    assert (await world.holdings())[alice.wallet_ledger] == Money.som(60)


async def test_ten_first_calls_at_once_with_one_key_move_money_once(world: World) -> None:
    alice, bob = await world.holder(100), await world.holder(0)
    ctx = await world.signed_in(alice)

    answers = await asyncio.gather(
        *(wallet.transfer(ctx, to=bob.phone, amount=Decimal(40), key="once") for _ in range(10))
    )

    assert len({answer.id for answer in answers}) == 1
    assert (await world.holdings())[alice.wallet_ledger] == Money.som(60)


@pytest.mark.parametrize(("to", "amount"), [("bob", 41), ("carol", 40)])
async def test_a_key_with_another_body_is_refused(world: World, to: str, amount: int) -> None:
    people = {"alice": await world.holder(100), "bob": await world.holder(0), "carol": await world.holder(0)}
    ctx = await world.signed_in(people["alice"])
    await wallet.transfer(ctx, to=people["bob"].phone, amount=Decimal(40), key="once")
    before = await world.holdings()

    with pytest.raises(IdempotencyKeyReused):
        await wallet.transfer(ctx, to=people[to].phone, amount=Decimal(amount), key="once")

    assert await world.holdings() == before


@pytest.mark.parametrize("key", ["", "   ", "k" * 101])
async def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    alice, bob = await world.holder(100), await world.holder(0)

    with pytest.raises(InvalidInput):
        await wallet.transfer(await world.signed_in(alice), to=bob.phone, amount=Decimal(1), key=key)

    assert (await world.holdings())[bob.wallet_ledger] == Money(0)


async def test_a_refused_transfer_can_be_tried_again_with_its_key(world: World) -> None:
    alice, bob = await world.holder(10), await world.holder(0)
    ctx = await world.signed_in(alice)
    with pytest.raises(InsufficientFunds):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(50), key="k")

    await world.top_up(alice.wallet_id, Money.som(40))
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal(50), key="k")

    assert (await world.holdings())[bob.wallet_ledger] == Money.som(50)


@pytest.mark.rule("W-4.4.4")
async def test_two_hundred_transfers_at_once_keep_the_total_and_no_wallet_falls_below_zero(world: World) -> None:
    holders = [await world.holder(1_000) for _ in range(10)]
    contexts = [await world.signed_in(holder) for holder in holders]
    before = await world.total()

    transfers = (
        wallet.transfer(
            contexts[n % 10], to=holders[(n * 7 + 3) % 10].phone, amount=Decimal(100 + n * 3 % 400), key=f"k{n}"
        )
        for n in range(200)
    )
    results = await asyncio.gather(*transfers, return_exceptions=True)

    assert all(isinstance(result, wallet.TransferView | InsufficientFunds | SameWallet) for result in results)
    assert await world.total() == before
    assert min((await world.holdings()).values()) >= Money(0)
    assert [str(fault) async for fault in check_ledger()] == []


# Looking


@pytest.mark.rule("W-4.3.2")
@pytest.mark.rule("W-4.4.1")
@pytest.mark.rule("W-4.4.2")
async def test_a_top_up_shows_whole_on_the_balance_and_can_be_spent_at_once(world: World) -> None:
    alice, bob = await world.holder(0), await world.holder(0)
    ctx = await world.signed_in(alice)

    await world.top_up(alice.wallet_id, Money.som("12345.67"))
    seen = await wallet.my_wallet(ctx)
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal("12345.67"), key="all of it")

    assert seen is not None
    assert seen.balance == Money.som("12345.67")
    assert (await world.holdings())[bob.wallet_ledger] == Money.som("12345.67")


@pytest.mark.rule("W-4.4.3")
async def test_a_wallet_never_changes_its_holder_even_by_raw_sql(world: World) -> None:
    alice, mallory = await world.holder(100), await world.person()

    for column, value in (("subscriber_id", mallory.id), ("ledger_account_id", mallory.account_ledger)):
        with pytest.raises((IntegrityError, OperationalError)):
            await execute(f"UPDATE wallet SET {column} = $1 WHERE id = $2", value, alice.wallet_id)

    assert (await fetch("SELECT subscriber_id FROM wallet"))[0]["subscriber_id"] == alice.id


async def test_a_wallet_and_its_entries_are_seen_by_their_holder_alone(world: World) -> None:
    alice, mallory = await world.holder(100), await world.holder(100)
    entry = await fetch_row("SELECT id FROM ledger_entry WHERE account_id = $1", alice.wallet_ledger)
    assert entry is not None
    hers, his = await world.signed_in(alice), await world.signed_in(mallory)

    assert await wallet.wallet(hers, alice.wallet_id) is not None
    assert await accounts.entry(hers, entry["id"]) is not None
    assert await wallet.wallet(his, alice.wallet_id) is None
    assert await accounts.entry(his, entry["id"]) is None


async def test_entries_page_newest_first_without_gaps_while_new_ones_come(world: World) -> None:
    alice, bob = await world.holder(1_000), await world.holder(0)
    ctx = await world.signed_in(alice)
    for n in range(5):
        await wallet.transfer(ctx, to=bob.phone, amount=Decimal(1 + n), key=f"k{n}")

    first = await accounts.entries(ctx, alice.wallet_ledger, PageRequest.of(first=3))
    await wallet.transfer(ctx, to=bob.phone, amount=Decimal(99), key="new")
    second = await accounts.entries(ctx, alice.wallet_ledger, PageRequest.of(first=3, after=first.cursors[-1]))

    amounts = [entry.amount for entry in first.items + second.items]
    assert amounts == [Money.som(n) for n in (-5, -4, -3, -2, -1, 1000)]
    assert (first.has_next, second.has_next, second.has_previous) == (True, False, True)


@pytest.mark.rule("W-4.4.5")
@pytest.mark.rule("W-2.16")
async def test_the_recipient_is_shown_masked_before_confirming(world: World) -> None:
    alice, bob = await world.holder(100), await world.holder(0)

    seen = await wallet.recipient(await world.signed_in(alice), to=bob.phone)

    assert bob.phone not in seen.phone
    assert seen.phone.endswith(bob.phone[-2:])
    assert bob.wallet_number not in seen.number
    assert seen.name == "Test P."
