"""The pages of payments: found by way, state and number, each with what became of it; admins set partners' limits."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from domain.database import fetch
from domain.money import Money
from domain.partner import PartnerLimitReached
from domain.payment import PaymentView
from resolvers import payment as payments
from resolvers.context import PartnerActor, ProviderActor, SystemActor
from resolvers.partner import add_partner
from resolvers.top_up import top_up
from tests.admin.office import Office, text_of
from tests.support.world import Person


async def paid(office: Office) -> tuple[Person, PaymentView]:
    """A wallet that Payme has topped up by 700 so'm and taken 700 back, and a payment of Click that is open."""
    alice = await office.world.holder(100)
    payme, click = (office.world.context(ProviderActor(name)) for name in ("payme", "click"))
    wallet, account = [partial(payments.payee_named, to) for to in (alice.wallet_number, alice.account_number)]
    await payments.create_payment(payme, wallet, Money.som(700), external_id="p-1", named=alice.wallet_number)
    await payments.perform_payment(payme, external_id="p-1")
    office.world.clock.move(timedelta(minutes=1))
    await payments.create_payment(click, account, Money.som(55), external_id="17", named=alice.account_number)
    return alice, await payments.cancel_payment(payme, external_id="p-1", reason="5")


async def test_staff_find_payments_from_the_wallets_page(office: Office) -> None:
    alice, one = await paid(office)
    async with office.at_the_desk("viewer") as browser:
        wallet = await browser.get(f"/wallets/{alice.wallet_id}")
        of_wallet = await browser.get(f"/payments?number={alice.wallet_number}")
        of_click = await browser.get("/payments?provider=click&status=pending")
        nothing = text_of(await browser.get("/payments?number=0"))

    assert f"/payments?number={alice.wallet_number}" in wallet.text
    assert f"/payments/{one.id}" in of_wallet.text
    assert f"/payments/{one.id}" not in of_click.text
    assert "55" in text_of(of_click)
    assert "No payments." in nothing


async def test_a_payments_page_tells_what_became_of_it(office: Office) -> None:
    _, one = await paid(office)
    async with office.at_the_desk("viewer") as browser:
        page = text_of(await browser.get(f"/payments/{one.id}"))
        absent = [await browser.get(path) for path in ("/payments/999", "/payments/x")]

    for word in ("700 soʻm", "Payme", "p-1", "On the balance", "Taken back", "reason 5", "Receipt of taking back"):
        assert word in page
    assert [answer.status_code for answer in absent] == [404, 404]
    trail = await fetch("SELECT subject FROM audit_event WHERE action = 'payment.seen'")
    assert trail == [{"subject": f"payment:{one.id}"}]


async def test_an_admin_sets_a_partners_limits(office: Office) -> None:
    made = await add_partner(
        office.world.context(SystemActor()), code="terminal", name="Terminal", scopes=["topup:write"]
    )
    path, alice = f"/partners/{made.partner_id}/limits", await office.world.person()
    async with office.at_the_desk("admin") as browser:
        await browser.get(path)
        wrong = await browser.post(path, most="ten", dayMost="")
        before = await office.world.everything("partner")
        done = await browser.post(path, most="10", dayMost="100")
    async with office.at_the_desk("agent") as browser:
        refused = await browser.post(path, most="1000", dayMost="")

    assert [answer.status_code for answer in (wrong, done, refused)] == [422, 303, 403]
    assert before["partner"][-1]["top_up_most"] is None
    agent = office.world.context(PartnerActor(made.partner_id, "terminal", frozenset({"topup:write"})))
    with pytest.raises(PartnerLimitReached):
        await top_up(agent, to=alice.account_number, amount=Decimal(11), commission=None, key="k", external_id=None)
