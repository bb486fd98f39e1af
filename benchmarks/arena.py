"""Server processes under measurement: started on one core, watched by /proc, ended by their ids."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.ports import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start a server. `{port}` in the command is the port; `{screen}` in the path is the operation's name."""

    name: str
    command: tuple[str, ...]
    path: str
    environment: Mapping[str, str] | None = None
    folder: Path = ROOT


@dataclass(slots=True)
class Server:
    """A server that runs."""

    recipe: Recipe
    port: int
    process: subprocess.Popen[bytes]

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def cpu_seconds(self) -> float:
        """What it and all its descendants have taken of the processor so far."""
        return sum(_cpu_seconds(pid) for pid in _family(self.process.pid))

    @property
    def memory_mb(self) -> float:
        """The resident size of its largest process: the one that serves, not the one that watches over it."""
        return max((_resident_bytes(pid) for pid in _family(self.process.pid)), default=0) / 1_000_000


def _family(pid: int) -> list[int]:
    found, open_ = [], [pid]
    while open_:
        current = open_.pop()
        found.append(current)
        for task in Path(f"/proc/{current}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                open_ += map(int, task.read_text().split())
    return found


def _cpu_seconds(pid: int) -> float:
    """To the nanosecond where the kernel tells it (threads that have ended are not in it), else to its ticks."""
    try:
        return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    except OSError:
        return _cpu_ticks(pid) / TICKS


def _cpu_ticks(pid: int) -> int:
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(parts[11]) + int(parts[12])


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return 0


@contextlib.contextmanager
def started(recipe: Recipe, environment: Mapping[str, str], core: int) -> Iterator[Server]:
    """The server on its core, for as long as the block lasts. Raises SystemExit when it does not start."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [part.format(port=port) for part in recipe.command],
            cwd=recipe.folder,
            env={**environment, **(recipe.environment or {}), "PORT": str(port)},
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            if not _is_ready(port, process):
                log.seek(0)
                raise SystemExit(f"{recipe.name} does not start:\n{log.read().decode(errors='replace')[-2_000:]}")
            yield Server(recipe, port, process)
        finally:
            _stop(process)


def _is_ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def keep_off(core: int, *pids: int) -> None:
    """This process and those, with all that they have started, keep to the other cores, where there are any.

    Whoever has been given `core` for itself stays there: the servers are our children too.
    """
    others = os.sched_getaffinity(0) - {core}
    for pid in (os.getpid(), *pids):
        for one in _family(pid) if others else []:
            if os.sched_getaffinity(one) != {core}:
                os.sched_setaffinity(one, others)


def granian(app: str) -> tuple[str, ...]:
    """The command that serves an ASGI app in the way in which Kabinet serves its own."""
    return (
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--no-access-log"),
        *("--log-level", "error", "--host", "127.0.0.1", "--port", "{port}", app),
    )
