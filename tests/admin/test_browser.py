"""The admin in a real browser: by keyboard alone, live and without scripts, and nothing that the policy stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from domain.money import Money
from tests.admin.office import PASSWORD, Office, People, move_in
from tests.admin.served import served
from tests.support.world import World

# A busy machine is no fault of the page's.
expect.set_options(timeout=20_000)

# One database is enough: what differs between them is proved without a browser.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def office(db: str) -> Office:
    return Office(World(), secure=False)


@asynccontextmanager
async def opened(office: Office, chromium: Path, **options: Any) -> AsyncIterator[tuple[Page, str, list[str]]]:
    """A page, the admin's address, and what the browser complained about."""
    complaints: list[str] = []
    async with served(office) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(locale="en-GB", **options)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, address, complaints
        await browser.close()


async def sign_in(page: Page, address: str, office: Office) -> None:
    """With the keyboard: the field is ready when the page is."""
    someone = await office.hire()
    await page.goto(f"{address}/")
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type("dilnoza")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("img", name="QR code for the app")).to_be_visible()
    await expect(page.get_by_label("Code from the app")).to_be_focused()
    await page.keyboard.type(await office.app_code(someone.staff_id))
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Find a subscriber")).to_be_focused()
    await page.get_by_text("Oʻzbekcha").first.click()
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def press_slash(page: Page) -> None:
    """Once the page listens: its scripts come after its text."""
    await page.wait_for_load_state()
    await page.keyboard.press("/")
    await expect(page.get_by_label("Find a subscriber")).to_be_focused()


async def test_a_charge_is_understood_with_the_keyboard_alone(office: Office, chromium: Path) -> None:
    await move_in(office.world)
    async with opened(office, chromium) as (page, address, complaints):
        await sign_in(page, address, office)
        await press_slash(page)
        await page.keyboard.type("karim")
        await expect(page.get_by_role("link", name="Karimova Nilufar Bahodirovna")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Karimova Nilufar Bahodirovna")
        await expect(page.locator("#entries")).to_contain_text("Subscription: Cinema")
        await press_slash(page)
        await page.keyboard.type("90 000 00 02")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Oʻrinov Ulugʻbek Shavkatovich")
        assert complaints == []


async def test_the_first_tab_leads_past_the_frame(office: Office, chromium: Path) -> None:
    async with opened(office, chromium) as (page, address, complaints):
        await sign_in(page, address, office)
        await page.goto(f"{address}/products")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        assert complaints == []


async def _long_history(office: Office) -> People:
    people = await move_in(office.world)
    for _ in range(25):
        await office.world.top_up(people.nilufar.wallet_id, Money.som(1_000))
    return people


async def test_more_of_a_history_comes_into_the_page_and_the_balance_follows(office: Office, chromium: Path) -> None:
    people = await _long_history(office)
    async with opened(office, chromium) as (page, address, complaints):
        await sign_in(page, address, office)
        await page.goto(f"{address}/wallets/{people.nilufar.wallet_id}")
        await expect(page.locator("#entries tbody tr")).to_have_count(20)
        await page.get_by_role("link", name="Show more").press("Enter")
        await expect(page.locator("#entries tbody tr")).to_have_count(26)
        await expect(page.get_by_role("link", name="Show more")).to_have_count(0)
        await office.world.top_up(people.nilufar.wallet_id, Money.som(7))
        await page.evaluate("window.dispatchEvent(new Event('focus'))")
        await expect(page.locator("#balance")).to_contain_text("325,007")
        assert complaints == []


async def test_everything_works_without_scripts(office: Office, chromium: Path) -> None:
    people = await _long_history(office)
    async with opened(office, chromium, java_script_enabled=False) as (page, address, _):
        await sign_in(page, address, office)
        await page.get_by_label("Find a subscriber").fill("karim")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Karimova Nilufar Bahodirovna").click()
        await page.get_by_role("link", name="Wallet 9").click()
        await page.get_by_role("link", name="Show more").click()
        await expect(page.locator("#entries tbody tr")).to_have_count(6)
        await page.goto(f"{address}/subscriptions/{people.subscription}")
        await page.get_by_role("link", name="Cancel the subscription…").click()
        await page.get_by_role("button", name="Cancel it").click()
        await expect(page.locator(".title .state")).to_have_text("cancelled")
        await page.get_by_text("Dilnoza Yusupova").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_nothing_is_wider_than_a_narrow_phone(office: Office, chromium: Path) -> None:
    people = await move_in(office.world)
    async with opened(office, chromium, viewport={"width": 320, "height": 640}) as (page, address, complaints):
        await sign_in(page, address, office)
        for path in (
            "",
            "subscribers?q=9000",
            f"subscribers/{people.nilufar.id}",
            f"accounts/{people.nilufar.account_id}",
            f"wallets/{people.nilufar.wallet_id}",
            f"accounts/{people.nilufar.account_id}/adjust",
            f"wallets/{people.nilufar.wallet_id}/adjust",
            "approvals",
            "books",
            f"orders/{people.order}",
            f"subscriptions/{people.subscription}",
            "products/cinema",
            "tariffs/welcome?to=%2B7495",
            "price-lists/2022-05-19",
            "offers/operator",
            "partners",
            f"subscribers/{people.nilufar.id}/consents",
            f"audit/subscriber:{people.nilufar.id}",
        ):
            await page.goto(f"{address}/{path}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert complaints == []
