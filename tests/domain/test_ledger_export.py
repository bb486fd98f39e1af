"""The export: a stranger with the documented script, and nothing else, can tell whether it is whole and true."""

import asyncio
import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.clock import to_micros
from domain.ledger import EntryKind, Leg, post
from domain.ledger_export import export_ledger
from domain.ledger_seal import look_ahead, seal
from domain.money import Money
from tests.domain.bank import NOW, Bank
from tests.domain.test_ledger_check import tamper
from tests.domain.test_ledger_seal import make_everything_anew

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ledger-export.md"
Lines = list[bytes]


@pytest.fixture
async def bank(db: str) -> Bank:
    bank = Bank()
    await bank.open("alice", 50)
    await bank.open("bob")
    return bank


@pytest.fixture
def verifier(tmp_path: Path) -> Path:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.S)
    assert found
    path = tmp_path / "verify.py"
    path.write_text(found[1])
    return path


async def live(bank: Bank) -> None:
    """Two seals, a correction, a commission, a movement that no seal covers yet."""
    await bank.move("alice", "bob", 20, commission=1)
    await seal(await look_ahead(), by="system", at=NOW)
    legs = [Leg(bank.ids["bob"], EntryKind.ADJUSTMENT, -Money.som(2)), Leg(4, EntryKind.ADJUSTMENT, Money.som(2))]
    await post("adjustment", legs, at=NOW, memo={"reason": "duplicate", "of": "Oʻtkazma"}, corrects=2)
    await bank.move("bob", "alice", 3)
    await seal(await look_ahead(), by="system", at=NOW)
    await bank.move("alice", "bob", 4)
    await bank.move("alice", "bob", 5)


async def exported(**how: Any) -> Lines:
    lines: Lines = []
    await export_ledger(lines.append, at=NOW, **how)
    return lines


def verdict(verifier: Path, lines: Lines) -> tuple[int, str]:
    file = verifier.with_suffix(".jsonl")
    file.write_bytes(b"".join(lines))
    ended = subprocess.run([sys.executable, "-I", verifier, file], capture_output=True, text=True, timeout=60)
    return ended.returncode, (ended.stdout + ended.stderr).strip()


def test_the_script_is_one_to_copy(verifier: Path) -> None:
    lines = verifier.read_text().splitlines()

    assert len(lines) <= 30
    assert max(map(len, lines)) <= 130
    assert re.findall(r"^(?:import|from) (.*)", verifier.read_text(), flags=re.M) == ["hashlib, json, sys"]


async def test_a_sound_export_is_found_sound(bank: Bank, verifier: Path) -> None:
    await live(bank)

    assert verdict(verifier, await exported()) == (0, "sound: 6 transfers, 2 seals")


async def test_an_empty_ledger_is_exported_too(db: str, verifier: Path) -> None:
    assert verdict(verifier, await exported()) == (0, "sound: 0 transfers, 0 seals")


async def test_the_lines_are_what_the_document_says(bank: Bank) -> None:
    await live(bank)

    rows = [json.loads(line) for line in await exported()]

    header, first, sealed = rows[0], rows[1], rows[3]
    assert list(header) == ["type", "format", "version", "at", "last", "operator_accounts"]
    assert (header["at"], header["last"], header["operator_accounts"]["1"]) == (to_micros(NOW), 6, "funding")
    assert list(first) == ["type", "id", "kind", "at", "memo", "corrects", "entries", "hash"]
    assert list(first["entries"][0]) == ["account", "kind", "amount", "seq", "balance", "hash"]
    assert list(sealed) == ["type", "id", "upto", "transfers", "at", "totals", "digest"]
    kinds = ["header", "transfer", "transfer", "seal", "transfer", "transfer", "seal", "transfer", "transfer", "end"]
    assert [row["type"] for row in rows] == kinds


