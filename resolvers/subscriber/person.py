"""Who a subscriber is, for staff."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.clock import from_micros
from domain.database import Row, fetch_row
from domain.language import Language
from domain.subscriber import SubscriberKind, SubscriberStatus
from resolvers.context import Context, the_staff


@dataclass(frozen=True, slots=True)
class SubscriberView:
    """Who a subscriber is, for staff."""

    id: int
    kind: SubscriberKind
    name: str
    status: SubscriberStatus
    language: Language
    birth_date: date | None
    since: datetime
    pin_locked_until: datetime | None
    birth_locked_until: datetime | None


PERSON: Final = """s.id, s.kind, s.last_name, s.first_name, s.patronymic, s.organisation_name, s.status, s.language,
    s.birth_date, s.created_at, s.pin_locked_until, s.birth_locked_until"""


async def subscriber(ctx: Context, subscriber_id: int) -> SubscriberView | None:
    """Who this is; None for nobody. Staff only."""
    the_staff(ctx)
    row = await fetch_row(f"SELECT {PERSON} FROM subscriber s WHERE s.id = $1", subscriber_id)
    return person_view(row) if row else None


async def holder(ctx: Context, *, account_id: int | None = None, wallet_id: int | None = None) -> SubscriberView | None:
    """Whose account or wallet it is; None for nobody's. Staff only."""
    the_staff(ctx)
    row = await fetch_row(
        f"""SELECT {PERSON} FROM subscriber s WHERE s.id IN
            (SELECT subscriber_id FROM personal_account WHERE id = $1 UNION ALL SELECT subscriber_id FROM wallet WHERE id = $2)""",  # noqa: E501
        account_id or 0,
        wallet_id or 0,
    )
    return person_view(row) if row else None


def person_view(row: Row) -> SubscriberView:
    return SubscriberView(
        id=row["id"],
        kind=SubscriberKind(row["kind"]),
        name=name_of(row),
        status=SubscriberStatus(row["status"]),
        language=Language(row["language"]),
        birth_date=date.fromisoformat(row["birth_date"]) if row["birth_date"] else None,
        since=from_micros(row["created_at"]),
        pin_locked_until=_instant(row["pin_locked_until"]),
        birth_locked_until=_instant(row["birth_locked_until"]),
    )


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def name_of(row: Row) -> str:
    return row["organisation_name"] or " ".join(filter(None, (row["last_name"], row["first_name"], row["patronymic"])))
