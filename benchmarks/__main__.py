"""`make bench`: Kabinet beside what it is compared with, in one run on this machine; see docs/adr/0012."""

import argparse

import uvloop

from benchmarks.scenario import Scenario, long_run, short_run


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a short round that fails when a ratio has fallen far")
    parser.add_argument("--peers", action="store_true", help="with servers of other languages, where they can run")
    parser.add_argument("--no-growth", action="store_true", help="leave out 10,000 and 1,000,000 subscribers")
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    if options.short:
        uvloop.run(short_run())
        return
    scenario = Scenario(
        subscribers=options.subscribers,
        seconds=options.seconds,
        rounds=options.rounds,
        connections=options.connections,
        peers=options.peers,
        growth=not options.no_growth,
    )
    uvloop.run(long_run(scenario))


if __name__ == "__main__":
    main()
