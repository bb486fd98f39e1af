"""The pages of reconciliation: an admin uploads a statement, staff see what differs and settle it."""

import asyncio
from typing import Any

import pytest

from admin.views.reconciliation import under_way
from domain.database import fetch
from domain.money import Money
from domain.reconciliation.rows import TheirState
from resolvers.approval import propose_adjustment
from tests.admin.office import SITE, Browser, Office, text_of
from tests.resolvers.ledgers import Books, Said

WHY = "Looked at both sides of it."
TABLES = ("reconciliation", "reconciliation_difference", "payment", "ledger_transfer", "audit_event")


@pytest.fixture
async def books(office: Office) -> Books:
    return Books(office.world, (await office.world.holder(100)).account_number)


async def sent(browser: Browser, text: str | bytes, **form: str) -> Any:
    """What the browser gets for a statement that it uploads; the work on it is waited for."""
    await browser.get("/reconciliations/new")
    fields = {"form_key": browser.key, "provider": "payme"} | form
    answer = await browser.client.post(
        "/admin/reconciliations/new",
        data=fields,
        files={"file": ("march.csv", text.encode() if isinstance(text, str) else text, "text/csv")},
        headers={"origin": SITE, "sec-fetch-site": "same-origin"},
    )
    while under_way:
        await asyncio.wait(set(under_way))
    return answer


def statement(*said: Said) -> str:
    return "id,amount,time,state\n" + "".join(one.csv for one in said)


async def test_an_admin_uploads_a_statement_and_sees_what_differs(office: Office, books: Books) -> None:
    same, cheap = await books.paid("same"), await books.paid("cheap")
    cheap.amount = 1
    async with office.at_the_desk("admin") as browser:
        answer = await sent(browser, statement(same, cheap, Said("stranger", 70_000, same.at, TheirState.PERFORMED)))
        page = text_of(await browser.get(answer.headers["location"].removeprefix("/admin")))
        listed = text_of(await browser.get("/reconciliations"))
        kind = text_of(await browser.get(f"{answer.headers['location'].removeprefix('/admin')}?kind=missing_here"))

    assert answer.status_code == 303
    for word in ("Statement of Payme", "Compared", "Lines 3", "Agree 1", "Amount differs", "cheap", "stranger", "700"):
        assert word.lower() in page.lower(), word
    assert "march.csv" in listed
    assert "stranger" in kind
    assert "cheap" not in kind


async def test_what_is_chosen_is_settled_together(office: Office, books: Books) -> None:
    said = [Said(f"s{n}", 100, office.world.clock.now(), TheirState.PERFORMED) for n in range(3)]
    async with office.at_the_desk("admin") as admin:
        path = (await sent(admin, statement(*said))).headers["location"].removeprefix("/admin")
    ids = [row["id"] for row in await fetch("SELECT id FROM reconciliation_difference ORDER BY id")]
    async with office.at_the_desk("agent") as agent:
        await agent.get(path)
        chosen: dict[str, Any] = {f"d-{ids[0]}": "on", f"d-{ids[1]}": "on"}
        refused = await agent.post(path, resolution="provider_corrects", reason="short", **chosen)
        nothing = await agent.post(path, resolution="provider_corrects", reason=WHY)
        before = await fetch("SELECT status FROM reconciliation_difference")
        done = await agent.post(path, resolution="provider_corrects", reason=WHY, **chosen)
        again = await agent.post(path, resolution="provider_corrects", reason=WHY, **chosen)

    assert [refused.status_code, nothing.status_code, done.status_code, again.status_code] == [422, 422, 303, 422]
    assert f'name="d-{ids[0]}"' in refused.text
    assert {row["status"] for row in before} == {"open"}
    rows = await fetch("SELECT status FROM reconciliation_difference ORDER BY id")
    assert [row["status"] for row in rows] == ["settled", "settled", "open"]


async def test_one_difference_is_settled_on_its_page(office: Office, books: Books) -> None:
    paid, cheap = await books.paid("paid", state=TheirState.PENDING), await books.paid("cheap")
    paid.state, cheap.amount = TheirState.PERFORMED, 1
    async with office.at_the_desk("admin") as admin:
        await sent(admin, statement(paid, cheap))
        ids = {r["external_id"]: r["id"] for r in await fetch("SELECT id, external_id FROM reconciliation_difference")}
        page = text_of(await admin.get(f"/reconciliations/differences/{ids['paid']}"))
        done = await admin.post(f"/reconciliations/differences/{ids['paid']}", resolution="captured_here", reason=WHY)
        after = text_of(await admin.get(f"/reconciliations/differences/{ids['paid']}"))
        unnamed = await admin.post(f"/reconciliations/differences/{ids['cheap']}", resolution="adjusted", reason=WHY)
    [row] = await fetch("SELECT id FROM personal_account WHERE number = $1", books.number)
    staff = await office.world.staff("agent")
    made = await propose_adjustment(
        staff, subject=f"account:{row['id']}", amount=-Money.som(9), code="reconciliation", reason=WHY, key="k"
    )
    async with office.at_the_desk("agent") as agent:
        offered = await agent.get(f"/reconciliations/differences/{ids['cheap']}")
        adjusted = await agent.post(
            f"/reconciliations/differences/{ids['cheap']}", resolution="adjusted", reason=WHY, proposal=str(made.id)
        )
        forbidden = await agent.post(
            f"/reconciliations/differences/{ids['paid']}", resolution="captured_here", reason=WHY
        )

    assert "Bring the money in here" in page
    assert [done.status_code, unnamed.status_code, adjusted.status_code, forbidden.status_code] == [303, 422, 303, 403]
    assert WHY in after
    assert "Bring the money in here" not in text_of(offered)


