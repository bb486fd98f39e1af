"""Eskiz: an HTTP provider whose token lasts about a month.

No callback is asked for: their form is unconfirmed and anybody could call one. What counts is the answer to `send`.
"""

import asyncio
from typing import Final

import httpx2

from gateways.sms.gateway import TIME_LIMIT_SECONDS, Address, SmsNotSent, read_address
from gateways.sms.http_api import HttpApi, json_object, refused

_OPTIONS: Final = frozenset({"from", "scheme"})
_DEFAULT_SENDER: Final = "4546"
_UNAUTHORIZED: Final = 401


class EskizSms:
    """Logs in when it first sends. On 401 it refreshes its token, then logs in anew, then gives up."""

    def __init__(
        self,
        address: Address,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self._api = HttpApi(f"{address.base_url()}/api", transport=transport, limit_seconds=limit_seconds)
        self._email = address.user
        self._password = address.password
        self._sender = address.options.get("from", _DEFAULT_SENDER)
        self._token: str | None = None
        # Many messages may meet the same expired token: one of them renews it, the others use what it got.
        self._renewing = asyncio.Lock()

    @classmethod
    def from_url(cls, url: str) -> "EskizSms":
        """From `eskiz://email:password@host?from=4546`, the email's @ written as %40. Raises ValueError."""
        return cls(read_address(url, options=_OPTIONS))

    async def send(self, *, to: str, text: str, reference: str) -> None:
        form = {
            "mobile_phone": to.removeprefix("+"),
            "message": text,
            "from": self._sender,
            "user_sms_id": reference,
        }
        token = await self._token_other_than(None)
        answer = await self._post(form, token)
        if answer.status_code == _UNAUTHORIZED:
            token = await self._token_other_than(token)
            answer = await self._post(form, token)
        if answer.status_code == _UNAUTHORIZED:
            # A refreshed token may be refused as well (another process logged in meanwhile): the password decides.
            answer = await self._post(form, await self._token_other_than(token, refresh=False))
        self._judge(answer)

    async def close(self) -> None:
        await self._api.close()

    async def _post(self, form: dict[str, str], token: str) -> httpx2.Response:
        return await self._api.ask(self._api.request("POST", "/message/sms/send", token=token, form=form))

    async def _token_other_than(self, stale: str | None, *, refresh: bool = True) -> str:
        async with self._renewing:
            if self._token is None or self._token == stale:
                refreshed = await self._refreshed(stale) if refresh and stale is not None else None
                self._token = refreshed or await self._logged_in()
            return self._token

    async def _refreshed(self, stale: str) -> str | None:
        answer = await self._api.ask(self._api.request("PATCH", "/auth/refresh", token=stale))
        return _token_in(answer) if answer.is_success else None

    async def _logged_in(self) -> str:
        form = {"email": self._email, "password": self._password}
        answer = await self._api.ask(self._api.request("POST", "/auth/login", form=form))
        token = _token_in(answer) if answer.is_success else None
        if token is None:
            # Not the message's fault, whatever the status: it can go once the account is put right.
            raise SmsNotSent(f"the SMS provider did not log us in: {answer.status_code}", retry=True)
        return token

    @staticmethod
    def _judge(answer: httpx2.Response) -> None:
        if not answer.is_success:
            raise refused(answer.status_code)
        said = json_object(answer)
        if said.get("status") == "error":
            raise SmsNotSent("the SMS provider refused the message", retry=False)
        if "id" not in said:
            raise SmsNotSent("the SMS provider's answer has no message id", retry=True)


def _token_in(answer: httpx2.Response) -> str | None:
    data = json_object(answer).get("data")
    token = data.get("token") if isinstance(data, dict) else None
    return token if isinstance(token, str) and token else None
