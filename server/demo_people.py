"""The demo's subscribers: made-up people who each tell a part of the story."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.language import Language
from domain.phone import pretty


@dataclass(frozen=True, slots=True)
class DemoWallet:
    level: str
    som: int


@dataclass(frozen=True, slots=True)
class DemoSubscriber:
    """One subscriber of the story. `phones[0]` is the one to sign in with; `som` None: a postpaid account."""

    phones: tuple[str, ...]
    tells: str
    last_name: str = ""
    first_name: str = ""
    patronymic: str = ""
    organisation: str = ""
    birth_date: date | None = None
    language: Language = Language.UZ
    som: int | None = 0
    tariff: str = "oddiy"
    wallet: DemoWallet | None = None
    is_lost: bool = False  # the number has been reported lost (W-4.6.1b)
    paid_months: int = 0
    paid_by: tuple[str, int] | None = None  # which part of `som` a payment system brought

    @property
    def phone(self) -> str:
        return pretty(self.phones[0])


DEMO_SUBSCRIBERS: Final = (
    DemoSubscriber(
        ("+998901234567",),
        "500,000 on the account; a Light wallet with 300,000, PIN 2580",
        "Rahimova",
        "Nilufar",
        "Anvarovna",
        birth_date=date(1990, 5, 17),
        som=500_000,
        paid_by=("payme", 200_000),
        wallet=DemoWallet("light", 300_000),
    ),
    DemoSubscriber(
        ("+998931112233",),
        "short of money: 4,000; no wallet yet, born 2001-11-30",
        "Toshmatov",
        "Jasur",
        "Olimovich",
        birth_date=date(2001, 11, 30),
        language=Language.RU,
        som=4_000,
        paid_by=("click", 3_500),
    ),
    DemoSubscriber(
        ("+998977654321",),
        "identified: a Premium wallet with 5,000,000, PIN 2580",
        "Karimov",
        "Sardor",
        "Baxtiyorovich",
        birth_date=date(1985, 2, 3),
        som=120_000,
        wallet=DemoWallet("premium", 5_000_000),
    ),
    DemoSubscriber(
        ("+998952223344",),
        "a tourist on the tariff Welcome, 60,000",
        "Moreau",
        "Claire",
        birth_date=date(1993, 8, 21),
        language=Language.EN,
        som=60_000,
        tariff="welcome",
    ),
    DemoSubscriber(
        tuple(f"+99899500000{n}" for n in range(1, 6)),
        "an organisation with five numbers, postpaid",
        organisation="Zarafshon Savdo MChJ",
        som=None,
        tariff="biznes",
    ),
    DemoSubscriber(
        ("+998912345670",),
        "a Light wallet close to its limit, part of it reserved, PIN 2580; an order under way",
        "Yusupova",
        "Malika",
        "Rustamovna",
        birth_date=date(1998, 12, 9),
        som=90_000,
        wallet=DemoWallet("light", 2_050_000),
    ),
    DemoSubscriber(
        ("+998946667788",),
        "in month 6 of the cinema: the next one costs 25,000",
        "Ergashev",
        "Bobur",
        "Shuhratovich",
        birth_date=date(1979, 6, 1),
        som=70_000,
        paid_months=6,
    ),
    DemoSubscriber(
        ("+998505556677",),
        "reported lost, so no code goes to it until staff give it back: Light, 150,000, frozen; born 1995-04-23",
        "Nazarov",
        "Doniyor",
        "Akmalovich",
        birth_date=date(1995, 4, 23),
        som=25_000,
        wallet=DemoWallet("light", 150_000),
        is_lost=True,
    ),
)
