"""Two SMS providers as small applications, for tests: they keep what they took and can be told to misbehave."""

import asyncio
import base64
from collections import deque
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


class Provider:
    """What both have in common: answers to give instead of the usual ones, and stalling."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.instead: deque[Response] = deque()
        """Answers to the next messages, one each; when it is empty messages are taken."""
        self.stalled = False
        self.failure: httpx2.HTTPError | None = None

    def serving(self, *routes: Route) -> httpx2.AsyncBaseTransport:
        application = Starlette(routes=routes)

        async def call(scope: Any, receive: Any, send: Any) -> None:
            if self.stalled:
                await asyncio.Event().wait()
            if self.failure is not None:
                raise self.failure
            await application(scope, receive, send)

        return httpx2.ASGITransport(app=call)


class FakeEskiz(Provider):
    """Tokens are `t1`, `t2`, …; only the newest is good."""

    def __init__(self) -> None:
        super().__init__()
        self.password = "pw"
        self.newest = 0
        self.logins = 0
        self.refreshes = 0
        self.refreshing_works = True
        self.refreshed_tokens_are_good = True
        self.expired = 0

    def expire(self) -> None:
        """No token given so far is good for messages any more; the newest may still be refreshed."""
        self.expired = self.newest

    def transport(self) -> httpx2.AsyncBaseTransport:
        return self.serving(
            Route("/api/auth/login", self._login, methods=["POST"]),
            Route("/api/auth/refresh", self._refresh, methods=["PATCH"]),
            Route("/api/message/sms/send", self._send, methods=["POST"]),
        )

    def _new_token(self) -> Response:
        self.newest += 1
        return JSONResponse({"message": "token_generated", "data": {"token": f"t{self.newest}"}})

    async def _login(self, request: Request) -> Response:
        form = await request.form()
        self.logins += 1
        await asyncio.sleep(0)
        if (form["email"], form["password"]) != ("me@example.org", self.password):
            return JSONResponse({"message": "Invalid credentials"}, status_code=401)
        return self._new_token()

    async def _refresh(self, request: Request) -> Response:
        self.refreshes += 1
        if not self.refreshing_works or request.headers["authorization"] != f"Bearer t{self.newest}":
            return JSONResponse({"message": "Expired"}, status_code=401)
        answer = self._new_token()
        if not self.refreshed_tokens_are_good:
            self.expire()
        return answer

    async def _send(self, request: Request) -> Response:
        if self.newest <= self.expired or request.headers.get("authorization") != f"Bearer t{self.newest}":
            return JSONResponse({"message": "Expired"}, status_code=401)
        if self.instead:
            return self.instead.popleft()
        self.taken.append(dict(await request.form()))
        return JSONResponse({"id": "e1", "status": "waiting", "message": "Waiting for SMS provider"})


class FakePlayMobile(Provider):
    """Takes messages from `user` with password `p@ss`."""

    def transport(self) -> httpx2.AsyncBaseTransport:
        return self.serving(Route("/broker-api/send", self._send, methods=["POST"]))

    async def _send(self, request: Request) -> Response:
        expected = "Basic " + base64.b64encode(b"user:p@ss").decode()
        if request.headers.get("authorization") != expected:
            return PlainTextResponse("", status_code=401)
        if self.instead:
            return self.instead.popleft()
        self.taken += (await request.json())["messages"]
        return PlainTextResponse("Request is received")
