"""A partner's server for webhooks on loopback, for tests; it keeps what it got and answers what it is told."""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

CERTIFICATE = Path(__file__).with_name("hooks_example.pem")
"""For hooks.example, made for these tests: it protects nothing."""


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it arrived; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """`async with Receiver() as receiver:` listens on 127.0.0.1, with TLS when told."""

    tls: bool = False
    port: int = 0
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    endless_body: bool = False
    """Goes on sending a body after `answer` until the client hangs up."""
    silent_body: bool = False
    """Promises a body and never sends it."""
    stalled: bool = False
    got: list[Got] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """The name that each TLS handshake asked for."""
    connections: int = 0
    sent_bytes: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        context = self._context() if self.tls else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    def trusted(self) -> ssl.SSLContext:
        """A client's context that trusts this receiver alone."""
        return ssl.create_default_context(cafile=CERTIFICATE)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)

        def asked_for(_socket: object, name: str | None, _context: object) -> None:
            self.names.append(name)

        context.sni_callback = asked_for
        return context

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.got.append(await self._read(reader))
                if self.stalled:
                    await reader.read()
                    return
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Got:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in lines if text)}
        return Got(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.answer)
        await writer.drain()
        if self.silent_body:
            await reader.read()
        while self.endless_body:
            writer.write(bytes(16_384))
            self.sent_bytes += 16_384
            await writer.drain()
