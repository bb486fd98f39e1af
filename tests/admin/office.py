"""An office with staff at their desks: an operator with a few subscribers, and browsers without a screen."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx2
import pyotp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from tortoise.backends.base.executor import EXECUTOR_CACHE

import domain.tariff
from admin.app import admin_app
from admin.settings import AdminSettings
from domain.database import execute, fetch_row, in_transaction
from domain.language import Language
from domain.money import Money
from domain.offer import publish
from domain.offer_source import parse_offer
from domain.staff import totp_secret
from domain.subscriber import search_form
from domain.tariff.catalogue import TariffSeed, seed_tariff
from resolvers.context import Context, SystemActor
from resolvers.staff import NewStaff, add_staff
from resolvers.tariff import import_price_list
from resolvers.texts import English
from tests.resolvers.shop import Buyer, Shop
from tests.support.world import Person, World

PASSWORD = "a long enough password"
PRICES = Path(domain.tariff.__file__).parent / "data" / "price-list-2022-05-19.csv"
OFFER = """---
code: operator
edition: {}
published: {}
notice_days: 15
language: {}
title: Public offer
---
# 1. {}
1.1. {} {{rule=A-3.7}}
a) {}
"""
SITE = "https://office.test"


@dataclass(slots=True)
class Browser:
    """What a browser does: keeps cookies, sends forms with the key that their page had, goes where it is sent."""

    client: httpx2.AsyncClient
    key: str = ""

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._seen(await self.client.get(f"/admin{path}", headers=headers))

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx2.Response:
        fields = {"form_key": self.key} | form
        sent = {"origin": SITE, "sec-fetch-site": "same-origin"} | (headers or {})
        answer = await self.client.post(f"/admin{path}", data=fields, headers=sent)
        if answer.status_code == 303:  # a browser goes there, and the page that it finds has the next form
            self._seen(await self.client.get(answer.headers["location"]))
        return self._seen(answer)

    def _seen(self, response: httpx2.Response) -> httpx2.Response:
        if found := re.search(r'name="form_key" value="(\w+)"', response.text):
            self.key = found[1]
        return response


@dataclass(slots=True)
class Office:
    world: World
    secure: bool = True

    def context(self, request: Request) -> Context:
        return self.world.context()

    def site(self) -> Starlette:
        settings = AdminSettings(
            make_context=self.context,
            secret=b"a secret for tests",
            secure_cookies=self.secure,
            translate=lambda _: English(),
        )
        return Starlette(routes=[Mount("/admin", admin_app(settings))])

    @asynccontextmanager
    async def browser(self, language: str = "en") -> AsyncIterator[Browser]:
        transport = httpx2.ASGITransport(app=self.site())
        headers = {"accept-language": language}
        async with httpx2.AsyncClient(transport=transport, base_url=SITE, headers=headers) as client:
            yield Browser(client)

    async def hire(self, username: str = "dilnoza", role: str = "agent") -> NewStaff:
        ctx = self.world.context().acting_as(SystemActor())
        return await add_staff(ctx, username=username, name="Dilnoza Yusupova", role=role, password=PASSWORD)

    async def app_code(self, staff_id: int) -> str:
        """What the app on the phone shows at this moment."""
        row = await fetch_row("SELECT totp_nonce FROM staff WHERE id = $1", staff_id)
        assert row is not None
        secret = totp_secret(self.world.secrets, staff_id, row["totp_nonce"])
        return pyotp.TOTP(secret).at(int(self.world.clock.now().timestamp()))

    @asynccontextmanager
    async def at_the_desk(self, role: str = "agent", language: Language = Language.EN) -> AsyncIterator[Browser]:
        """A browser whose owner has signed in."""
        someone = await self.hire(username=f"{role}-{language.lower()}", role=role)
        await execute("UPDATE staff SET language = $1 WHERE id = $2", str(language), someone.staff_id)
        async with self.browser(language) as browser:
            await self.sign_in(browser, someone)
            yield browser

    async def sign_in(self, browser: Browser, someone: NewStaff) -> httpx2.Response:
        await browser.get("/sign-in")
        await browser.post("/sign-in", username=someone.username, password=PASSWORD)
        answer = await browser.post("/sign-in/code", code=await self.app_code(someone.staff_id))
        assert answer.status_code == 303, text_of(answer)
        return answer


@dataclass(frozen=True, slots=True)
class People:
    """Whom the operator serves, and what they bought."""

    nilufar: Person
    ulugbek: Person
    firm: Person
    order: str
    subscription: int


async def move_in(world: World) -> People:
    """A subscriber with a wallet and a subscription, one whose name has an apostrophe, a firm in debt."""
    nilufar = await world.holder(300_000)
    await _name(nilufar, "Karimova", "Nilufar", "Bahodirovna")
    await world.fund(nilufar.account_ledger, Money.som("512345.50"))
    ulugbek = await world.person(balance=4_000)
    await _name(ulugbek, "Oʻrinov", "Ulugʻbek", "Shavkatovich")
    firm = await world.person(kind="organisation", birth_date=None)
    await execute(
        "UPDATE subscriber SET organisation_name = $1, last_name = '', first_name = '', search_name = $2 WHERE id = $3",
        "«Zarafshon Savdo» MChJ",
        search_form("«Zarafshon Savdo» MChJ"),
        firm.id,
    )
    await execute("UPDATE personal_account SET billing = 'postpaid' WHERE id = $1", firm.account_id)
    await execute("UPDATE ledger_account SET floor = NULL WHERE id = $1", firm.account_ledger)
    await _sell_tariff(world, nilufar)
    await publish_offer("2026-01", "2026-01-15")
    await publish_offer("2026-02", "2026-03-09")
    shop = Shop(clock=world.clock, secrets=world.secrets)
    await shop.add_product()
    world.clock.move(timedelta(days=1))
    bought = await shop.buy(_buyer(nilufar), 2)
    await shop.buy(_buyer(firm), 8)
    assert bought.subscription is not None
    return People(nilufar, ulugbek, firm, bought.public_id, bought.subscription.id)


async def _sell_tariff(world: World, person: Person) -> None:
    """The tariff for tourists with its price list, and one number on it."""
    seed = TariffSeed(
        code="welcome",
        name={"en": "Welcome"},
        description={"en": "<For> visitors"},
        monthly_fee=Money.som(50_000),
        allowances=(("voice", 300, "minute"), ("data", 20_000, "megabyte")),
        foreigners_only=True,
        archived=False,
        position=1,
    )
    tariff_id = await seed_tariff(seed)
    await import_price_list(world.context().acting_as(SystemActor()), PRICES)
    await execute("UPDATE subscriber_number SET tariff_id = $1 WHERE subscriber_id = $2", tariff_id, person.id)


@in_transaction
async def publish_offer(edition: str, published: str) -> None:
    """An edition of the operator's offer in two languages, in force fifteen days after it is published."""
    texts = {
        "en": ("Services", "The operator & co connect.", "by post"),
        "uz": ("Xizmatlar", "Operator ulaydi.", "pochta"),
    }
    files = {
        f"operator.{language}.md": OFFER.format(edition, published, language, *words).encode()
        for language, words in texts.items()
    }
    EXECUTOR_CACHE.clear()  # Tortoise keeps its statements by table: those of a test on the other database are no use
    await publish(parse_offer(files))


def _buyer(person: Person) -> Buyer:
    return Buyer(person.id, person.phone, person.account_number, person.account_id, person.account_ledger)


async def _name(person: Person, last: str, first: str, patronymic: str) -> None:
    await execute(
        "UPDATE subscriber SET last_name = $1, first_name = $2, patronymic = $3, search_name = $4 WHERE id = $5",
        last,
        first,
        patronymic,
        search_form(last, first, patronymic),
        person.id,
    )


def text_of(response: httpx2.Response) -> str:
    """The page's words, one space between them."""
    words = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]*>", " ", response.text, flags=re.S)
    return " ".join(unescape(words).split())
