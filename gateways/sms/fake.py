"""An SMS gateway for tests: a list."""

from dataclasses import dataclass

from gateways.sms.gateway import SmsNotSent


@dataclass(frozen=True, slots=True)
class SentSms:
    """A message as it was handed over."""

    to: str
    text: str
    reference: str


class FakeSms:
    """Keeps what was sent in `sent`, oldest first; refuses as often as `fail` says, keeping nothing of those."""

    def __init__(self) -> None:
        self.sent: list[SentSms] = []
        self.closed = False
        self._failures: list[SmsNotSent] = []

    def fail(self, times: int = 1, *, reason: str = "told to fail", retry: bool = True) -> None:
        """The next `times` messages are not taken."""
        self._failures += [SmsNotSent(reason, retry) for _ in range(times)]

    def to(self, phone: str) -> list[str]:
        """The texts sent to that number, oldest first."""
        return [sms.text for sms in self.sent if sms.to == phone]

    async def send(self, *, to: str, text: str, reference: str) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.sent.append(SentSms(to, text, reference))

    async def close(self) -> None:
        self.closed = True
