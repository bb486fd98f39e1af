"""Money and languages as the API shows them."""

from decimal import Decimal
from enum import Enum

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
        return domain_language.Language(str(self.value))


@strawberry.type(description="An exact amount of money.")
class Money:
    value: strawberry.Private[domain_money.Money]

    @strawberry.field(description='The exact amount in so\'m, two decimals: "30000.00".')
    def amount(self) -> Decimal:
        return self.value.amount

    @strawberry.field(description="The amount's currency.")
    def currency(self) -> Currency:
        return Currency.UZS

    @strawberry.field(description="The amount as people write it in the caller's language: for showing only.")
    def formatted(self, info: Info) -> str:
        return money_text(self.value, info.context.language)


def money_or_none(value: domain_money.Money | None) -> Money | None:
    return None if value is None else Money(value=value)
