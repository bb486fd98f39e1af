"""Price lists, zones and tariff plans (T-…)."""

from domain.tariff.catalogue import (
    Edition,
    EditionExists,
    NotAbroad,
    NotInternational,
    TariffArchived,
    TariffSeed,
    UnknownDestination,
    edition_on,
    editions,
    put_on_tariff,
    rates_of,
    require_open,
    save_price_list,
    seed_tariff,
)
from domain.tariff.model import (
    PriceDestination,
    PriceLineRow,
    PriceListEdition,
    PriceZone,
    Tariff,
    TariffAllowance,
)

__all__ = [
    "Edition",
    "EditionExists",
    "NotAbroad",
    "NotInternational",
    "PriceDestination",
    "PriceLineRow",
    "PriceListEdition",
    "PriceZone",
    "Tariff",
    "TariffAllowance",
    "TariffArchived",
    "TariffSeed",
    "UnknownDestination",
    "edition_on",
    "editions",
    "put_on_tariff",
    "rates_of",
    "require_open",
    "save_price_list",
    "seed_tariff",
]
