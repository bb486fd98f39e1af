"""Outside systems that we call."""

from dataclasses import dataclass

from gateways.sms import SmsGateway
from gateways.webhooks import WebhookGateway


@dataclass(frozen=True, slots=True)
class Gateways:
    """All ways out of the process, opened once and closed with it."""

    sms: SmsGateway
    webhooks: WebhookGateway

    async def close(self) -> None:
        """Closes every gateway, the others too when one fails to."""
        try:
            await self.sms.close()
        finally:
            await self.webhooks.close()
