"""The page to try the API on, as a browser sees it."""

from pathlib import Path

import httpx2
from playwright.async_api import Page, async_playwright, expect

from schema.http.graphiql import FILES
from tests.schema.http.toy import toy


async def test_a_browser_gets_the_page_only_where_it_is_switched_on() -> None:
    accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with (
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=toy(graphiql=True).app), base_url="http://toy") as on,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=toy().app), base_url="http://toy") as off,
    ):
        page, none = await on.get("/graphql", headers=accept), await off.get("/graphql", headers=accept)
        files, no_files = await on.get("/graphql/graphiql/page.js"), await off.get("/graphql/graphiql/page.js")
        query = await on.get("/graphql?query={hello}", headers=accept)
    assert (page.status_code, none.status_code) == (200, 400)
    assert page.headers["content-type"].startswith("text/html")
    assert (files.status_code, no_files.status_code) == (200, 404)
    assert query.json()["data"] == {"hello": "world"}


async def test_the_page_lets_no_inline_script_run_and_loads_nothing_from_elsewhere() -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=toy(graphiql=True).app), base_url="http://toy"
    ) as client:
        page = await client.get("/graphql", headers={"accept": "text/html"})
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "//" not in page.text
    assert sum(file.stat().st_size for file in FILES.iterdir()) < 3_000_000


async def test_the_page_runs_queries_and_subscriptions_without_complaint(toy_server: str, chromium: Path) -> None:
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # GraphiQL itself breaks off a request that a newer one replaces: no fault of the page's.
        page.on(
            "requestfailed",
            lambda request: (
                complaints.append(f"failed: {request.url}") if request.failure != "net::ERR_ABORTED" else None
            ),
        )
        await page.goto(f"http://{toy_server}/graphql")
        await _ask(page, "query Hello { hello caller }")
        await expect(page.locator(".result-window")).to_contain_text('"hello": "world"')
        await _ask(page, "subscription Hello { count(to: 2) }")
        await expect(page.locator(".result-window")).to_contain_text('"count": "1"')
        await page.get_by_label("Open settings dialog").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await browser.close()
    assert complaints == []


async def _ask(page: Page, document: str) -> None:
    # The page learns an operation's name a moment after it was typed, so all are named as the first one is.
    editor = page.locator(".graphiql-query-editor .CodeMirror")
    await editor.wait_for()
    await editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", document)
    await page.locator(".graphiql-execute-button").click()
