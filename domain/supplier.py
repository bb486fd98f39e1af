"""Suppliers that wallets pay: what they are called, what a payer must name, what the operator takes for it (W-4.4.4).

What a payment must obey is said with the wallet's other rules, in domain/wallet/rules.py; a supplier's money is on a
ledger account of the operator's kind, which nobody queues on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final

from tortoise.exceptions import IntegrityError

from domain.clock import to_micros
from domain.database import Row, execute, fetch, fetch_row
from domain.language import Language, in_language
from domain.money import ZERO, Money
from domain.refusal import InvalidInput, Refusal
from domain.transliteration import to_cyrillic

LONGEST_REFERENCE: Final = 40
LONGEST_NAME: Final = 200
HUNDREDTHS_OF_PERCENT: Final = 10_000
LARGEST_COMMISSION: Final = Money(10**12)
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{1,22}", re.ASCII)
_STIR: Final = re.compile(r"[0-9]{9}", re.ASCII)
_MXIK: Final = re.compile(r"[0-9]{17}", re.ASCII)
_PACKAGE: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_REFERENCE: Final = re.compile(rf"[0-9A-Za-z]{{1,{LONGEST_REFERENCE}}}", re.ASCII)


@dataclass(eq=False, kw_only=True)
class SupplierNotFound(Refusal):
    """There is no such supplier, or it cannot be paid now."""

    code: ClassVar[str] = "SUPPLIER_NOT_FOUND"
    text: ClassVar[str] = "There is no such supplier, or it cannot be paid now."
    default_rule: ClassVar[str | None] = "W-4.4.5"


@dataclass(eq=False, kw_only=True)
class SupplierExists(Refusal):
    """Another supplier has this code."""

    code: ClassVar[str] = "SUPPLIER_EXISTS"
    text: ClassVar[str] = "There is a supplier with this code already."


class ReferenceKind(StrEnum):
    """Which characters a contract number is made of."""

    DIGITS = "digits"
    LETTERS_DIGITS = "letters_digits"


@dataclass(frozen=True, slots=True)
class ReferenceForm:
    """What a payer names their contract by: its characters, and how many there are at least and at most."""

    kind: ReferenceKind = ReferenceKind.DIGITS
    least: int = 1
    most: int = LONGEST_REFERENCE


@dataclass(frozen=True, slots=True)
class Commission:
    """What a payer pays on top: hundredths of a percent, rounded half up to a tiyin, and a fixed sum, within bounds."""

    basis_points: int = 0
    fixed: Money = ZERO
    least: Money = ZERO
    most: Money | None = None

    @property
    def percent(self) -> Decimal:
        """With two decimals."""
        return Decimal(self.basis_points).scaleb(-2)

    def of(self, amount: Money) -> Money:
        """The commission on paying `amount`. The rules say the same in SQL: `commission` in domain/wallet/rules.py."""
        share = (amount.tiyin * self.basis_points + HUNDREDTHS_OF_PERCENT // 2) // HUNDREDTHS_OF_PERCENT
        whole = max(Money(share) + self.fixed, self.least)
        return whole if self.most is None else min(whole, self.most)


@dataclass(frozen=True, slots=True)
class FiscalCodes:
    """How its service is called in the national catalogue (MXIK, IKPU), for fiscal receipts; VAT in percent."""

    mxik: str | None = None
    package: str | None = None
    vat_percent: int | None = None


NO_FISCAL_CODES: Final = FiscalCodes()


@dataclass(frozen=True, slots=True)
class SupplierTerms:
    """All of a supplier that staff decide. `legal_name` and `stir` (nine digits) are what receipts name it by."""

    name: Mapping[str, str]
    legal_name: str
    stir: str
    reference_label: Mapping[str, str]
    reference: ReferenceForm
    commission: Commission
    on_sale: bool = True
    fiscal: FiscalCodes = NO_FISCAL_CODES
    partner_id: int | None = None

    def require_form(self) -> None:
        """Raises InvalidInput, its path the name of the field, for what cannot be."""
        reference, commission, fiscal = self.reference, self.commission, self.fiscal
        most = commission.most if commission.most is not None else LARGEST_COMMISSION
        sums = (commission.fixed, commission.least, most)
        fits = {
            "name": _named(self.name),
            "legal_name": 0 < len(self.legal_name) <= LONGEST_NAME and self.legal_name.isprintable(),
            "stir": _STIR.fullmatch(self.stir) is not None,
            "reference_label": _named(self.reference_label),
            "reference_most": 1 <= reference.least <= reference.most <= LONGEST_REFERENCE,
            "basis_points": 0 <= commission.basis_points <= HUNDREDTHS_OF_PERCENT,
            "commission": all(ZERO <= amount <= LARGEST_COMMISSION for amount in sums),
            "commission_most": commission.least <= most,
            "mxik": fiscal.mxik is None or _MXIK.fullmatch(fiscal.mxik) is not None,
            "package": fiscal.package is None or _PACKAGE.fullmatch(fiscal.package) is not None,
            "vat_percent": fiscal.vat_percent is None or 0 <= fiscal.vat_percent <= 100,
        }
        for field, is_right in fits.items():
            if not is_right:
                raise InvalidInput(path=(field,))


def _named(texts: Mapping[str, str]) -> bool:
    """Uzbek is there, which the other languages fall back to, and nothing is too long or unprintable."""
    known = {str(language) for language in Language}
    return bool(texts.get(Language.UZ, "").strip()) and all(
        tag in known and len(text) <= LONGEST_NAME and text.isprintable() for tag, text in texts.items()
    )


@dataclass(frozen=True, slots=True)
class SupplierView:
    """A supplier as it is shown."""

    id: int
    code: str
    terms: SupplierTerms
    ledger_account_id: int
    created_at: int

    def name_in(self, language: Language) -> str:
        return in_language(self.terms.name, language)

    def reference_label_in(self, language: Language) -> str:
        return in_language(self.terms.reference_label, language)


def plain_reference(reference: str) -> str:
    """A contract number as it is kept: capitals and digits without the spaces and hyphens that people write.

    Raises InvalidInput for anything else; whether it suits the supplier is a rule of the payment.
    """
    # Too long is refused, never cut: what is left would be somebody else's contract.
    plain = re.sub(r"[\s-]", "", reference) if len(reference) <= 4 * LONGEST_REFERENCE else ""
    if not _REFERENCE.fullmatch(plain):
        raise InvalidInput(path=("input", "reference"))
    return plain.upper()


def require_reference(form: ReferenceForm, reference: str, *, path: tuple[str, ...]) -> None:
    """The same as the rule REFERENCE_INVALID, for a look before paying. Raises InvalidInput."""
    suits = form.kind is ReferenceKind.LETTERS_DIGITS or reference.isdigit()
    if not (suits and form.least <= len(reference) <= form.most):
        raise InvalidInput(path=path)


SUPPLIER_COLUMNS: Final = """s.id, s.code, s.name, s.legal_name, s.stir, s.reference_label, s.reference_kind,
    s.reference_least, s.reference_most, s.commission_basis_points, s.commission_fixed, s.commission_least,
    s.commission_most, s.mxik_code, s.mxik_package, s.vat_percent, s.on_sale, s.partner_id, s.ledger_account_id,
    s.created_at"""


def supplier_view(row: Row) -> SupplierView:
    """The supplier in a row of `SUPPLIER_COLUMNS`."""
    most = row["commission_most"]
    commission = Commission(
        basis_points=row["commission_basis_points"],
        fixed=Money(row["commission_fixed"]),
        least=Money(row["commission_least"]),
        most=None if most is None else Money(most),
    )
    terms = SupplierTerms(
        name=json.loads(row["name"]),
        legal_name=row["legal_name"],
        stir=row["stir"],
        reference_label=json.loads(row["reference_label"]),
        reference=ReferenceForm(ReferenceKind(row["reference_kind"]), row["reference_least"], row["reference_most"]),
        commission=commission,
        on_sale=bool(row["on_sale"]),
        fiscal=FiscalCodes(row["mxik_code"], row["mxik_package"], row["vat_percent"]),
        partner_id=row["partner_id"],
    )
    return SupplierView(row["id"], row["code"], terms, row["ledger_account_id"], row["created_at"])


async def find_supplier(code: str) -> SupplierView | None:
    """By its code, on sale or not."""
    row = await fetch_row(f"SELECT {SUPPLIER_COLUMNS} FROM supplier s WHERE s.code = $1", code)
    return supplier_view(row) if row else None


async def suppliers_by_id(ids: list[int]) -> dict[int, SupplierView]:
    """Those with these ids, on sale or not."""
    if not ids:
        return {}
    places = ", ".join(f"${n}" for n in range(1, len(ids) + 1))
    rows = await fetch(f"SELECT {SUPPLIER_COLUMNS} FROM supplier s WHERE s.id IN ({places})", *ids)
    return {row["id"]: supplier_view(row) for row in rows}


def searched(text: str) -> str:
    """How names are compared: without case, whatever apostrophe was typed."""
    return re.sub("[ʻʼ‘’'`]", "", text.casefold()).strip()


async def add_supplier(code: str, terms: SupplierTerms, at: datetime) -> int:
    """A new supplier with a ledger account of its own, inside the caller's transaction; gives its id.

    Raises InvalidInput, SupplierExists.
    """
    if not _CODE.fullmatch(code):
        raise InvalidInput(path=("code",))
    terms.require_form()
    if await fetch_row("SELECT 1 FROM ledger_account WHERE code = $1", f"supplier:{code}"):
        raise SupplierExists(path=("code",))
    try:
        account = await fetch_row(
            "INSERT INTO ledger_account (kind, code) VALUES ('operator', $1) RETURNING id", f"supplier:{code}"
        )
    except IntegrityError as error:  # somebody else has just taken the code
        raise SupplierExists(path=("code",)) from error
    assert account is not None
    values = _columns(code, terms) | {"code": code, "ledger_account_id": account["id"], "created_at": to_micros(at)}
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    row = await fetch_row(
        f"INSERT INTO supplier ({', '.join(values)}) VALUES ({places}) RETURNING id", *values.values()
    )
    assert row is not None
    return int(row["id"])


async def change_supplier(supplier: SupplierView, terms: SupplierTerms) -> None:
    """New terms from the next payment on, inside the caller's transaction. Raises InvalidInput."""
    terms.require_form()
    values = _columns(supplier.code, terms)
    sets = ", ".join(f"{column} = ${n}" for n, column in enumerate(values, start=2))
    await execute(f"UPDATE supplier SET {sets} WHERE id = $1", supplier.id, *values.values())


