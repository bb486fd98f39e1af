"""A run from beginning to end: the database, the servers, the rounds, what is written of it."""

import contextlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import data
from benchmarks.arena import Recipe, Server, granian, keep_off, started
from benchmarks.peers import peer_recipes
from benchmarks.pgbench import measure_pgbench
from benchmarks.report import Report, write_report
from benchmarks.rounds import (
    CACHED,
    HAND,
    OURS,
    PLAIN,
    READING,
    READY,
    STOCK,
    USUAL,
    Results,
    check_same,
    lengthen_histories,
    measure,
    ratio,
)
from benchmarks.sqlite_money import measure_sqlite
from tests.support.postgres import private_postgres

RECORDED: Final = Path(__file__).with_name("ratios.json")
GROWTH_FROM: Final = 10_000
GROWTH_TIMES: Final = 10
SHORT_SUBSCRIBERS: Final = 1_500
FALLEN_FAR: Final = 3  # times less than what is recorded


@dataclass(frozen=True, slots=True)
class Scenario:
    """How long a run is. `growth`: the home screen with a tenth and with ten times as many subscribers, too."""

    subscribers: int
    seconds: float
    rounds: int
    connections: int
    peers: bool
    growth: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A private database with the settings that all servers run under, and the core that they run on."""

    url: str
    environment: dict[str, str]
    secret: str
    core: int


_OURS: Final = (sys.executable, "-m", "server.cli", "serve", "--port", "{port}")
_HAND: Final = Recipe(HAND, granian("benchmarks.handwritten:app"), "/{screen}")
_READING: Final = Recipe(READING, granian("benchmarks.handwritten:app"), "/{screen}", {"TAKES_BODY": "on"})
_USUAL: Final = Recipe(USUAL, granian("benchmarks.handwritten:app"), "/{screen}", {"TAKES_BODY": "on", "RESETS": "on"})
_READY: Final = Recipe(READY, granian("benchmarks.handwritten:app"), "/ready")
_KABINET: Final = Recipe(OURS, _OURS, "/graphql")
_STOCK: Final = Recipe(STOCK, _OURS, "/graphql", {"KABINET_GRAPHQL_ENGINE": "stock"})
_PLAIN: Final = Recipe(PLAIN, granian("benchmarks.strawberry_plain:app"), "/graphql")
_CACHED: Final = Recipe(CACHED, granian("benchmarks.strawberry_plain:app"), "/graphql", {"CACHES": "on"})


@contextlib.contextmanager
def _place() -> Iterator[Place]:
    core = min(os.sched_getaffinity(0))
    secret = secrets.token_hex(32)
    with private_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        url = postgres.create_database("bench")
        environment = {
            **os.environ,
            "KABINET_DATABASE_URL": url,
            "KABINET_SECRET_KEY": secret,
            "KABINET_SMS_URL": f"file://{folder}/sms.jsonl",
            "KABINET_LOG_FORMAT": "json",
            "KABINET_LOG_REQUESTS": "notable",
        }
        yield Place(url, environment, secret, core)


@contextlib.contextmanager
def _servers(place: Place, recipes: Sequence[Recipe]) -> Iterator[list[Server]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(started(recipe, place.environment, place.core)) for recipe in recipes]


async def _load(place: Place, subscribers: int) -> None:
    print(f"loading {subscribers:,} subscribers", file=sys.stderr)
    data.load_subscribers(place.environment, subscribers)


async def short_run() -> None:
    """Ours and the hand-written one only. Raises SystemExit when a ratio is far below the recorded one."""
    recorded = json.loads(RECORDED.read_text())
    with _place() as place:
        await _load(place, SHORT_SUBSCRIBERS)
        await data.enlarge_catalogue(place.url)
        people = await data.sign_in(place.url, place.secret)
        await data.subscribe(place.url, people.holders)
        with _servers(place, [_HAND, _KABINET]) as servers:
            keep_off(place.core)
            await lengthen_histories(servers[0], people)
            await check_same(servers, people)
            results = await measure(servers, people, rounds=3, seconds=1.0, connections=8)
    fallen = []
    for screen, before in recorded.items():
        now = ratio(results, screen, OURS) or 0.0
        print(f"{screen}: {now:.2f} of the hand-written handler; recorded {before:.2f}")
        if now < before / FALLEN_FAR:
            fallen.append(screen)
    if fallen:
        raise SystemExit(f"Far slower than recorded: {', '.join(fallen)}. See benchmarks/results.md.")


async def long_run(scenario: Scenario) -> None:
    """Measures everything and writes benchmarks/results.md, its chart and the ratios that the short run looks at."""
    latencies: dict[int, tuple[float, float]] = {}
    with _place() as place:
        if scenario.growth and scenario.subscribers > GROWTH_FROM:
            await _load(place, GROWTH_FROM)
            await data.analyze(place.url)
            latencies[GROWTH_FROM] = await _home_latency(place)
        await _load(place, scenario.subscribers)
        await data.enlarge_catalogue(place.url)
        people = await data.sign_in(place.url, place.secret)
        await data.subscribe(place.url, people.holders)
        recipes = [
            _HAND,
            _READING,
            _USUAL,
            _READY,
            _PLAIN,
            _CACHED,
            _STOCK,
            _KABINET,
            *(peer_recipes() if scenario.peers else []),
        ]
        with _servers(place, recipes) as servers:
            keep_off(place.core)
            await lengthen_histories(servers[0], people)
            await check_same(servers, people)
            at_start = {server.name: server.memory_mb for server in servers}
            results = await measure(
                servers,
                people,
                rounds=scenario.rounds,
                seconds=scenario.seconds,
                connections=scenario.connections,
            )
            memory = {server.name: (at_start[server.name], server.memory_mb) for server in servers}
        if scenario.growth:
            latencies[scenario.subscribers] = await _home_latency(place)
            print(f"copying subscribers: {scenario.subscribers * GROWTH_TIMES:,}", file=sys.stderr)
            await data.multiply(place.url, GROWTH_TIMES)
            latencies[scenario.subscribers * GROWTH_TIMES] = await _home_latency(place)
    money, pgbench = await measure_sqlite(), await measure_pgbench()
    write_report(
        Report(
            scenario.subscribers,
            scenario.connections,
            scenario.rounds,
            scenario.seconds,
            results,
            latencies,
            memory,
            money,
            pgbench,
        )
    )
    _record(results)


async def _home_latency(place: Place) -> tuple[float, float]:
    """The home screen's p50 in ms, ours and by hand, one request at a time: no waiting in line."""
    people = await data.sign_in(place.url, place.secret)
    with _servers(place, [_HAND, _KABINET]) as servers:
        results = await measure(servers, people, screens=["home"], rounds=3, seconds=2.0, connections=1)
    return results["home", OURS].percentile_ms(0.5), results["home", HAND].percentile_ms(0.5)


def _record(results: Results) -> None:
    found = {screen: ratio(results, screen, OURS) for screen, name in results if name == OURS}
    RECORDED.write_text(json.dumps({screen: round(value or 0, 2) for screen, value in found.items()}, indent=2) + "\n")
