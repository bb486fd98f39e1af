"""Money coming in at the addresses of a started server: Payme, Click and an agent, on both databases."""

import time
from typing import Any

import httpx2

from domain.language import Language
from domain.secrets import Secrets
from resolvers.context import Context, SystemActor
from resolvers.partner import add_partner
from server.database import connect, disconnect
from server.settings import DEVELOPMENT_SECRET
from tests.callbacks.click_simulator import SECRET, SERVICE_ID, ClickSimulator
from tests.callbacks.payme_simulator import KEY, PaymeSimulator, transaction_id
from tests.server.test_streams import WATCH, next_of, socket_of, subscribe
from tests.support.api import Client
from tests.support.server import running_server

NILUFAR, SARDOR = "+998901234567", "+998977654321"
BALANCES = "{ viewer { wallet { number balance { amount } } accounts { nodes { balance { amount } } } } }"
SETTINGS: dict[str, Any] = {
    "KABINET_PAYME_KEY": KEY,
    "KABINET_CLICK_SERVICE_ID": SERVICE_ID,
    "KABINET_CLICK_SECRET": SECRET,
}
TOP_UP = "... on TopUp { amount { amount } commission { amount } status receipt { number } }"


async def test_payme_click_and_an_agent_bring_money_in_and_the_holder_is_told(demo_url: str) -> None:
    await connect(demo_url)
    system = Context(actor=SystemActor(), secrets=Secrets(DEVELOPMENT_SECRET), language=Language.EN)
    agent = await add_partner(system, code="terminal", name="Terminal", scopes=["topup:write"])
    await disconnect()

    async with (
        running_server(demo_url, **SETTINGS) as server,
        httpx2.AsyncClient(base_url=server.base_url, trust_env=False) as http,
        Client(server.base_url, server.sms_file) as app,
        Client(server.base_url, server.sms_file) as terminal,
        socket_of(server) as socket,
    ):
        await app.sign_in(SARDOR)
        terminal.token = agent.api_key
        number = (await app.run(BALANCES))["viewer"]["wallet"]["number"]
        await subscribe(socket, str(app.token), WATCH)
        payme, click = PaymeSimulator(http), ClickSimulator(http)

        id_ = transaction_id(1)
        asked = {"id": id_, "time": int(time.time() * 1000), "amount": 100_000, "account": {"account": number}}
        await payme.done("CreateTransaction", **asked)
        await payme.done("PerformTransaction", id=id_)
        told = await next_of(socket)
        await click.pay(1, SARDOR.removeprefix("+998"), "500.25")
        brought = await terminal.mutate(
            "topUp", TOP_UP, to=SARDOR, amount="10.00", commission="1.00", idempotencyKey="k"
        )

        assert told["payload"]["data"]["walletChanged"]["balance"]["amount"] == "5001000.00"
        assert (brought["amount"], brought["commission"]) == ({"amount": "10.00"}, {"amount": "1.00"})
        assert (brought["status"], bool(brought["receipt"]["number"])) == ("CAPTURED", True)
        viewer = (await app.run(BALANCES))["viewer"]
        assert viewer["wallet"]["balance"]["amount"] == "5001000.00"
        assert viewer["accounts"]["nodes"] == [{"balance": {"amount": "120510.25"}}]


async def test_without_its_settings_a_way_has_no_address(demo_url: str) -> None:
    async with (
        running_server(demo_url, KABINET_CLICK_SERVICE_ID=SERVICE_ID) as server,
        httpx2.AsyncClient(base_url=server.base_url, trust_env=False) as http,
    ):
        answers = [(await http.post(f"/callbacks/{name}")).status_code for name in ("payme", "click", "nobody")]

    assert answers == [404, 404, 404]
