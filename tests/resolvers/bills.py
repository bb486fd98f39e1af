"""A supplier to pay, for tests."""

from dataclasses import replace

from domain.database import in_transaction
from domain.money import Money
from domain.supplier import (
    Commission,
    ReferenceForm,
    ReferenceKind,
    SupplierTerms,
    SupplierView,
    add_supplier,
    find_supplier,
)
from tests.support.world import World

TERMS = SupplierTerms(
    name={"uz": "Suv taʼminoti", "ru": "Водоснабжение", "en": "Water"},
    legal_name='"Suv" MChJ',
    stir="301234567",
    reference_label={"uz": "Shartnoma raqami", "en": "Contract number"},
    reference=ReferenceForm(ReferenceKind.DIGITS, 6, 10),
    commission=Commission(basis_points=100, fixed=Money.som(50), least=Money.som(200), most=Money.som(5_000)),
)
CONTRACT = "12345678"


async def water(world: World, **changed: object) -> SupplierView:
    """The supplier `water`: one percent and 50 so'm, 200 at least, 5,000 at most."""
    code = str(changed.pop("code", "water"))
    await in_transaction(add_supplier)(code, replace(TERMS, **changed), world.clock.now())  # type: ignore[arg-type]
    found = await find_supplier(code)
    assert found is not None
    return found
