"""Transfers on PostgreSQL: the use case beside PostgreSQL's own `pgbench`, which sends the same statement.

Both move money between the same pairs of wallets with as many clients at once, in turn, on a database of their own;
`pgbench` is written in C and does nothing but send, so it is what the database itself can do here.
"""

import asyncio
import random
import re
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.data import load_subscribers
from benchmarks.sqlite_money import AMOUNT, ROUNDS, SECONDS, SENDERS, Money, Payer
from domain.clock import to_micros
from domain.database import fetch, fetch_row
from domain.idempotency import Key
from domain.money import Money as Amount
from domain.secrets import Secrets
from domain.wallet import Sending
from domain.wallet.movements import TRANSFER_CALL
from resolvers.context import Context, SubscriberActor
from resolvers.wallet import transfer
from server.database.connection import connect, disconnect
from tests.support.postgres import PrivatePostgres, private_postgres

SUBSCRIBERS: Final = 3_000
PAIRS: Final = 120
_TPS: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_SENT: Final = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_PLACE: Final = re.compile(r"\$(\d+)")
Pair = tuple[Payer, Payer]


async def measure_pgbench() -> Money:
    """Transfers a second, the median round's: by the use case, and by `pgbench`. Raises SystemExit when one fails."""
    secret = "kabinet-benchmark-secret-of-enough-characters"
    with private_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        url = postgres.create_database("bench")
        load_subscribers({"KABINET_DATABASE_URL": url, "KABINET_SECRET_KEY": secret}, SUBSCRIBERS)
        await connect(url)
        ours, theirs = [], []
        try:
            pairs = _pairs(await _sign_in())
            script = Path(folder) / "transfer.sql"
            script.write_text(_script(pairs))
            for number in range(ROUNDS):
                ours.append(await _ours(pairs, Secrets(secret), f"ours-{number}"))
                before = await _transfers()
                rate, sent = await asyncio.to_thread(_theirs, postgres, url, script)
                if await _transfers() - before != sent:  # a fast refusal is no speed
                    raise SystemExit("pgbench was refused some of its transfers")
                theirs.append(rate)
        finally:
            await disconnect()
    return Money(statistics.median(ours), statistics.median(theirs))


async def _transfers() -> int:
    row = await fetch_row("SELECT COUNT(*) AS count FROM ledger_transfer")
    assert row is not None
    return int(row["count"])


async def _sign_in() -> list[Payer]:
    now = datetime.now(UTC)
    rows = await fetch(
        """SELECT w.id, w.number, w.phone, w.subscriber_id, w.ledger_account_id FROM wallet w
           JOIN ledger_account a ON a.id = w.ledger_account_id
           WHERE w.status = 'active' AND w.level = 'premium' AND a.balance > 1000000 ORDER BY w.id LIMIT $1""",
        2 * PAIRS,
    )
    payers = []
    for row in rows:
        session = await fetch_row(
            """INSERT INTO session (subscriber_id, phone, created_at, expires_at, wallet_unlocked_until)
               VALUES ($1, $2, $3, $4, $4) RETURNING id""",
            row["subscriber_id"],
            row["phone"],
            to_micros(now),
            to_micros(now + timedelta(days=1)),
        )
        assert session is not None
        actor = SubscriberActor(row["subscriber_id"], session["id"], row["phone"])
        payers.append(Payer(actor, row["id"], row["ledger_account_id"], row["number"]))
    return payers


def _pairs(payers: list[Payer]) -> list[Pair]:
    """Each pays the one half the circle away: a wallet is payer in one pair and receiver in another."""
    size = len(payers)
    pairs = [(payer, payers[(n + size // 2 + 1) % size]) for n, payer in enumerate(payers[:PAIRS])]
    if len(pairs) < SENDERS:
        raise SystemExit(f"too few wallets to send from: {len(pairs)}")
    return pairs


async def _ours(pairs: list[Pair], secrets: Secrets, keys: str) -> float:
    numbers, chance, done = count(), random.Random(keys), 0  # pgbench chooses by chance, too
    started = time.perf_counter()

    async def send() -> None:
        nonlocal done
        while time.perf_counter() < started + SECONDS:
            payer, payee = chance.choice(pairs)
            ctx = Context(actor=payer.actor, secrets=secrets)
            await transfer(ctx, to=payee.number, amount=Decimal("1.00"), key=f"{keys}-{next(numbers)}")
            done += 1

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return done / (time.perf_counter() - started)


def _script(pairs: list[Pair]) -> str:
    """The statement as `pgbench` sends it, prepared once by each client: a pair by chance, a key that is nobody's."""
    payer, payee = pairs[0]
    call = Key(payer.actor.label, "transfer", "key", {"to": payee.number, "amount": AMOUNT})
    sending = Sending(0, 0, payee.number, Amount(AMOUNT), call, datetime.now(UTC))
    chosen = {
        "subscriber": [payer.actor.subscriber_id for payer, _ in pairs],
        "session": [payer.actor.session_id for payer, _ in pairs],
        "number": [int(payee.number) for _, payee in pairs],
    }
    lines = [f"\\set pair random(0, {len(pairs) - 1})", "\\set key random(1, 1000000000000000)"]
    lines += [f"\\set {name} {_by_pair(values)}" for name, values in chosen.items()]
    places = {name: f":{name}" for name in (*chosen, "key")} | {"scope": "concat('subscriber:', :subscriber::bigint)"}
    values = [places.get(name) or _literal(value) for name, value in sending.values.items()]
    statement = _PLACE.sub(lambda place: values[int(place[1]) - 1], TRANSFER_CALL)
    return "\n".join(lines) + "\n" + statement.replace("\n", " ") + ";\n"


def _by_pair(values: list[int]) -> str:
    """`pgbench` has numbers but no lists."""
    return "CASE " + " ".join(f"WHEN :pair = {n} THEN {value}" for n, value in enumerate(values)) + " END"


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _theirs(postgres: PrivatePostgres, url: str, script: Path) -> tuple[float, int]:
    """Transfers a second, and how many there were in all."""
    command = [str(postgres.programs / "pgbench"), "-n", "-M", "prepared", "-c", str(SENDERS), "-j", "2"]
    done = subprocess.run(
        [*command, "-T", str(round(SECONDS)), "-f", str(script), url], capture_output=True, text=True, check=False
    )
    rate, sent = _TPS.search(done.stdout), _SENT.search(done.stdout)
    if done.returncode or not rate or not sent:
        raise SystemExit(f"pgbench failed: {done.stderr[-500:]}")
    return float(rate[1]), int(sent[1])
