"""What leaves the process: each kind of message, what is tried again and for how long, and what is never written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from domain import outbox
from domain.access import OtpPurpose, open_challenge
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.language import Language
from domain.outbox import Claimed, enqueue
from domain.partner import enqueue_entitlement, webhook_secret
from gateways import Gateways
from gateways.sms.fake import FakeSms
from gateways.webhooks import WebhookNotTaken
from resolvers.context import Context, SystemActor
from resolvers.delivery import OTP_TRIES, WEBHOOK_PATIENCE, deliver
from resolvers.partner import add_partner
from tests.support.world import World

URL = "https://partner.example/events"


class FakeWebhooks:
    """Keeps what was posted; raises what it was told to, first."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.failures: list[Exception] = []

    async def post(self, *, url: str, secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.posted.append({"url": url, "secrets": list(secrets), "id": message_id, "at": at, "body": body})

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
def ctx(world: World) -> Context:
    return world.context().acting_as(SystemActor())


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def webhooks() -> FakeWebhooks:
    return FakeWebhooks()


@pytest.fixture
def gateways(sms: FakeSms, webhooks: FakeWebhooks) -> Gateways:
    return Gateways(sms=sms, webhooks=webhooks)


async def next_message(ctx: Context) -> Claimed:
    (message,) = await outbox.claim(ctx.clock.now())
    return message


async def state() -> dict[str, Any]:
    row = await fetch_row("SELECT * FROM outbox ORDER BY id LIMIT 1")
    assert row is not None
    return row


@in_transaction
async def ask_for_code(ctx: Context, phone: str, language: Language = Language.RU) -> str:
    challenge = await open_challenge(
        phone=phone,
        purpose=OtpPurpose.SIGN_IN,
        language=language,
        now=ctx.clock.now(),
        policy=ctx.policy,
        address="",
    )
    return challenge.public_id


async def test_a_text_message_is_sent_once(ctx: Context, sms: FakeSms, gateways: Gateways) -> None:
    await enqueue("sms", "renewal:1", {"to": "+998901112233", "text": "Salom"}, ctx.clock.now())

    await deliver(ctx, gateways, await next_message(ctx))

    assert sms.to("+998901112233") == ["Salom"]
    assert await outbox.claim(ctx.clock.now() + timedelta(days=30)) == []


async def test_a_code_is_sent_and_stands_nowhere_in_the_outbox(
    world: World, ctx: Context, sms: FakeSms, gateways: Gateways
) -> None:
    person = await world.person()
    await ask_for_code(ctx, person.phone)

    await deliver(ctx, gateways, await next_message(ctx))

    (text,) = sms.to(person.phone)
    code = "".join(letter for letter in text if letter.isdigit())
    assert len(code) >= 4
    row = await state()
    assert code not in row["payload"]
    assert person.phone not in row["payload"]
    assert text not in str(row)


async def test_a_code_for_a_number_of_nobody_is_dropped_in_silence(
    ctx: Context, sms: FakeSms, gateways: Gateways
) -> None:
    await ask_for_code(ctx, "+998909999999")

    await deliver(ctx, gateways, await next_message(ctx))

    assert sms.sent == []
    assert (await state())["done_at"] is not None


async def test_a_code_that_is_over_is_not_sent(world: World, ctx: Context, sms: FakeSms, gateways: Gateways) -> None:
    person = await world.person()
    await ask_for_code(ctx, person.phone)
    world.clock.move(timedelta(days=1))

    await deliver(ctx, gateways, await next_message(ctx))

    assert sms.sent == []
    assert (await state())["done_at"] is not None


async def test_a_code_is_given_up_after_eight_tries(
    world: World, ctx: Context, sms: FakeSms, gateways: Gateways
) -> None:
    person = await world.person()
    await ask_for_code(ctx, person.phone)
    # The challenge outlives the tries here: what ends them is their number.
    await execute("UPDATE otp_challenge SET expires_at = expires_at + 864000000000")
    sms.fail(OTP_TRIES + 5)

    for _ in range(OTP_TRIES):
        await deliver(ctx, gateways, await next_message(ctx))
        world.clock.move(timedelta(hours=1))

    assert (await state())["attempts"] == OTP_TRIES
    assert (await state())["failed_at"] is not None
    assert await outbox.claim(ctx.clock.now()) == []


async def test_a_text_message_refused_for_good_is_not_tried_again(
    ctx: Context, sms: FakeSms, gateways: Gateways
) -> None:
    await enqueue("sms", "renewal:1", {"to": "+998901112233", "text": "Salom"}, ctx.clock.now())
    sms.fail(retry=False)

    await deliver(ctx, gateways, await next_message(ctx))

    assert (await state())["failed_at"] is not None
    assert sms.sent == []


async def test_a_text_message_refused_for_now_goes_later(
    world: World, ctx: Context, sms: FakeSms, gateways: Gateways
) -> None:
    await enqueue("sms", "renewal:1", {"to": "+998901112233", "text": "Salom"}, ctx.clock.now())
    sms.fail()

    await deliver(ctx, gateways, await next_message(ctx))
    at_once = await outbox.claim(ctx.clock.now())
    world.clock.move(timedelta(minutes=1))
    await deliver(ctx, gateways, await next_message(ctx))

    assert at_once == []
    assert sms.to("+998901112233") == ["Salom"]


@pytest.mark.rule("S-9")
async def test_an_entitlement_is_told_signed_under_an_id_that_stays(
    ctx: Context, webhooks: FakeWebhooks, gateways: Gateways, world: World
) -> None:
    partner = await add_partner(ctx, code="films", name="Films", scopes=["order:write"], webhook_url=URL)
    await enqueue_entitlement(
        partner.partner_id, 12, 3, "subscription.extended", {"endsOn": "2026-04-10"}, ctx.clock.now()
    )
    webhooks.failures.append(WebhookNotTaken("503", retry=True))

    await deliver(ctx, gateways, await next_message(ctx))
    world.clock.move(timedelta(minutes=1))
    await deliver(ctx, gateways, await next_message(ctx))

    (posted,) = webhooks.posted
    assert (posted["url"], posted["id"], posted["at"]) == (URL, "evt_12_3", ctx.clock.now())
    assert posted["secrets"] == [partner.webhook_secret] == [webhook_secret(ctx.secrets, partner.partner_id, 1)]
    Webhook(partner.webhook_secret)  # it is of the form that receivers' libraries take


@pytest.mark.rule("S-9")
async def test_a_receiver_sees_what_happened_and_when(ctx: Context, webhooks: FakeWebhooks, gateways: Gateways) -> None:
    partner = await add_partner(ctx, code="films", name="Films", scopes=["order:write"], webhook_url=URL)
    await enqueue_entitlement(partner.partner_id, 12, 1, "subscription.activated", {"months": 2}, ctx.clock.now())

    await deliver(ctx, gateways, await next_message(ctx))

    assert webhooks.posted[0]["body"] == (
        b'{"data": {"months": 2}, "timestamp": "2026-03-10T14:00:00+05:00", "type": "subscription.activated"}'
    )


async def test_a_receiver_that_asks_to_wait_is_left_alone_so_long(
    world: World, ctx: Context, webhooks: FakeWebhooks, gateways: Gateways
) -> None:
    partner = await add_partner(ctx, code="films", name="Films", scopes=["order:write"], webhook_url=URL)
    await enqueue_entitlement(partner.partner_id, 12, 1, "subscription.ended", {}, ctx.clock.now())
    webhooks.failures.append(WebhookNotTaken("429", retry=True, retry_after_seconds=3600))

    await deliver(ctx, gateways, await next_message(ctx))
    world.clock.move(timedelta(seconds=3599))
    too_early = await outbox.claim(ctx.clock.now())
    world.clock.move(timedelta(seconds=1))

    assert too_early == []
    assert len(await outbox.claim(ctx.clock.now())) == 1


async def test_a_receiver_is_tried_for_three_days(
    world: World, ctx: Context, webhooks: FakeWebhooks, gateways: Gateways
) -> None:
    partner = await add_partner(ctx, code="films", name="Films", scopes=["order:write"], webhook_url=URL)
    await enqueue_entitlement(partner.partner_id, 12, 1, "subscription.ended", {}, ctx.clock.now())
    webhooks.failures += [WebhookNotTaken("500", retry=True) for _ in range(2)]

    world.clock.move(WEBHOOK_PATIENCE)
    await deliver(ctx, gateways, await next_message(ctx))
    on_the_third_day = await state()
    world.clock.move(timedelta(hours=6))
    await deliver(ctx, gateways, await next_message(ctx))

    assert on_the_third_day["failed_at"] is None
    assert (await state())["failed_at"] is not None


@pytest.mark.parametrize("change", ["disabled_at = 1", "webhook_url = NULL"])
async def test_a_partner_switched_off_or_without_an_address_is_told_nothing(
    ctx: Context, webhooks: FakeWebhooks, gateways: Gateways, change: str
) -> None:
    partner = await add_partner(ctx, code="films", name="Films", scopes=["order:write"], webhook_url=URL)
    await enqueue_entitlement(partner.partner_id, 12, 1, "subscription.ended", {}, ctx.clock.now())
    await execute(f"UPDATE partner SET {change}")

    await deliver(ctx, gateways, await next_message(ctx))

    assert webhooks.posted == []
    assert (await state())["done_at"] is not None


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("telegram", {}),
        ("sms", {}),
        ("webhook", {}),
    ],
)
async def test_a_message_that_cannot_be_understood_waits_and_harms_nothing(
    ctx: Context, gateways: Gateways, topic: str, payload: dict[str, Any]
) -> None:
    await enqueue(topic, "odd:1", payload, ctx.clock.now())

    await deliver(ctx, gateways, await next_message(ctx))

    row = await state()
    assert (row["done_at"], row["failed_at"], row["claimed_until"]) == (None, None, None)
    assert row["last_error"]