async def test_pages_make_no_difference(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    await live(bank)
    at_once = await exported()
    monkeypatch.setattr("domain.ledger_export.PAGE", 1)
    told: list[tuple[int, int]] = []

    assert await exported(tell=lambda done, total: told.append((done, total))) == at_once
    assert told == [(n, 6) for n in range(1, 7)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_any_line_taken_away_or_doubled_and_any_two_swapped_are_found(bank: Bank, verifier: Path) -> None:
    await live(bank)
    lines = await exported()
    changed: list[Lines] = [lines]
    for n in range(len(lines)):
        changed += [lines[:n] + lines[n + 1 :], lines[: n + 1] + lines[n:]]
        for m in range(n + 1, len(lines)):
            swapped = lines.copy()
            swapped[n], swapped[m] = lines[m], lines[n]
            changed.append(swapped)

    assert in_this_process(verifier, changed) == [0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_any_one_byte_changed_is_found(bank: Bank, verifier: Path) -> None:
    await live(bank)
    whole = b"".join(await exported())
    changed = [
        [whole[:place] + bytes([other]) + whole[place + 1 :]]
        for place, byte in enumerate(whole)
        for other in {byte ^ 1, byte ^ 32, ord(" "), ord("0"), 200} - {byte}
    ]

    passed = in_this_process(verifier, changed)

    assert [changed[n] for n in passed] == []


def in_this_process(verifier: Path, exports: list[Lines]) -> list[int]:
    """Which of the exports the script finds sound; starting a process for each would take long."""
    code = compile(verifier.read_text(), "verify", "exec")
    passed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["verify", "export"])
        patch.setattr(sys, "excepthook", sys.excepthook)
        for n, lines in enumerate(exports):
            export = io.BytesIO(b"".join(lines))
            names = {"open": lambda *_, export=export: export, "print": lambda *_: None}
            with contextlib.suppress(Exception, SystemExit):
                exec(code, names)  # noqa: S102  # our own script
                passed.append(n)
    return passed


def of_transfer(lines: Lines, n: int, change: Callable[[dict[str, Any]], None]) -> Lines:
    row = json.loads(lines[n])
    change(row)
    return [*lines[:n], (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode(), *lines[n + 1 :]]


async def test_the_script_names_the_line(bank: Bank, verifier: Path) -> None:
    await live(bank)
    lines = await exported()

    wrong = {
        "a transfer's memo": of_transfer(lines, 4, lambda row: row.update(memo="{}")),
        "what it corrects": of_transfer(lines, 4, lambda row: row.update(corrects=1)),
        "an amount": of_transfer(lines, 4, lambda row: row["entries"][0].update(amount=-1)),
        "what it corrects, moved into its memo": of_transfer(
            lines, 4, lambda row: row.update(memo=f"{row['memo']}|2", corrects=None)
        ),
        "a customer's entry made the operator's": of_transfer(
            lines, 4, lambda row: row["entries"][0].update(seq=None, balance=None, hash=None)
        ),
        "a balance on the operator's side": of_transfer(lines, 4, lambda row: row["entries"][1].update(balance=5)),
        "numbered below the first": of_transfer(lines, 4, lambda row: row.update(id=-1)),
        "no JSON": [*lines[:4], b"{\n", *lines[5:]],
    }
    found = {case: verdict(verifier, export) for case, export in wrong.items()}

    assert found == {
        "a transfer's memo": (1, "line 5: the transfer's hash"),
        "what it corrects": (1, "line 5: the transfer's hash"),
        "an amount": (1, "line 5: order or sum"),
        "what it corrects, moved into its memo": (1, "line 5: not of the form that it should have"),
        "a customer's entry made the operator's": (1, "line 5: the balance of account 9"),
        "a balance on the operator's side": (1, "line 5: account 4"),
        "numbered below the first": (1, "line 5: order or sum"),
        "no JSON": (1, "line 5: not of the form that it should have"),
    }


async def test_a_patient_forger_s_ledger_does_not_pass_after_its_export(bank: Bank, verifier: Path) -> None:
    await live(bank)
    await tamper(["UPDATE ledger_entry SET amount = amount / 2 WHERE transfer_id = 2"])
    await make_everything_anew()

    assert verdict(verifier, await exported()) == (1, "line 4: the seal")


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_an_export_is_one_state_however_much_moves_meanwhile(
    bank: Bank, db: str, verifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A movement that took its id before the export and commits while it is written: none of it is in there."""
    monkeypatch.setattr("domain.ledger_export.PAGE", 1)
    somebody = await asyncpg.connect(db)
    late = somebody.transaction()
    await late.start()
    await somebody.fetchrow(
        "SELECT transfer FROM ledger_post('top_up', 0, '{}', $1, $2, $3, NULL)",
        [1, bank.ids["bob"]],
        ["a", "a"],
        [-1, 1],
    )
    await bank.fund("alice", 5)  # a higher id, there at once
    lines: Lines = []
    has_begun = asyncio.Event()

    def write(line: bytes) -> None:
        lines.append(line)
        has_begun.set()

    writing = asyncio.create_task(export_ledger(write, at=NOW))
    await has_begun.wait()
    await late.commit()
    await somebody.close()
    made = await writing

    assert made.transfers == 2
    assert verdict(verifier, lines) == (0, "sound: 2 transfers, 0 seals")
    assert verdict(verifier, await exported()) == (0, "sound: 3 transfers, 0 seals")
