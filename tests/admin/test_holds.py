"""The pages of what is reserved: everybody looks, agents release with a reason, and a refusal changes nothing."""

from domain.hold import HoldView
from domain.money import Money
from tests.admin.office import Office, text_of
from tests.support.market import Market, open_market
from tests.support.world import Person

ROWS = ("hold", "ledger_account", "audit_event")


async def reserved(office: Office) -> tuple[Market, Person, HoldView]:
    """A holder of 1,000 so'm of which 300 are reserved, and 5 for the commission."""
    market, alice = await open_market(office.world), await office.world.holder(1_000)
    return market, alice, await market.reserve(await office.world.signed_in(alice), 300)


async def test_the_wallet_shows_what_is_reserved_and_for_whom(office: Office) -> None:
    _, alice, _ = await reserved(office)
    async with office.at_the_desk("viewer") as browser:
        wallet = text_of(await browser.get(f"/wallets/{alice.wallet_id}"))
        page = await browser.get(f"/wallets/{alice.wallet_id}/holds")

    assert "Reserved 305 soʻm Available 695 soʻm" in wallet
    assert "Quvvat 1234567 reserved" in text_of(page)
    assert "/release" not in page.text


async def test_an_agent_releases_with_a_reason(office: Office) -> None:
    market, alice, hold = await reserved(office)
    async with office.at_the_desk("agent") as browser:
        asked = text_of(await browser.get(f"/holds/{hold.id}/release"))
        before = await office.world.everything("hold", "ledger_account")
        without = await browser.post(f"/holds/{hold.id}/release", reason=" ")
        after = await office.world.everything("hold", "ledger_account")
        done = await browser.post(f"/holds/{hold.id}/release", reason="the shop is shut")
        again = await browser.get(f"/holds/{hold.id}/release")

    assert "300 soʻm becomes available" in asked
    assert (without.status_code, after) == (422, before)
    assert (done.status_code, again.status_code) == (303, 404)
    assert await market.held(alice) == Money(0)


async def test_a_viewer_releases_nothing(office: Office) -> None:
    _, _, hold = await reserved(office)
    async with office.at_the_desk("viewer") as browser:
        before = await office.world.everything(*ROWS)
        answers = [await browser.get(f"/holds/{hold.id}/release"), await browser.post(f"/holds/{hold.id}/release")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert (await office.world.everything(*ROWS))["hold"] == before["hold"]


async def test_what_is_not_there_is_not_found(office: Office) -> None:
    async with office.at_the_desk("admin") as browser:
        answers = [await browser.get(path) for path in ("/holds/999/release", "/wallets/999/holds", "/holds/x/release")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
