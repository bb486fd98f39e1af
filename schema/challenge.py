"""One-time code challenges, shared by signing in and ordering."""

from datetime import datetime

import strawberry


@strawberry.type(description="A one-time code is on its way by SMS. The code itself is never in the API.")
class OtpChallenge:
    id: strawberry.ID = strawberry.field(description="Give it back with the code.")
    expires_at: datetime = strawberry.field(description="Until when the code is good (A-3.23.4).")
    resend_at: datetime = strawberry.field(description="From when the code can be sent again.")
