"""Made-up suppliers for the demo, with a favourite, a payment on the first of each month and a reservation."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from dateutil.relativedelta import relativedelta

from domain.clock import TASHKENT, local_day, to_micros
from domain.database import execute, fetch_row, in_transaction
from domain.hold import reserve_from
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.supplier import (
    Commission,
    ReferenceForm,
    ReferenceKind,
    SupplierTerms,
    add_supplier,
    find_supplier,
)
from domain.wallet import hold_wallets
from resolvers.context import Context
from resolvers.partner import PartnerExists, add_partner

LETTERS: Final = ReferenceKind.LETTERS_DIGITS
ACCOUNT_LABEL: Final = {"uz": "Shaxsiy hisob raqami", "ru": "Лицевой счёт", "en": "Account number"}
CONTRACT_LABEL: Final = {"uz": "Shartnoma raqami", "ru": "Номер договора", "en": "Contract number"}
FURNITURE: Final = "furniture"
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
    FURNITURE: SupplierTerms(
        name={"uz": "Uy Bezak mebel", "ru": "Мебель «Уй Безак»", "en": "Uy Bezak furniture"},
        legal_name="Uy Bezak MChJ",
        stir="309000058",
        reference_label={"uz": "Buyurtma raqami", "ru": "Номер заказа", "en": "Order number"},
        reference=ReferenceForm(LETTERS, 4, 12),
        commission=Commission(),
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
ORDER: Final = "UB5317"
RESERVED: Final = Money.som(350_000)
MONTHLY: Final = Money.som(120_000)
HOUR: Final = 10


async def load_suppliers(ctx: Context, now: datetime) -> None:
    """The suppliers that are missing, and the partner that confirms what is reserved for one of them."""
    with suppress(PartnerExists):
        await add_partner(ctx, code=FURNITURE, name="Uy Bezak", scopes=["hold:write"])
    partner = await fetch_row("SELECT id FROM partner WHERE code = $1", FURNITURE)
    assert partner is not None
    await _load_suppliers(partner["id"], now)


@in_transaction
async def _load_suppliers(partner_id: int, now: datetime) -> None:
    for code, terms in SUPPLIERS.items():
        if await find_supplier(code) is None:
            own = partner_id if code == FURNITURE else None
            await add_supplier(code, replace(terms, partner_id=own), now)


@in_transaction
async def load_habits(phone: str, now: datetime) -> None:
    """The wallet of this number has the internet among its favourites and pays for it every month; ordered once."""
    wallet = await fetch_row("SELECT id FROM wallet WHERE phone = $1 AND status <> 'closed'", phone)
    internet = await find_supplier("internet")
    assert internet is not None
    if wallet is None or await fetch_row("SELECT 1 FROM scheduled_payment WHERE wallet_id = $1", wallet["id"]):
        return
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


@in_transaction
async def load_hold(phone: str, now: datetime) -> None:
    """The wallet of this number reserves for furniture that comes within a week; once, whatever became of it."""
    wallet = await fetch_row("SELECT id FROM wallet WHERE phone = $1 AND status = 'active'", phone)
    furniture = await find_supplier(FURNITURE)
    assert furniture is not None
    if wallet is None or await fetch_row("SELECT 1 FROM hold WHERE wallet_id = $1", wallet["id"]):
        return
    held = (await hold_wallets([wallet["id"]]))[wallet["id"]]
    with suppress(InsufficientFunds):  # who has played with the wallet before may have spent it
        await reserve_from(
            held, furniture, reference=ORDER, amount=RESERVED, most=1, at=now, until=now + timedelta(days=7)
        )


def _first_of_next_month(today: date) -> datetime:
    return datetime.combine(today.replace(day=1) + relativedelta(months=1), time(HOUR), TASHKENT)