async def test_a_file_that_is_no_statement_is_told(office: Office) -> None:
    async with office.at_the_desk("admin") as browser:
        answer = await sent(browser, "a,b\n1,2\n")
        page = text_of(await browser.get(answer.headers["location"].removeprefix("/admin")))
        empty = await sent(browser, "")
        odd = await sent(browser, "id", provider="visa")
        period = await sent(browser, "id", **{"from": "2026-03-02"})
        backwards = await sent(browser, "id", **{"from": "2026-03-02", "until": "2026-03-01"})

    assert "A column is missing: id" in page
    assert [each.status_code for each in (empty, odd, period, backwards)] == [422] * 4


@pytest.mark.parametrize("role", ["viewer", "agent"])
async def test_who_is_no_admin_uploads_nothing(office: Office, role: str) -> None:
    async with office.at_the_desk(role) as browser:
        pages = [await browser.get(path) for path in ("/reconciliations", "/reconciliations/new")]
        answer = await sent(browser, "id,amount,time\n1,1,2026-03-01\n")

    assert [page.status_code for page in pages] == [200, 403]
    assert answer.status_code == 403
    assert await fetch("SELECT * FROM reconciliation") == []


async def test_a_viewer_looks_and_settles_nothing(office: Office, books: Books) -> None:
    async with office.at_the_desk("admin") as admin:
        answer = await sent(admin, statement(Said("s", 100, office.world.clock.now(), TheirState.PERFORMED)))
    path = answer.headers["location"].removeprefix("/admin")
    [row] = await fetch("SELECT id FROM reconciliation_difference")
    async with office.at_the_desk("viewer") as viewer:
        page = await viewer.get(path)
        one = await viewer.get(f"/reconciliations/differences/{row['id']}")
        chosen: dict[str, Any] = {f"d-{row['id']}": "on"}
        before = await office.world.everything("reconciliation_difference")
        refused = await viewer.post(path, resolution="accepted", reason=WHY, **chosen)

    assert "checkbox" not in page.text
    assert "<textarea" not in one.text
    assert refused.status_code == 403
    assert await office.world.everything("reconciliation_difference") == before


async def test_what_differs_can_be_taken_away_as_a_file(office: Office, books: Books) -> None:
    async with office.at_the_desk("admin") as browser:
        answer = await sent(browser, statement(Said("=1+1", 100, office.world.clock.now(), TheirState.PERFORMED)))
        file = await browser.get(answer.headers["location"].removeprefix("/admin") + "/differences.csv")

    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "missing_here,2,,'=1+1,1.00" in file.text
    trail = await fetch("SELECT COUNT(*) AS lines FROM audit_event WHERE action = 'reconciliation.download'")
    assert trail == [{"lines": 1}]


BOUNDARY = "b0"


def part(name: str, value: str, *, file: str = "") -> str:
    shown = f'; filename="{file}"' if file else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n{value}\r\n'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("nothing of the kind", 400),
        (part("form_key", "{key}"), 400),
        (part("form_key", "{key}") + f"--{BOUNDARY}--", 400),
        (part("file", "x", file="a") + f"--{BOUNDARY}--", 403),
        (part("form_key", "wrong") + part("file", "x", file="a") + f"--{BOUNDARY}--", 403),
        (part("file", "x", file="a") + part("form_key", "{key}") + f"--{BOUNDARY}--", 403),
        (part("form_key", "{key}") + part("file", "x", file="a"), 400),
        (part("form_key", "{key}") + part("other", "x", file="a") + f"--{BOUNDARY}--", 400),
        (part("form_key", "{key}") + part("file", "x") + f"--{BOUNDARY}--", 400),
        (part("form_key", "{key}") + part("file", "x", file="a") * 2 + f"--{BOUNDARY}--", 400),
        (part("form_key", "{key}") + part("provider", "x" * 5_000), 400),
        (part("form_key", "{key}") + part("provider", "\0") + f"--{BOUNDARY}--", 400),
        ("".join(part(f"n{n}", "") for n in range(30)), 400),
        (f"--{BOUNDARY}\r\nX-Long: {'x' * 9_000}\r\n\r\n", 400),
    ],
)
async def test_an_odd_upload_is_a_clear_refusal(office: Office, body: str, status: int) -> None:
    async with office.at_the_desk("admin") as browser:
        await browser.get("/reconciliations/new")
        answer = await browser.client.post(
            "/admin/reconciliations/new",
            content=body.replace("{key}", browser.key).encode(),
            headers={"origin": SITE, "content-type": f"multipart/form-data; boundary={BOUNDARY}"},
        )

    assert answer.status_code == status
    assert await fetch("SELECT * FROM reconciliation") == []


async def test_a_file_that_is_too_large_is_not_taken(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.views.reconciliation.MOST_BYTES", 1_000)
    async with office.at_the_desk("admin") as browser:
        answer = await sent(browser, "x" * 1_001)

    assert answer.status_code == 413
    assert await fetch("SELECT * FROM reconciliation") == []
