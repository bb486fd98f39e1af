"""Public offers in editions, and their acceptance (A-0, A-3.7, A-13.4, W-10.3)."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Final

from tortoise import fields
from tortoise.models import Model

from domain.clock import TASHKENT, to_micros
from domain.database import execute, fetch_row
from domain.fields import DayField, InstantField, TextsField
from domain.language import Language
from domain.offer_source import ParsedOffer, ParsedText
from domain.refusal import Refusal


@dataclass(eq=False, kw_only=True)
class OfferOutdated(Refusal):
    """The edition that was read is not the one in force."""

    code: ClassVar[str] = "OFFER_OUTDATED"
    text: ClassVar[str] = "Another edition of the offer is in force now: {current}. Read it first."
    default_rule: ClassVar[str | None] = "A-3.7"
    current: str


@dataclass(eq=False, kw_only=True)
class EditionPublished(Refusal):
    """A text never changes after publication: a change is a new edition (A-0)."""

    code: ClassVar[str] = "EDITION_PUBLISHED"
    text: ClassVar[str] = "Edition {edition} is published already with another text: make a new edition."
    default_rule: ClassVar[str | None] = "A-0"
    edition: str


@dataclass(eq=False, kw_only=True)
class TooEarlyEdition(Refusal):
    """An edition takes effect when its offer's notice period is over, or later (A-13.4)."""

    code: ClassVar[str] = "TOO_EARLY_EDITION"
    text: ClassVar[str] = "This offer's editions can take effect from {earliest}."
    default_rule: ClassVar[str | None] = "A-13.4"
    earliest: date


_RULE: Final = re.compile(r"[A-Z]-[0-9][0-9a-z.]{0,20}", re.ASCII)


class Offer(Model):
    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=32, unique=True)
    title = TextsField()
    notice_days = fields.BigIntField()

    class Meta:
        table = "offer"


class OfferEdition(Model):
    id = fields.BigIntField(primary_key=True)
    offer: fields.ForeignKeyRelation[Offer] = fields.ForeignKeyField("kabinet.Offer", related_name="editions")
    edition = fields.CharField(max_length=32)
    published_at = InstantField()
    effective_from = DayField()
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "offer_edition"


class OfferText(Model):
    id = fields.BigIntField(primary_key=True)
    edition: fields.ForeignKeyRelation[OfferEdition] = fields.ForeignKeyField(
        "kabinet.OfferEdition", related_name="texts"
    )
    language = fields.CharField(max_length=10)
    title = fields.TextField()
    body = fields.TextField()
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "offer_text"


class OfferClause(Model):
    id = fields.BigIntField(primary_key=True)
    text: fields.ForeignKeyRelation[OfferText] = fields.ForeignKeyField("kabinet.OfferText", related_name="clauses")
    position = fields.BigIntField()
    number = fields.CharField(max_length=32)
    depth = fields.BigIntField()
    heading = fields.BooleanField()
    content = fields.TextField()
    rules = fields.TextField(default="")

    class Meta:
        table = "offer_clause"


class OfferAcceptance(Model):
    id = fields.BigIntField(primary_key=True)
    edition: fields.ForeignKeyRelation[OfferEdition] = fields.ForeignKeyField("kabinet.OfferEdition")
    subscriber_id = fields.BigIntField()
    phone = fields.CharField(max_length=13)
    language = fields.CharField(max_length=10)
    text_hash = fields.CharField(max_length=64)
    at = InstantField()
    occasion = fields.TextField()
    proof = fields.TextField()

    class Meta:
        table = "offer_acceptance"


async def publish(parsed: ParsedOffer) -> OfferEdition:
    """Stores an edition inside the caller's transaction; the same again is no fault.

    It takes effect `notice_days` after publication (A-13.4; the wallet's at once, W-10.3), or on the later day given.
    Raises TooEarlyEdition and EditionPublished.
    """
    earliest = parsed.published + timedelta(days=parsed.notice_days)
    effective = parsed.effective or earliest
    if effective < earliest:
        raise TooEarlyEdition(earliest=earliest)
    offer_id = await _offer_id(parsed)
    there = await OfferEdition.get_or_none(offer_id=offer_id, edition=parsed.edition)
    if there is not None:
        if there.hash != parsed.hash or there.effective_from != effective:
            raise EditionPublished(edition=parsed.edition)
        return there
    published_at = datetime.combine(parsed.published, time.min, TASHKENT)
    edition = await OfferEdition.create(
        offer_id=offer_id,
        edition=parsed.edition,
        published_at=published_at,
        effective_from=effective,
        hash=parsed.hash,
    )
    for text in parsed.texts:
        await _save_text(edition.id, text)
    return edition


