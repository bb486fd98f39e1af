"""What the SMS providers' HTTP interfaces have in common: one request, in time, or SmsNotSent."""

import asyncio

import httpx2

from gateways.sms.gateway import TIME_LIMIT_SECONDS, SmsNotSent


class HttpApi:
    """Requests to one provider. `transport` is for tests; `limit_seconds` bounds each request as a whole."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: tuple[str, str] | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self._limit_seconds = limit_seconds
        self._client = httpx2.AsyncClient(base_url=base_url, auth=auth, transport=transport, timeout=limit_seconds)

    async def ask(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, whatever its status; raises SmsNotSent when none came."""
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await self._client.send(request)
        except (TimeoutError, httpx2.TimeoutException):
            raise SmsNotSent("the SMS provider did not answer in time", retry=True) from None
        except httpx2.HTTPError as error:
            raise SmsNotSent(f"the SMS provider cannot be reached: {type(error).__name__}", retry=True) from error

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        form: dict[str, str] | None = None,
        json: object = None,
    ) -> httpx2.Request:
        """`token` goes into a Bearer header; `form` or `json` into the body."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else None
        return self._client.build_request(method, path, headers=headers, data=form, json=json)

    async def close(self) -> None:
        await self._client.aclose()


def refused(status: int, detail: str = "") -> SmsNotSent:
    """Only a provider's verdict on the message itself (400, 404, 409, 413, 422) is final.

    Everything else passes or is put right by somebody: a wrong password, no money left, too many requests, an outage.
    """
    final = status in (400, 404, 409, 413, 422)
    return SmsNotSent(f"the SMS provider answered {status}{detail}", retry=not final)


def json_object(response: httpx2.Response) -> dict[str, object]:
    """The JSON object in the body; an empty one for anything else."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
