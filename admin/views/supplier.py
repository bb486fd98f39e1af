"""Suppliers: the operator's list, one with what it has been paid, and its terms, which admins enter and change."""

from decimal import Decimal
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.amounts import typed_number
from admin.door import Door
from admin.visit import Visit
from domain.money import LARGEST_SOM, ZERO, Money
from domain.refusal import InvalidInput, NotFound, Refusal
from domain.supplier import Commission, FiscalCodes, ReferenceForm, ReferenceKind, SupplierTerms, SupplierView
from resolvers.context import the_staff
from resolvers.paging import LARGEST_SIZE, PageRequest
from resolvers.partner import partners
from resolvers.schedule import scheduled_payments
from resolvers.subscriber import holder, note_seen
from resolvers.supplier import edit_supplier, enter_supplier, supplier, suppliers_for_staff, totals
from resolvers.wallet import wallet

FIELDS: Final = (
    "code",
    "name",
    "name_ru",
    "name_en",
    "legal_name",
    "stir",
    "reference_label",
    "reference_label_ru",
    "reference_label_en",
    "reference_kind",
    "reference_least",
    "reference_most",
    "basis_points",
    "commission_fixed",
    "commission_least",
    "commission_most",
    "mxik",
    "package",
    "vat_percent",
    "partner",
    "on_sale",
)
LONGEST_FIELD: Final = 300


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/suppliers", look_at_all),
        door.page("/suppliers/new", ask_new),
        door.action("/suppliers/new", enter),
        door.page("/suppliers/{code}", look),
        door.page("/suppliers/{code}/terms", ask_terms),
        door.action("/suppliers/{code}/terms", change),
        door.page("/wallets/{id}/scheduled", look_at_scheduled),
    ]


async def look_at_all(visit: Visit) -> Response:
    search = visit.asked("q").strip()[:100]
    page = await suppliers_for_staff(visit.ctx, visit.page_request(), search)
    return visit.page("suppliers.html", page=page, search=search)


async def look(visit: Visit) -> Response:
    found = await _supplier(visit)
    count, total = await totals(visit.ctx, found)
    return visit.page("supplier.html", one=found, count=count, total=total)


async def look_at_scheduled(visit: Visit) -> Response:
    """What a wallet's holder has ordered for later."""
    found, whose = await wallet(visit.ctx, visit.id()), await holder(visit.ctx, wallet_id=visit.id())
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    page = await scheduled_payments(visit.ctx, found.id, visit.page_request())
    return visit.page("scheduled.html", wallet=found, holder=whose, page=page)


async def ask_new(visit: Visit) -> Response:
    typed = dict.fromkeys(FIELDS, "") | {"reference_kind": "digits", "on_sale": "yes"}
    return await _ask(visit, None, typed, {})


async def enter(visit: Visit) -> Response:
    typed = _typed(visit)
    try:
        await enter_supplier(visit.ctx, code=typed["code"], terms=_terms(typed))
    except Refusal as refusal:
        return await _ask(visit, None, typed, visit.errors(refusal))
    return visit.go("suppliers", typed["code"])


async def ask_terms(visit: Visit) -> Response:
    found = await _supplier(visit)
    return await _ask(visit, found, _written(found), {})


async def change(visit: Visit) -> Response:
    found, typed = await _supplier(visit), _typed(visit)
    try:
        await edit_supplier(visit.ctx, code=found.code, terms=_terms(typed))
    except Refusal as refusal:
        return await _ask(visit, found, typed, visit.errors(refusal))
    return visit.go("suppliers", found.code)


async def _ask(visit: Visit, one: SupplierView | None, typed: dict[str, str], errors: dict[str, str]) -> Response:
    the_staff(visit.ctx, "admin")
    known = await partners(visit.ctx, PageRequest(LARGEST_SIZE))
    options = {"": "—"} | {str(partner.id): partner.name for partner in known.items}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    values = {"one": one, "typed": typed, "errors": errors, "partners": options}
    return visit.page("supplier_terms.html", status, **values)


