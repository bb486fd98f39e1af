"""Paying suppliers (W-4.4.4): looking for one, seeing what a payment will cost, paying; and the operator's list."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain import audit
from domain.clock import from_micros, to_micros
from domain.database import Row, after_commit, fetch_row, in_transaction
from domain.idempotency import Key
from domain.money import Money
from domain.refusal import NotFound, Refusal
from domain.supplier import (
    SUPPLIER_COLUMNS,
    SupplierNotFound,
    SupplierTerms,
    SupplierView,
    add_supplier,
    change_supplier,
    find_supplier,
    plain_reference,
    require_reference,
    searched,
    supplier_view,
    suppliers_by_id,
)
from domain.wallet import POSTED, REPLAY, Paying, refusal
from domain.wallet import pay as move
from resolvers import access
from resolvers.account import ReceiptView, receipt_view
from resolvers.context import Claimed, Context, Expired, SubscriberActor, the_staff, the_subscriber
from resolvers.hold import spending
from resolvers.paging import Page, PageRequest, page
from resolvers.wallet import WalletView, wallet_view

LONGEST_SEARCH: Final = 100


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment that has been carried out, and the payer's wallet as it stands then."""

    id: int
    at: datetime
    amount: Money
    commission: Money
    wallet: WalletView
    supplier_id: int
    memo: str

    @property
    def receipt(self) -> ReceiptView:
        """The proof of it (W-2.19)."""
        facts = {"id": self.id, "at": to_micros(self.at), "kind": "payment", "memo": self.memo}
        return receipt_view(facts | {"amount": self.amount.tiyin, "commission": self.commission.tiyin})


@dataclass(frozen=True, slots=True)
class PreviewView:
    """What a payment would cost, for the holder to see before confirming (W-4.4.5)."""

    supplier: SupplierView
    reference: str
    amount: Money
    commission: Money

    @property
    def total(self) -> Money:
        return self.amount + self.commission


_SUPPLIERS: Final = f"""SELECT {SUPPLIER_COLUMNS}, s.created_at AS cursor_order, s.id AS cursor_id FROM supplier s"""


async def suppliers(ctx: Context, request: PageRequest, search: str = "") -> Page[SupplierView]:
    """Those that can be paid now, the oldest first; with `search`, those whose name, code or STIR has it."""
    return await _listed(request, search, "s.on_sale")


async def suppliers_for_staff(ctx: Context, request: PageRequest, search: str = "") -> Page[SupplierView]:
    """All of them, on sale or not."""
    the_staff(ctx)
    return await _listed(request, search, "1 = 1")


async def _listed(request: PageRequest, search: str, which: str) -> Page[SupplierView]:
    where, values = f" WHERE {which}", list[str]()
    if wanted := searched(search[:LONGEST_SEARCH].replace("\0", "")):
        where += " AND s.search_name LIKE $1 ESCAPE '!'"
        values.append("%" + "".join(f"!{sign}" if sign in "!%_" else sign for sign in wanted) + "%")
    return await page(
        _SUPPLIERS + where, list(values), request, supplier_view, order="s.created_at", id_="s.id", ascending=True
    )


async def supplier(ctx: Context, code: str) -> SupplierView | None:
    """One by its code, on sale or not; None when there is none."""
    return await find_supplier(code) if "\0" not in code else None


async def supplier_by_id(ctx: Context, supplier_id: int) -> SupplierView | None:
    """One by its id, on sale or not; None when there is none."""
    return (await suppliers_by_id([supplier_id])).get(supplier_id)


async def payment_preview(ctx: Context, *, supplier: str, reference: str, amount: Decimal) -> PreviewView:
    """What paying would cost now. Raises InvalidAmount, InvalidInput (the reference), SupplierNotFound."""
    the_subscriber(ctx)
    asked, plain = Money.asked(amount, path=("amount",)), _reference(reference, ("reference",))
    found = await find_supplier(_code(supplier))
    if found is None or not found.terms.on_sale:
        raise SupplierNotFound(path=("supplier",))
    require_reference(found.terms.reference, plain, path=("reference",))
    return PreviewView(found, plain, asked, found.terms.commission.of(asked))


def _reference(reference: str, path: tuple[str, ...]) -> str:
    try:
        return plain_reference(reference)
    except Refusal as error:
        error.path = path
        raise


def _code(code: str) -> str:
    """A code as it is looked for; no supplier's has other signs."""
    return code.strip() if code.isprintable() else ""


@spending
async def pay(ctx: Context, *, supplier: str, reference: str, amount: Decimal, key: str) -> PaymentView:
    """Pays a supplier from the caller's wallet: the amount and its commission, at once and finally (W-4.4.4).

    Raises InvalidAmount, InvalidInput (the reference), SupplierNotFound, WalletMissing, WalletLocked, WalletNotActive,
    NotToppedUpYet, InsufficientFunds (what is needed has the commission in it), IdempotencyKeyReused; TokenOver for a
    claimed actor whose session is over. A replay gives the first answer.
    """
    actor = ctx.actor if isinstance(ctx.actor, Claimed) else the_subscriber(ctx)
    try:
        asked = Money.asked(amount, path=("input", "amount"))
        paying = _paying(ctx, actor, _code(supplier), plain_reference(reference), asked, key)
    except Refusal:
        await access.settle(ctx)  # who is not signed in any more is told that first
        the_subscriber(ctx)
        raise
    facts = await move(paying)
    _learn_who(ctx, actor, facts)
    if facts["verdict"] == REPLAY:
        return await _replayed(facts["subject"])
    if facts["verdict"] != POSTED:
        raise refusal(facts, asked + Money(facts["commission"] or 0))
    after_commit(lambda: ctx.announce(f"wallet:{facts['payer']}"))
    return PaymentView(
        id=facts["transfer"],
        at=from_micros(to_micros(paying.at)),  # written as its replays will write it
        amount=asked,
        commission=Money(facts["commission"]),
        wallet=wallet_view(facts | {"id": facts["payer"]}),
        supplier_id=facts["supplier"],
        memo=facts["memo"],
    )


