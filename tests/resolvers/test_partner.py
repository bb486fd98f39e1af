"""Partners: who may add one, what a key opens and until when, and what the database holds of it."""

from datetime import timedelta
from typing import Any

import pytest

from domain.database import execute, fetch, fetch_row
from domain.partner import webhook_secret
from domain.refusal import Forbidden, InvalidInput, NotFound, Unauthenticated
from resolvers.context import Anonymous, Context, PartnerActor, StaffActor, SubscriberActor, SystemActor
from resolvers.paging import PageRequest
from resolvers.partner import (
    NewPartner,
    PartnerExists,
    add_partner,
    authenticate_key,
    partners,
    rotate_key,
    set_webhook,
)
from tests.support.world import World

TABLES = ("partner", "api_key", "audit_event")


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
def ctx(world: World) -> Context:
    return world.context().acting_as(SystemActor())


async def films(ctx: Context, **changes: Any) -> NewPartner:
    given = {"code": "films", "name": "Films", "scopes": ["order:write", "catalogue:read"]}
    return await add_partner(ctx, **{**given, **changes})


async def test_a_partner_signs_in_with_its_key(ctx: Context) -> None:
    made = await films(ctx)

    actor = await authenticate_key(ctx, made.api_key)

    assert actor == PartnerActor(made.partner_id, "films", frozenset({"order:write", "catalogue:read"}))


async def test_neither_secret_stands_in_the_database(ctx: Context) -> None:
    made = await films(ctx, webhook_url="https://films.example/events")

    rows = str([await fetch(f"SELECT * FROM {table}") for table in TABLES])

    assert made.api_key.startswith("kbk_")
    assert made.api_key not in rows
    assert made.api_key.split("_", 2)[2] not in rows
    assert made.webhook_secret not in rows


async def test_adding_a_partner_is_noted(ctx: Context) -> None:
    made = await films(ctx)

    row = await fetch_row("SELECT actor, action, subject FROM audit_event")

    assert row == {"actor": "system", "action": "partner.added", "subject": f"partner:{made.partner_id}"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"code": ""}, "code"),
        ({"code": "f"}, "code"),
        ({"code": "Films"}, "code"),
        ({"code": "-films"}, "code"),
        ({"code": "fil ms"}, "code"),
        ({"code": "films\n"}, "code"),
        ({"code": "фильмы"}, "code"),
        ({"code": "f" * 33}, "code"),
        ({"name": "  "}, "name"),
        ({"name": "F" * 201}, "name"),
        ({"scopes": []}, "scope"),
        ({"scopes": ["order:write", "everything"]}, "scope"),
        ({"webhook_url": ""}, "webhookUrl"),
        ({"webhook_url": "films.example"}, "webhookUrl"),
        ({"webhook_url": "ftp://films.example"}, "webhookUrl"),
        ({"webhook_url": "https://"}, "webhookUrl"),
        ({"webhook_url": "https://user:secret@films.example"}, "webhookUrl"),
        ({"webhook_url": "https://films.example:99999/"}, "webhookUrl"),
        ({"webhook_url": "https://[films/"}, "webhookUrl"),
        ({"webhook_url": "https://films.example/" + "a" * 500}, "webhookUrl"),
    ],
)
async def test_what_is_not_valid_adds_no_partner(
    world: World, ctx: Context, changes: dict[str, Any], path: str
) -> None:
    before = await world.everything(*TABLES)

    with pytest.raises(InvalidInput) as refused:
        await films(ctx, **changes)

    assert refused.value.path == (path,)
    assert await world.everything(*TABLES) == before


async def test_a_code_is_one_partners_alone(world: World, ctx: Context) -> None:
    await films(ctx)
    before = await world.everything(*TABLES)

    with pytest.raises(PartnerExists):
        await films(ctx, name="Other films")

    assert await world.everything(*TABLES) == before


@pytest.mark.parametrize(
    ("actor", "fault"),
    [
        (Anonymous(), Unauthenticated),
        (SubscriberActor(1, 1, "+998901112233"), Forbidden),
        (PartnerActor(1, "films", frozenset({"order:write"})), Forbidden),
        (StaffActor(1, "viewer", "viewer"), Forbidden),
        (StaffActor(1, "agent", "agent"), Forbidden),
    ],
)
async def test_only_an_admin_or_the_system_adds_partners_makes_keys_and_says_where_they_are_told(
    world: World, ctx: Context, actor: Any, fault: type[Exception]
) -> None:
    await films(ctx)
    before, stranger = await world.everything(*TABLES), ctx.acting_as(actor)

    with pytest.raises(fault):
        await films(stranger, code="others")
    with pytest.raises(fault):
        await rotate_key(stranger, code="films", old_until=ctx.clock.now())
    with pytest.raises(fault):
        await set_webhook(stranger, code="films", url="https://thief.example/events", new_secret=True)

    assert await world.everything(*TABLES) == before


async def test_an_admin_adds_a_partner_under_their_own_name(ctx: Context) -> None:
    await films(ctx.acting_as(StaffActor(7, "admin", "admin")))

    assert await fetch_row("SELECT actor FROM audit_event") == {"actor": "staff:7"}


@pytest.mark.parametrize("token", ["", "kbk_", "kbk_00000000_x", "x" * 10_000, "\0", "ключ"])
async def test_an_unknown_key_is_nobodys(ctx: Context, token: str) -> None:
    await films(ctx)

    assert await authenticate_key(ctx, token) is None


