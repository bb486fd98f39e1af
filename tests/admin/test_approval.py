"""Four eyes in the admin: one proposes, another decides; pages show who may, and the resolvers have the word."""

import pytest

from domain.database import fetch_row
from domain.language import Language
from domain.money import Money
from resolvers.account import receipt_number
from resolvers.context import SystemActor
from resolvers.ledger import seal_now
from tests.admin.office import Browser, Office, text_of
from tests.support.world import Person

REASON = "The terminal printed two receipts for one payment"


@pytest.fixture
async def holder(office: Office) -> Person:
    return await office.world.holder(100)


async def propose(browser: Browser, path: str, **changes: str) -> str:
    """Sends the form as the page gave it; gives the proposal's path, or the answer's text when it was refused."""
    page = await browser.get(f"{path}/adjust")
    key = page.text.split('name="key" value="')[1].split('"')[0]
    asked = {"key": key, "direction": "take", "amount": "40", "code": "duplicate", "reason": REASON} | changes
    answer = await browser.post(f"{path}/adjust", None, **asked)
    if answer.status_code != 303:
        return text_of(answer)
    return answer.headers["location"].removeprefix("/admin")


async def balance(account: int) -> Money:
    row = await fetch_row("SELECT balance FROM ledger_account WHERE id = $1", account)
    assert row is not None
    return Money(row["balance"])


async def test_an_agent_proposes_and_an_admin_carries_it_out(office: Office, holder: Person) -> None:
    wallet = f"/wallets/{holder.wallet_id}"
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        path = await propose(agent, wallet, amount="40,50")
        mine, theirs = text_of(await agent.get(path)), text_of(await admin.get(path))
        waiting = text_of(await admin.get("/"))
        listed = text_of(await admin.get("/approvals"))
        answer = await admin.post(f"{path}/approve", note="The terminal's journal says so")
        decided, history = text_of(await admin.get(path)), text_of(await admin.get(wallet))
        trail = text_of(await admin.get("/audit/proposal:1"))

    assert "Approve and carry out" not in mine
    assert "Withdraw it" in mine
    for said in (REASON, "Carried out twice", "Balance now 100 soʻm", "Balance after 59.50 soʻm", "Dilnoza Yusupova"):
        assert said in theirs
    assert "Approve and carry out" in theirs
    assert "Waiting for a second person 1" in waiting
    assert "Carried out twice" in listed
    assert answer.status_code == 303
    assert "Balance before 100 soʻm" in decided
    assert "The terminal's journal says so" in decided
    assert "Adjustment Carried out twice · proposal" in history
    assert await balance(holder.wallet_ledger) == Money.som("59.50")
    assert "adjustment.proposed" in trail
    assert "adjustment.approved" in trail


async def test_an_account_is_adjusted_with_the_receipt_that_was_wrong(office: Office, holder: Person) -> None:
    await office.world.fund(holder.account_ledger, Money.som(70))
    row = await fetch_row("SELECT MAX(id) AS id FROM ledger_transfer")
    assert row is not None
    account = f"/accounts/{holder.account_id}"
    async with office.at_the_desk("agent") as agent:
        path = await propose(agent, account, direction="add", corrects=f" {receipt_number(row['id'])} ")
        page = text_of(await agent.get(path))
        unknown = await propose(agent, account, corrects="0000000999-9")

    assert f"Corrects receipt {receipt_number(row['id'])}" in page
    assert "Nothing was found" in unknown


async def test_who_proposed_is_offered_no_decision_and_gets_none(office: Office, holder: Person) -> None:
    async with office.at_the_desk("admin") as admin:
        path = await propose(admin, f"/wallets/{holder.wallet_id}")
        page = text_of(await admin.get(path))
        refused = await admin.post(f"{path}/approve", note="")
        rejected = await admin.post(f"{path}/reject", note="No")
        withdrawn = await admin.post(f"{path}/withdraw")
        after = text_of(await admin.get(path))

    assert "Approve" not in page.replace("Approvals", "")
    for answer in (refused, rejected):
        assert answer.status_code == 422
        assert "You have proposed this yourself" in text_of(answer)
    assert withdrawn.status_code == 303
    assert "withdrawn" in after
    assert await balance(holder.wallet_ledger) == Money.som(100)


