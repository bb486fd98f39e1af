"""What staff do with a wallet: who may, each refusal at its field, forms sent twice; refusals change nothing."""

from datetime import date
from decimal import Decimal

import httpx2
import pytest

from domain.database import fetch, fetch_row
from domain.money import Money
from domain.switch import WayClosed
from domain.wallet.refusals import WrongBirthDate, WrongPin
from resolvers import wallet as wallets
from resolvers.context import Context
from tests.admin.office import Office, text_of
from tests.support.world import PIN, Person

ROWS = ("wallet", "wallet_block", "wallet_event", "identification", "redemption", "ledger_account", "ledger_transfer")
SETTINGS = ("operator_switch", "bhm")
STEPS = ("lost", "restore", "suspect", "clear")


def pinfl(born: str, *, doubtful: bool = False) -> str:
    """A PINFL of a man born in the twentieth century, DDMMYY inside; with another check digit if doubtful."""
    body = f"3{born}123456"
    digit = sum(int(figure) * (7, 3, 1)[place % 3] for place, figure in enumerate(body)) % 10
    return f"{body}{(digit + doubtful) % 10}"


def document(person: Person, **changed: str) -> dict[str, str]:
    """What staff type when all of it agrees."""
    return {
        "phone": person.phone,
        "walletNumber": person.wallet_number,
        "birthDate": "1990-05-17",
        "documentKind": "id_card",
        "documentNumber": "aa 1234567",
        "lastName": f"Person{int(person.phone[-7:])}",
        "firstName": "Test",
        "patronymic": "",
        "documentBirthDate": "1990-05-17",
        "pinfl": pinfl("170590"),
    } | changed


def fields_in_error(page: httpx2.Response) -> list[str]:
    """The fields that have an error beside them."""
    return [part.rpartition('id="')[2] for part in page.text.split('-error">')[:-1]]


async def asked(ctx: Context, som: int = 300, key: str = "k") -> int:
    """The holder's request to be paid out."""
    return (await wallets.request_redemption(ctx, amount=Decimal(som), destination="Card 8600 1234", key=key)).id


async def trail(subject: str) -> list[str]:
    rows = await fetch("SELECT action FROM audit_event WHERE subject = $1 ORDER BY id", subject)
    return [row["action"] for row in rows if row["action"] != "subscriber.seen"]


@pytest.mark.rule("W-4.6.1b")
@pytest.mark.rule("W-4.6.3")
@pytest.mark.rule("W-6.4")
async def test_a_loss_is_recorded_with_a_reason_and_undone_by_the_birth_date(office: Office) -> None:
    alice = await office.world.holder(1_000)
    wallet, lost, restore = (f"/wallets/{alice.wallet_id}{path}" for path in ("", "/step/lost", "/step/restore"))
    async with office.at_the_desk("agent") as browser:
        question = text_of(await browser.get(lost))
        before = await office.world.everything(*ROWS)
        without = await browser.post(lost, reason="  ")
        nothing = await office.world.everything(*ROWS)
        done = await browser.post(lost, reason="He called from another phone")
        blocked = await browser.get(wallet)
        held = await office.world.everything(*ROWS)
        again = await browser.post(lost, reason="He called from another phone")
        wrong = [await browser.post(restore, birthDate=day, reason="found it") for day in ("1990-05-18", "", "x")]
        still = await office.world.everything(*ROWS)
        back = await browser.post(restore, birthDate="1990-05-17", reason="The phone was found")
        page = text_of(await browser.get(wallet))

    assert "Is the number lost? From this second on nothing is carried out" in question
    assert (without.status_code, fields_in_error(without), nothing) == (422, ["reason"], before)
    assert done.status_code == 303
    for words in ("blocked", "Number lost since", "to be claimed by", "Loss reported", "He called from another phone"):
        assert words in text_of(blocked)
    assert f"{wallet}/step/lost" not in blocked.text
    assert (again.status_code, "does not allow this" in text_of(again)) == (422, True)
    assert [(one.status_code, fields_in_error(one)) for one in wrong] == [(422, ["birthDate"])] * 3
    assert still == held
    assert back.status_code == 303
    assert "Given back" in page
    assert "blocked" not in page
    assert await trail(f"wallet:{alice.wallet_id}") == ["wallet.loss_reported", "wallet.number_restored"]