def _paying(
    ctx: Context, actor: Claimed | SubscriberActor, supplier: str, reference: str, amount: Money, key: str
) -> Paying:
    body = {"supplier": supplier, "reference": reference, "amount": amount.tiyin}
    call = Key(actor.label, "pay", key, body)
    call.require_form()
    return Paying(actor.subscriber_id, actor.session_id, supplier, reference, amount, call, ctx.clock.now())


def _learn_who(ctx: Context, actor: Claimed | SubscriberActor, facts: Row) -> None:
    """The payment's own statement has looked the session up: what it says holds for the rest of the request."""
    if facts["session_phone"] is None:
        ctx.actor = Expired()
    else:
        found = SubscriberActor(actor.subscriber_id, actor.session_id, facts["session_phone"])
        access.settled(ctx, found, facts["language"])


_REPLAYED: Final = """SELECT t.id AS transfer, t.at, t.memo, w.id, w.number, w.phone, w.level, w.status,
    a.balance, a.held, w.ledger_account_id, w.opened_at, s.id AS supplier_id, paid.amount AS paid,
    (SELECT CAST(COALESCE(-SUM(c.amount), 0) AS BIGINT) FROM ledger_entry c
     WHERE c.transfer_id = t.id AND c.account_id = a.id AND c.kind = 'commission') AS commission
FROM ledger_transfer t
JOIN wallet w ON w.id = $2
JOIN ledger_account a ON a.id = w.ledger_account_id
JOIN ledger_entry paid ON paid.transfer_id = t.id
JOIN supplier s ON s.ledger_account_id = paid.account_id
WHERE t.id = $1"""


async def _replayed(subject: str) -> PaymentView:
    """What the first call has made, and the wallet as it stands now."""
    transfer_id, wallet_id = map(int, subject.split(":"))
    row = await fetch_row(_REPLAYED, transfer_id, wallet_id)
    assert row is not None, "a key stands for a payment that was carried out"
    return PaymentView(
        id=transfer_id,
        at=from_micros(row["at"]),
        amount=Money(row["paid"]),
        commission=Money(row["commission"]),
        wallet=wallet_view(row),
        supplier_id=row["supplier_id"],
        memo=row["memo"],
    )


# The operator's list


async def totals(ctx: Context, supplier: SupplierView) -> tuple[int, Money]:
    """How many payments a supplier has had and their sum, for staff: added up from the ledger, nowhere kept."""
    the_staff(ctx)
    row = await fetch_row(
        "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS total FROM ledger_entry "
        "WHERE account_id = $1",
        supplier.ledger_account_id,
    )
    assert row is not None, "an aggregate without groups gives a row"
    return row["count"], Money(row["total"])


@in_transaction
async def enter_supplier(ctx: Context, *, code: str, terms: SupplierTerms) -> int:
    """A new supplier, by an admin; gives its id. Raises InvalidInput, SupplierExists, NotFound (the partner)."""
    actor, now = the_staff(ctx, "admin"), ctx.clock.now()
    await _require_partner(terms)
    supplier_id = await add_supplier(code, terms, now)
    await audit.note(actor.label, "supplier.add", f"supplier:{supplier_id}", now, code=code, **_noted(terms))
    return supplier_id


@in_transaction
async def edit_supplier(ctx: Context, *, code: str, terms: SupplierTerms) -> None:
    """Other terms from the next payment on, by an admin. Raises NotFound, InvalidInput."""
    actor, now = the_staff(ctx, "admin"), ctx.clock.now()
    await fetch_row("SELECT 1 FROM supplier WHERE code = $1 FOR NO KEY UPDATE", code)  # the trail tells what was before
    found = await find_supplier(code)
    if found is None:
        raise NotFound
    await _require_partner(terms)
    await change_supplier(found, terms)
    before, after = _noted(found.terms), _noted(terms)
    changed = {name: [before[name], value] for name, value in after.items() if before[name] != value}
    await audit.note(actor.label, "supplier.change", f"supplier:{found.id}", now, **changed)


async def _require_partner(terms: SupplierTerms) -> None:
    if terms.partner_id is not None and not await fetch_row("SELECT 1 FROM partner WHERE id = $1", terms.partner_id):
        raise NotFound(path=("partner",))


def _noted(terms: SupplierTerms) -> dict[str, object]:
    """What the trail says of a supplier's terms: sums in tiyin."""
    commission, reference = terms.commission, terms.reference
    return {
        "name": terms.name.get("uz", ""),
        "legal_name": terms.legal_name,
        "stir": terms.stir,
        "reference": f"{reference.kind} {reference.least}-{reference.most}",
        "basis_points": commission.basis_points,
        "fixed": commission.fixed.tiyin,
        "least": commission.least.tiyin,
        "most": None if commission.most is None else commission.most.tiyin,
        "on_sale": terms.on_sale,
        "partner_id": terms.partner_id,
        "mxik": terms.fiscal.mxik,
        "package": terms.fiscal.package,
        "vat_percent": terms.fiscal.vat_percent,
    }
