"""The door before those who wrote the specifications: graphql-http's audits, the clients of graphql-ws and graphql-sse.

The packages come from npm at the first run; where there is no Node these tests are skipped.
"""

from tests.schema.http.npm_programs import run_program

AUDITS = 61
COUNTED = [{"count": "0"}, {"count": "1"}, {"count": "2"}]


def test_every_audit_of_graphql_over_http_passes(toy_server: str) -> None:
    found = run_program("audits.mjs", f"http://{toy_server}/graphql")

    assert len(found) == AUDITS
    assert [audit for audit in found if audit["status"] != "ok"] == []


def test_the_client_of_graphql_ws_is_served(toy_server: str) -> None:
    told = run_program("socket.mjs", f"ws://{toy_server}/graphql")

    assert told == {
        "query": [{"caller": "ann"}],
        "mutation": [{"poke": True}],
        "subscription": COUNTED,
        "other": COUNTED[:2],
        "refused": ["BAD_REQUEST"],
        "first": {"count": "0"},
        "after": [{"hello": "world"}],
        "pong": True,
        "closed": [1000],
    }


def test_the_client_of_graphql_sse_is_served(toy_server: str) -> None:
    told = run_program("events.mjs", f"http://{toy_server}/graphql")

    assert told == {
        "query": [{"caller": "ann"}],
        "mutation": [{"poke": True}],
        "subscription": COUNTED,
        "refused": ["BAD_REQUEST"],
        "first": {"count": "0"},
        "turnedAway": 401,
    }
