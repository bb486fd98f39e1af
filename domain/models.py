"""Where the models live, for Tortoise: one module an area."""

from typing import Final

MODEL_MODULES: Final = [
    "domain.access",
    "domain.account",
    "domain.audit",
    "domain.ledger",
    "domain.number",
    "domain.offer",
    "domain.order",
    "domain.outbox",
    "domain.partner",
    "domain.payment",
    "domain.product",
    "domain.staff",
    "domain.subscriber",
    "domain.subscription",
    "domain.switch",
    "domain.tariff",
    "domain.wallet",
]
