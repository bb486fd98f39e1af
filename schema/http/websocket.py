"""graphql-transport-ws: operations over one socket, each cancelled when the caller ends it or goes.

Messages are sent one at a time and awaited, so that a caller who does not read holds back its own operations and
nothing piles up; after `limits.send_seconds` of that the socket is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from schema.engine.answer import Answer, Engine
from schema.engine.errors import ErrorDict, entry, internal, public_code, public_message, refusal
from schema.engine.limits import Limits
from schema.http.caller import Caller
from schema.http.persisted import PersistedDocuments
from schema.http.request import BadRequest, CallerGone, GraphQLRequest, loads, request_of

PROTOCOL = "graphql-transport-ws"
ID_LENGTH_MOST = 200
# What the payload of connection_init may say in place of headers, which browsers cannot set on a socket.
PAYLOAD_HEADERS = ("authorization", "accept-language")


class Close(Exception):
    """Ends the socket with a code of the protocol (44xx) or of WebSocket (10xx)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def refuse_socket(receive: Receive, send: Send) -> None:
    """For one socket too many: the handshake is refused."""
    await receive()
    await send({"type": "websocket.close", "code": 1013})


def caller_with(scope: Scope, payload: Mapping[str, Any]) -> Caller:
    """Who opened the socket, as if the headers in the payload of connection_init had come with it.

    So what makes a context reads `Authorization` and `Accept-Language` in one place, however they came.
    """
    said = {
        name.lower().encode(): value.encode()
        for name, value in payload.items()
        if name.lower() in PAYLOAD_HEADERS and isinstance(value, str) and value.isprintable()
    }
    return Caller(scope, said)


