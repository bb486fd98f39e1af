"""The pages of suppliers and of what is scheduled: everybody looks, admins enter and change, and the trail tells."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.database import fetch
from domain.schedule import Repeat
from resolvers import schedule as schedules
from resolvers import supplier as suppliers
from resolvers.context import SystemActor
from resolvers.schedule_due import carry_out_scheduled
from tests.admin.office import Office, text_of
from tests.resolvers.bills import CONTRACT, water

TYPED: dict[str, str] = {
    "code": "gas",
    "name": "Gaz",
    "name_ru": "Газ",
    "name_en": "",
    "legal_name": '"Gaz" MChJ',
    "stir": "301111111",
    "reference_label": "Shaxsiy raqam",
    "reference_label_ru": "",
    "reference_label_en": "",
    "reference_kind": "digits",
    "reference_least": "8",
    "reference_most": "12",
    "basis_points": "1,5",
    "commission_fixed": "",
    "commission_least": "1 000",
    "commission_most": "",
    "mxik": "",
    "package": "",
    "vat_percent": "12",
    "partner": "",
    "on_sale": "yes",
}


async def test_an_admin_enters_a_supplier_and_changes_its_terms(office: Office) -> None:
    async with office.at_the_desk("admin") as browser:
        form = await browser.get("/suppliers/new")
        entered = await browser.post("/suppliers/new", None, **TYPED)
        page = text_of(await browser.get("/suppliers/gas"))
        terms = await browser.get("/suppliers/gas/terms")
        changed = await browser.post("/suppliers/gas/terms", None, **TYPED | {"commission_most": "0", "on_sale": "no"})
        after = text_of(await browser.get("/suppliers/gas"))

    assert (form.status_code, entered.status_code, terms.status_code, changed.status_code) == (200, 303, 200, 422)
    assert "301111111" in page
    assert "1.50" in page
    assert 'value="1.5"' in terms.text
    assert "on sale" in after
    found = await suppliers.supplier(office.world.context(), "gas")
    assert found is not None
    assert (found.terms.commission.basis_points, found.terms.commission.least.tiyin) == (150, 100_000)


async def test_other_terms_hold_at_once_and_the_trail_tells_them(office: Office) -> None:
    await water(office.world)
    async with office.at_the_desk("admin") as browser:
        await browser.get("/suppliers/water/terms")
        changed = await browser.post("/suppliers/water/terms", None, **TYPED | {"on_sale": "no"})
        page = text_of(await browser.get("/suppliers/water"))

    assert changed.status_code == 303
    assert "not on sale" in page
    trail = await fetch("SELECT facts FROM audit_event WHERE action = 'supplier.change'")
    assert len(trail) == 1
    assert '"on_sale": [true, false]' in trail[0]["facts"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "Gas"},
        {"code": "water"},
        {"name": ""},
        {"stir": "12"},
        {"reference_least": "x"},
        {"reference_most": "41"},
        {"reference_kind": "regex"},
        {"basis_points": "1.555"},
        {"basis_points": "101"},
        {"commission_fixed": "-1"},
        {"commission_fixed": "NaN"},
        {"commission_most": "1e99"},
        {"vat_percent": "1.5"},
        {"partner": "99"},
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_changes_nothing(office: Office, wrong: dict[str, str]) -> None:
    await water(office.world)
    before = await office.world.everything("supplier", "ledger_account")
    async with office.at_the_desk("admin") as browser:
        await browser.get("/suppliers/new")
        answer = await browser.post("/suppliers/new", None, **TYPED | wrong)

    assert answer.status_code == 422
    assert 'class="summary"' in answer.text
    assert f'id="{next(iter(wrong))}-error"' in answer.text
    assert await office.world.everything("supplier", "ledger_account") == before


@pytest.mark.parametrize("role", ["viewer", "agent"])
async def test_others_look_and_enter_nothing(office: Office, role: str) -> None:
    await water(office.world)
    async with office.at_the_desk(role) as browser:
        listed = text_of(await browser.get("/suppliers?q=Suv"))
        none = text_of(await browser.get("/suppliers?q=gaz"))
        one = await browser.get("/suppliers/water")
        before = await office.world.everything("supplier")
        answers: list[Any] = [
            await browser.get("/suppliers/new"),
            await browser.post("/suppliers/new", None, **TYPED),
            await browser.get("/suppliers/water/terms"),
            await browser.post("/suppliers/water/terms", None, **TYPED),
        ]

    assert "Water" in listed
    assert "Water" not in none
    assert one.status_code == 200
    assert [answer.status_code for answer in answers] == [403] * 4
    assert await office.world.everything("supplier") == before


async def test_a_supplier_shows_what_it_has_been_paid(office: Office) -> None:
    await water(office.world)
    ctx = await office.world.signed_in(await office.world.holder(100_000))
    await suppliers.pay(ctx, supplier="water", reference=CONTRACT, amount=Decimal(50_000), key="k")
    async with office.at_the_desk("viewer") as browser:
        page = text_of(await browser.get("/suppliers/water"))

    assert "50,000" in page
    assert "1 payment in all" in page


async def test_a_wallets_orders_are_shown_with_what_came_of_them(office: Office) -> None:
    await water(office.world)
    holder = await office.world.holder(100)
    friend = await office.world.holder()
    ctx = await office.world.signed_in(holder)
    starts = office.world.clock.now() + timedelta(minutes=1)
    bill = schedules.Ordered(starts, Repeat.MONTHLY, None, Decimal(700), None, None, "water", CONTRACT)
    gift = schedules.Ordered(starts, to=friend.phone, amount=Decimal(10))
    await schedules.schedule_payment(ctx, bill, key="one")
    await schedules.schedule_payment(ctx, gift, key="two")
    office.world.clock.move(timedelta(minutes=1))
    await carry_out_scheduled(office.world.context(SystemActor()))
    async with office.at_the_desk("viewer") as browser:
        page = text_of(await browser.get(f"/wallets/{holder.wallet_id}/scheduled"))
        missing = await browser.get("/wallets/999/scheduled")

    assert "every month" in page
    assert "INSUFFICIENT_FUNDS" in page
    assert "Transfer to +998" in page
    assert missing.status_code == 404
