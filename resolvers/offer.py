"""Public offers: reading them, publishing editions, consenting to them (A-0, A-3.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from domain import offer as offers_of_domain
from domain.audit import note
from domain.clock import from_micros, local_day
from domain.database import Row, fetch, fetch_row, in_transaction
from domain.language import Language
from domain.offer import RuleClause
from domain.offer_source import LARGEST_FILE_BYTES, ParsedOffer, parse_offer
from domain.refusal import NotFound
from resolvers.context import Context, SystemActor, the_staff, the_subscriber
from resolvers.paging import Page, PageRequest, page


@dataclass(frozen=True, slots=True)
class ClauseView:
    """A clause as it is shown; `rules` are the specification's ids that it states."""

    number: str
    depth: int
    heading: bool
    content: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer with the edition that holds on the day asked about; `upcoming` is announced and not in force yet."""

    id: int
    code: str
    title: dict[str, str]
    edition_id: int
    edition: str
    published_at: datetime
    effective_from: date
    hash: str
    languages: tuple[str, ...]
    upcoming: date | None


@dataclass(frozen=True, slots=True)
class TextView:
    """An edition's text in one language."""

    language: Language
    title: str
    hash: str
    clauses: tuple[ClauseView, ...]


@dataclass(frozen=True, slots=True)
class AcceptanceView:
    """A recorded consent (A-3.7)."""

    id: int
    offer_code: str
    edition: str
    language: str
    text_hash: str
    at: datetime
    occasion: str


@dataclass(frozen=True, slots=True)
class Published:
    code: str
    edition: str
    effective_from: date


# Titles are the edition's own: one that is announced for later says nothing of the one in force.
_TITLES: Final = {language: f"title_{place}" for place, language in enumerate(Language)}
_TITLE_COLUMNS: Final = ", ".join(
    f"(SELECT t.title FROM offer_text t WHERE t.edition_id = e.id AND t.language = '{language}') AS {column}"
    for language, column in _TITLES.items()
)
_OFFER: Final = f"""SELECT o.id, o.code, {_TITLE_COLUMNS}, e.id AS edition_id, e.edition, e.published_at,
    e.effective_from, e.hash,
    (SELECT MIN(u.effective_from) FROM offer_edition u WHERE u.offer_id = o.id AND u.effective_from > $1) AS upcoming,
    o.id AS cursor_order, o.id AS cursor_id
FROM offer o JOIN offer_edition e ON e.id = (
    SELECT c.id FROM offer_edition c WHERE c.offer_id = o.id AND c.effective_from <= $1
    ORDER BY c.effective_from DESC, c.published_at DESC, c.id DESC LIMIT 1)
WHERE 1 = 1"""


def offer_view(row: Row) -> OfferView:
    titles = {str(language): row[column] for language, column in _TITLES.items() if row[column] is not None}
    return OfferView(
        id=row["id"],
        code=row["code"],
        title=titles,
        edition_id=row["edition_id"],
        edition=row["edition"],
        published_at=from_micros(row["published_at"]),
        effective_from=date.fromisoformat(row["effective_from"]),
        hash=row["hash"],
        languages=tuple(titles),
        upcoming=date.fromisoformat(row["upcoming"]) if row["upcoming"] else None,
    )


async def offers(ctx: Context, request: PageRequest) -> Page[OfferView]:
    """The offers in force today."""
    day = local_day(ctx.clock.now()).isoformat()
    return await page(_OFFER, [day], request, offer_view, order="o.id", id_="o.id", ascending=True)


async def offer(ctx: Context, code: str, on: date | None = None) -> OfferView | None:
    """The offer with the edition that holds (or held) on that day; None if none did."""
    return await _one(ctx, on, "o.code = $2", code)


async def offer_by_id(ctx: Context, offer_id: int) -> OfferView | None:
    return await _one(ctx, None, "o.id = $2", offer_id)


async def _one(ctx: Context, on: date | None, where: str, value: Any) -> OfferView | None:
    day = (on or local_day(ctx.clock.now())).isoformat()
    row = await fetch_row(f"{_OFFER} AND {where}", day, value)
    return offer_view(row) if row else None


