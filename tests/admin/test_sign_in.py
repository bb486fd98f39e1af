"""Signing in: the password, then the app's code; what is refused, and that a refusal lets nobody in."""

import asyncio
from datetime import timedelta

import pytest

from domain.database import fetch, fetch_row
from tests.admin.office import PASSWORD, Office, text_of

REFUSED = "The user name or the password is wrong, or signing in is paused. Check both, or wait a while."


async def sessions() -> list[tuple[bool, bool]]:
    """(whole, over) of each session, in order."""
    rows = await fetch("SELECT totp_passed, ended_at FROM staff_session ORDER BY id")
    return [(bool(row["totp_passed"]), row["ended_at"] is not None) for row in rows]


async def test_the_first_sign_in_connects_the_app_and_shows_its_picture_once(office: Office) -> None:
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in?next=/products")
        shown = await browser.post("/sign-in", username=" Dilnoza ", password=PASSWORD, next="/products")
        again = await browser.get("/sign-in/code")
        wrong = await browser.post("/sign-in/code", code="000000")
        answer = await browser.post("/sign-in/code", code=await office.app_code(someone.staff_id), next="/products")
        page = await browser.get("/products")
    assert "<svg" in shown.text
    assert "Connect your app" in text_of(shown)
    assert "<svg" not in again.text + wrong.text
    assert answer.headers["location"] == "/admin/products"
    assert page.status_code == 200
    assert await sessions() == [(False, True), (True, False)]


async def test_a_new_picture_makes_the_old_one_worthless(office: Office) -> None:
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
        old_code = await office.app_code(someone.staff_id)
        shown = await browser.post("/sign-in/app")
        refused = await browser.post("/sign-in/code", code=old_code)
    assert "<svg" in shown.text
    assert refused.status_code == 422
    assert await sessions() == [(False, False)]


async def test_a_connected_app_cannot_be_replaced_by_who_knows_the_password(office: Office) -> None:
    someone = await office.hire()
    async with office.browser() as first, office.browser() as second:
        await office.sign_in(first, someone)
        before = await fetch_row("SELECT totp_nonce FROM staff")
        await second.get("/sign-in")
        asked = await second.post("/sign-in", username="dilnoza", password=PASSWORD)
        page = await second.get("/sign-in/code")
        refused = await second.post("/sign-in/app")
    assert asked.status_code == 303
    assert "<svg" not in page.text
    assert "Show a new QR code" not in page.text
    assert refused.headers["location"].startswith("/admin/sign-in")
    assert await fetch_row("SELECT totp_nonce FROM staff") == before


async def test_a_code_is_good_for_one_use(office: Office) -> None:
    someone = await office.hire()
    code = await office.app_code(someone.staff_id)
    async with office.browser() as first, office.browser() as second:
        await office.sign_in(first, someone)
        code = await office.app_code(someone.staff_id)
        await second.get("/sign-in")
        await second.post("/sign-in", username="dilnoza", password=PASSWORD)
        replayed = await second.post("/sign-in/code", code=code)
        office.world.clock.move(timedelta(seconds=30))
        fresh = await second.post("/sign-in/code", code=await office.app_code(someone.staff_id))
    assert replayed.status_code == 422
    assert "each code is good for one use" in text_of(replayed)
    assert fresh.status_code == 303


async def test_one_code_entered_twenty_times_at_once_opens_one_session(office: Office) -> None:
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
        code = await office.app_code(someone.staff_id)
        await asyncio.gather(*(browser.post("/sign-in/code", code=code) for _ in range(20)))
    assert (await sessions()).count((True, False)) == 1


