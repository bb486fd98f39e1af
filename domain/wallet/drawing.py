"""The wallet's life as a page for people: a state diagram and its tables, drawn from `life.STEPS` and nothing else."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from domain.wallet.life import FROZEN, STEPS, Cause, ClosedBecause, Step, Way
from domain.wallet.model import WalletStatus

_NOWHERE: Final = "[*]"
_HEAD: Final = """# A wallet's life

Drawn by `kabinet wallet draw` from the table of steps in `domain/wallet/life.py`: change that, draw again.
Why it is so: [decision 15](adr/0015-the-wallets-life.md).

A wallet is active, blocked or closed. What blocks it are causes, and several can be open at once: it is blocked as long
as any is. Money moves only while it is active. Closed is for good.
"""
_AFTER_CLOSING: Final = {
    ClosedBecause.GIVEN_UP: f"a new wallet can be opened; the rest is paid out on request for {FROZEN.years} years",
    ClosedBecause.DORMANT: "none: the balance is the operator's income",
    ClosedBecause.UNCLAIMED: "none: the balance is the operator's income",
}


def drawn() -> str:
    """The whole page, docs/wallet-life.md."""
    parts = (_HEAD, "## The states\n", _diagram(), "## The steps\n", _steps(), "## What blocks a wallet\n", _causes())
    return "\n".join(parts)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("pin", "PIN")


def _arrows() -> Iterator[tuple[str, str, Step]]:
    """(from, to, step) of each way that there is."""
    for step, way in STEPS.items():
        if not way.starts:
            yield _NOWHERE, WalletStatus.ACTIVE, step
        for start in sorted(way.starts):
            for end in _ends(start, way):
                yield start, end, step


def _ends(start: WalletStatus, way: Way) -> tuple[WalletStatus, ...]:
    """Where the step leads: who lifts one cause does not know whether another is open."""
    if way.closes is not None:
        return (WalletStatus.CLOSED,)
    if way.blocks is not None:
        return (WalletStatus.BLOCKED,)
    return (WalletStatus.ACTIVE, WalletStatus.BLOCKED) if way.lifts is not None else (start,)


def _diagram() -> str:
    arrows = sorted(_arrows(), key=lambda arrow: arrow[:2])
    lines = [
        f"    {start} --> {end}: {', '.join(_words(step) for *_, step in group)}"
        for (start, end), group in groupby(arrows, key=lambda arrow: arrow[:2])
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    ruled = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in ruled)


def _steps() -> str:
    head = ("step", "from", "to", "who", "only if", "rule", "way back")
    return _table(head, [_row(step, way) for step, way in STEPS.items()])


def _row(step: Step, way: Way) -> tuple[str, ...]:
    ends = dict.fromkeys(end for _, end, one in _arrows() if one is step)
    return (
        _words(step),
        " or ".join(sorted(way.starts)) or "—",
        _closed(way) if way.closes else " or ".join(ends),
        way.who,
        _condition(way),
        way.rule,
        _way_back(way),
    )


def _closed(way: Way) -> str:
    return f"closed, {_words(str(way.closes))}"


def _condition(way: Way) -> str:
    told = [f"{_words(cause)} is open" for cause in sorted(way.needs)]
    told += [f"{_words(cause)} is not open" for cause in sorted(way.unless)]
    told += [f"it was {_words(way.rest_of)}"] if way.rest_of else []
    return ", ".join(told) or "—"


def _way_back(way: Way) -> str:
    if way.closes is not None:
        return _AFTER_CLOSING[way.closes]
    if way.blocks is not None:
        return ", ".join(_words(step) for step, back in STEPS.items() if back.lifts is way.blocks)
    return "—"


def _causes() -> str:
    """Each cause with who opens it, who lifts it, and what comes of it when nobody does."""
    rows = []
    for cause in Cause:
        opened = next(way for way in STEPS.values() if way.blocks is cause)
        lifted = next(way for way in STEPS.values() if way.lifts is cause)
        ended = [way for way in STEPS.values() if way.closes and cause in way.needs]
        kept = "stays until lifted" if not ended else f"after {FROZEN.years} years: {_closed(ended[0])}"
        rows.append((_words(cause), f"{opened.who}, {opened.rule}", f"{lifted.who}, {lifted.rule}", kept))
    return _table(("cause", "comes by", "lifted by", "unless lifted"), rows)
