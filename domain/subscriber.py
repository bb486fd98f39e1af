"""A subscriber: a person or an organisation with an agreement (A-1)."""

from datetime import date, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from domain.clock import to_micros
from domain.database import fetch_row
from domain.fields import DayField, InstantField
from domain.language import Language


class SubscriberKind(StrEnum):
    PRIVATE = "private"
    ORGANISATION = "organisation"


class SubscriberStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RESTRICTED = "restricted"
    ENDED = "ended"


class Subscriber(Model):
    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=16)
    last_name = fields.CharField(max_length=100, default="")
    first_name = fields.CharField(max_length=100, default="")
    patronymic = fields.CharField(max_length=100, default="")
    organisation_name = fields.CharField(max_length=200, default="")
    search_name = fields.CharField(max_length=400)
    birth_date = DayField(null=True)
    status = fields.CharField(max_length=16)
    language = fields.CharField(max_length=10, default="uz")
    pin_hash = fields.TextField(null=True)
    pin_wrong_tries = fields.BigIntField(default=0)
    pin_locked_until = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        table = "subscriber"

    @property
    def name(self) -> str:
        """As it is written on documents: last name first, or the organisation's name."""
        return self.organisation_name or " ".join(filter(None, (self.last_name, self.first_name, self.patronymic)))


def search_form(*names: str) -> str:
    """What a name is found by: lower case, one space between words, all apostrophes alike (o‘, oʻ, o')."""
    text = " ".join(" ".join(names).lower().split())
    return text.translate({ord(mark): "'" for mark in "ʻʼ‘’`"})


async def register(
    *,
    kind: SubscriberKind,
    created_at: datetime,
    last_name: str = "",
    first_name: str = "",
    patronymic: str = "",
    organisation_name: str = "",
    birth_date: date | None = None,
    language: Language = Language.UZ,
) -> int:
    """A new subscriber, inside the caller's transaction; gives their id."""
    row = await fetch_row(
        """INSERT INTO subscriber (kind, last_name, first_name, patronymic, organisation_name, search_name, birth_date,
                                   status, language, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $9) RETURNING id""",
        str(kind),
        last_name,
        first_name,
        patronymic,
        organisation_name,
        search_form(last_name, first_name, patronymic, organisation_name),
        birth_date.isoformat() if birth_date else None,
        str(language),
        to_micros(created_at),
    )
    assert row is not None
    return int(row["id"])
