"""An account's statement: looking at it by filters and months, and taking it away as a file.

A file is asked for by who may see the account, and fetched by its address alone (resolvers/links.py). The address
fixes the last entry that is in it, so that the file is one whole, however much money moves while it is made, and the
same again while the address lasts. Its entries are read in pages: a long history is never in memory at once.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final

from domain import statement
from domain.adjustment import AdjustmentReason
from domain.audit import note
from domain.clock import from_micros, local_day, to_micros
from domain.database import Row, fetch_row, in_transaction
from domain.language import Language
from domain.ledger import EntryKind
from domain.money import Money
from domain.policy import Operator
from domain.refusal import Forbidden, NotFound, Refusal, Unauthenticated
from domain.statement import BadPeriod, Cut, EntryFilter, Month
from domain.statement import Sums as Sums
from domain.view import view
from resolvers.account import party, receipt_number
from resolvers.catalogue import catalogue
from resolvers.context import Anonymous, Context, StaffActor, SubscriberActor, require_no_stale_token
from resolvers.links import Download, link, opened
from resolvers.subscriber.person import name_of
from resolvers.texts import translator

PURPOSE: Final = "statement"
PAGE: Final = 500


class FileFormat(StrEnum):
    """What a statement can be taken away as."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


# Tables to be computed with have no end; papers to be read have. A sheet is held to what opens in a moment.
MOST_ENTRIES: Final = {FileFormat.XLSX: 100_000, FileFormat.PDF: 3_000}


@dataclass(eq=False, kw_only=True)
class StatementTooLong(Refusal):
    """There are more entries than this kind of file takes."""

    code: ClassVar[str] = "STATEMENT_TOO_LONG"
    text: ClassVar[str] = "There are more than {most} entries. Choose a shorter period, or the CSV format."
    most: int


@dataclass(frozen=True, slots=True)
class Holding:
    """An account or wallet that a statement is of. It must come from a look that was scoped to the caller."""

    kind: str
    id: int
    ledger_account_id: int

    @property
    def subject(self) -> str:
        return f"{self.kind}:{self.id}"


@view
class Line:
    """One entry as a statement shows it: `what` it is and the `details` of whom or what it was for."""

    at: datetime
    what: str
    details: str
    amount: Money
    balance: Money
    receipt: str


@dataclass(frozen=True, slots=True)
class StatementPaper:
    """A statement to be written: whose, of when. `lines_of` gives its entries, oldest first, `sums_of` their sums."""

    kind: str
    number: str
    holder: str
    format: FileFormat
    language: Language
    made_at: datetime
    since: datetime
    until: datetime
    filter: EntryFilter
    operator: Operator
    cut: Cut

    @property
    def first_day(self) -> date:
        """The first day that the statement is about, in Tashkent."""
        return min(local_day(self.since), self.last_day)

    @property
    def last_day(self) -> date:
        """The last one: a period that ends at midnight ends with the day before."""
        return local_day(self.until - timedelta(microseconds=1))


async def balance_at(ctx: Context, ledger_account_id: int, at: datetime) -> Money:
    """The balance after the last entry at or before this instant. The account must come from a scoped look."""
    _require_person(ctx)
    return await statement.balance_at(ledger_account_id, statement.aware(at))


async def months(ctx: Context, ledger_account_id: int, *, count: int, until: date | None = None) -> list[Month]:
    """So many months of an account, the newest first: up to the present one, or to the one that `until` is in.

    Raises TooManyMonths. The account must come from a scoped look.
    """
    _require_person(ctx)
    last = until or statement.month_of(ctx.clock.now())
    return await statement.months(ledger_account_id, last=last, count=count)


async def sums(ctx: Context, ledger_account_id: int, wanted: EntryFilter) -> Sums:
    """What the entries of a filter come to now. The account must come from a scoped look."""
    _require_person(ctx)
    return await statement.sums(Cut(ledger_account_id, await _last_seq(ledger_account_id), wanted))


async def _last_seq(ledger_account_id: int) -> int:
    row = await fetch_row("SELECT seq FROM ledger_account WHERE id = $1", ledger_account_id)
    if row is None:
        raise NotFound
    return int(row["seq"])


