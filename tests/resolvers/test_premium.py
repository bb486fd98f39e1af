"""Identification to Premium: everything must agree, each disagreement names its field, limits fall (W-4.2.1)."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.database import execute, fetch
from domain.refusal import Forbidden, InvalidInput, NotFound, Refusal
from domain.switch import Switch, turn
from domain.wallet.life import StepImpossible
from domain.wallet.refusals import AlreadyPremium, BirthDateWrong, DocumentDisagrees, PinflDoubtful, UpgradesClosed
from resolvers import wallet
from resolvers.context import Context
from resolvers.wallet import Document
from tests.support.world import Person, World

BIRTH = date(1990, 5, 17)
TABLES = ("wallet", "identification", "wallet_event", "audit_event", "ledger_account")


def pinfl(first: str = "31705901234567"[:13]) -> str:
    """A PINFL with the right last digit."""
    digit = sum(int(digit) * weight for digit, weight in zip(first, (7, 3, 1) * 5, strict=False)) % 10
    return first + str(digit)


DOCUMENT = Document(
    kind="passport",
    number="AA1234567",
    last_name="Karimova",
    first_name="Nilufar",
    patronymic="",
    birth_date=BIRTH,
    pinfl=pinfl(),
)


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
async def alice(world: World) -> Person:
    person = await world.holder(100)
    await execute(
        "UPDATE subscriber SET last_name = 'Karimova', first_name = 'Nilufar', patronymic = 'Anvarovna' WHERE id = $1",
        person.id,
    )
    return person


async def identify(ctx: Context, person: Person, document: Document = DOCUMENT, **given: Any) -> None:
    asked: dict[str, Any] = {
        "wallet_id": person.wallet_id,
        "phone": person.phone,
        "wallet_number": person.wallet_number,
        "birth_date": BIRTH,
        "document": document,
    }
    await wallet.identify(ctx, **(asked | given))


@pytest.mark.rule("W-4.2.1")
async def test_who_shows_a_document_that_agrees_is_premium_at_once_and_without_limits(
    world: World, alice: Person
) -> None:
    ctx = await world.signed_in(alice)
    before = await wallet.my_wallet(ctx)

    await identify(await world.staff("agent"), alice)

    after = await wallet.my_wallet(ctx)
    assert before is not None
    assert after is not None
    assert (str(before.level), str(after.level)) == ("light", "premium")
    assert f"wallet:{alice.wallet_id}" in world.announced
    payer = await world.holder(3_000_000, level="premium")
    await wallet.transfer(await world.signed_in(payer), to=alice.phone, amount=Decimal(2_500_000), key="k")


async def test_the_trail_has_no_personal_data(world: World, alice: Person) -> None:
    await identify(await world.staff("agent"), alice)

    trail = str(await fetch("SELECT facts FROM audit_event"))
    assert not any(secret in trail for secret in (DOCUMENT.number, DOCUMENT.pinfl, "Karimova", "1990"))


@pytest.mark.rule("W-4.2.1")
@pytest.mark.parametrize("patronymic", ["", "ANVAROVNA", " Anvarovna "])
async def test_a_patronymic_agrees_however_it_is_written_and_a_document_may_have_none(
    world: World, alice: Person, patronymic: str
) -> None:
    await identify(await world.staff("agent"), alice, replace(DOCUMENT, patronymic=patronymic))

    assert await fetch("SELECT level FROM wallet WHERE id = $1", alice.wallet_id) == [{"level": "premium"}]


@pytest.mark.rule("W-4.2.1")
@pytest.mark.parametrize(
    ("given", "document", "refusal", "field"),
    [
        ({"phone": "+998900000000"}, {}, DocumentDisagrees, "phone"),
        ({"phone": "nothing"}, {}, Refusal, "phone"),
        ({"wallet_number": "9800000000000000"}, {}, DocumentDisagrees, "walletNumber"),
        ({"birth_date": None}, {}, BirthDateWrong, "birthDate"),
        ({"birth_date": date(1990, 5, 18)}, {}, BirthDateWrong, "birthDate"),
        ({}, {"birth_date": None}, DocumentDisagrees, "documentBirthDate"),
        ({}, {"birth_date": date(1990, 5, 18)}, DocumentDisagrees, "documentBirthDate"),
        ({}, {"kind": "library card"}, InvalidInput, "documentKind"),
        ({}, {"number": "A1234567"}, InvalidInput, "documentNumber"),
        ({}, {"number": "AA123456"}, InvalidInput, "documentNumber"),
        ({}, {"last_name": "Rahimova"}, DocumentDisagrees, "lastName"),
        ({}, {"last_name": " "}, InvalidInput, "lastName"),
        ({}, {"first_name": "Zuhra"}, DocumentDisagrees, "firstName"),
        ({}, {"first_name": "N" * 101}, InvalidInput, "firstName"),
        ({}, {"patronymic": "Qodir qizi"}, DocumentDisagrees, "patronymic"),
        ({}, {"pinfl": "123"}, InvalidInput, "pinfl"),
        ({}, {"pinfl": pinfl("3180590123456")}, DocumentDisagrees, "pinfl"),
        ({}, {"pinfl": pinfl("5170590123456")}, DocumentDisagrees, "pinfl"),
    ],
)
async def test_whatever_disagrees_is_refused_at_its_field_and_changes_nothing(
    world: World,
    alice: Person,
    given: dict[str, Any],
    document: dict[str, Any],
    refusal: type[Refusal],
    field: str,
) -> None:
    staff = await world.staff("agent")
    before = await world.everything(*TABLES)

    with pytest.raises(refusal) as refused:
        await identify(staff, alice, replace(DOCUMENT, **document), **given)

    assert refused.value.path[-1] == field
    assert await world.everything(*TABLES) == before


async def test_a_doubtful_last_digit_needs_a_word_of_the_staff(world: World, alice: Person) -> None:
    staff = await world.staff("agent")
    wrong = DOCUMENT.pinfl[:-1] + str((int(DOCUMENT.pinfl[-1]) + 1) % 10)
    before = await world.everything(*TABLES)

    with pytest.raises(PinflDoubtful):
        await identify(staff, alice, replace(DOCUMENT, pinfl=wrong))
    assert await world.everything(*TABLES) == before

    await identify(staff, alice, replace(DOCUMENT, pinfl=wrong), doubt_settled=True)
    assert (await fetch("SELECT level FROM wallet WHERE id = $1", alice.wallet_id))[0]["level"] == "premium"


@pytest.mark.rule("W-4.2.1")
async def test_while_upgrades_are_switched_off_nobody_is_identified(world: World, alice: Person) -> None:
    staff = await world.staff("agent")
    await turn(Switch.UPGRADES, on=False, by="staff:1", at=world.clock.now())
    before = await world.everything(*TABLES)

    with pytest.raises(UpgradesClosed):
        await identify(staff, alice)

    assert await world.everything(*TABLES) == before


async def test_a_wallet_that_is_not_active_or_premium_already_is_refused(world: World, alice: Person) -> None:
    staff, blocked = await world.staff("agent"), await world.holder(status="blocked")
    await identify(staff, alice)
    before = await world.everything(*TABLES)

    with pytest.raises(AlreadyPremium):
        await identify(staff, alice)
    with pytest.raises((StepImpossible, DocumentDisagrees)):
        await identify(staff, blocked)
    with pytest.raises(NotFound):
        await identify(staff, alice, wallet_id=999_999)

    assert await world.everything(*TABLES) == before


async def test_of_many_at_once_one_identifies(world: World, alice: Person) -> None:
    staff = await world.staff("agent")

    ended = await asyncio.gather(*(identify(staff, alice) for _ in range(8)), return_exceptions=True)

    assert sum(one is None for one in ended) == 1
    assert all(one is None or isinstance(one, AlreadyPremium) for one in ended)
    assert len(await fetch("SELECT * FROM identification")) == 1


async def test_a_viewer_and_the_holder_identify_nobody(world: World, alice: Person) -> None:
    contexts = [await world.staff("viewer"), await world.signed_in(alice)]
    before = await world.everything(*TABLES)

    for ctx in contexts:
        with pytest.raises(Forbidden):
            await identify(ctx, alice)

    assert await world.everything(*TABLES) == before
