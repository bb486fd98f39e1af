"""GraphQL over HTTP as clients use it."""

from typing import Any

import httpx2
import pytest

from tests.schema.http.toy import CUSTOMER, Toy, toy

JSON, GRAPHQL = "application/json", "application/graphql-response+json"


def client_of(served: Toy) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=served.app), base_url="http://toy")


async def ask(served: Toy, query: str, *, accept: str = GRAPHQL, caller: str = "", **variables: Any) -> httpx2.Response:
    async with client_of(served) as client:
        headers = {"accept": accept, "authorization": f"Bearer {caller}"}
        return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def test_a_query_is_answered_with_its_cost() -> None:
    answer = await ask(
        toy(), "query ($n: Int) { hello caller items(first: $n) { edges { cursor } } }", caller="ann", n=2
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert answer.json() == {
        "data": {"hello": "world", "caller": "ann", "items": {"edges": [{"cursor": "0"}, {"cursor": "1"}]}},
        "extensions": {"cost": {"requested": 6, "limit": 20_000}},
    }


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{", {}),
        ("{ nope }", {}),
        ("query ($n: Int!) { echo(number: $n) }", {}),
        ("query ($n: Int!) { echo(number: $n) }", {"n": "ten"}),
        ("query ($n: Int!) { echo(number: $n) }", {"n": 2**31}),
        ("query A { hello } query B { hello }", {}),
        ("fragment A on Query { hello }", {}),
        ("subscription { count }", {}),
        ("type Query { a: Int }", {}),
    ],
)
async def test_the_media_type_says_what_a_faulty_document_does_to_the_status(
    query: str, variables: dict[str, Any], accept: str, status: int
) -> None:
    answer = await ask(toy(), query, accept=accept, **variables)
    assert answer.status_code == status
    assert "data" not in answer.json()
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}


async def test_what_costs_too_much_is_refused_before_anything_runs() -> None:
    served = toy(cost=10)
    answer = await ask(served, "mutation { poke a: poke b: poke c: poke d: poke e: poke }" + " " * 5)
    refused = await ask(served, "{ items { edges { cursor } } }")
    assert answer.json()["data"]["poke"] is True
    assert refused.status_code == 400
    assert refused.json() == {
        "errors": [
            {
                "message": "This operation asks for too much: cost 22, at most 10.",
                "extensions": {"code": "TOO_COMPLEX", "limit": "cost", "requested": 22, "most": 10},
            }
        ],
        "extensions": {"cost": {"requested": 22, "limit": 10}},
    }


async def test_get_runs_queries_and_never_a_mutation() -> None:
    served = toy()
    async with client_of(served) as client:
        query = {"query": "query A($t: String!) { echo(text: $t) }", "variables": '{"t": "ʻ"}', "operationName": "A"}
        read = await client.get("/graphql", params=query)
        for accept in (JSON, GRAPHQL, "text/event-stream"):
            params = {"query": "query Q { hello } mutation M { poke }", "operationName": "M"}
            written = await client.get("/graphql", params=params, headers={"accept": accept})
            assert (written.status_code, written.headers["allow"]) == (405, "POST")
    assert read.json()["data"] == {"echo": "ʻ"}
    assert served.record.mutations == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_told_which_there_are(method: str) -> None:
    async with client_of(toy()) as client:
        answer = await client.request(method, "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_type_that_we_cannot_give_is_not_acceptable() -> None:
    served = toy()
    answer = await ask(served, "mutation { poke }", accept="image/png")
    assert answer.status_code == 406
    assert served.record.mutations == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin1",
        "application/graphql",
        "",
    ],
)
async def test_what_a_form_could_send_runs_nothing(content_type: str) -> None:
    served = toy()
    async with client_of(served) as client:
        headers = {"content-type": content_type} if content_type else {}
        answer = await client.post("/graphql", content=b'{"query": "mutation { poke }"}', headers=headers)
    assert answer.status_code == 415
    assert served.record.mutations == 0


@pytest.mark.parametrize(
    ("caller", "status", "code", "header"),
    [
        ("wrong", 401, "UNAUTHENTICATED", ("www-authenticate", "Bearer")),
        ("eager", 429, "RATE_LIMITED", ("retry-after", "7")),
        ("broken", 500, "INTERNAL", ("cache-control", "no-store")),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL, "text/event-stream"])
async def test_a_context_that_refuses_decides_the_status(
    caller: str, status: int, code: str, header: tuple[str, str], accept: str
) -> None:
    served = toy()
    answer = await ask(served, "mutation { poke }", caller=caller, accept=accept)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert answer.headers[header[0]] == header[1]
    assert CUSTOMER not in answer.text
    assert served.record.mutations == 0


async def test_a_subscription_is_streamed_to_who_also_takes_events() -> None:
    answer = await ask(toy(), "subscription { count(to: 1) }", accept=f"{GRAPHQL}, text/event-stream;q=0.5")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert '{"count":"0"}' in answer.text
