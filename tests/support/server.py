"""Kabinet itself as a program of its own: what a client sees, with nothing patched."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support.ports import free_port

START_SECONDS = 60
STOP_SECONDS = 10
LOG_TAIL_CHARACTERS = 8_000


class ServerFault(RuntimeError):
    """The server did not start; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers on `base_url` and writes its text messages to `sms_file`, one JSON object a line."""

    base_url: str
    sms_file: Path
    log_file: Path
    pid: int


@asynccontextmanager
async def running_server(database_url: str, *, workers: int = 1, **env: str) -> AsyncIterator[RunningServer]:
    """Serves a migrated database for as long as the block lasts; `env` overrides the server's settings.

    When the block fails, the end of the server's log is noted on its exception.
    """
    with tempfile.TemporaryDirectory(prefix="kabinet-server-") as name:
        folder = Path(name)
        port = free_port()
        process = await _start(folder, port, workers, {"KABINET_DATABASE_URL": database_url, **env})
        server = RunningServer(f"http://127.0.0.1:{port}", folder / "sms.jsonl", folder / "log", process.pid)
        try:
            await _until_ready(server, process)
            yield server
        except BaseException as error:
            error.add_note(f"The server's log ends with:\n{_tail(server.log_file)}")
            raise
        finally:
            await _stop(process)


async def _start(folder: Path, port: int, workers: int, env: dict[str, str]) -> Process:
    # The machine's own Kabinet settings do not reach the server, and its working folder is its own.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KABINET_")}
    settings = {"KABINET_SMS_URL": f"file://{folder / 'sms.jsonl'}", "PYTHONUNBUFFERED": "1", **env}
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "server.cli", "serve", *options),
            cwd=folder,
            env={**inherited, **settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _until_ready(server: RunningServer, process: Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx2.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise ServerFault(f"the server ended with {process.returncode}")
            try:
                if (await client.get("/health/ready")).is_success:
                    return
            except httpx2.TransportError:
                pass  # it does not listen yet
            await asyncio.sleep(0.05)
    raise ServerFault(f"the server was not ready after {START_SECONDS} s")


async def _stop(process: Process) -> None:
    """Asks the server to end, and ends it after ten seconds if it does not."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        # With its workers: it leads the group that was made for it.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
