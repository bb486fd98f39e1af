"""Tariff plans, allowances, prices, and what a call costs."""

from collections.abc import Awaitable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Final

import strawberry

from domain.language import Language, in_language
from resolvers import tariff as tariffs
from resolvers.catalogue import AllowanceView, PriceView, TariffView, ZoneView
from resolvers.paging import PageRequest
from schema import problem
from schema.context import Info
from schema.money import Money
from schema.product import InLanguage, shelf_page, shelf_page_later
from schema.relay import After, Before, Connection, First, Last, Node, to_global_id
from schema.scalars import PhoneNumber


@strawberry.enum(description="What is used. New values may come: tolerate unknown ones.")
class UsageKind(Enum):
    VOICE = strawberry.enum_value("voice", description="Calls.")
    SMS = strawberry.enum_value("sms", description="Text messages.")
    DATA = strawberry.enum_value("data", description="Mobile internet.")


@strawberry.enum(description="What is counted. New values may come: tolerate unknown ones.")
class Unit(Enum):
    MINUTE = strawberry.enum_value("minute", description="A minute of a call.")
    SMS = strawberry.enum_value("sms", description="One text message.")
    MEGABYTE = strawberry.enum_value("megabyte", description="A megabyte.")
    DAY = strawberry.enum_value("day", description="A day.")
    MONTH = strawberry.enum_value("month", description="A month.")
    PIECE = strawberry.enum_value("piece", description="One of whatever is sold.")


# By what is stored. What is not among them stays as it is, and the type refuses it where it is asked for.
_KINDS: Final[dict[str, Any]] = {str(kind.value): kind for kind in UsageKind}
_UNITS: Final[dict[str, Any]] = {str(unit.value): unit for unit in Unit}


@strawberry.type(description="A group of destinations with one price (T-2, T-3).")
class Zone:
    code: str = strawberry.field(description="The zone's stable code, such as `satellite-3`.")
    names: strawberry.Private[dict[Language, str]]

    @strawberry.field(description="Its name.")
    def name(self, info: Info, language: InLanguage = None) -> str:
        return self.names[language.tag if language else info.context.language]


@strawberry.type(description="What is included in the monthly fee.")
class Allowance:
    kind: UsageKind = strawberry.field(description="What may be used.")
    amount: str = strawberry.field(description="How much of it, for a month.", graphql_type=Decimal)
    unit: Unit = strawberry.field(description="What the amount counts.")


@strawberry.type(description="A price of the price list, taxes included (T-1).")
class Price:
    zone: Zone | None = strawberry.field(description="The zone that it is for.")
    unit: Unit = strawberry.field(description="What one costs.")
    price: Money = strawberry.field(description="The price of one unit.")


def _zone(view: ZoneView) -> Zone:
    return Zone(code=view.code, names={language: in_language(view.name, language) for language in Language})


def _unit(stored: str) -> Unit:
    unit: Unit = _UNITS.get(stored, stored)
    return unit


def _allowance(view: AllowanceView) -> Allowance:
    return Allowance(kind=_KINDS.get(view.kind, view.kind), amount=str(view.amount), unit=_unit(view.unit))


def _price(view: PriceView) -> Price:
    return Price(zone=_zone(view.zone), unit=_unit(view.unit), price=Money(value=view.price))


@strawberry.type(description="A tariff plan.")
class Tariff(Node):
    view: strawberry.Private[TariffView]

    @strawberry.field(description="The tariff's stable code, such as `welcome`.")
    def code(self) -> str:
        return self.view.code

    @strawberry.field(description="Its name.")
    def name(self, info: Info, language: InLanguage = None) -> str:
        return in_language(self.view.name, language.tag if language else info.context.language)

    @strawberry.field(description="What it is for.")
    def description(self, info: Info, language: InLanguage = None) -> str:
        return in_language(self.view.description, language.tag if language else info.context.language)

    @strawberry.field(description="The fee for a month.")
    def monthly_fee(self) -> Money:
        return Money(value=self.view.monthly_fee)

    @strawberry.field(description="Whether nobody can join it any more (T-9).")
    def archived(self) -> bool:
        return self.view.archived

    @strawberry.field(description="Whether it is for foreign visitors only (T-20).")
    def foreigners_only(self) -> bool:
        return self.view.foreigners_only

    @strawberry.field(description="What the fee includes.")
    def allowances(self) -> list[Allowance]:
        return self._allowances

    @strawberry.field(description="Its prices in the edition of the price list that holds today.")
    def prices(self) -> list[Price]:
        return self._prices

    # The catalogue keeps its tariffs, and each what it has shown once.
    @cached_property
    def _allowances(self) -> list[Allowance]:
        return [_allowance(view) for view in self.view.allowances]

    @cached_property
    def _prices(self) -> list[Price]:
        return [_price(view) for view in self.view.prices]


def wrap_tariff(view: TariffView) -> Tariff:
    return Tariff(id=to_global_id("Tariff", view.id), view=view)


@strawberry.type(description="What a minute to a number costs, and why.")
class CallPrice:
    view: strawberry.Private[tariffs.CallPriceView]

    @strawberry.field(description="The zone that the number belongs to.")
    def zone(self) -> Zone:
        return _zone(self.view.zone)

    @strawberry.field(description="The price of one unit, taxes included.")
    def price(self) -> Money:
        return Money(value=self.view.price)

    @strawberry.field(description="What is priced: a minute.")
    def unit(self) -> Unit:
        return _unit(self.view.unit)

    @strawberry.field(description="The edition of the price list that holds on that day.")
    def edition(self) -> str:
        return self.view.edition

    @strawberry.field(description="From when that edition holds.")
    def effective_from(self) -> date:
        return self.view.effective_from

    @strawberry.field(description="The dialling prefix, digits only, that decided: the longest that matches.")
    def matched_prefix(self) -> str:
        return self.view.matched_prefix

    @strawberry.field(
        description="The country, ISO 3166-1 alpha-2; null for networks of no country, such as satellites."
    )
    def country(self) -> str | None:
        return self.view.country


CallPriceResult = Annotated[
    CallPrice | problem.UnknownDestination | problem.NotFound,
    strawberry.union("CallPriceResult", description="The price, or why there is none."),
]


@strawberry.type
class TariffQueries:
    @strawberry.field(description="The tariff plans that can be taken.", graphql_type=Connection[Tariff])
    def tariffs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Tariff] | Awaitable[Connection[Tariff]]:
        request = PageRequest.of(first, after, last, before)
        shelf = tariffs.tariff_shelf_at_hand(info.context)
        if shelf is not None:
            return shelf_page(shelf, request, wrap_tariff)
        return shelf_page_later(tariffs.tariff_shelf(info.context), request, wrap_tariff)

    @strawberry.field(description="One tariff plan by its code, archived ones too; null if there is none.")
    async def tariff(
        self, info: Info, code: Annotated[str, strawberry.argument(description="Such as `welcome`.")]
    ) -> Tariff | None:
        view = await tariffs.tariff(info.context, code)
        return wrap_tariff(view) if view else None

    @strawberry.field(description="What a minute to any international number costs, satellites included (T-2, T-3).")
    async def call_price(
        self,
        info: Info,
        to: Annotated[PhoneNumber, strawberry.argument(description="The number, such as +81312345678.")],
        tariff: Annotated[str, strawberry.argument(description="The tariff's code.")],
        at: Annotated[
            datetime | None, strawberry.argument(description="When; now if left out. Past days get their edition.")
        ] = None,
    ) -> CallPriceResult:
        return CallPrice(view=await tariffs.call_price(info.context, to=to, tariff=tariff, at=at))