@pytest.mark.rule("W-4.6.1c")
@pytest.mark.rule("W-4.6.4")
async def test_agents_block_on_suspicion_and_only_admins_clear(office: Office) -> None:
    alice = await office.world.holder(1_000)
    suspect, clear = (f"/wallets/{alice.wallet_id}/step/{step}" for step in ("suspect", "clear"))
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        await agent.get(suspect)
        blocked = await agent.post(suspect, reason="Many small sums from strangers")
        before = await office.world.everything(*ROWS)
        refused = [await agent.get(clear), await agent.post(clear, reason="It is my cousin")]
        after = await office.world.everything(*ROWS)
        seen = [await desk.get(f"/wallets/{alice.wallet_id}") for desk in (agent, admin)]
        await admin.get(clear)
        cleared = await admin.post(clear, reason="The shop has explained it")

    assert [answer.status_code for answer in (blocked, *refused, cleared)] == [303, 403, 403, 303]
    assert after == before
    assert ["step/clear" in page.text for page in seen] == [False, True]
    row = await fetch_row("SELECT status FROM wallet WHERE id = $1", alice.wallet_id)
    assert row == {"status": "active"}


async def test_a_viewer_looks_and_does_nothing(office: Office) -> None:
    alice = await office.world.holder(1_000)
    redemption = await asked(await office.world.signed_in(alice))
    async with office.at_the_desk("viewer") as browser:
        before = await office.world.everything(*ROWS, *SETTINGS)
        pages = [await browser.get(path) for path in (f"/wallets/{alice.wallet_id}", f"/redemptions/{redemption}")]
        listed = [text_of(await browser.get(path)) for path in ("/redemptions", "/settings")]
        looked = [await browser.get(path) for path in questions(alice)]
        await browser.get("/settings")
        done = [await browser.post(path, None, **form) for path, form in actions(alice, redemption).items()]
        after = await office.world.everything(*ROWS, *SETTINGS)

    assert [page.status_code for page in pages] == [200, 200]
    assert not any(path in page.text for page in pages for path in ("/step/", "/identify", '/pay"', "/reject"))
    assert "300" in listed[0]
    assert "Switch off" not in listed[1]
    assert {answer.status_code for answer in (*looked, *done)} == {403}
    assert after == before


def questions(person: Person) -> list[str]:
    return [f"/wallets/{person.wallet_id}/{page}" for page in (*(f"step/{step}" for step in STEPS), "identify", "rest")]


def actions(person: Person, redemption: int) -> dict[str, dict[str, str]]:
    """Everything that can be done here, with forms that would be good."""
    reason = {"reason": "for good reasons", "birthDate": "1990-05-17"}
    return {f"/wallets/{person.wallet_id}/step/{step}": reason for step in STEPS} | {
        f"/wallets/{person.wallet_id}/identify": document(person),
        f"/wallets/{person.wallet_id}/rest": {"destination": "Office in Samarqand"},
        f"/subscribers/{person.id}/pin-lock": {},
        f"/redemptions/{redemption}/pay": {},
        f"/redemptions/{redemption}/reject": reason,
        "/settings/switches": {"code": "upgrades", "on": "no"},
        "/settings/bhm": {"effectiveFrom": "2026-09-01", "amount": "450000"},
        "/settings/bhm/withdraw": {"effectiveFrom": "2026-09-01"},
    }


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {"form_key": ""}),
        ({}, {"form_key": "0" * 64}),
        ({"origin": "https://elsewhere.test"}, {}),
        ({"sec-fetch-site": "cross-site"}, {}),
    ],
)
async def test_no_form_of_another_page_is_taken(office: Office, headers: dict[str, str], form: dict[str, str]) -> None:
    alice = await office.world.holder(1_000)
    redemption = await asked(await office.world.signed_in(alice))
    async with office.at_the_desk("admin") as browser:
        await browser.get("/settings")
        key, before = browser.key, await office.world.everything(*ROWS, *SETTINGS)
        answers = []
        for path, fields in actions(alice, redemption).items():
            browser.key = key
            answers.append(await browser.post(path, headers, **fields | form))
        after = await office.world.everything(*ROWS, *SETTINGS)

    assert {answer.status_code for answer in answers} == {403}
    assert after == before


