"""Receipts on paper and on their public page: all of them on the one, nobody's name on the other."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import httpx2
import pypdf
import pytest

from domain import fiscal
from domain.fiscal import FiscalItem, FiscalReceipt
from domain.language import Language
from domain.ledger import EntryKind, Leg, OperatorAccount, operator_account, post
from domain.money import Money
from domain.secrets import Secrets
from papers.app import Papers
from papers.desk import Desk, Rate
from resolvers import wallet
from resolvers.receipt import check_url, receipt_link
from resolvers.wallet import TransferView
from tests.papers.counter import POLICY, Counter, path_of
from tests.support.world import Person, World

FISCAL = FiscalReceipt(
    terminal="UZ200903014321",
    receipt_number="1234",
    at=datetime(2026, 3, 10, 9, 5, tzinfo=UTC),
    sign="123456789012",
    qr_url="https://ofd.example/check?t=UZ200903014321&r=1234",
    items=(
        FiscalItem(
            name="Aloqa xizmati",
            mxik="10305001001000000",
            package_code="1505513",
            units=1,
            price=Money(1_250_050),
            amount=Money(1_250_050),
            vat_percent=12,
            vat=Money(133_934),
            agent="301234567",
        ),
    ),
)


async def a_transfer(world: World) -> tuple[Person, Person, TransferView]:
    alice, bob = await world.holder(50_000), await world.holder(10)
    ctx = await world.signed_in(alice)
    return alice, bob, await wallet.transfer(ctx, to=bob.phone, amount=Decimal("12500.50"), key="k")


async def the_page(counter: Counter, code: str, language: str = "en") -> httpx2.Response:
    async with counter.browser() as browser:
        return await browser.get(f"/check/{code}", headers={"accept-language": language})


def code_of(counter: Counter, number: str) -> str:
    return check_url(replace(counter.world.context(), policy=POLICY), number).rpartition("/")[2]


@pytest.mark.rule("W-2.19")
@pytest.mark.parametrize("language", list(Language))
async def test_a_receipt_on_paper_has_all_that_the_rule_names_on_one_page(counter: Counter, language: Language) -> None:
    alice, bob, sent = await a_transfer(counter.world)
    link = receipt_link(replace(counter.world.context(), policy=POLICY), sent.id, language)

    async with counter.browser() as browser:
        answer = await browser.get(path_of(link))

    paper = pypdf.PdfReader(io.BytesIO(answer.content))
    [page] = paper.pages
    text = page.extract_text().replace("\u202f", " ").replace("\xa0", " ")
    for person in (alice, bob):
        number = person.wallet_number
        assert " ".join(number[place : place + 4] for place in range(0, 16, 4)) in text
        assert person.phone not in text
    decimals = "12,500.50" if language is Language.EN else "12 500,50"
    for word in (sent.receipt.number, decimals, "Sinov Telekom", "301234567", "Toshkent", "14:00"):
        assert word in text
    [where] = [note["/A"]["/URI"] for note in page["/Annots"]]  # type: ignore[attr-defined]  # a page's links
    assert where == check_url(replace(counter.world.context(), policy=POLICY), sent.receipt.number)
    assert answer.headers["content-disposition"] == f'attachment; filename="receipt-{sent.receipt.number}.pdf"'


async def test_a_receipt_shows_what_the_tax_office_s_module_registered(counter: Counter) -> None:
    _, _, sent = await a_transfer(counter.world)
    await fiscal.record(sent.id, replace(FISCAL, items=FISCAL.items * 9))
    link = receipt_link(replace(counter.world.context(), policy=POLICY), sent.id, Language.EN)

    async with counter.browser() as browser:
        answer = await browser.get(path_of(link))

    [page] = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    text = page.extract_text()
    for word in ("Fiscal receipt", "UZ200903014321", "123456789012", "10305001001000000", "VAT 12 %"):
        assert word in text


async def test_the_public_page_proves_a_receipt_and_names_nobody(counter: Counter) -> None:
    alice, bob, sent = await a_transfer(counter.world)

    answer = await the_page(counter, code_of(counter, sent.receipt.number))

    assert answer.status_code == 200
    for word in ("This receipt is genuine", sent.receipt.number, "Transfer between wallets", "12,500.50", "Sinov"):
        assert word in answer.text
    for person in (alice, bob):
        for secret in (
            person.phone,
            person.phone[-2:] + "<",
            person.wallet_number,
            person.wallet_number[-4:],
            "Person",
        ):
            assert secret not in answer.text
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "script" not in answer.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("ru", "Эта квитанция подлинная"),
        ("uz-Cyrl", "Бу квитанция ҳақиқий"),
        ("uz", "Bu kvitansiya haqiqiy"),
        ("en", "This receipt is genuine"),
        ("fr", "Bu kvitansiya haqiqiy"),
    ],
)
async def test_the_page_speaks_the_browser_s_language_or_the_chosen_one(
    counter: Counter, asked: str, words: str
) -> None:
    _, _, sent = await a_transfer(counter.world)
    code = code_of(counter, sent.receipt.number)

    assert words in (await the_page(counter, code, asked)).text
    assert "Эта квитанция" in (await the_page(counter, f"{code}?lang=ru", asked)).text
    assert words in (await the_page(counter, f"{code.lower()}?lang=xx", asked)).text


async def test_a_wrong_signature_and_an_unknown_number_look_the_same(counter: Counter) -> None:
    _, _, sent = await a_transfer(counter.world)
    code = code_of(counter, sent.receipt.number)
    unknown = code_of(counter, "0000099999-3")
    wrong = (code[:-1] + ("A" if code[-1] != "A" else "B"), sent.receipt.number, "x", "0" * 500, "%00", "٠٠-1")

    answers = [await the_page(counter, each) for each in (unknown, *wrong)]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


async def test_a_movement_that_was_taken_back_is_said_to_be(counter: Counter) -> None:
    alice, _, sent = await a_transfer(counter.world)
    funding = await operator_account(OperatorAccount.FUNDING)
    legs = [
        Leg(funding, EntryKind.ADJUSTMENT, Money(-5)),
        Leg(alice.wallet_ledger, EntryKind.ADJUSTMENT, Money(5)),
    ]
    await post("adjustment", legs, at=counter.world.clock.now(), corrects=sent.id)

    answer = await the_page(counter, code_of(counter, sent.receipt.number))

    assert "put right or taken back later: 10 March 2026, 14:00" in answer.text


async def test_whoever_tries_codes_is_slowed_down(counter: Counter) -> None:
    papers = Papers(counter.context, Rate(a_minute=60, now=lambda: 12.0))

    async with counter.browser(papers) as browser:
        statuses = [(await browser.get("/check/nonsense")).status_code for _ in range(61)]
        last = await browser.get("/check/nonsense")

    assert statuses == [404] * 60 + [429]
    assert last.headers["retry-after"] == "48"


async def test_the_page_s_style_is_kept_and_a_fault_is_told_by_its_id_only(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("papers.app.checked", broken)
    answer = await the_page(counter, "x")
    async with counter.browser() as browser:
        style = await browser.get(answer.text.partition('stylesheet" href="')[2].partition('"')[0])

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in style.headers["cache-control"]


async def test_a_check_code_lasts_and_is_this_installation_s(counter: Counter) -> None:
    elsewhere = Counter(World(secrets=Secrets("the secret of another installation")))

    ours = code_of(counter, "0000000123-4")

    assert code_of(counter, "0000000123-4") == ours
    assert code_of(elsewhere, "0000000123-4") != ours


async def test_when_the_workshop_is_full_the_next_is_asked_to_come_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, sent = await a_transfer(counter.world)
    path = path_of(receipt_link(replace(counter.world.context(), policy=POLICY), sent.id, Language.EN))
    go_on, all_came, came = asyncio.Event(), asyncio.Event(), 0

    class Watched(Desk):
        @asynccontextmanager
        async def place(self) -> AsyncIterator[None]:
            nonlocal came
            came += 1
            if came == 8:
                all_came.set()
            async with super().place():
                yield

    async def slowly(_: object) -> bytes:
        await go_on.wait()
        return b"%PDF-"

    monkeypatch.setattr("papers.app.receipt_pdf", slowly)
    monkeypatch.setattr("papers.app.Desk", Watched)
    async with counter.browser() as browser:
        asked = [asyncio.create_task(browser.get(path)) for _ in range(8)]  # two at work, six that wait
        await all_came.wait()
        ninth = await browser.get(path)
        go_on.set()
        served = await asyncio.gather(*asked)

    assert (ninth.status_code, ninth.headers["retry-after"]) == (503, "5")
    assert [answer.status_code for answer in served] == [200] * 8
