"""What an account's and a wallet's page share: the history sifted, its months, its files; and receipts."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from admin.amounts import typed_number
from admin.door import Door
from admin.views.names import product_names
from admin.visit import Visit
from domain.clock import TASHKENT
from domain.ledger import EntryKind
from domain.refusal import NotFound
from domain.statement import BadFilter, EntryFilter
from resolvers.account import account, entries, receipt_number
from resolvers.links import Download
from resolvers.receipt import check_url, purpose_text, receipt_by_number, receipt_link
from resolvers.statement import FileFormat, Holding, entry_filter, months, statement_file, sums
from resolvers.subscriber import holder, note_look, note_seen
from resolvers.wallet import wallet

MONTHS_SHOWN: Final = 12
FIELDS: Final = ("from", "until", "kind", "least", "most", "direction")


@dataclass(slots=True)
class Sieve:
    """What the filter's form was sent with: as it was typed, as the filter that it means, and what is wrong with it."""

    typed: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    wanted: EntryFilter = field(default_factory=EntryFilter)

    @property
    def given(self) -> dict[str, str]:
        """The fields that say something, for addresses."""
        return {name: value for name, value in self.typed.items() if value}


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/accounts/{id}/statement", account_file),
        door.page("/wallets/{id}/statement", wallet_file),
        door.page("/receipts/{number}", receipt),
        door.page("/receipts/{number}/pdf", receipt_file),
    ]


async def shown(visit: Visit, holding: Holding) -> dict[str, Any]:
    """The values of `history.html`."""
    sieve, place = sieve_of(visit), (f"{holding.kind}s", holding.id)
    page = await entries(visit.ctx, holding.ledger_account_id, visit.page_request(), sieve.wanted)
    whole = not (sieve.given or visit.asked("after"))
    by_month = await months(visit.ctx, holding.ledger_account_id, count=MONTHS_SHOWN) if whole else []
    while by_month and by_month[-1].empty:
        by_month.pop()
    return {
        "sieve": sieve,
        "here": visit.link(*place),
        "take": visit.link(*place, "statement"),
        "more": visit.link(*place, **sieve.given),
        "page": page,
        "rows": [(entry, None, receipt_number(entry.transfer_id)) for entry in page.items],
        "names": await product_names(visit, page.items),
        "months": by_month,
        "sums": await sums(visit.ctx, holding.ledger_account_id, sieve.wanted) if sieve.given else None,
    }


def sieve_of(visit: Visit) -> Sieve:
    """The filter that the address asks for. What cannot be read is told and does not sift."""
    sieve = Sieve({name: visit.asked(name)[:40].strip() for name in FIELDS})
    since, until = _day(visit, sieve, "from"), _day(visit, sieve, "until", days=1)
    amounts = [_amount(visit, sieve, name) for name in ("least", "most")]
    kind, direction = sieve.typed["kind"], sieve.typed["direction"]
    sieve.wanted = entry_filter(
        since=since,
        until=until,
        kinds=frozenset({EntryKind(kind)}) if kind in list(EntryKind) else frozenset(),
        least=amounts[0],
        most=amounts[1],
        incoming={"in": True, "out": False}.get(direction),
    )
    return sieve


def _day(visit: Visit, sieve: Sieve, name: str, *, days: int = 0) -> datetime | None:
    """The beginning of the day, or of the one so many days later."""
    typed = sieve.typed[name]
    try:
        day = date.fromisoformat(typed) if typed else None
    except ValueError:
        day = date.min
    if day is not None and not 1900 <= day.year <= 9000:
        sieve.errors[name] = visit.texts.gettext("Enter a day such as 2026-05-17.")
        return None
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=TASHKENT) + timedelta(days=days)


def _amount(visit: Visit, sieve: Sieve, name: str) -> Decimal | None:
    try:
        amount = typed_number(sieve.typed[name])
        entry_filter(least=amount)
    except (ValueError, BadFilter):
        sieve.errors[name] = visit.texts.gettext(BadFilter.text)
        return None
    return amount


async def account_file(visit: Visit) -> Response:
    found, whose = await account(visit.ctx, visit.id()), await holder(visit.ctx, account_id=visit.id())
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    return await _file(visit, Holding("account", found.id, found.ledger_account_id))


async def wallet_file(visit: Visit) -> Response:
    found, whose = await wallet(visit.ctx, visit.id()), await holder(visit.ctx, wallet_id=visit.id())
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    return await _file(visit, Holding("wallet", found.id, found.ledger_account_id))


async def _file(visit: Visit, holding: Holding) -> Response:
    sieve, kind = sieve_of(visit), visit.asked("format")
    if kind not in list(FileFormat):
        raise NotFound
    if sieve.errors:  # back to the form, which tells them
        return visit.go(f"{holding.kind}s", holding.id, **sieve.given)
    return _to(await statement_file(visit.ctx, holding, format=FileFormat(kind), wanted=sieve.wanted))


def _to(download: Download) -> Response:
    """Where the file is, on the host that this browser already speaks to."""
    return RedirectResponse(urlsplit(download.url).path, HTTPStatus.SEE_OTHER)


async def receipt(visit: Visit) -> Response:
    found, fiscal = await receipt_by_number(visit.ctx, visit.code("number"))
    await note_look(visit.ctx, "receipt.seen", f"transfer:{found.transfer_id}")
    return visit.page(
        "receipt.html",
        receipt=found,
        purpose=purpose_text(found.purpose, visit.ctx.language),
        fiscal=fiscal,
        check=urlsplit(check_url(visit.ctx, found.number)).path,
    )


async def receipt_file(visit: Visit) -> Response:
    found, _ = await receipt_by_number(visit.ctx, visit.code("number"))
    await note_look(visit.ctx, "receipt.download", f"transfer:{found.transfer_id}")
    return _to(receipt_link(visit.ctx, found.transfer_id))
