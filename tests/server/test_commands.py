"""The commands: bad input is one clear line and exit code 2, never a trace; good input does what it says."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PRICES = ROOT / "domain" / "tariff" / "data" / "price-list-2022-05-19.csv"


def kabinet(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KABINET_")}
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *words],
        env=inherited | env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A migrated SQLite file."""
    made = f"sqlite:///{tmp_path / 'kabinet.db'}"
    assert kabinet("migrate", KABINET_DATABASE_URL=made).returncode == 0
    return made


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (["nonsense"], {}, "nonsense"),
        (["serve", "--port", "many"], {}, "many"),
        (["serve", "--port", "70000"], {}, "port"),
        (["serve", "--workers", "0"], {}, "workers"),
        (["demo", "--subscribers", "-1"], {}, "subscribers"),
        (["ledger", "check"], {"KABINET_DATABASE_URL": "mysql://x"}, "KABINET_DATABASE_URL"),
        (["ledger", "check"], {"KABINET_DATABASE_URL": "postgres://kabinet@127.0.0.1:1/none"}, "database"),
        (["ledger", "check"], {"KABINET_DATABASE_URL": "sqlite:////no/such/folder/kabinet.db"}, "database"),
        (["ledger", "check"], {"KABINET_SMS_URL": "pigeon://"}, "KABINET_SMS_URL"),
        (["ledger", "check"], {"KABINET_OTP_RESEND_SECONDS": "soon"}, "KABINET_OTP_RESEND_SECONDS"),
        (["ledger", "check"], {"KABINET_BUS_URL": "nats://127.0.0.1"}, "KABINET_BUS_URL"),
        (["ledger", "check"], {"KABINET_ENV": "production"}, "KABINET_SECRET_KEY"),
        (["ledger", "check"], {"KABINET_ENV": "moon"}, "KABINET_ENV"),
        (["price-list", "import", "no-such-file.csv"], {}, "no-such-file.csv"),
        (["staff", "add", "--username", "A B", "--name", "x"], {}, "username"),
        (["staff", "add", "--username", "gulnora", "--name", "x", "--role", "king"], {}, "role"),
        (["partner", "add", "--code", "Кино", "--name", "x", "--scope", "order:write"], {}, "code"),
        (["partner", "add", "--code", "kino", "--name", "x", "--scope", "everything"], {}, "scope"),
        (
            ["partner", "add", "--code", "k1", "--name", "x", "--scope", "order:write", "--webhook-url", "ftp://x"],
            {},
            "webhook",
        ),
        (["partner", "rotate-key", "--code", "nobody"], {}, "code"),
        (["partner", "rotate-key", "--code", "kino", "--old-hours", "-1"], {}, "old-hours"),
        (["offer", "import", "no-such-file.md"], {}, "no-such-file.md"),
        (["wallet", "draw", "no/such/page.md"], {}, "page.md"),
    ],
)
def test_bad_input_is_one_clear_line(url: str, words: list[str], env: dict[str, str], says: str) -> None:
    ended = kabinet(*words, **({"KABINET_DATABASE_URL": url} | env))

    assert ended.returncode == 2, ended.stderr
    assert says.lower() in ended.stderr.lower()
    assert "Traceback" not in ended.stderr + ended.stdout
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_a_database_that_was_not_migrated_is_told(tmp_path: Path) -> None:
    ended = kabinet("ledger", "check", KABINET_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")

    assert ended.returncode == 2
    assert "kabinet migrate" in ended.stderr


@pytest.mark.rule("T-1")
def test_a_bad_price_list_names_every_fault_and_changes_nothing(url: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    text = PRICES.read_text(encoding="utf-8").replace(",2280", ",-1").replace("KZ TJ", "QQ TJ")
    bad.write_text(text, encoding="utf-8")
    (tmp_path / "satellite-prefixes.csv").write_bytes(PRICES.with_name("satellite-prefixes.csv").read_bytes())

    ended = kabinet("price-list", "import", str(bad), KABINET_DATABASE_URL=url)
    good = kabinet("price-list", "import", str(PRICES), KABINET_DATABASE_URL=url)

    assert ended.returncode == 2
    assert "bad.csv:2: price_uzs" in ended.stderr
    assert "bad.csv:2: destinations" in ended.stderr
    assert (good.returncode, "imported" in good.stdout) == (0, True)


def test_secrets_are_shown_once_and_stored_nowhere_readable(url: str, tmp_path: Path) -> None:
    made = kabinet(
        "partner", "add", "--code", "kino", "--name", "Kino", "--scope", "order:write", KABINET_DATABASE_URL=url
    )
    turned = kabinet("partner", "rotate-key", "--code", "kino", KABINET_DATABASE_URL=url)
    staff = kabinet("staff", "add", "--username", "gulnora", "--name", "Gulnora", KABINET_DATABASE_URL=url)

    key = made.stdout.split("API key, shown this once: ")[1].split()[0]
    secret = made.stdout.split("webhook secret, shown this once: ")[1].split()[0]
    password = staff.stdout.split("password, shown this once: ")[1].split()[0]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    second = turned.stdout.split("API key, shown this once: ")[1].split()[0]
    assert second != key
    for text in (key, second, secret, password):
        assert text.encode() not in stored


def test_the_printed_schema_is_the_committed_one() -> None:
    assert kabinet("schema", "print").stdout == (ROOT / "schema.graphql").read_text(encoding="utf-8")


def test_a_ledger_that_somebody_changed_is_unsound_and_the_fault_is_named(url: str) -> None:
    assert kabinet("demo", KABINET_DATABASE_URL=url).returncode == 0
    sound = kabinet("ledger", "check", KABINET_DATABASE_URL=url)
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
        for (guard,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {guard}")
        file.execute("UPDATE ledger_entry SET amount = amount + 1 WHERE id = (SELECT MAX(id) FROM ledger_entry)")

    unsound = kabinet("ledger", "check", KABINET_DATABASE_URL=url)

    assert sound.returncode == 0
    assert sound.stdout.startswith("sound: ")
    assert unsound.returncode == 1
    assert "transfer" in unsound.stdout
    assert unsound.stderr.startswith("unsound: ")


def test_the_ledger_is_sealed_and_exported_and_the_documented_script_finds_it_sound(url: str, tmp_path: Path) -> None:
    assert kabinet("demo", KABINET_DATABASE_URL=url).returncode == 0
    sealed, again = [kabinet("ledger", "seal", KABINET_DATABASE_URL=url) for _ in range(2)]
    file, script = tmp_path / "ledger.jsonl", tmp_path / "verify.py"
    file.write_text("an earlier export")
    document = (ROOT / "docs" / "ledger-export.md").read_text(encoding="utf-8")
    script.write_text(document.split("```python\n")[1].split("```")[0])

    made = kabinet("ledger", "export", str(file), KABINET_DATABASE_URL=url)
    verified = subprocess.run([sys.executable, script, file], capture_output=True, text=True, timeout=60, check=False)

    assert sealed.stdout.startswith("seal 1: ")
    assert again.stdout == "nothing has moved since the last seal\n"
    assert made.returncode == 0
    assert verified.stdout.startswith("sound: ")
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.glob("*ledger*")] == ["ledger.jsonl"]
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        [(facts,)] = database.execute("SELECT facts FROM audit_event WHERE action = 'ledger.exported'").fetchall()
    assert json.loads(facts)["sha256"] in file.read_text().splitlines()[-1]


@pytest.mark.parametrize("place", ["no-such-folder/ledger.jsonl", "."])
def test_an_export_that_cannot_be_written_leaves_nothing(url: str, tmp_path: Path, place: str) -> None:
    before = sorted(tmp_path.iterdir())

    ended = kabinet("ledger", "export", str(tmp_path / place), KABINET_DATABASE_URL=url)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert [path for path in sorted(tmp_path.iterdir()) if path.suffix not in (".db-wal", ".db-shm")] == before
