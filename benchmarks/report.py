"""What is written of a run: benchmarks/results.md and its chart."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.chart import draw
from benchmarks.operations import SCREENS
from benchmarks.peers import MERCURIUS
from benchmarks.rounds import CACHED, HAND, OURS, READING, READY, USUAL, Results, ratio
from benchmarks.sqlite_money import Money

FOLDER: Final = Path(__file__).parent
MOST_MEMORY_MB: Final = 150


@dataclass(frozen=True, slots=True)
class Report:
    """A run's figures. `latencies`: the home screen's p50 in ms by number of subscribers, ours and by hand.

    `memory`: MB resident before and after the rounds, by server.
    """

    subscribers: int
    connections: int
    rounds: int
    seconds: float
    results: Results
    latencies: dict[int, tuple[float, float]]
    memory: dict[str, tuple[float, float]]
    money: Money
    pgbench: Money

    @property
    def servers(self) -> list[str]:
        return list(self.memory)


def write_report(report: Report) -> None:
    """Writes results.md and results.svg beside this file, and shows the text."""
    text = "\n".join([*_head(report), *_aims(report), *_table(report), *_growth(report), *_memory(report)]) + "\n"
    (FOLDER / "results.md").write_text(text)
    (FOLDER / "results.svg").write_text(draw(report.results, report.servers))
    print(text)


def _head(report: Report) -> Iterator[str]:
    yield "# Measured"
    yield ""
    yield f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, PostgreSQL, {report.subscribers:,}"
    yield f"subscribers; each server one process on one core, {report.connections} connections, {report.rounds} rounds"
    yield f"of {report.seconds:g} s in turn; the database and the load share the other core. What counts is the ratio:"
    yield "how many requests a server answers with the processor time that the hand-written handler takes for one, in"
    yield "the same run. `make bench` writes this page anew; [decision 12](../docs/adr/0012-how-speed-is-measured.md)"
    yield "says how to read it."
    yield ""
    yield "![Requests for the processor time of one by hand](results.svg)"
    yield ""


def _aims(report: Report) -> Iterator[str]:
    results = report.results
    yield "## Aims"
    yield ""
    yield "| aim | at least | measured | |"
    yield "|---|---:|---:|---|"
    aims = [
        ("home screen, beside the hand-written handler", 1.0, ratio(results, "home", OURS)),
        ("statement, beside the hand-written handler", 1.0, ratio(results, "statement", OURS)),
        *(
            (f"{screen}, beside {name}", 1.0, ratio(results, screen, OURS, name))
            for screen in ("home", "statement")
            for name in (READING, USUAL)
        ),
        ("catalogue, beside a ready object written by orjson", 0.5, ratio(results, "catalogue", OURS, READY)),
        ("transfer, beside the hand-written handler", 0.8, ratio(results, "transfer", OURS)),
        ("home screen, beside Strawberry with caches", 12.0, ratio(results, "home", OURS, CACHED)),
        ("catalogue, beside Strawberry with caches", 30.0, ratio(results, "catalogue", OURS, CACHED)),
        ("transfers on PostgreSQL, beside `pgbench` with the same statement", 0.5, report.pgbench.ratio),
        ("transfers on SQLite, beside `sqlite3` itself", 0.5, report.money.ratio),
        *((f"{screen}, beside {MERCURIUS}", 1.0, ratio(results, screen, OURS, MERCURIUS)) for screen in SCREENS),
    ]
    for what, least, found in aims:
        if found is not None:
            yield f"| {what} | {least:g} | {found:.2f} | {'met' if round(found, 2) >= least else 'missed'} |"
    yield from _ceilings(report)
    yield ""


def _ceilings(report: Report) -> Iterator[str]:
    if len(report.latencies) > 1:
        few, many = min(report.latencies), max(report.latencies)
        growth = report.latencies[many][0] / report.latencies[few][0]
        verdict = "met" if growth <= 1.2 else "missed"
        what = f"home screen's latency at {many:,} subscribers over that at {few:,}"
        yield f"| {what} | at most 1.2 | {growth:.2f} | {verdict} |"
    size = report.memory[OURS][1]
    verdict = "met" if size <= MOST_MEMORY_MB else "missed"
    yield f"| memory of a server process, MB | at most {MOST_MEMORY_MB} | {size:.0f} | {verdict} |"


def _table(report: Report) -> Iterator[str]:
    yield "## All of it"
    yield ""
    yield "| screen | server | requests/s | p50 ms | p99 ms | CPU µs/request | ratio by CPU |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for screen in SCREENS:
        for name in report.servers:
            one = report.results.get((screen, name))
            if one:
                yield (
                    f"| {screen} | {name} | {one.per_second:,.0f} | {one.percentile_ms(0.5):.1f} | "
                    f"{one.percentile_ms(0.99):.1f} | {one.cost_us:,.0f} | {ratio(report.results, screen, name):.2f} |"
                )
    yield ""
    yield f"Transfers on PostgreSQL, a second: {report.pgbench.ours:,.0f} by the use case with 16 clients, "
    yield f"{report.pgbench.raw:,.0f} by `pgbench` with as many and the same statement."
    yield ""
    yield f"Transfers on SQLite, a second: {report.money.ours:,.0f} by the use case with 16 senders, "
    yield f"{report.money.raw:,.0f} by the same statements on `sqlite3` itself, a commit each."
    yield ""


def _growth(report: Report) -> Iterator[str]:
    if not report.latencies:
        return
    yield "## Growth"
    yield ""
    yield "The home screen's p50 in ms, one request at a time, callers spread over all subscribers."
    yield ""
    yield f"| subscribers | {OURS} | {HAND} |"
    yield "|---:|---:|---:|"
    for count, (ours, hand) in sorted(report.latencies.items()):
        yield f"| {count:,} | {ours:.2f} | {hand:.2f} |"
    yield ""


def _memory(report: Report) -> Iterator[str]:
    yield "## Memory"
    yield ""
    yield "Resident MB of the process that serves, before and after the rounds."
    yield ""
    yield "| server | before | after |"
    yield "|---|---:|---:|"
    for name, (before, after) in report.memory.items():
        yield f"| {name} | {before:.0f} | {after:.0f} |"
