"""What an entry is, as the API names it."""

from enum import Enum
from typing import Final

import strawberry


@strawberry.enum(description="What an entry is, seen from its account. New values may come: tolerate unknown ones.")
class EntryKind(Enum):
    TOP_UP = strawberry.enum_value("top_up", description="Money came in from outside.")
    TRANSFER_IN = strawberry.enum_value("transfer_in", description="Money came from another wallet.")
    TRANSFER_OUT = strawberry.enum_value("transfer_out", description="Money went to another wallet.")
    PAYMENT = strawberry.enum_value("payment", description="A payment to a supplier.")
    COMMISSION = strawberry.enum_value("commission", description="A commission.")
    SUBSCRIPTION = strawberry.enum_value("subscription", description="The price of a digital subscription.")
    REFUND = strawberry.enum_value("refund", description="Money given back.")
    REVERSAL = strawberry.enum_value("reversal", description="A top-up that the payment system took back.")
    REDEMPTION = strawberry.enum_value("redemption", description="The balance was paid out to its holder (W-5.4.2).")
    FORFEITURE = strawberry.enum_value(
        "forfeiture", description="A rest that nobody claimed in three years became the operator's (W-4.6.5)."
    )
    ADJUSTMENT = strawberry.enum_value("adjustment", description="A correction by staff.")


# By what is stored: the domain's enumeration has the same values.
KINDS: Final = {str(kind.value): kind for kind in EntryKind}
