"""The proof that the ledger is sound: what `kabinet ledger check` asks the whole ledger.

Every transfer sums to zero and carries the hash of its entries; every running balance is the last of an unbroken
chain of entries; no account is below its floor, and its floor is the one that it must have; what is held is what open
holds reserve, and what was taken of a hold was paid; every seal fits its transfers, the seal before it and the audit
trail.
Everything is read in pages, so that memory does not grow with the ledger, and from the least number there can be: what
was slipped in below the first is found, too.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from tortoise.exceptions import BaseORMException

from domain.clock import to_micros
from domain.database import Row, fetch
from domain.ledger import FIRST_HEAD, entry_hash, transfer_hash
from domain.ledger_seal import (
    NO_SEAL,
    SEALED,
    Digest,
    Seal,
    added,
    operator_sums,
    read_totals,
    seal_of,
    sealable,
)

PAGE = 5_000
SEALS = 100
LEAST: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong: `where` names the account, entry or transfer."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


async def check_ledger(tell: Callable[[str, int], None] = lambda *_: None) -> AsyncIterator[Fault]:
    """All faults of the ledger, in its order. `tell` is given ("transfers", "entries" or "seals", how many so far)."""
    parts = {
        "transfers": _check_transfers(tell),
        "chains": _check_chains(tell),
        "balances": _check_balances(),
        "accounts": _check_accounts(),
        "holds": _check_holds(),
        "seals": _check_seals(tell),
        "audit trail": _check_trail(),
    }
    for name, part in parts.items():
        try:
            async for fault in part:
                yield fault
        except (BaseORMException, ArithmeticError, ValueError, TypeError, sqlite3.Error) as error:
            # What cannot even be read is wrong; the other parts are looked at all the same.
            yield Fault(name, f"could not be read to the end: {type(error).__name__}")


async def _check_transfers(tell: Callable[[str, int], None]) -> AsyncIterator[Fault]:
    last, seen = LEAST, 0
    while True:
        transfers = await fetch(
            "SELECT id, kind, at, memo, corrects_id, hash FROM ledger_transfer WHERE id > $1 ORDER BY id LIMIT $2",
            last,
            PAGE,
        )
        if not transfers:
            break
        first, last = transfers[0]["id"], transfers[-1]["id"]
        entries = await fetch(
            """SELECT transfer_id, account_id, kind, amount, at FROM ledger_entry
               WHERE transfer_id BETWEEN $1 AND $2 ORDER BY id""",
            first,
            last,
        )
        by_transfer: dict[int, list[Row]] = {}
        for entry in entries:
            by_transfer.setdefault(entry["transfer_id"], []).append(entry)
        for transfer in transfers:
            for fault in _transfer_faults(transfer, by_transfer.get(transfer["id"], [])):
                yield fault
        seen += len(transfers)
        tell("transfers", seen)
    orphans = await fetch(
        """SELECT DISTINCT e.transfer_id FROM ledger_entry e
           LEFT JOIN ledger_transfer t ON t.id = e.transfer_id WHERE t.id IS NULL LIMIT 100"""
    )
    for row in orphans:
        yield Fault(f"transfer {row['transfer_id']}", "is missing, though it has entries")


def _transfer_faults(transfer: Row, entries: list[Row]) -> list[Fault]:
    where, faults = f"transfer {transfer['id']}", []
    total = sum(entry["amount"] for entry in entries)
    if transfer["id"] < 1:
        faults.append(Fault(where, "is numbered below the first that there can be"))
    if len(entries) < 2 or total != 0:
        faults.append(Fault(where, f"its {len(entries)} entries sum to {total} tiyin"))
    if any(entry["at"] != transfer["at"] for entry in entries):
        faults.append(Fault(where, "its entries are of another moment"))
    legs = [(entry["account_id"], entry["kind"], entry["amount"]) for entry in entries]
    expected = transfer_hash(
        transfer_id=transfer["id"],
        kind=transfer["kind"],
        at=transfer["at"],
        memo=transfer["memo"],
        legs=legs,
        corrects=transfer["corrects_id"],
    )
    if expected != transfer["hash"]:
        faults.append(Fault(where, "its hash does not fit its entries"))
    if not _is_memo(transfer["memo"]):
        faults.append(Fault(where, "its memo is no JSON object"))
    return faults


def _is_memo(text: str) -> bool:
    """What follows a memo in what is hashed could be written into it, and fit: but then it is no JSON any more."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


