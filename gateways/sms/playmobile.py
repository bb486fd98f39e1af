"""PlayMobile: an HTTP provider with Basic authentication; our reference is its message id, so it sees repeats."""

import re
from typing import Final

import httpx2

from gateways.sms.gateway import TIME_LIMIT_SECONDS, Address, read_address
from gateways.sms.http_api import HttpApi, json_object, refused

_OPTIONS: Final = frozenset({"originator", "scheme"})
_ERROR_CODE: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


class PlayMobileSms:
    """One request a message. A redirect is no success: nobody took the message."""

    def __init__(
        self,
        address: Address,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self._api = HttpApi(
            address.base_url(),
            auth=(address.user, address.password),
            transport=transport,
            limit_seconds=limit_seconds,
        )
        self._originator = address.options.get("originator")

    @classmethod
    def from_url(cls, url: str) -> "PlayMobileSms":
        """From `playmobile://user:password@host?originator=3700`. Raises ValueError."""
        return cls(read_address(url, options=_OPTIONS))

    async def send(self, *, to: str, text: str, reference: str) -> None:
        content: dict[str, object] = {"content": {"text": text}}
        sms = content if self._originator is None else {"originator": self._originator, **content}
        message = {"message-id": reference, "recipient": to.removeprefix("+"), "sms": sms}
        answer = await self._api.ask(self._api.request("POST", "/broker-api/send", json={"messages": [message]}))
        if not answer.is_success:
            raise refused(answer.status_code, _error_code(answer))

    async def close(self) -> None:
        await self._api.close()


def _error_code(answer: httpx2.Response) -> str:
    """The provider's number for its refusal; its description may repeat the recipient and stays out of our logs."""
    code = str(json_object(answer).get("error-code", ""))
    return f", error-code {code}" if _ERROR_CODE.fullmatch(code) else ""
