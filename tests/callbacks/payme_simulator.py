"""Payme as it calls a merchant: JSON-RPC over POST, Basic authorization, its own ids and its own clock."""

import base64
from itertools import count
from typing import Any

import httpx2

KEY = "a merchant key of tests"
ADDRESS = "/callbacks/payme"


def basic(login: str, key: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{key}".encode()).decode()


class PaymeSimulator:
    """Calls the address through `http`; every answer must be HTTP 200 and name the call that it answers."""

    def __init__(self, http: httpx2.AsyncClient, key: str = KEY) -> None:
        self.http, self.authorization = http, basic("Paycom", key)
        self._calls = count(1)

    async def send(self, body: bytes, *, method: str = "POST", authorization: str | None = None) -> dict[str, Any]:
        """Any body at all; the answer, which is always of the protocol."""
        headers = {"Authorization": self.authorization if authorization is None else authorization}
        response = await self.http.request(method, ADDRESS, content=body, headers=headers)
        answer: dict[str, Any] = response.json()
        assert response.status_code == 200, answer
        assert answer["jsonrpc"] == "2.0"
        assert ("result" in answer) != ("error" in answer)
        if "error" in answer:
            assert set(answer["error"]["message"]) == {"uz", "ru", "en"}
        return answer

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        id_ = next(self._calls)
        response = await self.http.post(
            ADDRESS,
            json={"jsonrpc": "2.0", "id": id_, "method": method, "params": params},
            headers={"Authorization": self.authorization},
        )
        answer: dict[str, Any] = response.json()
        assert (response.status_code, answer["id"]) == (200, id_)
        return answer

    async def done(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a call that succeeds."""
        answer = await self.call(method, **params)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def refused(self, method: str, **params: Any) -> int:
        """The code of the error of a call that fails."""
        answer = await self.call(method, **params)
        assert "result" not in answer, answer
        return int(answer["error"]["code"])


def transaction_id(number: int) -> str:
    """An id as Payme makes them: 24 characters."""
    return f"{number:024x}"
