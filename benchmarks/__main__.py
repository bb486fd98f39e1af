"""`make bench`: Kabinet against the hand-written handler, in turn, on one core each, in one run.

Prints and writes benchmarks/results.md: requests per second, p50 and p99, server CPU per request, and the ratio to the
hand-written handler. Quote the ratios: the machine is shared, single figures are not comparable between runs.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import secrets as random_secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import jwt
import orjson

from benchmarks.load import Measured, request, run
from domain.secrets import Secrets
from tests.support.ports import free_port
from tests.support.postgres import private_postgres

HERE = Path(__file__).parent
OPERATIONS = HERE / "operations"
SCREENS = ("home", "catalogue", "transfer")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Wallet:
    token: str
    number: str


@dataclass(slots=True)
class Series:
    """All rounds of one screen on one server."""

    rounds: list[Measured]
    cpu_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return sum(m.requests for m in self.rounds) / sum(m.seconds for m in self.rounds)

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds * 1e6 / max(sum(m.requests for m in self.rounds), 1)

    def percentile(self, share: float) -> float:
        return sorted(m.percentile(share) for m in self.rounds)[len(self.rounds) // 2]


@contextlib.contextmanager
def server(command: list[str], port: int, environment: dict[str, str], core: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process on one core, ended by its id."""
    process = subprocess.Popen(  # our own commands
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket

    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            raise SystemExit("a server ended before it was ready")
        time.sleep(0.1)
    raise SystemExit("a server was not ready within 30 seconds")


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and all its descendants."""
    total, open_ = 0.0, [pid]
    while open_:
        current = open_.pop()
        try:
            parts = Path(f"/proc/{current}/stat").read_text().rpartition(")")[2].split()
            children = Path(f"/proc/{current}/task/{current}/children").read_text().split()
        except OSError:
            continue
        total += (int(parts[11]) + int(parts[12])) / TICKS
        open_ += map(int, children)
    return total


async def sign_in_wallets(url: str, key: bytes, most: int) -> list[Wallet]:
    """Live sessions, wallets unlocked, for holders with money; written straight to the database."""
    database = await asyncpg.connect(url)
    now = datetime.now(UTC)
    micros = int(now.timestamp() * 1_000_000)
    rows = await database.fetch(
        """SELECT w.number, w.phone, w.subscriber_id FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
           WHERE w.status = 'active' AND w.first_top_up_at IS NOT NULL AND a.balance > 100000
           ORDER BY w.level DESC, w.id LIMIT $1""",
        most,
    )
    wallets = []
    for row in rows:
        session = await database.fetchval(
            """INSERT INTO session (subscriber_id, phone, created_at, expires_at, wallet_unlocked_until)
               VALUES ($1, $2, $3, $4, $4) RETURNING id""",
            row["subscriber_id"],
            row["phone"],
            micros,
            micros + 86_400_000_000,
        )
        claims = {"sub": str(row["subscriber_id"]), "sid": session, "exp": int((now + timedelta(days=1)).timestamp())}
        wallets.append(Wallet(jwt.encode(claims, key, algorithm="HS256"), row["number"]))
    await database.close()
    return wallets


def body_of(screen: str, wallet: Wallet | None = None) -> bytes:
    variables = (OPERATIONS / f"{screen}.json").read_text()
    if wallet:
        variables = variables.replace("{{recipient}}", wallet.number).replace("{{key}}", random_secrets.token_hex(8))
    return orjson.dumps({"query": (OPERATIONS / f"{screen}.graphql").read_text(), "variables": orjson.loads(variables)})


def requests_for(screen: str, path: str, wallets: list[Wallet]) -> Callable[[int], bytes]:
    def make(n: int) -> bytes:
        wallet = wallets[n % len(wallets)]
        if screen == "transfer":
            return request(path, body_of(screen, wallets[(n * 7 + 1) % len(wallets)]), wallet.token)
        return request(path, bodies[screen], wallet.token if screen == "home" else None)

    bodies = {name: body_of(name) for name in ("home", "catalogue")}
    return make


def is_good(body: bytes) -> bool:
    return b'"errors"' not in body and b'"Problem"' not in body


async def measure(
    options: argparse.Namespace, ports: dict[str, int], pids: dict[str, int], wallets: list[Wallet]
) -> dict[tuple[str, str], Series]:
    series = {(screen, name): Series([]) for screen in SCREENS for name in ports}
    paths = {"by hand": "/{screen}", "Kabinet": "/graphql"}
    for screen in SCREENS:
        for round_ in range(options.rounds + 1):
            for name, port in ports.items():
                make = requests_for(screen, paths[name].format(screen=screen), wallets)
                before = cpu_of(pids[name])
                seconds = options.seconds if round_ else 1.0
                measured = await run(port, make, seconds=seconds, connections=options.connections, is_good=is_good)
                if measured.failures:
                    print(f"{screen} by {name}: {measured.failures} failures, the first: {measured.first_failure!r}")
                if round_:  # the first one warms up
                    series[screen, name].rounds.append(measured)
                    series[screen, name].cpu_seconds += cpu_of(pids[name]) - before
            print(f"{screen}: round {round_} of {options.rounds}", file=sys.stderr)
    return series


def report(series: dict[tuple[str, str], Series], options: argparse.Namespace) -> str:
    lines = [
        "# Measured",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, PostgreSQL,",
        f"{options.subscribers:,} subscribers,",
        f"one server process on one core, {options.connections} connections, {options.rounds} rounds of",
        f"{options.seconds:g} s in turn. The hand-written handler (`benchmarks/handwritten.py`) does the same work in",
        "the same run; the ratio is what counts.",
        "",
        "| screen | server | requests/s | p50 ms | p99 ms | CPU µs/request | ratio by CPU |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for screen in SCREENS:
        hand = series[screen, "by hand"]
        for name in ("by hand", "Kabinet"):
            one = series[screen, name]
            lines.append(
                f"| {screen} | {name} | {one.per_second:,.0f} | {one.percentile(0.5) * 1e3:.1f} | "
                f"{one.percentile(0.99) * 1e3:.1f} | {one.cpu_us:,.0f} | {hand.cpu_us / one.cpu_us:.2f} |"
            )
    return "\n".join(lines) + "\n"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    secret = random_secrets.token_hex(32)
    with private_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        url = postgres.create_database("bench")
        ports = {"by hand": free_port(), "Kabinet": free_port()}
        environment = os.environ | {
            "KABINET_DATABASE_URL": url,
            "KABINET_SECRET_KEY": secret,
            "KABINET_SMS_URL": f"file://{folder}/sms.jsonl",
            "KABINET_LOG_FORMAT": "json",
        }
        kabinet = [sys.executable, "-m", "server.cli"]
        for command in (["migrate"], ["demo", "--subscribers", str(options.subscribers)]):
            subprocess.run([*kabinet, *command], env=environment, check=True)  # noqa: ASYNC221
        wallets = await sign_in_wallets(url, Secrets(secret).derive("access-token"), 200)
        granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--port"]
        by_hand = [*granian, str(ports["by hand"]), "benchmarks.handwritten:app"]
        ours = [*kabinet, "serve", "--port", str(ports["Kabinet"])]
        with (
            server(by_hand, ports["by hand"], environment, cores[0]) as one,
            server(ours, ports["Kabinet"], environment, cores[0]) as two,
        ):
            if len(cores) > 1:
                os.sched_setaffinity(0, set(cores[1:]))
            series = await measure(options, ports, {"by hand": one.pid, "Kabinet": two.pid}, wallets)
    text = report(series, options)
    (HERE / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    asyncio.run(main())