async def test_agents_and_viewers_decide_nothing(office: Office, holder: Person) -> None:
    async with office.at_the_desk("admin") as admin, office.at_the_desk("agent") as agent:
        path = await propose(admin, f"/wallets/{holder.wallet_id}")
        async with office.at_the_desk("viewer") as viewer:
            looked = await viewer.get(path)
            statuses = [(await viewer.get(f"/wallets/{holder.wallet_id}/adjust")).status_code]
            for browser in (viewer, agent):
                for what in ("approve", "reject", "withdraw"):
                    statuses.append((await browser.post(f"{path}/{what}", note="x")).status_code)
            wallet = text_of(await viewer.get(f"/wallets/{holder.wallet_id}"))

    assert looked.status_code == 200
    assert statuses == [403] * 7
    assert "Propose an adjustment" not in wallet
    assert await balance(holder.wallet_ledger) == Money.som(100)


@pytest.mark.parametrize(
    ("case", "changes", "field"),
    [
        ("no amount", {"amount": ""}, "amount"),
        ("no number", {"amount": "forty"}, "amount"),
        ("not a number", {"amount": "NaN"}, "amount"),
        ("below zero", {"amount": "-5"}, "amount"),
        ("a third of a tiyin", {"amount": "0.001"}, "amount"),
        ("a direction of its own", {"direction": "sideways"}, "direction"),
        ("a code of its own", {"code": "because"}, "code"),
        ("no reason", {"reason": ""}, "reason"),
        ("a short reason", {"reason": "mistake"}, "reason"),
        ("somebody's receipt", {"corrects": receipt_number(999)}, "corrects"),
    ],
)
async def test_an_error_stands_at_its_field_and_what_was_written_stays(
    office: Office, holder: Person, case: str, changes: dict[str, str], field: str
) -> None:
    async with office.at_the_desk("agent") as agent:
        path = f"/wallets/{holder.wallet_id}/adjust"
        await agent.get(path)
        asked = {"key": "k", "direction": "take", "amount": "40", "code": "goodwill", "reason": REASON} | changes
        answer = await agent.post(path, None, **asked)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert asked["reason"] in answer.text
    assert await fetch_row("SELECT 1 FROM approval") is None


async def test_sending_the_form_twice_proposes_once(office: Office, holder: Person) -> None:
    async with office.at_the_desk("agent") as agent:
        first = await propose(agent, f"/wallets/{holder.wallet_id}", key="the page's key")
        second = await propose(agent, f"/wallets/{holder.wallet_id}", key="the page's key")

    assert first == second


async def test_a_rejection_needs_a_word_and_then_is_listed_as_decided(office: Office, holder: Person) -> None:
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        path = await propose(agent, f"/wallets/{holder.wallet_id}")
        await admin.get(path)
        wordless = await admin.post(f"{path}/reject", note=" ")
        said = await admin.post(f"{path}/reject", note="<b>The journal shows one payment</b>")
        page = await admin.get(path)
        waiting, decided = await admin.get("/approvals"), await admin.get("/approvals?decided=yes")

    assert (wordless.status_code, said.status_code) == (422, 303)
    assert 'id="note-error"' in wordless.text
    assert "<b>The journal" not in page.text
    assert "Nothing waits for a second person." in text_of(waiting)
    assert "rejected" in text_of(decided)


async def test_what_cannot_be_carried_out_stays_open_and_says_why(office: Office, holder: Person) -> None:
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        path = await propose(agent, f"/wallets/{holder.wallet_id}", amount="100.01")
        await admin.get(path)
        answer = await admin.post(f"{path}/approve", note="")
        again = text_of(await admin.get(path))

    assert answer.status_code == 422
    assert "Not enough money" in text_of(answer)
    assert "Approve and carry out" in again


async def test_the_books_show_the_operator_s_accounts_and_the_newest_seal(office: Office, holder: Person) -> None:
    async with office.at_the_desk("viewer") as viewer:
        before = text_of(await viewer.get("/books"))
        await seal_now(office.world.context(SystemActor()))
        after = text_of(await viewer.get("/books"))

    assert "Money from outside funding −100 .00" in before
    assert "Nothing has been sealed yet." in before
    assert "Covers up to movement 1" in after


@pytest.mark.parametrize("path", ["/approvals/999", "/wallets/999/adjust", "/accounts/999/adjust", "/approvals/x"])
async def test_what_is_not_there_is_not_found(office: Office, path: str) -> None:
    async with office.at_the_desk("agent") as agent:
        assert (await agent.get(path)).status_code == 404


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("language", list(Language))
async def test_a_proposal_is_shown_in_every_language(office: Office, holder: Person, language: Language) -> None:
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin", language) as admin:
        path = await propose(agent, f"/wallets/{holder.wallet_id}")
        waiting, listed = await admin.get(path), await admin.get("/approvals")
        await admin.get(path)
        await admin.post(f"{path}/approve", note="")
        decided = await admin.get(path)

    for page in (waiting, listed, decided):
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