def _require_person(ctx: Context) -> None:
    """Subscribers and staff look at histories; partners and strangers do not, whatever led them to an account."""
    if isinstance(ctx.actor, SubscriberActor | StaffActor):
        return
    require_no_stale_token(ctx)
    raise Unauthenticated if isinstance(ctx.actor, Anonymous) else Forbidden


def entry_filter(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: frozenset[EntryKind] = frozenset(),
    least: Decimal | None = None,
    most: Decimal | None = None,
    incoming: bool | None = None,
) -> EntryFilter:
    """The filter that a caller asks for. Raises BadFilter for bounds that are no amounts."""
    return EntryFilter(
        since=statement.aware(since) if since else None,
        until=statement.aware(until) if until else None,
        kinds=kinds,
        least=statement.bound(least),
        most=statement.bound(most),
        incoming=incoming,
    )


async def statement_file(
    ctx: Context, holding: Holding, *, format: FileFormat, wanted: EntryFilter, language: Language | None = None
) -> Download:
    """The address of a file with these entries, for whoever holds it; staff leave a line in the audit trail.

    Raises StatementTooLong, and BadPeriod for one that ends before it begins.
    """
    _require_person(ctx)
    if wanted.since and wanted.until and wanted.since > wanted.until:
        raise BadPeriod
    upto = await _last_seq(holding.ledger_account_id)
    most = MOST_ENTRIES.get(format)
    cut = Cut(holding.ledger_account_id, upto, wanted)
    if most is not None and await statement.count_up_to(cut, most) > most:
        raise StatementTooLong(most=most, path=("input", "format"))
    if isinstance(ctx.actor, StaffActor):
        await _note(ctx, holding, format, wanted)
    facts = {"kind": holding.kind, "id": holding.id, "upto": upto, "format": str(format)}
    return link(ctx, PURPOSE, facts | {"language": str(language or ctx.language), "filter": _plain(wanted)})


@in_transaction
async def _note(ctx: Context, holding: Holding, format: FileFormat, wanted: EntryFilter) -> None:
    period = {"since": wanted.since, "until": wanted.until}
    facts = {name: at.isoformat() for name, at in period.items() if at}
    await note(ctx.actor.label, "statement.download", holding.subject, ctx.clock.now(), format=str(format), **facts)


def _plain(wanted: EntryFilter) -> dict[str, Any]:
    """A filter as an address carries it."""
    everything = {
        "since": None if wanted.since is None else to_micros(wanted.since),
        "until": None if wanted.until is None else to_micros(wanted.until),
        "kinds": sorted(kind.value for kind in wanted.kinds) or None,
        "least": None if wanted.least is None else wanted.least.tiyin,
        "most": None if wanted.most is None else wanted.most.tiyin,
        "incoming": wanted.incoming,
    }
    return {name: value for name, value in everything.items() if value is not None}


def _filter(plain: dict[str, Any]) -> EntryFilter:
    return EntryFilter(
        since=from_micros(plain["since"]) if "since" in plain else None,
        until=from_micros(plain["until"]) if "until" in plain else None,
        kinds=frozenset(map(EntryKind, plain.get("kinds", ()))),
        least=Money(plain["least"]) if "least" in plain else None,
        most=Money(plain["most"]) if "most" in plain else None,
        incoming=plain.get("incoming"),
    )


_HOLDERS: Final = {
    kind: f"""SELECT h.number, h.ledger_account_id, h.opened_at,
                     s.last_name, s.first_name, s.patronymic, s.organisation_name
              FROM {table} h JOIN subscriber s ON s.id = h.subscriber_id WHERE h.id = $1"""
    for kind, table in (("account", "personal_account"), ("wallet", "wallet"))
}


