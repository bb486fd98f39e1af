"""Staff sift a history, see its months, take it away as a file and open a receipt."""

import re
from datetime import timedelta
from decimal import Decimal

import httpx2
import pytest

from domain.database import fetch
from resolvers import wallet
from resolvers.links import opened
from tests.admin.office import Browser, Office, People, move_in, text_of


async def some_history(office: Office) -> People:
    """On 11 March 300,000 so'm have come into Nilufar's wallet; on the 14th 1,234.50 and 2,000 leave it."""
    people = await move_in(office.world)
    office.world.clock.move(timedelta(days=3))
    other = await office.world.holder(10)
    ctx = await office.world.signed_in(people.nilufar)
    for n, amount in enumerate(("1234.50", "2000")):
        await wallet.transfer(ctx, to=other.phone, amount=Decimal(amount), key=f"k{n}")
    return people


def amounts(page: httpx2.Response) -> list[str]:
    table = page.text.partition('<table id="entries"')[2].partition("</table>")[0]
    cells = re.findall(r'class="figure amount".*?</td>', table, flags=re.S)
    return ["".join(re.findall(r"[+−]?[\d,]+(?:\.\d\d)?", re.sub(r"<[^>]*>", "", cell))) for cell in cells]


async def look(browser: Browser, people: People, query: str = "") -> httpx2.Response:
    return await browser.get(f"/wallets/{people.nilufar.wallet_id}{query}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 3),
        ("?direction=out", 2),
        ("?direction=in", 1),
        ("?kind=top_up", 1),
        ("?kind=nonsense&direction=sideways", 3),
        ("?least=1+234,50&most=2000", 2),
        ("?least=2000.01", 1),
        ("?from=2026-03-14", 2),
        ("?until=2026-03-13", 1),
        ("?from=2026-03-14&until=2026-03-14", 2),
        ("?from=2026-03-15", 0),
    ],
)
async def test_a_history_is_sifted(office: Office, query: str, expected: int) -> None:
    people = await some_history(office)

    async with office.at_the_desk() as browser:
        page = await look(browser, people, query)

    assert page.status_code == 200
    assert len(amounts(page)) == expected
    assert ("No movement is like that." in page.text) is (expected == 0)


@pytest.mark.parametrize(
    "query",
    ["from=14.03.2026", "until=0001-01-01", "from=9999-12-31", "least=abc", "most=-5", "most=1e9999", "least=NaN"],
)
async def test_what_cannot_be_read_is_told_at_its_field(office: Office, query: str) -> None:
    people = await some_history(office)
    name = query.partition("=")[0]

    async with office.at_the_desk() as browser:
        page = await look(browser, people, f"?{query}")
        file = await browser.get(f"/wallets/{people.nilufar.wallet_id}/statement?format=csv&{query}")

    assert page.status_code == 200
    assert f'id="{name}-error"' in page.text
    assert file.headers["location"].endswith(f"/wallets/{people.nilufar.wallet_id}?{query}")


async def test_a_period_tells_its_balances_and_a_whole_history_its_months(office: Office) -> None:
    people = await some_history(office)

    async with office.at_the_desk() as browser:
        period = text_of(await look(browser, people, "?from=2026-03-14&until=2026-03-20"))
        whole = text_of(await look(browser, people))

    assert "Balance at the start 300,000 soʻm Came in 0 soʻm Went out 3,234.50 soʻm" in period
    assert "Balance at the end 296,765.50 soʻm Movements 2" in period
    assert "By month" not in period
    assert "March 2026 Top-up +300,000 soʻm (1), Transfer sent −3,234.50 soʻm (2)" in whole


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
async def test_a_history_is_taken_away_and_that_is_noted(office: Office, kind: str) -> None:
    people = await some_history(office)
    wallet_id = people.nilufar.wallet_id

    async with office.at_the_desk(role="viewer") as browser:
        answer = await browser.get(f"/wallets/{wallet_id}/statement?format={kind}&direction=out&from=2026-03-14")
        account = await browser.get(f"/accounts/{people.nilufar.account_id}/statement?format={kind}")

    assert (answer.status_code, account.status_code) == (303, 303)
    facts = opened(office.world.context(), "statement", answer.headers["location"].rpartition("/")[2])
    assert (facts["kind"], facts["id"], facts["format"], facts["filter"]["incoming"]) == (
        "wallet",
        wallet_id,
        kind,
        False,
    )
    noted = await fetch("SELECT subject FROM audit_event WHERE action = 'statement.download' ORDER BY id")
    assert [row["subject"] for row in noted] == [f"wallet:{wallet_id}", f"account:{people.nilufar.account_id}"]


@pytest.mark.parametrize(
    "path", ["/wallets/{}/statement?format=exe", "/wallets/0/statement?format=csv", "/wallets/{}/statement"]
)
async def test_there_is_no_other_file(office: Office, path: str) -> None:
    people = await some_history(office)

    async with office.at_the_desk() as browser:
        answer = await browser.get(path.format(people.nilufar.wallet_id))

    assert answer.status_code == 404
    assert await fetch("SELECT * FROM audit_event WHERE action = 'statement.download'") == []


async def test_who_has_not_signed_in_takes_nothing_away(office: Office) -> None:
    people = await some_history(office)

    async with office.browser() as browser:
        answer = await browser.get(f"/wallets/{people.nilufar.wallet_id}/statement?format=csv")
        receipt = await browser.get("/receipts/0000000001-8")

    assert "/sign-in" in answer.headers["location"]
    assert "/sign-in" in receipt.headers["location"]


async def test_a_receipt_leads_to_its_paper_and_its_public_page(office: Office) -> None:
    people = await some_history(office)

    async with office.at_the_desk() as browser:
        history = await look(browser, people, "?direction=out")
        number = re.search(r'href="/admin/receipts/([\d-]+)"', history.text)
        assert number is not None
        page = await browser.get(f"/receipts/{number[1]}")
        paper = await browser.get(f"/receipts/{number[1]}/pdf")
        wrong = await browser.get("/receipts/0000000001-9")

    assert "Transfer between wallets" in page.text
    assert f'href="/check/{number[1]}-' in page.text
    assert people.nilufar.phone not in page.text
    assert paper.headers["location"].startswith("/papers/receipt/")
    assert wrong.status_code == 404
    trail = await fetch("SELECT action FROM audit_event WHERE subject LIKE 'transfer:%' ORDER BY id")
    assert [line["action"] for line in trail] == ["receipt.seen", "receipt.download"]
