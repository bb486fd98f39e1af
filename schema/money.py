"""Money and languages as the API shows them."""

from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Final

import strawberry

from domain import language as domain_language
from domain import money as domain_money
from resolvers.texts import money_text
from schema.context import Info


@strawberry.enum(description="A currency. Only so'm today; new values may come: tolerate unknown ones.")
class Currency(Enum):
    UZS = strawberry.enum_value("UZS", description="Uzbekistan so'm.")


@strawberry.enum(description="A language that Kabinet speaks. New values may come: tolerate unknown ones.")
class Language(Enum):
    UZ = strawberry.enum_value("uz", description="Uzbek in Latin letters.")
    UZ_CYRL = strawberry.enum_value("uz-Cyrl", description="Uzbek in Cyrillic letters.")
    RU = strawberry.enum_value("ru", description="Russian.")
    EN = strawberry.enum_value("en", description="English.")

    @property
    def tag(self) -> domain_language.Language:
        return _TAGS[self]


_TAGS: Final = {language: domain_language.Language(str(language.value)) for language in Language}


@lru_cache(maxsize=10_000)
def amount_text(tiyin: int) -> str:
    """So'm with two decimals: what an exact Decimal of so many tiyin reads."""
    digits = f"{tiyin:04d}" if tiyin < 0 else f"{tiyin:03d}"
    return f"{digits[:-2]}.{digits[-2:]}"


@lru_cache(maxsize=10_000)
def _formatted(tiyin: int, language: domain_language.Language) -> str:
    return money_text(domain_money.Money(tiyin), language)


@strawberry.type(description="An exact amount of money.")
class Money:
    value: strawberry.Private[domain_money.Money]

    # The scalar shows a Decimal's text, and text as it is: made once for each amount.
    @strawberry.field(description='The exact amount in so\'m, two decimals: "30000.00".', graphql_type=Decimal)
    def amount(self) -> str:
        return amount_text(self.value.tiyin)

    @strawberry.field(description="The amount's currency.")
    def currency(self) -> Currency:
        return Currency.UZS

    @strawberry.field(description="The amount as people write it in the caller's language: for showing only.")
    def formatted(self, info: Info) -> str:
        return _formatted(self.value.tiyin, info.context.language)


def money_or_none(value: domain_money.Money | None) -> Money | None:
    return None if value is None else Money(value=value)
