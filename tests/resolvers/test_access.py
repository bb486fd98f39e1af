"""Signing in, keeping the session, signing out: the stories around domain/access.py."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access import CodeExpired, OtpPurpose, SessionEnded, WrongCode, code_of
from domain.database import fetch, fetch_row
from domain.language import Language
from domain.refusal import InvalidPhone, MissingInput, NotFound, TokenOver, Unauthenticated
from resolvers import access
from resolvers.context import Actor, Context, Expired, SubscriberActor
from tests.support.world import World


@pytest.fixture
def world(db: str) -> World:
    return World()


async def code_for(world: World, challenge: str) -> str:
    row = await fetch_row("SELECT * FROM otp_challenge WHERE public_id = $1", challenge)
    assert row is not None
    return code_of(
        world.secrets, public_id=row["public_id"], nonce=row["nonce"], purpose=row["purpose"], phone=row["phone"]
    )


async def signed_in(world: World, ctx: Context, phone: str) -> access.SignedIn:
    challenge = await access.request_otp(ctx, phone=phone, purpose=OtpPurpose.SIGN_IN)
    code = await code_for(world, challenge.public_id)
    return await access.verify_otp(ctx, challenge=challenge.public_id, code=code)


@pytest.mark.rule("C-2")
async def test_a_number_and_its_code_open_a_session(world: World) -> None:
    person, ctx = await world.person(), world.context()

    session = await signed_in(world, ctx, person.phone)

    assert session.actor == SubscriberActor(person.id, session.actor.session_id, person.phone)
    assert await whose(ctx, session.access_token) == session.actor
    assert session.expires_at == world.clock.now() + timedelta(minutes=15)


async def whose(ctx: Context, token: str) -> Actor:
    """Who a request with this token comes from."""
    asking = ctx.acting_as(access.claims_of(ctx, token) or Expired())
    await access.settle(asking)
    return asking.actor


async def test_a_live_session_speaks_its_holders_language_unless_asked_for_another(world: World) -> None:
    person = await world.person()
    session = await signed_in(world, world.context(), person.phone)
    await access.choose_language(world.context(session.actor), Language.RU)
    claimed = access.claims_of(world.context(), session.access_token)
    assert claimed is not None

    silent, asking = world.context(claimed), world.context(replace(claimed, language_asked=True))
    await access.settle(silent)
    await access.settle(asking)

    assert (silent.language, asking.language) == (Language.RU, Language.EN)
    assert silent.actor == asking.actor == session.actor


@pytest.mark.parametrize(("phone", "refusal"), [(None, MissingInput), (" ", MissingInput), ("12", InvalidPhone)])
async def test_what_is_no_number_gets_no_code(world: World, phone: str | None, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await access.request_otp(world.context(), phone=phone, purpose=OtpPurpose.SIGN_IN)

    assert await fetch("SELECT * FROM otp_challenge") == []
    assert await fetch("SELECT * FROM outbox") == []


@pytest.mark.rule("C-2")
async def test_an_unknown_number_gets_the_same_answer_and_never_a_session(world: World) -> None:
    ctx = world.context()

    challenge = await access.request_otp(ctx, phone="+998991234567", purpose=OtpPurpose.SIGN_IN)
    with pytest.raises(WrongCode):
        await access.verify_otp(ctx, challenge=challenge.public_id, code=await code_for(world, challenge.public_id))

    assert challenge.expires_at == world.clock.now() + timedelta(minutes=10)
    assert await fetch("SELECT * FROM session") == []


@pytest.mark.rule("C-4")
async def test_a_code_entered_twenty_times_at_once_opens_one_session(world: World) -> None:
    person, ctx = await world.person(), world.context()
    challenge = await access.request_otp(ctx, phone=person.phone, purpose=OtpPurpose.SIGN_IN)
    code = await code_for(world, challenge.public_id)

    entered = (access.verify_otp(ctx, challenge=challenge.public_id, code=code) for _ in range(20))
    results = await asyncio.gather(*entered, return_exceptions=True)

    assert sum(isinstance(result, access.SignedIn) for result in results) == 1
    assert sum(isinstance(result, CodeExpired) for result in results) == 19
    assert len(await fetch("SELECT * FROM session")) == 1


@pytest.mark.rule("C-4")
async def test_a_code_for_an_order_does_not_sign_in(world: World) -> None:
    person, ctx = await world.person(), world.context()
    challenge = await access.request_otp(ctx, phone=person.phone, purpose=OtpPurpose.ORDER)
    code = await code_for(world, challenge.public_id)

    with pytest.raises(NotFound):
        await access.verify_otp(ctx, challenge=challenge.public_id, code=code)

    assert await fetch("SELECT * FROM session") == []


async def test_an_access_token_ends_by_itself_and_with_its_session(world: World) -> None:
    person, ctx = await world.person(), world.context()
    session = await signed_in(world, ctx, person.phone)

    world.clock.move(timedelta(minutes=15))
    late = await whose(ctx, session.access_token)
    fresh = await access.refresh_session(ctx, refresh_token=session.refresh_token)
    alive = await whose(ctx, fresh.access_token)
    await access.sign_out(ctx.acting_as(fresh.actor))

    assert late == Expired()
    assert alive == fresh.actor
    assert await whose(ctx, fresh.access_token) == Expired()
    with pytest.raises(SessionEnded):
        await access.refresh_session(ctx, refresh_token=fresh.refresh_token)


async def test_one_refresh_token_used_twice_at_once_ends_the_session(world: World) -> None:
    person, ctx = await world.person(), world.context()
    session = await signed_in(world, ctx, person.phone)

    twice = (access.refresh_session(ctx, refresh_token=session.refresh_token) for _ in range(2))
    results = await asyncio.gather(*twice, return_exceptions=True)

    (fresh,) = [result for result in results if isinstance(result, access.SignedIn)]
    assert sum(isinstance(result, SessionEnded) for result in results) == 1
    assert await whose(ctx, fresh.access_token) == Expired()


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwic2lkIjoxLCJleHAiOjQwMDAwMDAwMDB9."]
)
async def test_a_forged_token_is_nobodys(world: World, token: str) -> None:
    assert access.claims_of(world.context(), token) is None


async def test_who_is_not_signed_in_is_told_apart_from_whose_token_is_over(world: World) -> None:
    assert await access.me(world.context()) is None
    with pytest.raises(TokenOver):
        await access.me(world.context(Expired()))
    with pytest.raises(Unauthenticated):
        await access.choose_language(world.context(), Language.RU)


@pytest.mark.rule("C-6")
async def test_the_chosen_language_is_kept(world: World) -> None:
    ctx = await world.signed_in(await world.person())

    seen = await access.choose_language(ctx, Language.UZ_CYRL)

    assert seen.language is Language.UZ_CYRL
