"""A PostgreSQL server (15 or newer) of one's own: made in a temporary folder, gone with it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypedDict

from tests.support.ports import free_port

OWNER = "kabinet"
START_SECONDS = 60
STOP_SECONDS = 30
ROOM_BYTES = 2 * 1024**3
# Nothing here outlives the tests, so nothing is made safe against a power cut.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class PostgresFault(RuntimeError):
    """The private server cannot be had, or refused a statement; the message carries what it said."""


class RunAs(TypedDict, total=False):
    """The account that a program runs under, as subprocess takes it."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class PrivatePostgres:
    """A running server that trusts whoever reaches it on 127.0.0.1."""

    programs: Path
    port: int
    pid: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def url(self, database: str) -> str:
        return f"postgres://{OWNER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str | None = None, template: str | None = None) -> str:
        """Makes a database, an exact copy of `template` if one is named, and gives its URL.

        Nobody may be connected to the template meanwhile.
        """
        name = name or f"database_{next(self._numbers)}"
        # Copying the files takes half the time of writing them through the log, which is what PostgreSQL does unasked.
        self.run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes a database and ends whatever connections to it are left."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> str:
        """Runs one statement outside any transaction and gives its rows as text."""
        command = [str(self.programs / "psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PostgresFault(done.stderr.strip())
        return done.stdout.strip()


def postgres_programs() -> Path | None:
    """The folder with PostgreSQL's own programs, of the newest version that is installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("postgres")
    folders = [*reversed(versions), *([Path(on_path).resolve().parent] if on_path else [])]
    wanted = ("initdb", "postgres", "psql")
    return next((folder for folder in folders if all((folder / program).exists() for program in wanted)), None)


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """Starts a server for as long as the block lasts. Raises PostgresFault when there is none or it will not start."""
    programs = postgres_programs()
    if programs is None:
        raise PostgresFault("PostgreSQL is not installed")
    run_as = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="kabinet-postgres-", dir=_memory()))
    try:
        if run_as:
            os.chown(folder, run_as["user"], run_as["group"])
        _make_cluster(programs, folder / "data", run_as)
        process, port = _start(programs, folder, run_as)
        try:
            yield PrivatePostgres(programs, port, process.pid)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """The file system in memory, if it has room: a copy of a database is 300 files, and slow to make on a disk."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ROOM_BYTES
    return memory if has_room else None


def _unprivileged() -> RunAs:
    """PostgreSQL refuses to run as root: then it runs as its own account, or as nobody."""
    if os.geteuid() != 0:
        return {}
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = accounts.get("postgres") or accounts["nobody"]
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _make_cluster(programs: Path, data: Path, run_as: RunAs) -> None:
    # C.UTF-8 knows the case of Cyrillic letters, which plain C does not, and is on every Debian.
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    command = [str(programs / "initdb"), "-D", str(data), "-U", OWNER, *options]
    done = subprocess.run(command, cwd=data.parent, capture_output=True, text=True, check=False, **run_as)
    if done.returncode != 0:
        raise PostgresFault(f"initdb failed: {done.stderr.strip()}")


def _start(programs: Path, folder: Path, run_as: RunAs) -> tuple["subprocess.Popen[bytes]", int]:
    """The started server and its port. Another program may take a free port first, hence the second and third try."""
    log = folder / "log"
    for _ in range(3):
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(programs, folder / "data", port),
                cwd=folder,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                **run_as,
            )
        try:
            if _is_ready(process, folder / "data" / "postmaster.pid"):
                return process, port
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    raise PostgresFault(f"PostgreSQL does not start:\n{log.read_text(errors='replace')}")


def _command(programs: Path, data: Path, port: int) -> list[str]:
    # Were the tests killed outright, the server would stay behind: the kernel tells it when its parent is gone.
    setpriv = shutil.which("setpriv")
    watched = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
    return [*watched, str(programs / "postgres"), "-D", str(data), *settings]


def _is_ready(process: "subprocess.Popen[bytes]", status: Path) -> bool:
    """Waits for the last line of the server's own status file; False when it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return True
        time.sleep(0.02)
    return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGINT is PostgreSQL's fast shutdown: it ends the connections and waits for nobody."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
