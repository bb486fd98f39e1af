"""Price lists, zones and tariff plans (T-…)."""

from domain.tariff.model import (
    PriceDestination,
    PriceLineRow,
    PriceListEdition,
    PriceZone,
    Tariff,
    TariffAllowance,
)

__all__ = ["PriceDestination", "PriceLineRow", "PriceListEdition", "PriceZone", "Tariff", "TariffAllowance"]
