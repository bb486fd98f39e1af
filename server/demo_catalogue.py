"""What the demo's operator sells: its tariff plans, and the cinema with the price steps of the specification."""

from typing import Final

from domain.money import Money
from domain.product import PriceStep
from domain.tariff import TariffSeed

TARIFFS: Final = (
    TariffSeed(
        code="welcome",
        name={"uz": "Welcome", "uz-Cyrl": "Welcome", "ru": "Welcome", "en": "Welcome"},
        description={
            "uz": "Chet ellik mehmonlar uchun.",
            "uz-Cyrl": "Чет эллик меҳмонлар учун.",
            "ru": "Для гостей из-за рубежа.",
            "en": "For visitors from abroad.",
        },
        monthly_fee=Money.som(50_000),
        allowances=(("voice", 300, "minute"), ("sms", 100, "sms"), ("data", 20_000, "megabyte")),
        foreigners_only=True,
        archived=False,
        position=3,
    ),
    TariffSeed(
        code="oddiy",
        name={"uz": "Oddiy", "uz-Cyrl": "Оддий", "ru": "Простой", "en": "Simple"},
        description={
            "uz": "Koʻp gaplashadiganlar va koʻp oʻqiydiganlar uchun bir xil.",
            "uz-Cyrl": "Кўп гаплашадиганлар ва кўп ўқийдиганлар учун бир хил.",
            "ru": "Поровну разговоров и интернета.",
            "en": "As much talk as internet.",
        },
        monthly_fee=Money.som(45_000),
        allowances=(("voice", 600, "minute"), ("sms", 200, "sms"), ("data", 15_000, "megabyte")),
        foreigners_only=False,
        archived=False,
        position=1,
    ),
    TariffSeed(
        code="biznes",
        name={"uz": "Biznes", "uz-Cyrl": "Бизнес", "ru": "Бизнес", "en": "Business"},
        description={
            "uz": "Tashkilotlar uchun.",
            "uz-Cyrl": "Ташкилотлар учун.",
            "ru": "Для организаций.",
            "en": "For organisations.",
        },
        monthly_fee=Money.som(80_000),
        allowances=(("voice", 1_500, "minute"), ("sms", 500, "sms"), ("data", 30_000, "megabyte")),
        foreigners_only=False,
        archived=False,
        position=2,
    ),
    TariffSeed(
        code="bahor-2019",
        name={"uz": "Bahor 2019", "uz-Cyrl": "Баҳор 2019", "ru": "Весна 2019", "en": "Spring 2019"},
        description={
            "uz": "Arxivda: yangi ulanish yoʻq.",
            "uz-Cyrl": "Архивда: янги уланиш йўқ.",
            "ru": "В архиве: подключиться нельзя.",
            "en": "Archived: nobody can join.",
        },
        monthly_fee=Money.som(30_000),
        allowances=(("voice", 200, "minute"), ("data", 3_000, "megabyte")),
        foreigners_only=False,
        archived=True,
        position=9,
    ),
)

CINEMA_STEPS: Final = (PriceStep(1, 6, Money.som(10_000)), PriceStep(7, None, Money.som(25_000)))
CINEMA_NAME: Final = (
    '{"en": "Online cinema", "ru": "Онлайн-кинотеатр", "uz": "Onlayn kinoteatr", "uz-Cyrl": "Онлайн кинотеатр"}'
)
CINEMA_DESCRIPTION: Final = (
    '{"en": "Films and series on every screen; its traffic is free.", '
    '"ru": "Фильмы и сериалы на любом экране; трафик бесплатный.", '
    '"uz": "Filmlar va seriallar har qanday ekranda; trafik bepul.", '
    '"uz-Cyrl": "Фильмлар ва сериаллар ҳар қандай экранда; трафик бепул."}'
)