async def test_what_is_not_there_is_not_found(office: Office) -> None:
    alice = await office.world.holder(1)
    paths = ("/wallets/999/step/lost", f"/wallets/{alice.wallet_id}/step/forget", "/wallets/999/identify")
    more = ("/wallets/x/rest", "/redemptions/999", "/redemptions/x", f"/redemptions/{'9' * 30}")
    async with office.at_the_desk("admin") as browser:
        looked = [await browser.get(path) for path in (*paths, *more)]
        await browser.get("/settings")
        acted = [await browser.post(path, reason="for good reasons", birthDate="1990-05-17") for path in paths]
        acted += [await browser.post(f"/redemptions/999/{do}", reason="for good reasons") for do in ("pay", "reject")]
        acted += [await browser.post("/subscribers/999/pin-lock")]

    assert {answer.status_code for answer in (*looked, *acted)} == {404}


@pytest.mark.rule("W-2.15")
async def test_an_agent_lets_a_holder_try_the_pin_again(office: Office) -> None:
    alice = await office.world.holder(1_000)
    ctx = await office.world.signed_in(alice, unlocked=False)
    for _ in range(5):
        with pytest.raises(WrongPin):
            await wallets.unlock_wallet(ctx, pin="9999")
    path = f"/subscribers/{alice.id}"
    async with office.at_the_desk("viewer") as viewer, office.at_the_desk("agent") as agent:
        seen = [await desk.get(path) for desk in (viewer, agent)]
        lifted = await agent.post(f"{path}/pin-lock")
        after = text_of(await agent.get(path))

    assert ["PIN locked until" in text_of(page) for page in seen] == [True, True]
    assert ["pin-lock" in page.text for page in seen] == [False, True]
    assert (lifted.status_code, "PIN locked until" in after) == (303, False)
    assert await trail(f"subscriber:{alice.id}") == ["pin.unlocked"]
    await wallets.unlock_wallet(ctx, pin=PIN)


@pytest.mark.rule("W-4.6.6")
async def test_an_agent_lets_a_holder_give_the_birth_date_again(office: Office) -> None:
    alice = await office.world.holder(1_000)
    ctx = await office.world.signed_in(alice)
    for _ in range(3):
        with pytest.raises(WrongBirthDate):
            await wallets.reset_pin(ctx, birth_date=date(1990, 5, 18), pin="1357")
    path = f"/subscribers/{alice.id}"
    async with office.at_the_desk("agent") as agent:
        seen = text_of(await agent.get(path))
        await agent.post(f"{path}/pin-lock")
        after = text_of(await agent.get(path))

    assert ["Birth date locked until" in page for page in (seen, after)] == [True, False]
    assert (await wallets.reset_pin(ctx, birth_date=date(1990, 5, 17), pin="1357")).id == alice.wallet_id


WRONG = [
    ("phone", "+998901234567"),
    ("phone", "12"),
    ("walletNumber", "1" * 16),
    ("birthDate", "1990-05-18"),
    ("birthDate", ""),
    ("documentKind", "library_card"),
    ("documentNumber", "A1234567"),
    ("lastName", "Somebody"),
    ("lastName", " "),
    ("firstName", "Else"),
    ("patronymic", "x" * 101),
    ("documentBirthDate", "1990-05-18"),
    ("documentBirthDate", "soon"),
    ("pinfl", pinfl("180590")),
    ("pinfl", "123"),
]


