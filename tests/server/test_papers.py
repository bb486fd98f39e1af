"""Papers on a server that runs: an app asks for a file and fetches it without a session; a receipt proves itself."""

from urllib.parse import urlsplit

import httpx2

from server.settings import Settings
from server.surroundings import EXAMPLE, policy_of
from tests.support.api import Client
from tests.support.server import RunningServer

HISTORY = """{ viewer { wallet { number
    statementFile(input: {format: CSV}) { ... on Download { url } }
    entries(first: 1) { nodes { receipt { number checkUrl operator { name } pdf { url } } } } } } }"""


async def test_papers_are_fetched_by_their_addresses_alone(server: RunningServer, client: Client) -> None:
    await client.sign_in("+998901234567")
    wallet = (await client.run(HISTORY))["viewer"]["wallet"]
    [receipt] = (entry["receipt"] for entry in wallet["entries"]["nodes"])

    async with httpx2.AsyncClient(base_url=server.base_url, trust_env=False) as stranger:
        table, paper, page, nothing = [
            await stranger.get(urlsplit(url).path, headers={"accept-language": "en"})
            for url in (
                wallet["statementFile"]["url"],
                receipt["pdf"]["url"],
                receipt["checkUrl"],
                receipt["checkUrl"] + "X",
            )
        ]

    assert table.text.count("\r\n") > 1
    assert table.headers["content-disposition"].startswith(f'attachment; filename="wallet-{wallet["number"]}')
    assert paper.content.startswith(b"%PDF-")
    assert "This receipt is genuine" in page.text
    assert wallet["number"] not in page.text
    assert receipt["operator"]["name"] in page.text
    assert nothing.status_code == 404


def test_a_made_up_operator_is_for_development_alone() -> None:
    assert policy_of(Settings()).operator == EXAMPLE
    assert policy_of(Settings(env="production")).operator.name == ""
    assert policy_of(Settings(operator_name="Sinov")).operator.stir == ""
