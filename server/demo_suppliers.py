"""Made-up suppliers for the demo, with a favourite and a payment on the first of each month."""

from datetime import date, datetime, time
from typing import Final

from dateutil.relativedelta import relativedelta

from domain.clock import TASHKENT, local_day, to_micros
from domain.database import execute, fetch_row, in_transaction
from domain.money import Money
from domain.supplier import (
    Commission,
    ReferenceForm,
    ReferenceKind,
    SupplierTerms,
    add_supplier,
    find_supplier,
)

LETTERS: Final = ReferenceKind.LETTERS_DIGITS
ACCOUNT_LABEL: Final = {"uz": "Shaxsiy hisob raqami", "ru": "Лицевой счёт", "en": "Account number"}
CONTRACT_LABEL: Final = {"uz": "Shartnoma raqami", "ru": "Номер договора", "en": "Contract number"}
SUPPLIERS: Final = {
    "electricity": SupplierTerms(
        name={"uz": "Yorugʻ Uy elektr", "ru": "Электроэнергия «Ёруг Уй»", "en": "Yorugʻ Uy electricity"},
        legal_name="Yorugʻ Uy MChJ",
        stir="309000017",
        reference_label=ACCOUNT_LABEL,
        reference=ReferenceForm(least=8, most=10),
        commission=Commission(),
    ),
    "internet": SupplierTerms(
        name={"uz": "Tezkor Tarmoq internet", "ru": "Интернет «Тезкор Тармок»", "en": "Tezkor Tarmoq internet"},
        legal_name="Tezkor Tarmoq MChJ",
        stir="309000025",
        reference_label=CONTRACT_LABEL,
        reference=ReferenceForm(LETTERS, 5, 12),
        commission=Commission(basis_points=50, least=Money.som(300), most=Money.som(5_000)),
    ),
    "school": SupplierTerms(
        name={"uz": "Bilim Bulogʻi maktabi", "ru": "Школа «Билим Булоги»", "en": "Bilim Bulogʻi school"},
        legal_name="Bilim Bulogʻi NTM",
        stir="309000033",
        reference_label=CONTRACT_LABEL,
        reference=ReferenceForm(least=6, most=6),
        commission=Commission(basis_points=100, fixed=Money.som(500), most=Money.som(20_000)),
    ),
    "gas": SupplierTerms(
        name={"uz": "Moviy Olov gaz", "ru": "Газ «Мовий Олов»", "en": "Moviy Olov gas"},
        legal_name="Moviy Olov MChJ",
        stir="309000041",
        reference_label=ACCOUNT_LABEL,
        reference=ReferenceForm(least=9, most=9),
        commission=Commission(fixed=Money.som(1_000)),
        on_sale=False,
    ),
}
REFERENCE: Final = "TT204816"
MONTHLY: Final = Money.som(120_000)
HOUR: Final = 10


@in_transaction
async def load_suppliers(now: datetime) -> None:
    """The suppliers that are missing."""
    for code, terms in SUPPLIERS.items():
        if await find_supplier(code) is None:
            await add_supplier(code, terms, now)


@in_transaction
async def load_habits(phone: str, now: datetime) -> None:
    """The wallet of this number has the internet among its favourites and pays for it every month."""
    wallet = await fetch_row("SELECT id FROM wallet WHERE phone = $1 AND status <> 'closed'", phone)
    internet = await find_supplier("internet")
    assert wallet is not None
    assert internet is not None
    common = (wallet["id"], internet.id, REFERENCE, MONTHLY.tiyin, to_micros(now))
    await execute(
        """INSERT INTO favourite (wallet_id, name, supplier_id, reference, amount, created_at)
           VALUES ($1, 'Internet', $2, $3, $4, $5)""",
        *common,
    )
    await execute(
        """INSERT INTO scheduled_payment
               (wallet_id, supplier_id, reference, amount, created_at, repeat, starts_at, due_at)
           VALUES ($1, $2, $3, $4, $5, 'monthly', $6, $6)""",
        *common,
        to_micros(_first_of_next_month(local_day(now))),
    )


def _first_of_next_month(today: date) -> datetime:
    return datetime.combine(today.replace(day=1) + relativedelta(months=1), time(HOUR), TASHKENT)
