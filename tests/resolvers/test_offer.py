"""Offers: publishing editions, reading them on any day, consenting to one exact text."""

from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from domain.database import execute, fetch
from domain.language import Language
from domain.offer import EditionPublished, OfferOutdated, TooEarlyEdition, clause_of_rule
from domain.offer_source import BadOffer
from domain.refusal import Forbidden, NotFound, Unauthenticated
from resolvers import offer
from resolvers.context import Context, SystemActor
from tests.support.world import World

OURS = Path(str(files("domain").joinpath("offer_texts")))
TABLES = ("offer", "offer_edition", "offer_text", "offer_clause", "offer_acceptance")


@pytest.fixture
def world(db: str) -> World:
    return World()


@pytest.fixture
def system(world: World) -> Context:
    return world.context().acting_as(SystemActor())


def source(
    folder: Path,
    *,
    edition: str = "2026-01",
    published: str = "2026-01-05",
    notice: int = 15,
    words: str = "Words.",
    more: str = "",
) -> list[Path]:
    path = folder / f"operator.{edition}.en.md"
    path.write_text(
        f"---\ncode: operator\nedition: {edition}\npublished: {published}\nnotice_days: {notice}\nlanguage: en\n"
        f"title: Operator\n{more}---\n# 1. First\n1.1. {words} {{rule=A-0}}\n"
    )
    return [path]


@pytest.mark.rule("A-13.4")
async def test_an_edition_takes_effect_when_its_notice_is_over(system: Context, tmp_path: Path) -> None:
    made = await offer.import_offer(system, source(tmp_path))

    assert made.effective_from == date(2026, 1, 20)
    assert await offer.offer(system, "operator", date(2026, 1, 19)) is None
    assert await offer.offer(system, "operator", date(2026, 1, 20)) is not None


@pytest.mark.rule("W-10.3")
async def test_the_wallets_edition_holds_at_once(system: Context, tmp_path: Path) -> None:
    made = await offer.import_offer(system, source(tmp_path, notice=0))

    assert made.effective_from == date(2026, 1, 5)


@pytest.mark.rule("A-13.4")
async def test_an_edition_cannot_hold_before_its_notice_is_over(world: World, system: Context, tmp_path: Path) -> None:
    with pytest.raises(TooEarlyEdition) as refused:
        await offer.import_offer(system, source(tmp_path, more="effective: 2026-01-10\n"))

    assert (refused.value.earliest, refused.value.rule) == (date(2026, 1, 20), "A-13.4")
    assert (await world.everything(*TABLES))["offer_edition"] == []


@pytest.mark.rule("A-0")
async def test_a_published_text_never_changes(world: World, system: Context, tmp_path: Path) -> None:
    await offer.import_offer(system, source(tmp_path))
    before = await world.everything(*TABLES)

    await offer.import_offer(system, source(tmp_path))
    with pytest.raises(EditionPublished):
        await offer.import_offer(system, source(tmp_path, words="Other words."))
    for statement in (
        "UPDATE offer_text SET body = 'x'",
        "DELETE FROM offer_clause",
        "UPDATE offer_edition SET effective_from = '2020-01-01'",
    ):
        with pytest.raises((IntegrityError, OperationalError)):
            await execute(statement)

    assert await world.everything(*TABLES) == before


@pytest.mark.rule("A-0")
async def test_each_day_has_its_edition_and_the_next_one_is_announced(
    world: World, system: Context, tmp_path: Path
) -> None:
    await offer.import_offer(system, source(tmp_path))
    await offer.import_offer(system, source(tmp_path, edition="2026-02", published="2026-03-05"))

    first = await offer.offer(system, "operator")
    world.clock.at = datetime(2026, 3, 20, tzinfo=UTC)
    second = await offer.offer(system, "operator")

    assert first is not None
    assert second is not None
    assert (first.edition, first.upcoming) == ("2026-01", date(2026, 3, 20))
    assert (second.edition, second.upcoming) == ("2026-02", None)