@pytest.mark.rule("W-4.2.1")
async def test_each_disagreement_is_told_at_its_field_and_changes_nothing(office: Office) -> None:
    alice = await office.world.holder(1_000)
    path = f"/wallets/{alice.wallet_id}/identify"
    async with office.at_the_desk("agent") as browser:
        await browser.get(path)
        before = await office.world.everything(*ROWS)
        answers = [
            (field, await browser.post(path, None, **document(alice, **{field: value}))) for field, value in WRONG
        ]
        after = await office.world.everything(*ROWS)

    for (field, page), (_, typed) in zip(answers, WRONG, strict=True):
        assert (page.status_code, fields_in_error(page)) == (422, [field]), typed
        assert f'value="{alice.wallet_number}"' in page.text or field == "walletNumber"
    assert after == before
    assert await trail(f"wallet:{alice.wallet_id}") == []


@pytest.mark.rule("W-2.16")
@pytest.mark.rule("W-4.2.1")
@pytest.mark.rule("W-4.5.2")
async def test_a_holder_becomes_premium_once_a_doubt_is_settled(office: Office) -> None:
    alice = await office.world.holder(1_000)
    path, wallet = f"/wallets/{alice.wallet_id}/identify", f"/wallets/{alice.wallet_id}"
    typed = document(alice, pinfl=pinfl("170590", doubtful=True))
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        await agent.get(path)
        before = await office.world.everything(*ROWS)
        doubted = await agent.post(path, None, **typed)
        nothing = await office.world.everything(*ROWS)
        done = await agent.post(path, None, **typed | {"doubtSettled": "yes"})
        again = await agent.post(path, None, **typed | {"doubtSettled": "yes"})
        hidden, whole = [await desk.get(wallet) for desk in (agent, admin)]

    assert (doubted.status_code, fields_in_error(doubted), nothing) == (422, ["pinfl"], before)
    assert 'name="doubtSettled"' in doubted.text
    assert (done.status_code, again.status_code) == (303, 422)
    assert "identified already" in text_of(again)
    for words in ("Premium, identified", "No limits but those of the law", "AA•••••••"):
        assert words in text_of(hidden)
    assert not any(secret in hidden.text for secret in ("AA1234567", typed["pinfl"]))
    assert all(secret in whole.text for secret in ("AA1234567", typed["pinfl"]))
    facts = await fetch("SELECT facts FROM audit_event WHERE action = 'wallet.identified'")
    assert "1234567" not in str(facts)


@pytest.mark.rule("W-4.2.1")
@pytest.mark.rule("W-4.3.1")
async def test_an_admin_switches_identification_and_ways_of_topping_up(office: Office) -> None:
    alice, bob = await office.world.holder(1_000), await office.world.holder(10)
    ctx, identify = await office.world.signed_in(alice), f"/wallets/{alice.wallet_id}/identify"
    codes = ("upgrades", "top_up.transfer")
    async with office.at_the_desk("admin") as admin:
        await admin.get("/settings")
        turned = [await admin.post("/settings/switches", code=code, on="no") for code in codes]
        closed = await admin.post(identify, None, **document(alice))
        with pytest.raises(WayClosed) as refused:
            await wallets.transfer(ctx, to=bob.phone, amount=Decimal(5), key="k")
        before = await office.world.everything(*ROWS, *SETTINGS)
        wrong = [
            await admin.post("/settings/switches", None, **form)
            for form in ({"code": "gravity", "on": "no"}, {"code": "upgrades", "on": "maybe"}, {"code": "upgrades"})
        ]
        after = await office.world.everything(*ROWS, *SETTINGS)
        page = text_of(await admin.get("/settings"))
        for code in codes:
            await admin.post("/settings/switches", code=code, on="yes")
        opened = await admin.post(identify, None, **document(alice))

    assert [answer.status_code for answer in (*turned, closed, *wrong, opened)] == [303, 303, 422, 422, 422, 422, 303]
    assert "Holders are not identified now" in text_of(closed)
    assert (refused.value.code, refused.value.rule) == ("WAY_CLOSED", "W-4.3.1")
    assert after == before
    assert "Transfers between wallets off Switch on" in page
    assert "Top-ups through Payme on Switch off" in page
    assert await trail("switch:upgrades") == ["switch.off", "switch.on"]
    assert (await wallets.transfer(ctx, to=bob.phone, amount=Decimal(5), key="k")).amount == Money.som(5)