async def _supplier(visit: Visit) -> SupplierView:
    found = await supplier(visit.ctx, visit.code())
    if found is None:
        raise NotFound
    return found


def _typed(visit: Visit) -> dict[str, str]:
    return {name: visit.form.text(name).strip()[:LONGEST_FIELD] for name in FIELDS}


def _terms(typed: dict[str, str]) -> SupplierTerms:
    """Raises InvalidInput, its path the field, for what is no number; the rest is judged by the terms themselves."""
    if typed["reference_kind"] not in list(ReferenceKind):
        raise InvalidInput(path=("reference_kind",))
    reference = ReferenceForm(
        ReferenceKind(typed["reference_kind"]), _whole(typed, "reference_least"), _whole(typed, "reference_most")
    )
    commission = Commission(
        basis_points=_hundredths(typed, "basis_points"),
        fixed=Money(_hundredths(typed, "commission_fixed")),
        least=Money(_hundredths(typed, "commission_least")),
        most=Money(_hundredths(typed, "commission_most")) if typed["commission_most"] else None,
    )
    return SupplierTerms(
        name=_texts(typed, "name"),
        legal_name=typed["legal_name"],
        stir=typed["stir"],
        reference_label=_texts(typed, "reference_label"),
        reference=reference,
        commission=commission,
        on_sale=typed["on_sale"] == "yes",
        fiscal=FiscalCodes(
            typed["mxik"] or None,
            typed["package"] or None,
            _whole(typed, "vat_percent") if typed["vat_percent"] else None,
        ),
        partner_id=_whole(typed, "partner") if typed["partner"] else None,
    )


def _texts(typed: dict[str, str], name: str) -> dict[str, str]:
    texts = {"uz": typed[name], "ru": typed[f"{name}_ru"], "en": typed[f"{name}_en"]}
    return {tag: text for tag, text in texts.items() if text}


def _whole(typed: dict[str, str], name: str) -> int:
    text = typed[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(path=(name,))
    return int(text)


def _hundredths(typed: dict[str, str], name: str) -> int:
    """So'm in tiyin, percent in hundredths: two decimals at most; nothing is zero."""
    try:
        value = typed_number(typed[name]) or Decimal(0)
    except ValueError:
        raise InvalidInput(path=(name,)) from None
    if not 0 <= value <= LARGEST_SOM:
        raise InvalidInput(path=(name,))
    return int(value * 100)


def _written(found: SupplierView) -> dict[str, str]:
    """A supplier's terms as the form shows them."""
    terms, commission = found.terms, found.terms.commission
    return {
        "code": found.code,
        "name": terms.name.get("uz", ""),
        "name_ru": terms.name.get("ru", ""),
        "name_en": terms.name.get("en", ""),
        "legal_name": terms.legal_name,
        "stir": terms.stir,
        "reference_label": terms.reference_label.get("uz", ""),
        "reference_label_ru": terms.reference_label.get("ru", ""),
        "reference_label_en": terms.reference_label.get("en", ""),
        "reference_kind": str(terms.reference.kind),
        "reference_least": str(terms.reference.least),
        "reference_most": str(terms.reference.most),
        "basis_points": _plain(Money(commission.basis_points)),
        "commission_fixed": _plain(commission.fixed),
        "commission_least": _plain(commission.least),
        "commission_most": "" if commission.most is None else _plain(commission.most) or "0",
        "mxik": terms.fiscal.mxik or "",
        "package": terms.fiscal.package or "",
        "vat_percent": "" if terms.fiscal.vat_percent is None else str(terms.fiscal.vat_percent),
        "partner": "" if terms.partner_id is None else str(terms.partner_id),
        "on_sale": "yes" if terms.on_sale else "no",
    }


def _plain(money: Money) -> str:
    return "" if money == ZERO else f"{money.amount.normalize():f}"
