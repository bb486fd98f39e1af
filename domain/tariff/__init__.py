"""Price lists, zones and tariff plans (T-…)."""

from domain.tariff.catalogue import (
    Edition,
    EditionExists,
    TariffArchived,
    TariffSeed,
    UnknownDestination,
    edition_on,
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
    "rates_of",
    "require_open",
    "save_price_list",
    "seed_tariff",
]