async def _check_chains(tell: Callable[[str, int], None]) -> AsyncIterator[Fault]:
    last, account, seq, head, seen = (LEAST, LEAST, LEAST), LEAST, 0, FIRST_HEAD, 0
    balance: int | None = 0
    while entries := await fetch(
        """SELECT id, transfer_id, account_id, kind, amount, at, seq, balance_after, hash FROM ledger_entry
           WHERE seq IS NOT NULL AND (account_id, seq, id) > ($1, $2, $3)
           ORDER BY account_id, seq, id LIMIT $4""",
        *last,
        PAGE,
    ):
        for entry in entries:
            if entry["account_id"] != account:
                account, seq, head, balance = entry["account_id"], 0, FIRST_HEAD, 0
            for what in _entry_faults(entry, seq, head, balance):
                yield Fault(f"entry {entry['id']} of account {account}", what)
            seq, head, balance = entry["seq"], entry["hash"], entry["balance_after"]
            last = (account, seq, entry["id"])
        seen += len(entries)
        tell("entries", seen)


def _entry_faults(entry: Row, seq: int, head: str, balance: int | None) -> list[str]:
    faults = []
    if entry["seq"] != seq + 1:
        faults.append(f"number {entry['seq']} follows number {seq}")
    if balance is None or entry["balance_after"] != balance + entry["amount"]:
        faults.append(f"balance {entry['balance_after']} does not follow from {balance} and {entry['amount']}")
    expected = entry_hash(
        before=head,
        transfer_id=entry["transfer_id"],
        account_id=entry["account_id"],
        seq=entry["seq"],
        kind=entry["kind"],
        amount=entry["amount"],
        balance=entry["balance_after"],
        at=entry["at"],
    )
    if expected != entry["hash"]:
        faults.append("its hash does not fit what it says and what came before")
    return faults


async def _check_balances() -> AsyncIterator[Fault]:
    strays = await fetch(
        """SELECT e.id, e.account_id FROM ledger_entry e LEFT JOIN ledger_account a ON a.id = e.account_id
           WHERE a.id IS NULL OR (e.seq IS NULL) <> (a.balance IS NULL) OR (e.seq IS NULL) <> (e.balance_after IS NULL)
              OR (e.seq IS NULL) <> (e.hash IS NULL)
           ORDER BY e.id LIMIT 100"""
    )
    for row in strays:
        yield Fault(f"entry {row['id']} of account {row['account_id']}", "is not numbered as its account's entries are")
    rows = await fetch(
        """SELECT a.id, a.balance, a.floor, a.seq, a.head, e.balance_after, e.hash, e.seq AS last
           FROM ledger_account a
           LEFT JOIN ledger_entry e ON e.account_id = a.id
             AND e.seq = (SELECT MAX(seq) FROM ledger_entry WHERE account_id = a.id)
           WHERE a.balance IS NOT NULL AND (
             a.balance <> COALESCE(e.balance_after, 0) OR a.seq <> COALESCE(e.seq, 0)
             OR a.head <> COALESCE(e.hash, '') OR a.balance < a.floor)
           ORDER BY a.id"""
    )
    for row in rows:
        where = f"account {row['id']}"
        if row["balance"] != (row["balance_after"] or 0):
            yield Fault(where, f"its balance {row['balance']} is not what its entries say: {row['balance_after'] or 0}")
        if row["seq"] != (row["last"] or 0) or row["head"] != (row["hash"] or FIRST_HEAD):
            yield Fault(where, f"its chain ends at number {row['seq']}, its entries at {row['last'] or 0}")
        if row["floor"] is not None and row["balance"] < row["floor"]:
            yield Fault(where, f"its balance {row['balance']} is below its floor {row['floor']}")