@pytest.mark.rule("A-0")
async def test_what_is_announced_changes_nothing_of_what_is_in_force(system: Context, tmp_path: Path) -> None:
    await offer.import_offer(system, source(tmp_path))
    (path,) = source(tmp_path, edition="2026-02", published="2026-03-05")
    path.write_text(path.read_text().replace("title: Operator", "title: Renamed").replace(" {rule=A-0}", ""))

    await offer.import_offer(system, [path])

    now, later = await offer.offer(system, "operator"), await offer.offer(system, "operator", date(2026, 3, 20))
    assert now is not None
    assert later is not None
    assert (now.title, later.title) == ({"en": "Operator"}, {"en": "Renamed"})
    assert await clause_of_rule("A-0", Language.EN, date(2026, 3, 19)) is not None
    assert await clause_of_rule("A-0", Language.EN, date(2026, 3, 20)) is None


async def test_a_bad_file_changes_nothing(world: World, system: Context, tmp_path: Path) -> None:
    (path,) = source(tmp_path)
    path.write_bytes(path.read_bytes() + b"1.1. Again\n")

    with pytest.raises(BadOffer):
        await offer.import_offer(system, [path])

    assert (await world.everything(*TABLES))["offer"] == []


async def test_only_the_system_and_admins_publish(world: World, tmp_path: Path) -> None:
    paths = source(tmp_path)

    with pytest.raises(Unauthenticated):
        await offer.import_offer(world.context(), paths)
    with pytest.raises(Forbidden):
        await offer.import_offer(await world.signed_in(await world.person()), paths)

    assert (await world.everything(*TABLES))["offer"] == []


@pytest.mark.rule("A-3.7")
async def test_consent_keeps_who_when_and_the_exact_text(world: World, system: Context, tmp_path: Path) -> None:
    await offer.import_offer(system, source(tmp_path))
    person = await world.person()
    ctx = await world.signed_in(person)

    accepted = await offer.accept_offer(ctx, code="operator", edition="2026-01")

    (text,) = await fetch("SELECT hash FROM offer_text")
    (row,) = await fetch("SELECT * FROM offer_acceptance")
    assert (accepted.text_hash, accepted.at) == (text["hash"], world.clock.now())
    assert (row["subscriber_id"], row["phone"]) == (person.id, person.phone)
    with pytest.raises((IntegrityError, OperationalError)):
        await execute("DELETE FROM offer_acceptance")


@pytest.mark.rule("A-3.7")
async def test_consent_to_another_edition_or_offer_is_refused(world: World, system: Context, tmp_path: Path) -> None:
    await offer.import_offer(system, source(tmp_path))
    ctx = await world.signed_in(await world.person())

    with pytest.raises(OfferOutdated) as refused:
        await offer.accept_offer(ctx, code="operator", edition="2025-01")
    with pytest.raises(NotFound):
        await offer.accept_offer(ctx, code="nothing", edition="2026-01")

    assert refused.value.current == "2026-01"
    assert await fetch("SELECT * FROM offer_acceptance") == []


async def test_our_own_offers_can_be_published_and_rules_lead_to_their_clauses(world: World, system: Context) -> None:
    for code in ("operator", "wallet"):
        await offer.import_offer(system, sorted(OURS.glob(f"{code}.*.md")))  # noqa: ASYNC240 - a handful of names

    found = await offer.offer(system, "wallet")
    assert found is not None
    assert set(found.languages) == {"uz", "uz-Cyrl", "ru", "en"}
    text = await offer.offer_text(system, found.edition_id, Language.RU)
    clause = await clause_of_rule("W-4.5.1a", Language.RU, date(2026, 3, 10))
    assert clause is not None
    assert (clause.offer_code, clause.number) == ("wallet", "5.1")
    assert clause.content in {one.content for one in text.clauses}