async def offer_text(ctx: Context, edition_id: int, language: Language | None = None) -> TextView:
    """An edition's text, in that language or the nearest there is."""
    texts = await fetch("SELECT id, language, title, hash FROM offer_text WHERE edition_id = $1", edition_id)
    wanted = language or ctx.language
    order = [wanted, Language.UZ, Language.EN, Language.RU, Language.UZ_CYRL]
    text = min(texts, key=lambda row: order.index(Language(row["language"])))
    clauses = await fetch(
        "SELECT number, depth, heading, content, rules FROM offer_clause WHERE text_id = $1 ORDER BY position",
        text["id"],
    )
    return TextView(
        language=Language(text["language"]),
        title=text["title"],
        hash=text["hash"],
        clauses=tuple(
            ClauseView(c["number"], c["depth"], bool(c["heading"]), c["content"], tuple(c["rules"].split()))
            for c in clauses
        ),
    )


async def clause_of_rule(ctx: Context, rule: str) -> RuleClause | None:
    """The clause of an offer in force that a refusal by this rule comes from; None when no offer states it."""
    return await offers_of_domain.clause_of_rule(rule, ctx.language, local_day(ctx.clock.now()))


async def accept_offer(ctx: Context, *, code: str, edition: str) -> AcceptanceView:
    """The signed-in subscriber consents to the edition in force (A-3.7). Raises NotFound and OfferOutdated."""
    return await _accept(ctx, code, edition)


@in_transaction
async def _accept(ctx: Context, code: str, edition: str) -> AcceptanceView:
    actor, now = the_subscriber(ctx), ctx.clock.now()
    if await offers_of_domain.edition_in_force(code, local_day(now)) is None:
        raise NotFound(what="offer", path=("input", "offer"))
    current = await offers_of_domain.require_current(code, edition, local_day(now), rule="A-3.7")
    acceptance = await offers_of_domain.accept(
        edition=current,
        subscriber_id=actor.subscriber_id,
        phone=actor.phone,
        language=ctx.language,
        at=now,
        occasion="in the cabinet",
        proof=f"session:{actor.session_id}",
    )
    row = await fetch_row(f"{_ACCEPTANCE} WHERE a.id = $1", acceptance)
    assert row is not None
    return _acceptance_view(row)


_ACCEPTANCE: Final = """SELECT a.id, o.code, e.edition, a.language, a.text_hash, a.at, a.occasion,
    a.at AS cursor_order, a.id AS cursor_id
FROM offer_acceptance a JOIN offer_edition e ON e.id = a.edition_id JOIN offer o ON o.id = e.offer_id"""


def _acceptance_view(row: Row) -> AcceptanceView:
    return AcceptanceView(
        row["id"],
        row["code"],
        row["edition"],
        row["language"],
        row["text_hash"],
        from_micros(row["at"]),
        row["occasion"],
    )


async def acceptances(ctx: Context, subscriber_id: int, request: PageRequest) -> Page[AcceptanceView]:
    """What a subscriber has accepted, newest first, for staff."""
    the_staff(ctx)
    select = f"{_ACCEPTANCE} WHERE a.subscriber_id = $1"
    return await page(select, [subscriber_id], request, _acceptance_view, order="a.at", id_="a.id")


async def import_offer(ctx: Context, paths: Sequence[Path]) -> Published:
    """Publishes an edition from its files, by the system or an admin; all of it or nothing.

    Raises BadOffer with every fault, OSError, TooEarlyEdition (A-13.4) and EditionPublished (A-0).
    """
    if not isinstance(ctx.actor, SystemActor):
        the_staff(ctx, "admin")
    return await _publish(ctx, parse_offer({path.name: _content(path) for path in paths}))


def _content(path: Path) -> bytes:
    with path.open("rb") as file:  # one byte past the limit shows that a file is too large
        return file.read(LARGEST_FILE_BYTES + 1)


@in_transaction
async def _publish(ctx: Context, parsed: ParsedOffer) -> Published:
    edition = await offers_of_domain.publish(parsed)
    await note(
        ctx.actor.label,
        "offer.published",
        f"offer:{parsed.code}",
        ctx.clock.now(),
        edition=parsed.edition,
        hash=parsed.hash,
    )
    return Published(parsed.code, edition.edition, edition.effective_from)