async def statement_paper(ctx: Context, token: str) -> StatementPaper:
    """What such an address opens. Raises LinkOver, and NotFound when the account is no more."""
    facts = opened(ctx, PURPOSE, token)
    row = await fetch_row(_HOLDERS[facts["kind"]], facts["id"])
    if row is None:
        raise NotFound
    wanted = _filter(facts["filter"])
    cut = Cut(row["ledger_account_id"], facts["upto"], wanted)
    now = ctx.clock.now()
    return StatementPaper(
        kind=facts["kind"],
        number=row["number"],
        holder=name_of(row),
        format=FileFormat(facts["format"]),
        language=Language(facts["language"]),
        made_at=now,
        since=max(wanted.since or _FIRST, from_micros(row["opened_at"])),
        until=min(wanted.until or now, now),
        filter=wanted,
        operator=ctx.policy.operator,
        cut=cut,
    )


_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def sums_of(paper: StatementPaper) -> Sums:
    """What the statement's entries come to, and the balance where its period begins and ends."""
    return await statement.sums(paper.cut)


async def lines_of(ctx: Context, paper: StatementPaper) -> AsyncIterator[list[Line]]:
    """The statement's entries in pages, oldest first."""
    products = {code: one.name_in(paper.language) for code, one in (await catalogue(ctx)).product_by_code.items()}
    words, after = Words(paper.language, products), 0
    while rows := await statement.lines(paper.cut, after=after, size=PAGE):
        after = rows[-1]["seq"]
        yield [words.line(row) for row in rows]


def N_(text: str) -> str:  # gettext's own name for a text that is translated elsewhere
    return text


ENTRY_WORDS: Final = {
    EntryKind.TOP_UP: N_("Top-up"),
    EntryKind.TRANSFER_IN: N_("Transfer received"),
    EntryKind.TRANSFER_OUT: N_("Transfer sent"),
    EntryKind.PAYMENT: N_("Payment"),
    EntryKind.COMMISSION: N_("Commission"),
    EntryKind.SUBSCRIPTION: N_("Subscription"),
    EntryKind.REFUND: N_("Refund"),
    EntryKind.REVERSAL: N_("Taken back"),
    EntryKind.REDEMPTION: N_("Paid out"),
    EntryKind.FORFEITURE: N_("Forfeited"),
    EntryKind.ADJUSTMENT: N_("Adjustment"),
}


REASON_WORDS: Final = {
    AdjustmentReason.WRONG_AMOUNT: N_("Wrong amount"),
    AdjustmentReason.DUPLICATE: N_("Carried out twice"),
    AdjustmentReason.NOT_CREDITED: N_("Money that did not arrive"),
    AdjustmentReason.SERVICE_FAULT: N_("Fault of the service"),
    AdjustmentReason.GOODWILL: N_("Goodwill"),
    AdjustmentReason.RECONCILIATION: N_("Reconciliation with a payment system"),
    AdjustmentReason.OTHER: N_("Another reason"),
}
WAYS: Final = {"payme": "Payme", "click": "Click"}


class Words:
    """Entries in words of one language. `products`: their names by code."""

    def __init__(self, language: Language, products: dict[str, str]) -> None:
        gettext = translator(language).gettext
        self._kinds: dict[str, str] = {kind.value: gettext(word) for kind, word in ENTRY_WORDS.items()}
        self._reasons: dict[str, str] = {reason.value: gettext(word) for reason, word in REASON_WORDS.items()}
        self._products = products

    def line(self, row: Row) -> Line:
        return Line(
            at=from_micros(row["at"]),
            what=self._kinds.get(str(row["kind"]), str(row["kind"])),
            details=self._details(row["kind"], json.loads(row["memo"]), row["amount"] > 0),
            amount=Money(row["amount"]),
            balance=Money(row["balance_after"]),
            receipt=receipt_number(row["transfer_id"]),
        )

    def _details(self, kind: str, memo: dict[str, Any], incoming: bool) -> str:
        """Who was on the other side, or what it was for; empty where the movement noted neither."""
        if "product" in memo:
            return self._products.get(memo["product"], str(memo["product"]))
        if kind == EntryKind.ADJUSTMENT:
            return self._reasons.get(str(memo.get("reason")), "")
        if other_side := party(memo, "payer" if incoming else "recipient"):
            return other_side
        said = next((str(memo[name]) for name in ("purpose", "source", "way") if memo.get(name)), "")
        return WAYS.get(said, said)
