"""What is measured upon: demo subscribers, a catalogue of real size, and signed-in callers spread over all of them."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import jwt

from benchmarks.arena import ROOT
from domain.secrets import Secrets
from server.demo_bulk import PHONES

MOST_CALLERS: Final = 600
MOST_HOLDERS: Final = 210
SPAN: Final = 1_000_000_000  # between the ids of one copy of the subscribers and those of the next


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in subscriber with an unlocked wallet."""

    token: str
    number: str


@dataclass(frozen=True, slots=True)
class People:
    """`readers` look at their home screens and never change; `holders` have long histories and send money."""

    readers: list[Caller]
    holders: list[Caller]


def load_subscribers(environment: Mapping[str, str], count: int) -> None:
    """Migrates the database and loads the demo with so many subscribers; goes on from what is there."""
    for command in (["migrate"], ["demo", "--subscribers", str(count)]):
        done = subprocess.run(
            [sys.executable, "-m", "server.cli", *command], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"kabinet {command[0]} failed:\n{done.stdout}{done.stderr}"[-2_000:])


# Twelve plans with twenty-five destinations each, in an edition of their own, and a shelf of products: with what the
# demo has, some 2,600 fields.
_CATALOGUE: Final = """
INSERT INTO tariff (code, name, description, monthly_fee, archived, foreigners_only, position)
SELECT 'plan-' || n, json_build_object('en', 'Plan ' || n, 'ru', 'План ' || n, 'uz', 'Reja ' || n)::text, '{}',
       2500000 + n * 100000, FALSE, FALSE, 100 + n FROM generate_series(1, 12) n;
INSERT INTO tariff_allowance (tariff_id, kind, amount, unit)
SELECT t.id, k.kind, k.amount * t.position, k.unit FROM tariff t,
    (VALUES ('voice', 5, 'minute'), ('sms', 3, 'sms'), ('data', 150, 'megabyte')) k (kind, amount, unit)
WHERE t.code LIKE 'plan-%';
INSERT INTO price_zone (code, name)
SELECT 'zone-' || n, json_build_object('en', 'Zone ' || n, 'ru', 'Зона ' || n, 'uz', 'Hudud ' || n)::text
FROM generate_series(1, 25) n;
INSERT INTO price_list (edition, effective_from, order_no, order_date, hash, imported_at)
VALUES ('bench', '2024-01-01', '1', '2024-01-01', 'bench', 0);
INSERT INTO price_line (price_list_id, tariff_code, zone_id, zone_name, unit, price, position)
SELECT e.id, t.code, z.id, z.code, 'minute', 150000 + 1317 * t.position + 4100 * z.id,
       row_number() OVER (PARTITION BY t.id ORDER BY z.id)
FROM price_list e, tariff t, price_zone z
WHERE e.edition = 'bench' AND t.code LIKE 'plan-%' AND z.code LIKE 'zone-%';
INSERT INTO product (code, name, description, on_sale, zero_rated, position)
SELECT 'film-' || n, json_build_object('en', 'Films ' || n, 'ru', 'Кино ' || n, 'uz', 'Kino ' || n)::text, '{}',
       TRUE, FALSE, 100 + n FROM generate_series(1, 9) n;
INSERT INTO product_price_step (product_id, from_month, to_month, price)
SELECT p.id, s.from_month, s.to_month, s.price * p.position FROM product p,
    (VALUES (1, 3, 5000), (4, NULL, 9000)) s (from_month, to_month, price) WHERE p.code LIKE 'film-%';
"""

# Seven more subscriptions for a holder, some over, some not.
_SUBSCRIPTIONS: Final = """
INSERT INTO product_subscription (product_id, subscriber_id, account_id, phone, status, activated_on, ends_on, months,
                                  auto_renew, created_at)
SELECT p.id, n.subscriber_id, n.account_id, n.phone,
       CASE WHEN p.position % 3 = 0 THEN 'cancelled' ELSE 'active' END,
       (CURRENT_DATE - 20 - p.position::int % 10)::text, (CURRENT_DATE + 40 + p.position::int % 10)::text, 2, FALSE,
       (extract(epoch FROM now() - interval '20 days') * 1000000)::bigint + p.position
FROM product p, wallet w JOIN subscriber_number n ON n.phone = w.phone
WHERE p.position BETWEEN 101 AND 107 AND w.number = ANY($1)
"""

