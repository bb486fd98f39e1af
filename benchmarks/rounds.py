"""Measuring: every server in turn, round after round, so that whatever else the machine does falls on all alike."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from benchmarks.arena import Server
from benchmarks.data import People
from benchmarks.load import Measured, ask, run
from benchmarks.operations import SCREENS, data_of, is_good, messages

HAND: Final = "hand-written"
READY: Final = "a ready object"
READING: Final = "hand-written, takes the body"
USUAL: Final = "hand-written, takes the body, asyncpg as it comes"
OURS: Final = "Kabinet"
STOCK: Final = "Kabinet, stock engine"
PLAIN: Final = "Strawberry"
CACHED: Final = "Strawberry with caches"
WARM_SECONDS: Final = 1.0


@dataclass(slots=True)
class Series:
    """All rounds of one screen on one server; `cpu_us`: what a request took of the processor, a figure a round."""

    rounds: list[Measured] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return sum(one.requests for one in self.rounds) / sum(one.seconds for one in self.rounds)

    @property
    def cost_us(self) -> float:
        """The median round's: one that a neighbour disturbed does not count."""
        return statistics.median(self.cpu_us)

    def percentile_ms(self, share: float) -> float:
        return statistics.median(one.percentile(share) for one in self.rounds) * 1_000


Results = dict[tuple[str, str], Series]


class Unequal(SystemExit):
    """Two servers answered the same operation with different data: there is nothing to compare."""


def path_of(server: Server, screen: str) -> str:
    return server.recipe.path.format(screen=screen)


def takes_part(server: Server, screen: str) -> bool:
    if server.name in (READING, USUAL):
        return screen in ("home", "statement", "subscriptions")
    return server.name != READY or screen == "catalogue"


async def check_same(servers: Sequence[Server], people: People) -> None:
    """Each operation's data from each server, for several callers. Raises Unequal."""
    for screen in SCREENS:
        takers = [server for server in servers if takes_part(server, screen)]
        asked = {server.name: messages(screen, path_of(server, screen), people) for server in takers}
        for _ in range(1 if screen in ("catalogue", "transfer") else 12):
            first: Any = None
            for server in takers:
                data = data_of(screen, await ask(server.port, next(asked[server.name])))
                first = first or data
                if data != first:
                    raise Unequal(
                        f"{screen}: {server.name} says\n{data!r:.1500}\nbut {takers[0].name}\n{first!r:.1500}"
                    )


async def lengthen_histories(server: Server, people: People) -> None:
    """Transfers among the holders until each has a page of entries."""
    asked = islice(messages("transfer", path_of(server, "transfer"), people), len(people.holders) * 7)
    measured = await run(server.port, asked, seconds=60, connections=8, is_good=is_good)
    if measured.failures:
        raise SystemExit(f"a transfer failed: {measured.first_failure!r}")


async def measure(
    servers: Sequence[Server],
    people: People,
    *,
    screens: Sequence[str] = SCREENS,
    rounds: int,
    seconds: float,
    connections: int,
) -> Results:
    """Raises SystemExit for an answer that is not a good one: a fast failure is no speed."""
    results: Results = {}
    for screen in screens:
        takers = [server for server in servers if takes_part(server, screen)]
        for server in takers:
            await _round(server, screen, people, WARM_SECONDS, connections)
        for number in range(rounds):
            # Every other round backwards: nobody is always the one after the most wasteful.
            for server in takers if number % 2 else reversed(takers):
                before = server.cpu_seconds
                one = await _round(server, screen, people, seconds, connections)
                series = results.setdefault((screen, server.name), Series())
                series.rounds.append(one)
                series.cpu_us.append((server.cpu_seconds - before) * 1e6 / one.requests)
            print(f"  {screen}: round {number + 1} of {rounds}", file=sys.stderr)
    return results


async def _round(server: Server, screen: str, people: People, seconds: float, connections: int) -> Measured:
    asked = messages(screen, path_of(server, screen), people)
    measured = await run(server.port, asked, seconds=seconds, connections=connections, is_good=is_good)
    if measured.failures:
        said = measured.first_failure.decode(errors="replace")
        raise SystemExit(f"{screen} by {server.name}: {measured.failures} of {measured.requests} failed: {said}")
    return measured


def ratio(results: Results, screen: str, name: str, to: str = HAND) -> float | None:
    """How many requests `name` answers with the processor time that `to` takes for one; None when not measured."""
    one, other = results.get((screen, name)), results.get((screen, to))
    return other.cost_us / one.cost_us if one and other else None
