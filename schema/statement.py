"""What an account's history can be asked for: filters, past balances, months, files."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated

import strawberry

from domain import ledger
from domain import statement as domain_statement
from resolvers import statement
from resolvers.context import Context
from schema import problem
from schema.entry_kind import KINDS, EntryKind
from schema.money import Language, Money
from schema.receipt import Download, wrap_download

Instant = Annotated[datetime, strawberry.argument(description="The instant; one without an offset is Tashkent's time.")]
MonthsFirst = Annotated[int, strawberry.argument(description="At most so many months: 1 to 36.")]
MonthsUntil = Annotated[
    date | None, strawberry.argument(description="A day of the newest month that is wanted; today if left out.")
]


@strawberry.enum(description="Which way money went, seen from the account.")
class EntryDirection(Enum):
    IN = strawberry.enum_value("in", description="It came in.")
    OUT = strawberry.enum_value("out", description="It went out.")


@strawberry.input(
    description="Which entries are wanted: all that is given must hold, what is left out does not matter."
)
class EntryFilter:
    from_: datetime | None = strawberry.field(
        default=None, name="from", description="At this instant or later; without an offset it is Tashkent's time."
    )
    until: datetime | None = strawberry.field(default=None, description="Before this instant.")
    kinds: list[EntryKind] | None = strawberry.field(
        default=None, description="Of one of these kinds; an empty list is as none at all."
    )
    least: Decimal | None = strawberry.field(default=None, description="Of so many so'm or more, whichever way.")
    most: Decimal | None = strawberry.field(default=None, description="Of so many so'm or less, whichever way.")
    direction: EntryDirection | None = strawberry.field(default=None, description="Which way the money went.")


Filter = Annotated[EntryFilter | None, strawberry.argument(description="Only entries that this filter keeps.")]


def filter_of(asked: EntryFilter | None) -> domain_statement.EntryFilter:
    """The filter in the domain's terms. Raises BadFilter."""
    if asked is None:
        return domain_statement.EVERYTHING
    return statement.entry_filter(
        since=asked.from_,
        until=asked.until,
        kinds=frozenset(ledger.EntryKind(str(kind.value)) for kind in asked.kinds or ()),
        least=asked.least,
        most=asked.most,
        incoming=None if asked.direction is None else asked.direction is EntryDirection.IN,
    )


@strawberry.type(description="What entries of one kind came to in a month.")
class MonthCategory:
    view: strawberry.Private[domain_statement.Category]

    @strawberry.field(description="The kind.")
    def kind(self) -> EntryKind:
        return KINDS[self.view.kind]

    @strawberry.field(description="Their sum: plus came in, minus went out.")
    def amount(self) -> Money:
        return Money(value=self.view.amount)

    @strawberry.field(description="How many there were.")
    def count(self) -> int:
        return self.view.count


@strawberry.type(description="A calendar month of an account: opening + incoming - outgoing = closing.")
class MonthSummary:
    view: strawberry.Private[domain_statement.Month]

    @strawberry.field(description="The month's first day.")
    def month(self) -> date:
        return self.view.first_day

    @strawberry.field(description="The balance when it began.")
    def opening(self) -> Money:
        return Money(value=self.view.opening)

    @strawberry.field(description="The balance when it ended, or now if it has not.")
    def closing(self) -> Money:
        return Money(value=self.view.closing)

    @strawberry.field(description="All that came in.")
    def incoming(self) -> Money:
        return Money(value=self.view.incoming)

    @strawberry.field(description="All that went out, without a sign.")
    def outgoing(self) -> Money:
        return Money(value=self.view.outgoing)

    @strawberry.field(description="The same by kind; kinds that did not occur are left out.")
    def categories(self) -> list[MonthCategory]:
        return [MonthCategory(view=category) for category in self.view.categories]


async def month_summaries(ctx: Context, ledger_account_id: int, first: int, until: date | None) -> list[MonthSummary]:
    found = await statement.months(ctx, ledger_account_id, count=first, until=until)
    return [MonthSummary(view=month) for month in found]


@strawberry.enum(description="What a statement can be taken away as. Tolerate unknown values.")
class StatementFormat(Enum):
    CSV = strawberry.enum_value("csv", description="A table for programs: UTF-8, RFC 4180, of any length.")
    XLSX = strawberry.enum_value("xlsx", description="A workbook: at most 100,000 entries.")
    PDF = strawberry.enum_value("pdf", description="A paper to be read and printed: at most 3,000 entries.")


@strawberry.input(description="Which statement is wanted as a file.")
class StatementFileInput:
    format: StatementFormat = strawberry.field(description="What kind of file.")
    filter: EntryFilter | None = strawberry.field(default=None, description="Which entries; all if left out.")
    language: Language | None = strawberry.field(
        default=None, description="The file's language; the caller's if left out."
    )


AskedFile = Annotated[StatementFileInput, strawberry.argument(description="Which entries, and what kind of file.")]
StatementFileResult = Annotated[
    Download | problem.StatementTooLong,
    strawberry.union("StatementFileResult", description="Where the file is, or why there is none."),
]


async def statement_file(ctx: Context, holding: statement.Holding, asked: StatementFileInput) -> StatementFileResult:
    """The address of the file. Raises BadFilter and StatementTooLong."""
    found = await statement.statement_file(
        ctx,
        holding,
        format=statement.FileFormat(str(asked.format.value)),
        wanted=filter_of(asked.filter),
        language=asked.language.tag if asked.language else None,
    )
    return wrap_download(found)
