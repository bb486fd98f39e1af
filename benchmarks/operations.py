"""The operations under measurement: files that anyone can send to any server, and the requests made of them."""

import secrets
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.data import Caller, People
from benchmarks.load import request

FOLDER: Final = Path(__file__).parent / "operations"
SCREENS: Final = ("home", "catalogue", "statement", "subscriptions", "transfer")


def body(screen: str, **facts: str) -> bytes:
    """The request's JSON; `{{name}}` in the variables' file stands for the fact of that name."""
    variables = (FOLDER / f"{screen}.json").read_text()
    for name, value in facts.items():
        variables = variables.replace("{{" + name + "}}", value)
    query = (FOLDER / f"{screen}.graphql").read_text()
    return orjson.dumps({"query": query, "variables": orjson.loads(variables)})


def messages(screen: str, path: str, people: People) -> Iterator[bytes]:
    """Requests without end: each caller in turn, each transfer with a key of its own."""
    if screen == "transfer":
        return _transfers(path, people.holders)
    if screen == "catalogue":
        return cycle([request(path, body(screen))])
    callers = people.readers if screen == "home" else people.holders
    same = body(screen)
    return cycle([request(path, same, caller.token) for caller in callers])


def _transfers(path: str, holders: list[Caller]) -> Iterator[bytes]:
    """From each to the seventh part of the way round: nobody sends to himself, and two rarely meet at one wallet."""
    run, size = secrets.token_hex(4), len(holders)
    # Made once and filled in, to spare the load's core; a key is always as long as what it stands for.
    patterns = [
        request(path, body("transfer", recipient=holders[(n + size // 7 + 1) % size].number, key="{{" * 8), payer.token)
        for n, payer in enumerate(holders)
    ]
    for n in count():
        yield patterns[n % size].replace(b"{{" * 8, f"{run}{n:08d}".encode())


def is_good(status: int, answer: bytes) -> bool:
    """Whether the answer has data and no errors; a problem in a union has a message, which no operation's data has."""
    return status == 200 and b'"errors"' not in answer and b'"message"' not in answer


def data_of(screen: str, answer: bytes) -> Any:
    """What must be the same from every server: the data. Of a transfer, what no other transfer has is left out."""
    read = orjson.loads(answer)
    if "errors" in read:
        raise ValueError(f"{screen}: {read['errors']}"[:600])
    data = read["data"]
    if screen == "transfer":
        del data["transfer"]["id"], data["transfer"]["wallet"]["balance"]
    return data