# Only the operator's accounts have a code and no balance; whose an account is says of what kind it is; a supplier's is
# named after it.
_MISTAKEN: Final = """SELECT a.id FROM ledger_account a
LEFT JOIN wallet w ON w.ledger_account_id = a.id
LEFT JOIN personal_account p ON p.ledger_account_id = a.id
LEFT JOIN supplier s ON s.ledger_account_id = a.id
WHERE (a.kind = 'operator') <> (a.balance IS NULL) OR (a.kind = 'operator') <> (a.code IS NOT NULL)
   OR (w.id IS NOT NULL AND a.kind <> 'wallet') OR (p.id IS NOT NULL AND a.kind <> 'personal')
   OR (s.id IS NOT NULL AND COALESCE(a.code, '') <> 'supplier:' || s.code)
ORDER BY a.id LIMIT 100"""
# Nothing may be spent below zero from a wallet or a prepaid account.
_UNDERMINED: Final = """SELECT a.id, a.floor FROM ledger_account a
LEFT JOIN personal_account p ON p.ledger_account_id = a.id
WHERE (a.kind = 'wallet' OR p.billing = 'prepaid') AND COALESCE(a.floor, -1) <> 0
ORDER BY a.id LIMIT 100"""


async def _check_accounts() -> AsyncIterator[Fault]:
    """What stands on an account beside its balance: what it is, whose it is, and how low it may fall."""
    for row in await fetch(_MISTAKEN):
        yield Fault(f"account {row['id']}", "is not of the kind that whose it is says")
    for row in await fetch(_UNDERMINED):
        yield Fault(f"account {row['id']}", f"its floor is {row['floor']}, where it must be 0")


# What an account holds, beside what its open holds reserve; what a hold has given, beside the parts that are noted; a
# part, beside what its movement took out of the wallet.
_HELD: Final = """SELECT a.id, a.held, COALESCE(h.sum, 0) AS open FROM ledger_account a
LEFT JOIN (SELECT ledger_account_id, SUM(amount + commission - captured - commission_captured) AS sum
           FROM hold WHERE status = 'authorized' GROUP BY ledger_account_id) h ON h.ledger_account_id = a.id
WHERE a.held <> COALESCE(h.sum, 0) ORDER BY a.id"""
_TAKEN: Final = """SELECT h.id, h.captured + h.commission_captured AS taken, COALESCE(c.sum, 0) AS noted FROM hold h
LEFT JOIN (SELECT hold_id, SUM(amount) AS amount, SUM(amount + commission) AS sum FROM hold_capture GROUP BY hold_id) c
    ON c.hold_id = h.id
WHERE h.captured <> COALESCE(c.amount, 0) OR h.captured + h.commission_captured <> COALESCE(c.sum, 0) ORDER BY h.id"""
_PAID: Final = """SELECT c.transfer_id, c.hold_id, c.amount + c.commission AS noted, COALESCE(-SUM(e.amount), 0) AS paid
FROM hold_capture c JOIN hold h ON h.id = c.hold_id
LEFT JOIN ledger_entry e ON e.transfer_id = c.transfer_id AND e.account_id = h.ledger_account_id
GROUP BY c.transfer_id, c.hold_id, c.amount, c.commission
HAVING c.amount + c.commission <> COALESCE(-SUM(e.amount), 0) ORDER BY c.transfer_id"""


async def _check_holds() -> AsyncIterator[Fault]:
    """What is held agrees with the holds, and they with the movements that took of them."""
    for row in await fetch(_HELD):
        yield Fault(f"account {row['id']}", f"{row['held']} of it are held, its open holds reserve {row['open']}")
    for row in await fetch(_TAKEN):
        yield Fault(f"hold {row['id']}", f"{row['taken']} were taken of it, the parts noted are {row['noted']}")
    for row in await fetch(_PAID):
        where = f"hold {row['hold_id']}"
        yield Fault(where, f"transfer {row['transfer_id']} paid {row['paid']}, the part noted is {row['noted']}")


