"""Suppliers: what the operator takes for a payment, and what a contract number may look like."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.database import fetch_named, fetch_row, in_transaction
from domain.money import LARGEST_SOM, ZERO, Money
from domain.refusal import InvalidInput
from domain.supplier import (
    Commission,
    FiscalCodes,
    ReferenceForm,
    ReferenceKind,
    SupplierExists,
    SupplierTerms,
    add_supplier,
    find_supplier,
    plain_reference,
    require_reference,
)
from domain.wallet.rules import commission

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
TERMS = SupplierTerms(
    name={"uz": "Suv taʼminoti", "ru": "Водоснабжение", "en": "Water"},
    legal_name='"Suv" MChJ',
    stir="301234567",
    reference_label={"uz": "Shartnoma raqami", "en": "Contract number"},
    reference=ReferenceForm(ReferenceKind.DIGITS, 6, 10),
    commission=Commission(),
)
SUMS = st.integers(0, 10**12)
COMMISSIONS = st.builds(
    lambda points, fixed, bounds, bounded: Commission(
        points, Money(fixed), Money(min(bounds)), Money(max(bounds)) if bounded else None
    ),
    points=st.integers(0, 10_000),
    fixed=SUMS,
    bounds=st.tuples(SUMS, SUMS),
    bounded=st.booleans(),
)
AMOUNTS = st.integers(1, LARGEST_SOM * 100).map(Money)


@pytest.mark.rule("W-4.4.4")
@given(taken=COMMISSIONS, amount=AMOUNTS)
def test_a_commission_is_within_its_bounds_and_exact_between_them(taken: Commission, amount: Money) -> None:
    given_back = taken.of(amount)

    exact = Fraction(amount.tiyin * taken.basis_points, 10_000) + taken.fixed.tiyin
    assert given_back >= taken.least
    assert taken.most is None or given_back <= taken.most
    if taken.least < given_back and (taken.most is None or given_back < taken.most):
        assert -Fraction(1, 2) < given_back.tiyin - exact <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("taken", "tiyin", "expected"),
    [
        (Commission(), 10_000, 0),
        (Commission(basis_points=50), 100, 1),  # half a tiyin goes up
        (Commission(basis_points=50), 99, 0),
        (Commission(basis_points=100, fixed=Money(7)), 10_000, 107),
        (Commission(basis_points=100, least=Money(500)), 10_000, 500),
        (Commission(basis_points=100, fixed=Money(450), least=Money(500)), 10_000, 550),
        (Commission(basis_points=100, most=Money(99)), 10_000, 99),
        (Commission(fixed=Money(5), most=Money(0)), 10_000, 0),
        (Commission(basis_points=10_000), LARGEST_SOM * 100, LARGEST_SOM * 100),
    ],
)
def test_a_commission_is_percent_and_fixed_then_least_and_most(taken: Commission, tiyin: int, expected: int) -> None:
    assert taken.of(Money(tiyin)) == Money(expected)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=COMMISSIONS, amount=AMOUNTS)
@example(taken=Commission(10_000, Money(10**12)), amount=Money(LARGEST_SOM * 100))
async def test_the_database_works_out_the_same_commission(db: str, taken: Commission, amount: Money) -> None:
    most = "NULL" if taken.most is None else taken.most.tiyin
    terms = f"""(SELECT CAST({taken.basis_points} AS BIGINT) AS commission_basis_points,
        CAST({taken.fixed.tiyin} AS BIGINT) AS commission_fixed,
        CAST({taken.least.tiyin} AS BIGINT) AS commission_least,
        CAST({most} AS BIGINT) AS commission_most) s"""

    row = await fetch_named(f"SELECT {commission('s')} AS taken FROM {terms}", {"amount": amount.tiyin})

    assert row == {"taken": taken.of(amount).tiyin}


@pytest.mark.parametrize(("written", "kept"), [(" 12 34-56 ", "123456"), ("ab-12", "AB12"), ("7", "7")])
def test_a_reference_is_kept_without_what_people_write_between(written: str, kept: str) -> None:
    assert plain_reference(written) == kept


@pytest.mark.parametrize(
    "written", ["", "  ", "1" * 41, "123456" + " " * 200 + "7", "12_3", "١٢٣", "12\x00", "абв", "1;2", "ß", '"', "ı"]
)
def test_other_signs_are_no_reference(written: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plain_reference(written)

    assert refused.value.path == ("input", "reference")


@pytest.mark.parametrize("reference", ["12345", "12345678901", "12345A"])
def test_a_reference_must_suit_the_supplier(reference: str) -> None:
    with pytest.raises(InvalidInput):
        require_reference(TERMS.reference, reference, path=("reference",))


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (replace(TERMS, name={"en": "Water"}), "name"),
        (replace(TERMS, name={"uz": "Suv", "de": "Wasser"}), "name"),
        (replace(TERMS, legal_name="two\nlines"), "legal_name"),
        (replace(TERMS, stir="30123456"), "stir"),
        (replace(TERMS, reference=ReferenceForm(least=5, most=4)), "reference_most"),
        (replace(TERMS, reference=ReferenceForm(most=41)), "reference_most"),
        (replace(TERMS, commission=Commission(basis_points=10_001)), "basis_points"),
        (replace(TERMS, commission=Commission(fixed=Money(-1))), "commission"),
        (replace(TERMS, commission=Commission(least=Money(2), most=Money(1))), "commission_most"),
        (replace(TERMS, fiscal=FiscalCodes(mxik="1")), "mxik"),
        (replace(TERMS, fiscal=FiscalCodes(package="a")), "package"),
        (replace(TERMS, fiscal=FiscalCodes(vat_percent=101)), "vat_percent"),
    ],
)
async def test_terms_that_cannot_be_make_no_supplier(db: str, wrong: SupplierTerms, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await add_supplier("water", wrong, NOW)

    assert refused.value.path == (path,)
    assert await find_supplier("water") is None


@pytest.mark.parametrize("code", ["", "W", "Water", "1water", "w" * 24, "wa ter", "вода"])
async def test_a_code_is_short_and_plain(db: str, code: str) -> None:
    with pytest.raises(InvalidInput):
        await in_transaction(add_supplier)(code, TERMS, NOW)

    assert await fetch_row("SELECT 1 FROM supplier") is None


async def test_a_supplier_is_found_as_it_was_entered(db: str) -> None:
    supplier_id = await add_supplier("water", TERMS, NOW)

    found = await find_supplier("water")

    assert found is not None
    assert (found.id, found.terms.commission, found.terms.reference) == (supplier_id, Commission(), TERMS.reference)
    assert found.terms.name == {"uz-Cyrl": "Сув таъминоти"} | dict(TERMS.name)
    row = await fetch_row("SELECT kind, code, balance FROM ledger_account WHERE id = $1", found.ledger_account_id)
    assert row == {"kind": "operator", "code": "supplier:water", "balance": None}


async def test_two_suppliers_cannot_have_one_code(db: str) -> None:
    await add_supplier("water", TERMS, NOW)

    with pytest.raises(SupplierExists):
        await in_transaction(add_supplier)("water", TERMS, NOW)

    assert await fetch_row("SELECT COUNT(*) AS n FROM supplier") == {"n": 1}


def test_nothing_is_taken_where_nothing_was_agreed() -> None:
    assert Commission().of(Money(1)) == ZERO
