"""The names of the price list's zones in the other languages; the list itself has English (T-2, T-3)."""

from typing import Final

ZONE_NAMES: Final[dict[str, dict[str, str]]] = {
    "central-asia": {"uz": "Markaziy Osiyo (1)", "uz-Cyrl": "Марказий Осиё (1)", "ru": "Центральная Азия (1)"},
    "cis": {"uz": "Boshqa MDH davlatlari", "uz-Cyrl": "Бошқа МДҲ давлатлари", "ru": "Другие страны СНГ"},
    "europe": {"uz": "Yevropa", "uz-Cyrl": "Европа", "ru": "Европа"},
    "asia-2": {"uz": "Osiyo (2)", "uz-Cyrl": "Осиё (2)", "ru": "Азия (2)"},
    "asia-3": {
        "uz": "Osiyo (3) — Osiyoning boshqa davlatlari",
        "uz-Cyrl": "Осиё (3) — Осиёнинг бошқа давлатлари",
        "ru": "Азия (3) — другие страны Азии",
    },
    "america-africa": {"uz": "Amerika, Afrika", "uz-Cyrl": "Америка, Африка", "ru": "Америка, Африка"},
    "australia": {"uz": "Avstraliya", "uz-Cyrl": "Австралия", "ru": "Австралия"},
    "satellite-1": {"uz": "Sunʼiy yoʻldosh 1", "uz-Cyrl": "Сунъий йўлдош 1", "ru": "Спутник 1"},
    "satellite-2": {"uz": "Sunʼiy yoʻldosh 2", "uz-Cyrl": "Сунъий йўлдош 2", "ru": "Спутник 2"},
    "satellite-3": {"uz": "Sunʼiy yoʻldosh 3", "uz-Cyrl": "Сунъий йўлдош 3", "ru": "Спутник 3"},
    "satellite-4": {"uz": "Sunʼiy yoʻldosh 4", "uz-Cyrl": "Сунъий йўлдош 4", "ru": "Спутник 4"},
    "admin-block": {"uz": "Maʼmuriy blok", "uz-Cyrl": "Маъмурий блок", "ru": "Административная блокировка"},
}


def zone_name(code: str, english: str) -> dict[str, str]:
    """The zone's name in all languages that it has one in."""
    return ZONE_NAMES.get(code, {}) | {"en": english}
