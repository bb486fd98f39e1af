"""What a hold can be: apart from the hold itself, as refusals tell it too."""

from enum import Enum
from typing import Final

import strawberry


@strawberry.enum(description="Whether something is reserved. New values may come: tolerate unknown ones.")
class HoldStatus(Enum):
    AUTHORIZED = strawberry.enum_value("authorized", description="Open: what remains is reserved.")
    CAPTURED = strawberry.enum_value("captured", description="The partner took all of it, or its last part.")
    CANCELLED = strawberry.enum_value("cancelled", description="What was not taken until then was released.")
    EXPIRED = strawberry.enum_value("expired", description="Its time was over: what was not taken is available again.")


# By what is stored: both enumerations have the same values.
HOLD_STATUSES: Final = {str(status.value): status for status in HoldStatus}