_CALLERS: Final = """
SELECT number, phone, subscriber_id FROM (
    SELECT w.id, w.number, w.phone, w.subscriber_id,
           row_number() OVER (ORDER BY w.id) AS n, greatest(count(*) OVER () / $1, 1) AS step
    FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
    WHERE w.status = 'active' AND w.first_top_up_at IS NOT NULL AND a.balance > 100000 AND w.phone LIKE $2
      AND (SELECT count(*) FROM product_subscription u WHERE u.subscriber_id = w.subscriber_id) = 1) c
WHERE n % step = 0 ORDER BY id LIMIT $1
"""


async def enlarge_catalogue(url: str) -> None:
    database = await asyncpg.connect(url)
    await database.execute(_CATALOGUE)
    await database.close()


async def analyze(url: str) -> None:
    """The statistics that plans are made by, and pages that index-only scans need not look into."""
    database = await asyncpg.connect(url)
    await database.execute("VACUUM ANALYZE", timeout=1_200)
    await database.close()


async def sign_in(url: str, secret: str) -> People:
    """Live sessions, written straight to the database, for callers spread evenly over all subscribers.

    All with one subscription, so that a home screen is as much work whoever asks and however many there are.
    """
    key = Secrets(secret).derive("access-token")
    database = await asyncpg.connect(url)
    rows = await database.fetch(_CALLERS, MOST_CALLERS, f"{PHONES}%")
    callers = [await _signed_in(database, row, key) for row in rows]
    await database.close()
    holders = callers[::3][:MOST_HOLDERS]
    return People([caller for n, caller in enumerate(callers) if n % 3], holders)


async def _signed_in(database: Any, row: Any, key: bytes) -> Caller:
    now = datetime.now(UTC)
    micros = int(now.timestamp() * 1_000_000)
    session = await database.fetchval(
        """INSERT INTO session (subscriber_id, phone, created_at, expires_at, wallet_unlocked_until)
           VALUES ($1, $2, $3, $4, $4) RETURNING id""",
        row["subscriber_id"],
        row["phone"],
        micros,
        micros + 86_400_000_000,
    )
    claims = {"sub": str(row["subscriber_id"]), "sid": session, "exp": int((now + timedelta(days=1)).timestamp())}
    return Caller(jwt.encode(claims, key, algorithm="HS256"), row["number"])


async def subscribe(url: str, holders: list[Caller]) -> None:
    """Gives the holders more subscriptions."""
    database = await asyncpg.connect(url)
    await database.execute(_SUBSCRIPTIONS, [holder.number for holder in holders])
    await database.close()
    await analyze(url)


# What a copy changes of a row: references move on by a span with what they refer to, texts that are unique differ.
_MOVED: Final = {
    "subscriber": ("id",),
    "ledger_account": ("id",),
    "personal_account": ("id", "subscriber_id", "ledger_account_id"),
    "subscriber_number": ("id", "subscriber_id", "account_id"),
    "offer_acceptance": ("id", "subscriber_id"),
    "wallet": ("id", "subscriber_id", "ledger_account_id", "acceptance_id"),
    "ledger_transfer": ("id",),
    "ledger_entry": ("id", "transfer_id", "account_id"),
    "product_subscription": ("id", "subscriber_id", "account_id"),
    "product_order": ("id", "subscriber_id", "account_id", "subscription_id", "transfer_id", "acceptance_id"),
}
_UNIQUE: Final = {"number": "number || '-' || k", "public_id": "public_id || '-' || k", "phone": "phone || k"}


async def multiply(url: str, times: int) -> None:
    """Copies all subscribers with everything of theirs until there are `times` as many: for reading, at scale.

    The copies' chains are not sound, as their hashes are over the first one's ids; nothing is sent from them.
    """
    database = await asyncpg.connect(url)
    await database.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    for table, moved in _MOVED.items():
        columns = await database.fetch(
            "SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1 ORDER BY 1", table
        )
        names = [row["name"] for row in columns]
        values = ", ".join(_copied(table, name, moved) for name in names)
        keep = "WHERE kind <> 'operator'" if table == "ledger_account" else ""
        await database.execute(
            f"""INSERT INTO {table} ({", ".join(names)})
                SELECT {values} FROM {table} CROSS JOIN generate_series(1, {times - 1}) k {keep}""",
            timeout=1_200,
        )
    await database.close()
    await analyze(url)


def _copied(table: str, name: str, moved: tuple[str, ...]) -> str:
    if name not in moved:
        return _UNIQUE.get(name, name)
    if table == "ledger_entry" and name == "account_id":  # the operator's own accounts are the same for all
        return f"CASE WHEN account_id > 4 THEN account_id + k * {SPAN}::bigint ELSE account_id END"
    return f"{name} + k * {SPAN}::bigint"
