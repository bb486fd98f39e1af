"""The proof that the ledger is sound: what `kabinet ledger check` asks the whole ledger.

Every transfer sums to zero and carries the hash of its entries; every running balance is the last of an unbroken
chain of entries; no account is below its floor. Entries are read in pages, so that memory does not grow with them.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from domain.database import Row, fetch
from domain.ledger import FIRST_HEAD, entry_hash, transfer_hash

PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong: `where` names the account, entry or transfer."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


async def check_ledger(tell: Callable[[str, int], None] = lambda *_: None) -> AsyncIterator[Fault]:
    """All faults of the ledger, in its order. `tell` is given ("transfers" or "entries", how many so far)."""
    async for fault in _check_transfers(tell):
        yield fault
    async for fault in _check_chains(tell):
        yield fault
    async for fault in _check_balances():
        yield fault


async def _check_transfers(tell: Callable[[str, int], None]) -> AsyncIterator[Fault]:
    last = seen = 0
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
            """SELECT transfer_id, account_id, kind, amount FROM ledger_entry
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
    if len(entries) < 2 or total != 0:
        faults.append(Fault(where, f"its {len(entries)} entries sum to {total} tiyin"))
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
    return faults


async def _check_chains(tell: Callable[[str, int], None]) -> AsyncIterator[Fault]:
    account, seq, head, balance, seen = 0, 0, FIRST_HEAD, 0, 0
    while True:
        entries = await fetch(
            """SELECT id, transfer_id, account_id, kind, amount, at, seq, balance_after, hash FROM ledger_entry
               WHERE seq IS NOT NULL AND (account_id > $1 OR (account_id = $1 AND seq > $2))
               ORDER BY account_id, seq LIMIT $3""",
            account,
            seq,
            PAGE,
        )
        if not entries:
            break
        for entry in entries:
            if entry["account_id"] != account:
                account, seq, head, balance = entry["account_id"], 0, FIRST_HEAD, 0
            for what in _entry_faults(entry, seq, head, balance):
                yield Fault(f"entry {entry['id']} of account {account}", what)
            seq, head, balance = entry["seq"], entry["hash"], entry["balance_after"]
        seen += len(entries)
        tell("entries", seen)


def _entry_faults(entry: Row, seq: int, head: str, balance: int) -> list[str]:
    faults = []
    if entry["seq"] != seq + 1:
        faults.append(f"number {entry['seq']} follows number {seq}")
    if entry["balance_after"] != balance + entry["amount"]:
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