@pytest.mark.parametrize(("username", "password"), [("dilnoza", "not the password"), ("nobody", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_name_are_told_alike(
    office: Office, username: str, password: str
) -> None:
    await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        refused = await browser.post("/sign-in", username=username, password=password)
    assert refused.status_code == 422
    assert REFUSED in text_of(refused)
    assert password not in refused.text
    assert await sessions() == []


async def test_an_empty_field_is_told_at_the_field_and_in_the_summary(office: Office) -> None:
    async with office.browser() as browser:
        await browser.get("/sign-in")
        refused = await browser.post("/sign-in", username="", password="")
    assert 'href="#username"' in refused.text
    assert 'aria-invalid="true"' in refused.text


async def test_five_wrong_tries_pause_signing_in_for_a_quarter_of_an_hour(office: Office) -> None:
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        for _ in range(5):
            await browser.post("/sign-in", username="dilnoza", password="not the password")
        paused = await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
        during = await sessions()
        office.world.clock.move(timedelta(minutes=15))
        await office.sign_in(browser, someone)
    assert REFUSED in text_of(paused)
    assert during == []
    noted = await fetch("SELECT action, subject FROM audit_event WHERE action = 'staff.sign_in_failed'")
    assert noted == [{"action": "staff.sign_in_failed", "subject": f"staff:{someone.staff_id}"}] * 5


async def test_wrong_codes_count_with_wrong_passwords_and_end_the_half_session(office: Office) -> None:
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        for _ in range(2):
            await browser.post("/sign-in", username="dilnoza", password="not the password")
        await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
        for _ in range(3):
            await browser.post("/sign-in/code", code="000000")
        paused = await browser.post("/sign-in/code", code=await office.app_code(someone.staff_id))
    assert REFUSED in text_of(paused)
    assert await sessions() == [(False, True)]


async def test_many_guesses_at_once_get_no_more_than_five(office: Office) -> None:
    await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        guesses = [browser.post("/sign-in", username="dilnoza", password=f"guess number {n}") for n in range(12)]
        await asyncio.gather(*guesses)
        right = await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
    assert right.status_code == 422
    assert await sessions() == []


async def test_the_password_alone_opens_no_page(office: Office) -> None:
    await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
        page = await browser.get("/products")
    assert (page.status_code, page.headers["location"]) == (303, "/admin/sign-in?next=%2Fproducts")


@pytest.mark.parametrize(("wait", "status"), [(timedelta(minutes=29), 200), (timedelta(minutes=31), 303)])
async def test_a_session_ends_after_half_an_hour_of_rest(office: Office, wait: timedelta, status: int) -> None:
    async with office.at_the_desk() as browser:
        office.world.clock.move(wait)
        page = await browser.get("/products")
    assert page.status_code == status


async def test_a_session_ends_after_twelve_hours_of_work(office: Office) -> None:
    async with office.at_the_desk() as browser:
        statuses = []
        for _ in range(25):
            office.world.clock.move(timedelta(minutes=29))
            statuses.append((await browser.get("/products")).status_code)
    assert statuses == [200] * 24 + [303]


async def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(office: Office) -> None:
    async with office.at_the_desk() as browser:
        kept = dict(browser.client.cookies)
        out = await browser.post("/sign-out")
        browser.client.cookies.update(kept)
        page = await browser.get("/products")
    assert out.headers["location"] == "/admin/sign-in"
    assert page.status_code == 303
    actions = [row["action"] for row in await fetch("SELECT action FROM audit_event ORDER BY id")]
    assert actions == ["staff.added", "staff.signed_in", "staff.signed_out"]


async def test_tokens_and_seeds_are_not_in_the_database(office: Office) -> None:
    async with office.at_the_desk() as browser:
        token = browser.client.cookies["__Host-kabinet-staff"]
    stored = str(await fetch("SELECT * FROM staff")) + str(await fetch("SELECT * FROM staff_session"))
    assert token not in stored
    assert PASSWORD not in stored


@pytest.mark.parametrize("path", ["//evil.test/", "https://evil.test/", "/\\evil.test", "javascript:alert(1)"])
async def test_signing_in_leads_to_no_other_site(office: Office, path: str) -> None:
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        await browser.post("/sign-in", username="dilnoza", password=PASSWORD)
        answer = await browser.post("/sign-in/code", code=await office.app_code(someone.staff_id), next=path)
    assert answer.headers["location"] == "/admin/"
