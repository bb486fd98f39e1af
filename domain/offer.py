"""Public offers in editions, and their acceptance (A-0, A-3.7, A-13.4, W-10.3)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import fetch_row
from domain.fields import DayField, InstantField, TextsField
from domain.language import Language
from domain.refusal import Refusal


@dataclass(eq=False, kw_only=True)
class OfferOutdated(Refusal):
    """The edition that was read is not the one in force."""

    code: ClassVar[str] = "OFFER_OUTDATED"
    text: ClassVar[str] = "Another edition of the offer is in force now: {current}. Read it first."
    default_rule: ClassVar[str | None] = "A-3.7"
    current: str


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