async def _offer_id(parsed: ParsedOffer) -> int:
    row = await fetch_row(
        """INSERT INTO offer (code, title, notice_days) VALUES ($1, $2, $3)
           ON CONFLICT (code) DO UPDATE SET title = excluded.title, notice_days = excluded.notice_days RETURNING id""",
        parsed.code,
        json.dumps({str(text.language): text.title for text in parsed.texts}, ensure_ascii=False),
        parsed.notice_days,
    )
    assert row is not None
    return int(row["id"])


async def _save_text(edition_id: int, text: ParsedText) -> None:
    row = await fetch_row(
        "INSERT INTO offer_text (edition_id, language, title, body, hash) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        edition_id,
        str(text.language),
        text.title,
        text.body,
        text.hash,
    )
    assert row is not None
    for position, clause in enumerate(text.clauses, 1):
        await execute(
            """INSERT INTO offer_clause (text_id, position, number, depth, heading, content, rules)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            row["id"],
            position,
            clause.number,
            clause.depth,
            clause.heading,
            clause.content,
            " ".join(clause.rules),
        )


@dataclass(frozen=True, slots=True)
class RuleClause:
    """Where an offer in force states a rule of the specification."""

    offer_code: str
    edition: str
    number: str
    content: str


async def clause_of_rule(rule: str, language: Language, on: date) -> RuleClause | None:
    """The clause of an edition in force that day that a refusal by this rule comes from, in the nearest language."""
    if not _RULE.fullmatch(rule):  # it goes into a pattern
        return None
    row = await fetch_row(
        """SELECT o.code, e.edition, c.number, c.content FROM offer_clause c
           JOIN offer_text t ON t.id = c.text_id JOIN offer_edition e ON e.id = t.edition_id
           JOIN offer o ON o.id = e.offer_id
           WHERE (' ' || c.rules || ' ') LIKE $1 AND e.id = (
               SELECT f.id FROM offer_edition f WHERE f.offer_id = o.id AND f.effective_from <= $2
               ORDER BY f.effective_from DESC, f.published_at DESC, f.id DESC LIMIT 1)
           ORDER BY e.effective_from DESC, o.id, CASE t.language WHEN $3 THEN 0 WHEN 'uz' THEN 1 ELSE 2 END, c.position
           LIMIT 1""",
        f"% {rule} %",
        on.isoformat(),
        str(language),
    )
    return RuleClause(row["code"], row["edition"], row["number"], row["content"]) if row else None


async def edition_in_force(code: str, on: date) -> OfferEdition | None:
    """The latest edition that is effective on that day."""
    return (
        await OfferEdition.filter(offer__code=code, effective_from__lte=on)
        .order_by("-effective_from", "-published_at", "-id")
        .first()
    )


async def require_current(code: str, edition: str, on: date, *, rule: str) -> OfferEdition:
    """The edition in force, if it is the one named (by name or id). Raises OfferOutdated otherwise."""
    current = await edition_in_force(code, on)
    if current is None or edition not in (current.edition, str(current.id)):
        raise OfferOutdated(current=current.edition if current else "", rule=rule, path=("input", "offerEdition"))
    return current


async def accept(
    *,
    edition: OfferEdition,
    subscriber_id: int,
    phone: str,
    language: Language,
    at: datetime,
    occasion: str,
    proof: str,
) -> int:
    """Records the consent to one exact text (A-3.7), inside the caller's transaction; gives the acceptance's id."""
    shown = await fetch_row(
        """SELECT language, hash FROM offer_text WHERE edition_id = $1
           ORDER BY CASE language WHEN $2 THEN 0 WHEN 'uz' THEN 1 ELSE 2 END, language LIMIT 1""",
        edition.id,
        str(language),
    )
    assert shown is not None, "an edition is published with at least one text"
    row = await fetch_row(
        """INSERT INTO offer_acceptance (edition_id, subscriber_id, phone, language, text_hash, at, occasion, proof)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
        edition.id,
        subscriber_id,
        phone,
        shown["language"],
        shown["hash"],
        to_micros(at),
        occasion,
        proof,
    )
    assert row is not None
    return int(row["id"])
