"""Model fields that keep one form in both databases (see docs/adr)."""

import json
from datetime import date, datetime
from typing import Any

from tortoise.fields import BigIntField, CharField, TextField

from domain.clock import from_micros, to_micros
from domain.money import Money


class InstantField(BigIntField):
    """An aware datetime, stored as whole microseconds since 1970 UTC."""

    def to_db_value(self, value: Any, instance: Any) -> int | None:
        return to_micros(value) if isinstance(value, datetime) else value

    def to_python_value(self, value: Any) -> datetime | None:
        return from_micros(value) if isinstance(value, int) else value


class MoneyField(BigIntField):
    """Money, stored as whole tiyin."""

    def to_db_value(self, value: Any, instance: Any) -> int | None:
        return value.tiyin if isinstance(value, Money) else value

    def to_python_value(self, value: Any) -> Money | None:
        return Money(value) if isinstance(value, int) else value


class DayField(CharField[Any]):
    """A calendar day, stored as ISO text, which sorts as days do."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=10, **kwargs)

    def to_db_value(self, value: Any, instance: Any) -> str | None:
        return value.isoformat() if isinstance(value, date) else value

    def to_python_value(self, value: Any) -> date | None:
        return date.fromisoformat(value) if isinstance(value, str) else value


class TextsField(TextField):
    """A mapping, such as a text in several languages, stored as JSON text."""

    def to_db_value(self, value: Any, instance: Any) -> str | None:
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else value

    def to_python_value(self, value: Any) -> dict[str, Any] | None:
        read: dict[str, Any] | None = json.loads(value) if isinstance(value, str) else value
        return read