@pytest.mark.rule("W-5.4.2")
async def test_a_request_waits_on_the_first_page_and_is_paid_once(office: Office) -> None:
    alice = await office.world.holder(1_000)
    number = await asked(await office.world.signed_in(alice))
    path = f"/redemptions/{number}"
    async with office.at_the_desk("agent") as browser:
        first = text_of(await browser.get("/"))
        listed = await browser.get("/redemptions")
        page = await browser.get(path)
        paid = await browser.post(f"{path}/pay")
        left = await office.world.everything(*ROWS)
        again = [await browser.post(f"{path}/pay"), await browser.post(f"{path}/reject", reason="too late")]
        after = text_of(await browser.get(path))
        history = text_of(await browser.get(f"/wallets/{alice.wallet_id}"))

    assert "Waiting to be paid out 1" in first
    assert f'href="/admin{path}"' in listed.text
    assert "Card 8600 1234" in text_of(page)
    assert [answer.status_code for answer in (paid, *again)] == [303, 422, 422]
    assert all("decided already" in text_of(answer) for answer in again)
    assert await office.world.everything(*ROWS) == left
    assert (await office.world.holdings())[alice.wallet_ledger] == Money.som(700)
    for words in ("paid", "Receipt"):
        assert words in after
    assert "Paid out" in history


@pytest.mark.rule("W-5.4.2")
async def test_a_request_is_refused_with_a_reason_and_frozen_money_is_not_paid(office: Office) -> None:
    alice = await office.world.holder(1_000)
    path = f"/redemptions/{await asked(await office.world.signed_in(alice))}"
    async with office.at_the_desk("agent") as browser:
        await browser.get(path)
        without = await browser.post(f"{path}/reject", reason="no")
        await browser.get(f"/wallets/{alice.wallet_id}/step/suspect")
        await browser.post(f"/wallets/{alice.wallet_id}/step/suspect", reason="A complaint")
        before = await office.world.everything(*ROWS)
        frozen = await browser.post(f"{path}/pay")
        after = await office.world.everything(*ROWS)
        refused = await browser.post(f"{path}/reject", reason="The card is somebody else's")
        page = text_of(await browser.get(path))

    assert (without.status_code, fields_in_error(without)) == (422, ["reason"])
    assert (frozen.status_code, "blocked or closed" in text_of(frozen), after) == (422, True, before)
    assert refused.status_code == 303
    assert "The card is somebody else's" in page
    assert (await office.world.holdings())[alice.wallet_ledger] == Money.som(1_000)


@pytest.mark.rule("W-4.6.2")
@pytest.mark.rule("W-5.4.2")
async def test_the_rest_of_a_wallet_that_was_given_up_is_paid_by_somebody_else(office: Office) -> None:
    alice = await office.world.holder(1_000)
    wallet, rest = f"/wallets/{alice.wallet_id}", f"/wallets/{alice.wallet_id}/rest"
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        await agent.get(rest)
        too_early = await agent.post(rest, destination="Office in Samarqand")
        await wallets.close_wallet(await office.world.signed_in(alice), leave_rest=True)
        nowhere = await agent.post(rest, destination="x")
        page = text_of(await agent.get(wallet))
        written = await agent.post(rest, destination="Office in Samarqand")
        path = written.headers["location"].removeprefix("/admin")
        twice = await agent.post(rest, destination="Office in Samarqand")
        before = await office.world.everything(*ROWS)
        own = await agent.post(f"{path}/pay")
        after = await office.world.everything(*ROWS)
        offered = [f"{path}/pay" in (await desk.get(path)).text for desk in (agent, admin)]
        paid = await admin.post(f"{path}/pay")
        end = text_of(await admin.get(wallet))

    assert [answer.status_code for answer in (too_early, nowhere, written, twice)] == [422, 422, 303, 422]
    assert fields_in_error(nowhere) == ["destination"]
    for words in ("closed", "given up by its holder", "The rest can be claimed until", "Pay the rest out"):
        assert words in page
    assert (own.status_code, "somebody else pays it out" in text_of(own), after) == (422, True, before)
    assert (offered, paid.status_code) == ([False, True], 303)
    assert (await office.world.holdings())[alice.wallet_ledger] == Money(0)
    assert "The rest can be claimed until" not in end
    assert "Pay the rest out" not in end


