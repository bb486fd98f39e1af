"""Each page, in each language, with what it must show."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from admin.pages import TEMPLATES
from domain.database import execute, fetch
from domain.language import Language
from domain.money import Money
from resolvers.context import SystemActor
from resolvers.partner import add_partner
from tests.admin.office import Office, People, move_in, text_of


def paths(people: People) -> list[str]:
    return [
        "/",
        "/subscribers?q=karim",
        "/subscribers?q=nobody-at-all",
        f"/subscribers/{people.nilufar.id}",
        f"/subscribers/{people.firm.id}",
        f"/accounts/{people.nilufar.account_id}",
        f"/wallets/{people.nilufar.wallet_id}",
        f"/wallets/{people.nilufar.wallet_id}/holds",
        f"/accounts/{people.nilufar.account_id}/adjust",
        f"/wallets/{people.nilufar.wallet_id}/adjust",
        f"/orders/{people.order}",
        f"/subscriptions/{people.subscription}",
        f"/subscriptions/{people.subscription}/cancel",
        "/products",
        "/products/cinema",
        "/tariffs",
        "/tariffs/welcome",
        "/tariffs/welcome?to=%2B7+495+1234567",
        "/price-lists",
        "/price-lists/2022-05-19",
        "/offers",
        "/offers/operator",
        "/offers/operator?on=2026-03-24&language=uz",
        f"/subscribers/{people.nilufar.id}/consents",
        "/partners",
        "/approvals",
        "/approvals?decided=yes",
        "/books",
        f"/audit/subscriber:{people.nilufar.id}",
    ]


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("language", list(Language))
async def test_every_page_is_there_in_every_language(office: Office, language: Language) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk(language=language) as browser:
        pages = {path: await browser.get(path) for path in paths(people)}
    assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(pages, 200)
    for page in pages.values():
        assert f'<html lang="{language}">' in page.text


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_translated(template: Path) -> None:
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template.read_text(), flags=re.S)
    said = re.sub(r"<[^>]*>", " ", source) + " ".join(
        re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', source)
    )
    assert re.findall(r"[^\W\d_]{2,}", said.replace("Kabinet", "")) == []


async def test_a_tariff_shows_what_is_included_and_its_prices_by_zone(office: Office) -> None:
    await move_in(office.world)
    async with office.at_the_desk() as browser:
        said = text_of(await browser.get("/tariffs/welcome"))
    for shown in ("50,000 soʻm a month", "300 min", "20,000 MB", "foreign visitors only", "<For> visitors"):
        assert shown in said
    assert "Other CIS countries minute 3,280 .00" in said


@pytest.mark.rule("T-2")
@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("+7 495 123-45-67", "3,280 soʻm / minute : Other CIS countries, Russia, +7 · edition 2022-05-19"),
        ("00 7 701 1234567", "2,280 soʻm / minute : Central Asia (1), Kazakhstan"),
        ("+998901234567", "The price list has no price for calls to this number."),
        ("<b>", "The price list has no price for calls to this number."),
    ],
)
async def test_staff_can_tell_what_a_call_costs(office: Office, to: str, told: str) -> None:
    await move_in(office.world)
    async with office.at_the_desk() as browser:
        page = await browser.get(f"/tariffs/welcome?{urlencode({'to': to})}")
    assert told.replace(" :", ":") in text_of(page)
    assert "<b>" not in page.text


@pytest.mark.rule("A-0")
async def test_an_offer_is_shown_as_it_holds_on_a_day_clause_by_clause(office: Office) -> None:
    await move_in(office.world)
    async with office.at_the_desk() as browser:
        now = await browser.get("/offers/operator")
        later = await browser.get("/offers/operator?on=2026-03-24&language=uz")
    assert "Edition 2026-01 Published 15 January 2026 In force from 30 January 2026 Next edition" in text_of(now)
    assert "The operator &amp; co connect." in now.text
    assert 'id="c-1.1"' in now.text
    assert "Edition 2026-02" in text_of(later)
    assert '<article class="offer" lang="uz">' in later.text
    assert "Operator ulaydi." in later.text


@pytest.mark.rule("A-3.7")
async def test_consents_are_listed_with_what_was_accepted(office: Office) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        page = await browser.get(f"/subscribers/{people.nilufar.id}/consents")
    said = text_of(page)
    assert "operator 2026-01 English order" in said
    assert "wallet opening" in said
    assert f'href="/admin/orders/{people.order}"' in page.text
    trail = await fetch("SELECT subject FROM audit_event WHERE action = 'subscriber.seen'")
    assert trail == [{"subject": f"subscriber:{people.nilufar.id}"}]


async def test_partners_are_listed_without_their_secrets(office: Office) -> None:
    system = office.world.context().acting_as(SystemActor())
    new = await add_partner(
        system, code="kino", name="Kino <Uz>", scopes=["order:write"], webhook_url="https://kino.test/hook"
    )
    async with office.at_the_desk() as browser:
        page = await browser.get("/partners")
    assert "Kino <Uz> kino active https://kino.test/hook" in text_of(page)
    assert new.api_key not in page.text
    assert new.webhook_secret not in page.text


async def test_a_charge_explains_itself(office: Office) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        page = await browser.get(f"/accounts/{people.nilufar.account_id}")
    said = text_of(page)
    assert "Subscription: Cinema 2 months, from month 1 of the subscription · order" in said
    assert "−20,000 .00" in said
    assert "+512,345 .50" in said
    assert "492,345.50 soʻm" in said
    assert f'href="/admin/orders/{people.order}"' in page.text


async def test_the_card_shows_all_that_is_the_subscribers(office: Office) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        said = text_of(await browser.get(f"/subscribers/{people.nilufar.id}"))
    for shown in (
        "Karimova Nilufar Bahodirovna",
        "+998 90 000 00 01",
        people.nilufar.account_number,
        "300,000 soʻm",
        "Light, not identified",
        "Cinema",
        "17 May 1990",
    ):
        assert shown in said


@pytest.mark.parametrize(
    ("language", "amount", "day"),
    [
        (Language.UZ, "492 345,50 soʻm", "1990-yil 17-may"),
        (Language.UZ_CYRL, "492 345,50 сўм", "1990-йил 17-май"),
        (Language.RU, "492 345,50 сум", "17 мая 1990"),
        (Language.EN, "492,345.50 soʻm", "17 May 1990"),
    ],
)
async def test_money_and_days_follow_the_language(office: Office, language: Language, amount: str, day: str) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk(language=language) as browser:
        said = text_of(await browser.get(f"/subscribers/{people.nilufar.id}"))
    assert amount in said
    assert day in said


async def test_debt_is_told_by_a_sign_and_a_word_not_by_colour_alone(office: Office) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        said = text_of(await browser.get(f"/subscribers/{people.firm.id}"))
    assert "−110,000 soʻm Postpaid · debt" in said


async def test_a_long_history_comes_in_pages(office: Office) -> None:
    people = await move_in(office.world)
    for _ in range(25):
        await office.world.top_up(people.nilufar.wallet_id, Money.som(1_000))
    async with office.at_the_desk() as browser:
        first = await browser.get(f"/wallets/{people.nilufar.wallet_id}")
        more = re.search(r'id="entries-more" class="more" href="/admin([^"]+)"', first.text)
        assert more is not None
        rest = await browser.get(more[1])
    assert first.text.partition('<table id="entries"')[2].count('<tr role="row">') == 1 + 20
    assert rest.text.count('<tr role="row">') == 1 + 6
    assert "Newest first" in rest.text
    assert "Show more" not in rest.text


@pytest.mark.parametrize(
    "path",
    [
        "/subscribers/0",
        "/subscribers/99999999999999999999",
        "/subscribers/x",
        "/subscribers/²",
        "/accounts/0",
        "/wallets/0",
        "/orders/none",
        "/orders/a%00b",
        "/subscriptions/0",
        "/products/none",
        "/tariffs/none",
        "/tariffs/a%00b",
        "/price-lists/none",
        "/offers/none",
        "/offers/operator?on=2019-01-01",
        "/offers/operator?on=yesterday",
        "/offers/operator?language=xx",
        "/subscribers/0/consents",
        "/audit/nothing",
        "/accounts/1?after=not-a-cursor",
        "/nowhere",
    ],
)
async def test_what_is_not_there_is_told_in_the_same_frame(office: Office, path: str) -> None:
    await move_in(office.world)
    async with office.at_the_desk() as browser:
        page = await browser.get(path)
    assert page.status_code == 404
    assert "There is no such page" in text_of(page)
    assert 'href="#main"' in page.text


async def test_a_fault_shows_a_number_and_nothing_of_its_cause(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        await execute("UPDATE product SET name = 'no JSON' WHERE code = 'cinema'")
        page = await browser.get("/products/cinema")
    assert page.status_code == 500
    shown = re.search(r"<code>([0-9a-f]{8})</code>", page.text)
    assert shown is not None
    assert shown[1] in caplog.text
    assert "JSON" not in page.text
    assert people.nilufar.phone not in caplog.text


async def test_the_language_is_kept_with_the_member_of_staff(office: Office) -> None:
    async with office.at_the_desk() as browser:
        answer = await browser.post("/language", language="uz-Cyrl", next="/products")
        page = await browser.get("/products")
    (row,) = await fetch("SELECT language FROM staff")
    assert answer.headers["location"] == "/admin/products"
    assert '<html lang="uz-Cyrl">' in page.text
    assert row["language"] == "uz-Cyrl"


async def test_a_stranger_chooses_a_language_before_signing_in(office: Office) -> None:
    async with office.browser("fr") as browser:
        first = await browser.get("/sign-in")
        await browser.post("/language", language="ru", next="/sign-in")
        second = await browser.get("/sign-in")
    assert '<html lang="uz">' in first.text
    assert '<html lang="ru">' in second.text


async def test_a_slash_pressed_before_the_page_listens_finds_all_the_same(office: Office) -> None:
    await move_in(office.world)
    async with office.at_the_desk() as browser:
        found = await browser.get("/subscribers?q=%2Fkarim")
    assert "Karimova Nilufar Bahodirovna" in found.text


async def test_a_name_is_text_never_markup(office: Office) -> None:
    people = await move_in(office.world)
    await execute("UPDATE subscriber SET last_name = '<b>x</b>' WHERE id = $1", people.nilufar.id)
    async with office.at_the_desk() as browser:
        page = await browser.get(f"/subscribers/{people.nilufar.id}")
        found = await browser.get("/subscribers?q=%3Cscript%3E")
    assert "<b>x</b>" not in page.text
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert "<script>" not in found.text


async def test_renewal_is_switched_off_by_an_agent_and_noted(office: Office) -> None:
    people = await move_in(office.world)
    await execute("UPDATE product_subscription SET auto_renew = $1", True)
    async with office.at_the_desk() as browser:
        shown = await browser.get(f"/subscriptions/{people.subscription}")
        await browser.post(f"/subscriptions/{people.subscription}/renewal")
        after = await browser.get(f"/subscriptions/{people.subscription}")
        trail = text_of(await browser.get(f"/audit/subscription:{people.subscription}"))
    assert "Switch renewal off" in shown.text
    assert "Switch renewal off" not in after.text
    assert "Dilnoza Yusupova subscription.renewal_off" in trail
