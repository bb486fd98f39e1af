"""A real server around the toy, for what only a real connection shows."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@contextmanager
def serving(**limits: Any) -> Iterator[str]:
    """Runs the toy on granian; gives host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--port", str(port)),
            *("--workers-kill-timeout", "2", "--no-access-log", "tests.schema.http.served:app"),
        ],
        cwd=ROOT,
        env={**os.environ, "TOY_LIMITS": json.dumps(limits)},
    )
    try:
        _wait_for(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the toy server did not start")


@pytest.fixture(scope="session")
def toy_server() -> Iterator[str]:
    """Host and port of a toy with short waits, which the tests share."""
    with serving(
        body_seconds=1,
        send_seconds=2,
        socket_init_seconds=1,
        socket_ping_seconds=1,
        stream_ping_seconds=1,
        socket_operations=3,
    ) as address:
        yield address
