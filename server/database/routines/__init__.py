"""PostgreSQL's routines: what it does whole in one call, with the rules that SQLite runs as they stand.

A routine is one file, `name.sql`, with one function of that name. `{words}` in it are texts of the domain, so that a
rule is stated once for both databases. `kabinet migrate` makes a routine anew whenever its text has changed: a changed
rule needs no migration of its own.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from domain.database import in_routine
from domain.ledger import SHORT
from domain.wallet.rules import PARTIES, PAYER, PAYMENT_VERDICT, VERDICT

SHARED = {
    "{short}": SHORT,
    "{parties}": PARTIES,
    "{verdict}": VERDICT,
    "{payer}": PAYER,
    "{payment_verdict}": PAYMENT_VERDICT,
}


@dataclass(frozen=True, slots=True)
class Routine:
    """One function; `script` makes it."""

    name: str
    script: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.script.encode()).hexdigest()


@cache
def routines() -> tuple[Routine, ...]:
    """All of them, by name, with the domain's texts in their places."""
    folder = files("server.database").joinpath("routines")
    texts = {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.endswith(".sql")}
    return tuple(Routine(name.removesuffix(".sql"), _rendered(texts[name])) for name in sorted(texts))


def _rendered(script: str) -> str:
    for word, text in SHARED.items():
        script = script.replace(word, in_routine(text))
    return script