BAD_BHM = [
    ("effectiveFrom", "", "450000"),
    ("effectiveFrom", "tomorrow", "450000"),
    ("effectiveFrom", "2026-03-09", "450000"),
    ("effectiveFrom", "2019-09-01", "450000"),
    ("effectiveFrom", "2036-01-01", "450000"),
    ("amount", "2026-09-01", ""),
    ("amount", "2026-09-01", "much"),
    ("amount", "2026-09-01", "0"),
    ("amount", "2026-09-01", "-5"),
    ("amount", "2026-09-01", "450000.001"),
    ("amount", "2026-09-01", "450000.50"),
    ("amount", "2026-09-01", "NaN"),
    ("amount", "2026-09-01", "1e30"),
]


@pytest.mark.rule("W-4.5.1a")
async def test_each_bhm_that_cannot_be_is_told_at_its_field_and_changes_nothing(office: Office) -> None:
    async with office.at_the_desk("admin") as browser:
        await browser.get("/settings")
        before = await office.world.everything(*SETTINGS)
        pages = [await browser.post("/settings/bhm", effectiveFrom=day, amount=amount) for _, day, amount in BAD_BHM]
        past = await browser.post("/settings/bhm/withdraw", effectiveFrom="2025-08-01")
        after = await office.world.everything(*SETTINGS)

    for (field, day, amount), page in zip(BAD_BHM, pages, strict=True):
        assert (page.status_code, fields_in_error(page)) == (422, [field]), (day, amount)
        assert f'value="{amount}"' in page.text
    assert past.status_code == 422
    assert after == before


@pytest.mark.rule("W-4.5.1a")
@pytest.mark.rule("W-4.5.1b")
async def test_a_new_bhm_changes_limits_from_its_day_and_can_be_taken_back_before(office: Office) -> None:
    alice = await office.world.holder(1_000)
    async with office.at_the_desk("agent") as agent, office.at_the_desk("admin") as admin:
        await agent.get("/settings")
        forbidden = await agent.post("/settings/bhm", effectiveFrom="2026-03-10", amount="500000")
        await admin.get("/settings")
        later = await admin.post("/settings/bhm", effectiveFrom="2026-09-01", amount="600 000")
        listed = text_of(await admin.get("/settings"))
        back = await admin.post("/settings/bhm/withdraw", effectiveFrom="2026-09-01")
        wallet = f"/wallets/{alice.wallet_id}"
        old = text_of(await admin.get(wallet))
        today = await admin.post("/settings/bhm", effectiveFrom="2026-03-10", amount="500000")
        twice = await admin.post("/settings/bhm", effectiveFrom="2026-03-10", amount="500000")
        new = text_of(await admin.get(wallet))

    codes = [answer.status_code for answer in (forbidden, later, back, today, twice)]
    assert codes == [403, 303, 303, 303, 422]
    assert "600,000" in listed
    for words, page in (("Limit for 30 days 2,060,000", old), ("Limit for 30 days 2,500,000", new)):
        assert words in page
    assert await trail("bhm:2026-09-01") == ["bhm.added", "bhm.withdrawn"]