def _columns(code: str, terms: SupplierTerms) -> dict[str, Any]:
    name, label = _in_all_scripts(terms.name), _in_all_scripts(terms.reference_label)
    memo = {"recipient": terms.legal_name, "recipient_stir": terms.stir, "supplier": code}
    commission = terms.commission
    return {
        "name": _json(name),
        "search_name": searched(" | ".join((*name.values(), terms.legal_name, code, terms.stir))),
        "legal_name": terms.legal_name,
        "stir": terms.stir,
        "memo": _json(memo)[1:-1],
        "reference_label": _json(label),
        "reference_kind": str(terms.reference.kind),
        "reference_least": terms.reference.least,
        "reference_most": terms.reference.most,
        "commission_basis_points": commission.basis_points,
        "commission_fixed": commission.fixed.tiyin,
        "commission_least": commission.least.tiyin,
        "commission_most": None if commission.most is None else commission.most.tiyin,
        "mxik_code": terms.fiscal.mxik,
        "mxik_package": terms.fiscal.package,
        "vat_percent": terms.fiscal.vat_percent,
        "on_sale": terms.on_sale,
        "partner_id": terms.partner_id,
    }


def _in_all_scripts(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts that there are, and the Uzbek one in Cyrillic letters if nobody has written it."""
    given = {str(tag): text.strip() for tag, text in texts.items() if text.strip()}
    return {str(Language.UZ_CYRL): to_cyrillic(given[Language.UZ])} | given


def _json(texts: Mapping[str, str]) -> str:
    return json.dumps(dict(texts), ensure_ascii=False, sort_keys=True)