async def test_the_stored_fingerprint_is_no_key(ctx: Context) -> None:
    await films(ctx)
    row = await fetch_row("SELECT fingerprint FROM api_key")
    assert row is not None

    assert await authenticate_key(ctx, row["fingerprint"]) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_key SET revoked_at = 1",
        "UPDATE api_key SET expires_at = 1",
        "UPDATE partner SET disabled_at = 1",
    ],
)
async def test_a_key_that_is_over_or_of_a_partner_switched_off_opens_nothing(ctx: Context, change: str) -> None:
    made = await films(ctx)
    await execute(change)

    assert await authenticate_key(ctx, made.api_key) is None


async def test_an_old_key_goes_on_beside_the_new_one_until_the_moment_given(world: World, ctx: Context) -> None:
    made = await films(ctx)

    new = await rotate_key(ctx, code="films", old_until=ctx.clock.now() + timedelta(days=7))
    meanwhile = [await authenticate_key(ctx, key) for key in (made.api_key, new)]
    world.clock.move(timedelta(days=7))
    afterwards = [await authenticate_key(ctx, key) for key in (made.api_key, new)]

    assert meanwhile[0] == meanwhile[1] == afterwards[1]
    assert afterwards[0] is None
    assert afterwards[1] is not None


async def test_a_second_rotation_does_not_lengthen_the_life_of_the_first_key(world: World, ctx: Context) -> None:
    made = await films(ctx)
    await rotate_key(ctx, code="films", old_until=ctx.clock.now() + timedelta(days=1))

    await rotate_key(ctx, code="films", old_until=ctx.clock.now() + timedelta(days=30))
    world.clock.move(timedelta(days=1))

    assert await authenticate_key(ctx, made.api_key) is None


async def test_a_key_of_an_unknown_partner_cannot_be_made(world: World, ctx: Context) -> None:
    before = await world.everything(*TABLES)

    with pytest.raises(NotFound):
        await rotate_key(ctx, code="films", old_until=ctx.clock.now())

    assert await world.everything(*TABLES) == before


async def test_a_webhooks_signing_key_belongs_to_one_partner_and_one_version(ctx: Context) -> None:
    made = await films(ctx)
    other = await films(ctx, code="songs")

    keys = {made.webhook_secret, other.webhook_secret, webhook_secret(ctx.secrets, made.partner_id, 2)}

    assert len(keys) == 3
    assert made.webhook_secret == webhook_secret(ctx.secrets, made.partner_id, 1)


async def test_a_partner_is_told_elsewhere_under_the_same_signing_key(ctx: Context) -> None:
    made = await films(ctx, webhook_url="https://films.example/events")

    told = await set_webhook(ctx, code="films", url="https://films.example/new")

    row = await fetch_row("SELECT webhook_url, webhook_version FROM partner")
    assert row == {"webhook_url": "https://films.example/new", "webhook_version": 1}
    assert (told.code, told.url, told.secret) == ("films", "https://films.example/new", made.webhook_secret)


async def test_a_signing_key_that_has_got_about_is_replaced(ctx: Context) -> None:
    made = await films(ctx, webhook_url="https://films.example/events")

    told = await set_webhook(ctx, code="films", url="https://films.example/events", new_secret=True)
    shown_again = await set_webhook(ctx, code="films", url="https://films.example/events")

    assert told.secret == shown_again.secret == webhook_secret(ctx.secrets, made.partner_id, 2)
    assert told.secret != made.webhook_secret
    noted = await fetch("SELECT actor, subject FROM audit_event WHERE action = 'partner.webhook_set'")
    assert noted == [{"actor": "system", "subject": f"partner:{made.partner_id}"}] * 2


async def test_a_partner_can_be_told_nothing_from_now_on(ctx: Context) -> None:
    await films(ctx, webhook_url="https://films.example/events")

    told = await set_webhook(ctx, code="films", url=None)

    assert told.url is None
    assert await fetch_row("SELECT webhook_url FROM partner") == {"webhook_url": None}


@pytest.mark.parametrize(
    ("code", "url", "refusal", "path"),
    [
        ("songs", "https://songs.example/events", NotFound, "code"),
        ("films", "ftp://films.example", InvalidInput, "webhookUrl"),
        ("films", "https://user:secret@films.example", InvalidInput, "webhookUrl"),
    ],
)
async def test_a_webhook_that_is_refused_changes_nothing(
    world: World, ctx: Context, code: str, url: str, refusal: type[NotFound | InvalidInput], path: str
) -> None:
    await films(ctx, webhook_url="https://films.example/events")
    before = await world.everything(*TABLES)

    with pytest.raises(refusal) as refused:
        await set_webhook(ctx, code=code, url=url, new_secret=True)

    assert refused.value.path == (path,)
    assert await world.everything(*TABLES) == before


async def test_staff_see_partners_newest_first_with_the_beginnings_of_their_keys(world: World, ctx: Context) -> None:
    first = await films(ctx)
    world.clock.move(timedelta(hours=1))
    await films(ctx, code="songs", webhook_url="https://songs.example/events")

    page = await partners(ctx.acting_as(StaffActor(1, "viewer", "viewer")), PageRequest())

    assert [view.code for view in page.items] == ["songs", "films"]
    assert [len(view.keys) for view in page.items] == [1, 1]
    assert first.api_key.startswith(f"kbk_{page.items[1].keys[0]}_")


async def test_a_list_without_partners_is_empty(ctx: Context) -> None:
    page = await partners(ctx.acting_as(StaffActor(1, "viewer", "viewer")), PageRequest())

    assert page.items == []
