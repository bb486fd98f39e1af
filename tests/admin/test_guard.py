"""What every answer tells the browser, and which forms are not taken."""

import pytest

from domain.database import fetch
from tests.admin.office import SITE, Browser, Office, move_in
from tests.support.world import World

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}


@pytest.mark.parametrize("path", ["/sign-in", "/products", "/no-such-page", "/sign-out", "/static/x/none.css"])
async def test_every_answer_carries_the_policy(office: Office, path: str) -> None:
    async with office.at_the_desk() as browser:
        answer = await browser.get(path)
    assert HEADERS.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "data:" not in policy


async def test_pages_hold_nothing_inline(office: Office) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        pages = [await browser.get(path) for path in ("/", f"/subscribers/{people.nilufar.id}", "/sign-in/code")]
    for page in pages:
        assert "<style" not in page.text
        assert " style=" not in page.text
        assert " onclick" not in page.text
        assert page.text.count("<script") == page.text.count('<script src="/admin/static/')


async def test_files_are_kept_for_good_under_an_address_of_their_content(office: Office) -> None:
    async with office.browser() as browser:
        page = await browser.get("/sign-in")
        address = page.text.partition('rel="stylesheet" href="/admin')[2].partition('"')[0]
        now = await browser.get(address)
        other = await browser.get(address.replace(address.split("/")[2], "0123456789abcdef"))
        outside = await browser.get("/static/x/../../app.py")
    assert now.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert other.headers["cache-control"] == "no-cache"
    assert now.content == other.content
    assert outside.status_code == 404


@pytest.mark.parametrize("secure", [True, False])
async def test_cookies_are_kept_to_the_host_and_from_scripts(db: str, secure: bool) -> None:
    office = Office(World(), secure=secure)
    someone = await office.hire()
    async with office.browser() as browser:
        await browser.get("/sign-in")
        set_on_entry = (await browser.client.get("/admin/sign-in", headers={"cookie": ""})).headers.get(
            "set-cookie", ""
        )
        answer = await browser.post("/sign-in", username=someone.username, password="a long enough password")
    for cookie in [set_on_entry, *answer.headers.get_list("set-cookie")]:
        if cookie:
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert ("Secure" in cookie) == secure
            assert cookie.startswith("__Host-") == secure
            assert "Path=/" in cookie


async def _cancel(browser: Browser, subscription: int, headers: dict[str, str], **form: str) -> int:
    return (await browser.post(f"/subscriptions/{subscription}/cancel", headers, **form)).status_code


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {"form_key": ""}),
        ({}, {"form_key": "0" * 64}),
        ({}, {"form_key": "кириллица"}),
        ({"origin": "https://evil.test"}, {}),
        ({"origin": "null"}, {}),
        ({"origin": SITE + ".evil.test"}, {}),
        ({"sec-fetch-site": "cross-site"}, {}),
        ({"sec-fetch-site": "same-site"}, {}),
        ({"sec-fetch-site": "none"}, {}),
    ],
)
async def test_a_form_from_elsewhere_changes_nothing(
    office: Office, headers: dict[str, str], form: dict[str, str]
) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as browser:
        await browser.get(f"/subscriptions/{people.subscription}/cancel")
        before = await fetch("SELECT * FROM product_subscription ORDER BY id")
        status = await _cancel(browser, people.subscription, headers, **form)
        after = await fetch("SELECT * FROM product_subscription ORDER BY id")
        right = await _cancel(browser, people.subscription, {})
    assert (status, after) == (403, before)
    assert right == 303


async def test_one_session_cannot_use_the_key_of_another(office: Office) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk() as mine, office.at_the_desk(role="admin") as other:
        status = await _cancel(mine, people.subscription, {}, form_key=other.key)
    assert status == 403


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"x=" + b"a" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"x=%d" % n for n in range(200)), "application/x-www-form-urlencoded", 400),
        (b"username=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"username=a%00b", "application/x-www-form-urlencoded", 400),
        (b'{"username": "a"}', "application/json", 415),
        (b"", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_a_body_that_no_form_of_ours_sends_is_refused(
    office: Office, body: bytes, content_type: str, status: int
) -> None:
    async with office.browser() as browser:
        await browser.get("/sign-in")
        answer = await browser.client.post("/admin/sign-in", content=body, headers={"content-type": content_type})
    assert answer.status_code == status
    assert "Nothing has changed." in answer.text


async def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(office: Office) -> None:
    async with office.browser() as browser:
        answer = await browser.get("/subscribers?q=a", **{"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/admin/sign-in")


@pytest.mark.parametrize("role", ["viewer", "agent"])
async def test_only_an_agent_acts(office: Office, role: str) -> None:
    people = await move_in(office.world)
    async with office.at_the_desk(role=role) as browser:
        page = await browser.get(f"/subscriptions/{people.subscription}")
        asked = await browser.get(f"/subscriptions/{people.subscription}/cancel")
        status = await _cancel(browser, people.subscription, {})
    (row,) = await fetch(f"SELECT status FROM product_subscription WHERE id = {people.subscription}")
    allowed = role == "agent"
    assert ("Cancel the subscription…" in page.text) == allowed
    assert asked.status_code == (200 if allowed else 403)
    assert (status, row["status"]) == ((303, "cancelled") if allowed else (403, "active"))