async def test_an_unexpected_failure_is_noted_by_its_kind_alone(
    ctx: Context, gateways: Gateways, sms: FakeSms, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*, to: str, text: str, reference: str) -> None:
        raise RuntimeError(f"could not send {text} to {to}")

    monkeypatch.setattr(sms, "send", explode)
    await enqueue("sms", "renewal:1", {"to": "+998901112233", "text": "Salom"}, ctx.clock.now())

    await deliver(ctx, gateways, await next_message(ctx))

    assert (await state())["last_error"] == "RuntimeError"
    assert "RuntimeError" in caplog.text
    assert "+998901112233" not in caplog.text
    assert "Salom" not in caplog.text


@pytest.mark.rule("S-9")
async def test_a_stream_waits_for_its_first_message_and_others_go_on(
    world: World, ctx: Context, gateways: Gateways, webhooks: FakeWebhooks
) -> None:
    partner = await add_partner(ctx, code="films", name="Films", scopes=["order:write"], webhook_url=URL)
    for subscription, version in [(1, 1), (1, 2), (2, 1)]:
        await enqueue_entitlement(partner.partner_id, subscription, version, "e", {}, ctx.clock.now())
    webhooks.failures.append(WebhookNotTaken("500", retry=True))

    for _ in range(3):
        for message in await outbox.claim(ctx.clock.now()):
            await deliver(ctx, gateways, message)
        world.clock.move(timedelta(minutes=1))

    assert [posted["id"] for posted in webhooks.posted] == ["evt_2_1", "evt_1_1", "evt_1_2"]
    assert len(await fetch("SELECT 1 AS one FROM outbox WHERE done_at IS NOT NULL")) == 3
