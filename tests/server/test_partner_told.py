"""The product's partner is told of activation, extension and end, signed and in order, by a real server."""

import asyncio
import json

import pytest
from standardwebhooks import Webhook

from tests.gateways.receiver import Receiver
from tests.server.test_commands import kabinet
from tests.server.test_newcomer import NILUFAR, ORDER, order_and_confirm
from tests.support.api import Client, new_key
from tests.support.server import RunningServer


@pytest.mark.rule("S-5.5")
@pytest.mark.rule("S-5.6")
@pytest.mark.rule("S-9")
async def test_the_cinema_learns_who_to_let_in_and_until_when(
    demo_url: str, server: RunningServer, client: Client
) -> None:
    async with Receiver() as receiver:
        told = kabinet(
            "partner",
            "webhook",
            "--code",
            "cinema",
            "--url",
            f"http://127.0.0.1:{receiver.port}/hooks",
            KABINET_DATABASE_URL=demo_url,
        )
        secret = told.stdout.split("webhook secret: ")[1].split()[0]
        await client.sign_in(NILUFAR)
        done = await order_and_confirm(client, NILUFAR, product="cinema", months=1)
        id_ = done["subscription"]["id"]
        await client.mutate("extendSubscription", ORDER, subscriptionId=id_, months=2, idempotencyKey=new_key())
        await client.mutate("cancelSubscription", "... on ProductSubscription { status }", subscriptionId=id_)
        async with asyncio.timeout(20):
            while len(receiver.got) < 3:  # noqa: ASYNC110  # another process posts them
                await asyncio.sleep(0.05)

    posts = receiver.got[:3]
    events = [json.loads(post.body) for post in posts]
    for post in posts:
        Webhook(secret).verify(post.body, post.headers)
    assert [event["type"] for event in events] == [
        "subscription.activated",
        "subscription.extended",
        "subscription.ended",
    ]
    assert {event["data"]["phone"] for event in events} == {NILUFAR}
    assert len({post.headers["webhook-id"] for post in posts}) == 3
