"""A client of the API such as an app would have: HTTP only, codes read from the file that stands for the SMS centre."""

import asyncio
import json
import re
import uuid
from pathlib import Path
from typing import Any

import httpx2

PROBLEM = "... on Problem { code message rule path }"


class Client:
    """One caller. `token` is sent when there is one."""

    def __init__(self, base_url: str, sms_file: Path, *, language: str = "en") -> None:
        self.http = httpx2.AsyncClient(base_url=base_url, timeout=30, trust_env=False)
        self.sms_file = sms_file
        self.language = language
        self.token: str | None = None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.http.aclose()

    async def post(self, query: str, **variables: Any) -> httpx2.Response:
        headers = {"Accept-Language": self.language}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer's data; errors fail the test."""
        response = await self.post(query, **variables)
        body: dict[str, Any] = response.json()
        assert response.status_code == 200, body
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    async def mutate(self, name: str, selection: str, **fields: Any) -> dict[str, Any]:
        """One mutation with its `input`; the member of its result union, with its type."""
        kind = name[0].upper() + name[1:] + "Input!"
        query = f"mutation($input: {kind}) {{ {name}(input: $input) {{ __typename {selection} {PROBLEM} }} }}"
        result: dict[str, Any] = (await self.run(query, input=fields))[name]
        return result

    def messages(self, phone: str) -> list[str]:
        if not self.sms_file.exists():
            return []
        lines = [json.loads(line) for line in self.sms_file.read_text(encoding="utf-8").splitlines()]
        return [line["text"] for line in lines if line["to"] == phone]

    async def next_code(self, phone: str, seen: int) -> str:
        """The code of the message that comes after `seen` ones."""
        async with asyncio.timeout(15):
            while len(self.messages(phone)) <= seen:  # noqa: ASYNC110  # another process writes the file
                await asyncio.sleep(0.05)
        found = re.search(r"\d{6}", self.messages(phone)[-1])
        assert found is not None
        return found[0]

    async def sign_in(self, phone: str) -> dict[str, Any]:
        seen = len(self.messages(phone))
        challenge = await self.mutate("requestOtp", "... on OtpChallenge { id }", phone=phone, purpose="SIGN_IN")
        code = await self.next_code(phone, seen)
        selection = "... on Session { accessToken refreshToken expiresAt viewer { subscriber { name phone } } }"
        session = await self.mutate("verifyOtp", selection, challengeId=challenge["id"], code=code)
        assert session["__typename"] == "Session", session
        self.token = session["accessToken"]
        return session


def new_key() -> str:
    return str(uuid.uuid4())