class Socket:
    """One socket from its handshake to its end."""

    def __init__(
        self,
        engine: Engine,
        make_context: Callable[[Caller], Awaitable[Any]],
        persisted: PersistedDocuments,
        limits: Limits,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.engine = engine
        self.make_context = make_context
        self.persisted = persisted
        self.limits = limits
        self.scope = scope
        self._receive = receive
        self._send = send
        self._sending = asyncio.Lock()
        self._caller: Caller | None = None
        self._asked_to_begin = False
        self._heard = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Runs until either side ends it; never raises for what the caller did."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        offered = PROTOCOL in self.scope.get("subprotocols", ())
        await self._send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
        end = await self._talk() if offered else Close(4406, "Subprotocol not acceptable")
        if end is not None:
            await self._close(end)

    async def _talk(self) -> Close | None:
        """Gives why we end the socket, or None if the caller did."""
        tasks: set[asyncio.Future[None]] = {
            asyncio.ensure_future(self._read()),
            asyncio.ensure_future(self._watch()),
            self._broken,
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return _reason(next(iter(done)))
        finally:
            running = [*tasks, *self._running]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _close(self, end: Close) -> None:
        try:
            async with asyncio.timeout(self.limits.send_seconds):
                await self._send({"type": "websocket.close", "code": end.code, "reason": end.reason[:100]})
        except Exception:
            # The other end is gone already, and so is what there was to say.
            return

    async def _watch(self) -> None:
        """Ends the socket if the caller does not begin in time, and later if a ping finds no answer."""
        await asyncio.sleep(self.limits.socket_init_seconds)
        if self._caller is None:
            raise Close(4408, "Connection initialisation timeout")
        while True:
            self._heard = False
            await self._write({"type": "ping"})
            await asyncio.sleep(self.limits.socket_ping_seconds)
            if not self._heard:
                raise Close(4499, "No answer to a ping")

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            self._heard = True
            await self._handle(self._decode(message))

    def _decode(self, message: Message) -> dict[str, Any]:
        text = message.get("text")
        if text is None:
            raise Close(4400, "Only text messages")
        if len(text) > self.limits.body_bytes or len(text.encode("utf-8", "replace")) > self.limits.body_bytes:
            raise Close(1009, "Message too large")
        try:
            decoded = loads(text)
        except BadRequest:
            raise Close(4400, "Invalid JSON") from None
        if not isinstance(decoded, dict) or not isinstance(decoded.get("type"), str):
            raise Close(4400, "Invalid message")
        return decoded

    async def _handle(self, message: dict[str, Any]) -> None:
        payload = message.get("payload")
        match message["type"]:
            case "connection_init" if isinstance(payload, dict | None):
                await self._begin(payload or {})
            case "ping" if isinstance(payload, dict | None):
                await self._write({"type": "pong"})
            case "pong" if isinstance(payload, dict | None):
                pass
            case "subscribe":
                await self._subscribe(_id(message), payload)
            case "complete":
                self._stop(_id(message))
            case _:
                raise Close(4400, "Invalid message")

    async def _begin(self, payload: dict[str, Any]) -> None:
        if self._asked_to_begin:
            raise Close(4429, "Too many initialisation requests")
        self._asked_to_begin = True
        caller = caller_with(self.scope, payload)
        try:
            await self.make_context(caller)
        except Exception as error:
            if public_code(error) is None:
                internal(error)
                raise Close(4500, "Internal error") from None
            raise Close(4403, public_message(error)) from None
        self._caller = caller
        await self._write({"type": "connection_ack"})

    async def _subscribe(self, id_: str, payload: object) -> None:
        if self._caller is None:
            raise Close(4401, "Unauthorized")
        if id_ in self._operations:
            raise Close(4409, f"Subscriber for {id_[:50]} already exists")
        try:
            asked = request_of(payload)
        except BadRequest as bad:
            raise Close(4400, bad.message) from None
        if len(self._operations) >= self.limits.socket_operations:
            most = self.limits.socket_operations
            await self._refuse(id_, [entry(f"At most {most} operations at a time.", "RATE_LIMITED")])
            return
        task = asyncio.create_task(self._run(id_, asked, self._caller))
        self._operations[id_] = task
        self._running.add(task)
        task.add_done_callback(self._ran)

    def _ran(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._broken.done():
            self._broken.set_exception(error)

    def _stop(self, id_: str) -> None:
        task = self._operations.pop(id_, None)
        if task is not None:
            task.cancel()

    async def _run(self, id_: str, asked: GraphQLRequest, caller: Caller) -> None:
        try:
            errors = await self._answer(id_, asked, caller)
        except (Close, CallerGone):
            raise
        except Exception as error:
            errors = [refusal(error)]
        # The id is free again before the caller can know that it is.
        if self._operations.get(id_) is asyncio.current_task():
            del self._operations[id_]
        if errors:
            await self._refuse(id_, errors)
        else:
            await self._write({"type": "complete", "id": id_})

    async def _answer(self, id_: str, asked: GraphQLRequest, caller: Caller) -> list[ErrorDict]:
        """Sends what the operation gives; the errors if it was not executed at all."""
        try:
            text = self.persisted.text_of(asked)
        except BadRequest as bad:
            return [entry(bad.message, bad.code)]
        if isinstance(text, Answer):
            return text.errors
        context = await self.make_context(caller)
        if asked.hash is not None:
            self.persisted.remember(asked)
        outcome = await self.engine.subscribe(text, asked.variables, asked.operation_name, context, allow_mutation=True)
        if not isinstance(outcome, Answer):
            async with aclosing(outcome):
                async for answer in outcome:
                    await self._next(id_, answer)
        elif outcome.executed:
            await self._next(id_, outcome)
        else:
            return outcome.errors
        return []

    async def _next(self, id_: str, answer: Answer) -> None:
        await self._write({"type": "next", "id": id_, "payload": answer.as_dict()})

    async def _refuse(self, id_: str, errors: list[ErrorDict]) -> None:
        await self._write({"type": "error", "id": id_, "payload": errors})

    async def _write(self, message: dict[str, Any]) -> None:
        text = orjson.dumps(message).decode()
        try:
            async with asyncio.timeout(self.limits.send_seconds), self._sending:
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            raise Close(1013, "The caller reads too slowly") from None
        except Exception:
            # However the server below puts it: there is no socket any more.
            raise CallerGone from None


def _id(message: dict[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= ID_LENGTH_MOST:
        raise Close(4400, "Invalid message id")
    return id_


def _reason(ended: "asyncio.Future[None]") -> Close | None:
    error = ended.exception()
    if error is None or isinstance(error, CallerGone):
        return None
    if isinstance(error, Close):
        return error
    internal(error)
    return Close(4500, "Internal error")
