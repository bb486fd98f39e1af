"""Price lists, zones and tariff plans (T-…)."""