async def _check_seals(tell: Callable[[str, int], None]) -> AsyncIterator[Fault]:
    last, reached, seen = NO_SEAL, LEAST, 0
    while rows := await fetch("SELECT * FROM ledger_seal WHERE id > $1 ORDER BY id LIMIT $2", reached, SEALS):
        trail = await _trail_of([row["id"] for row in rows])
        for row in rows:
            one = seal_of(row)
            for what in await _seal_faults(one, last):
                yield Fault(f"seal {one.id}", what)
            if trail.get(f"seal:{one.id}") != [one.digest]:
                yield Fault(f"seal {one.id}", "is not the one that the audit trail knows")
            last, reached, seen = one, one.id, seen + 1
            tell("seals", seen)


async def _trail_of(seal_ids: list[int]) -> dict[str, list[str]]:
    """The digests that the trail tells of these seals: one each, or somebody has made them up."""
    places = ", ".join(f"${n}" for n in range(2, len(seal_ids) + 2))
    rows = await fetch(
        f"SELECT subject, facts FROM audit_event WHERE action = $1 AND subject IN ({places}) ORDER BY id",
        SEALED,
        *(f"seal:{id_}" for id_ in seal_ids),
    )
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row["subject"], []).append(_digest_in(row["facts"]))
    return told


def _digest_in(facts: str) -> str:
    try:
        return str(json.loads(facts)["digest"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


async def _seal_faults(one: Seal, last: Seal) -> list[str]:
    faults = []
    if one.id != last.id + 1:
        faults.append(f"it follows seal {last.id}: what was between is missing")
    if one.upto <= last.upto:
        faults.append(f"it reaches transfer {one.upto}, the one before reached {last.upto}")
    digest, reached = Digest(last.digest), last.upto
    while rows := await sealable(reached, one.upto, PAGE):
        for row in rows:
            digest.add(row["id"], row["hash"])
        reached = rows[-1]["id"]
        if len(rows) < PAGE:
            break
    between = f"transfers {last.upto + 1} to {one.upto}"
    if digest.transfers != one.transfers:
        faults.append(f"{between} were {one.transfers} when it was made, now they are {digest.transfers}")
    if differing := await _differing_totals(one, last):
        faults.append(f"{between} do not give its totals of the operator's accounts {differing}")
    closed = digest.close(
        seal_id=one.id, upto=one.upto, transfers=one.transfers, totals=one.totals, at=to_micros(one.at)
    )
    if closed != one.digest:
        faults.append(f"{between} are not as they were sealed, or the seal is not: its digest does not fit")
    return faults


async def _differing_totals(one: Seal, last: Seal) -> str:
    """The accounts whose totals do not follow from those of the seal before; empty when all do."""
    before, after = _totals(last), _totals(one)
    expected = added(before, await operator_sums(last.upto, one.upto))
    return ", ".join(str(id_) for id_ in sorted({*expected, *after}) if expected.get(id_) != after.get(id_))


def _totals(one: Seal) -> dict[int, int]:
    try:
        return read_totals(one.totals)
    except (
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ):  # somebody has written nonsense there: that is told as a fault
        return {}


async def _check_trail() -> AsyncIterator[Fault]:
    """Each seal was noted in the audit trail as it was made: the newest ones are missed there when they are gone."""
    last = LEAST
    while rows := await fetch(
        "SELECT id, subject FROM audit_event WHERE action = $1 AND id > $2 ORDER BY id LIMIT $3", SEALED, last, PAGE
    ):
        last = rows[-1]["id"]
        there = {f"seal:{row['id']}" for row in await fetch("SELECT id FROM ledger_seal")}
        for row in rows:
            if row["id"] < 1:
                yield Fault(f"line {row['id']} of the audit trail", "is numbered below the first that there can be")
            if row["subject"] not in there:
                yield Fault(row["subject"].replace(":", " "), "is missing, though the audit trail knows it")
