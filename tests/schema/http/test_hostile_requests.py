"""Whatever is sent, the answer is a clear refusal, and nothing ran."""

import json
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.schema.http.toy import Toy, toy

HEADERS = {"content-type": "application/json", "accept": "application/graphql-response+json"}


async def post(served: Toy, body: bytes, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=served.app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://toy") as client:
        return await client.post("/graphql", content=body, headers={**HEADERS, **headers})


def asking(**parameters: object) -> bytes:
    return json.dumps({"query": "mutation ($t: String) { poke }", **parameters}).encode()


BODIES = {
    "nothing": b"",
    "spaces": b"   ",
    "null": b"null",
    "number": b"1",
    "text": b'"{ hello }"',
    "batch": b'[{"query":"mutation { poke }"}]',
    "empty batch": b"[]",
    "no query": b"{}",
    "cut off": b'{"query": "mutation { poke',
    "two": b'{"query": "mutation { poke }"}{"query": "mutation { poke }"}',
    "invalid UTF-8": b'{"query": "mutation { poke } # \xff"}',
    "UTF-8 surrogate": b'{"query": "mutation { poke } # \xed\xa0\x80"}',
    "UTF-16": '{"query": "mutation { poke }"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + asking(),
    "long integer": b'{"query": "mutation { poke }", "variables": {"n": ' + b"9" * 6_000 + b"}}",
    "long integer in the document": asking(query="{ echo(number: " + "9" * 6_000 + ") }"),
    "infinite": b'{"query": "mutation { poke }", "variables": {"n": 1e999}}',
    "NaN": b'{"query": "mutation { poke }", "variables": {"n": NaN}}',
    "Infinity": b'{"query": "mutation { poke }", "variables": {"n": -Infinity}}',
    "deep list": b'{"query": "mutation { poke }", "variables": {"n": ' + b"[" * 40_000,
    "deep list, closed": b'{"query": "mutation { poke }", "variables": {"n": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
    "deep object": b'{"query": "mutation { poke }", "variables": ' + b'{"n":' * 15_000 + b"1" + b"}" * 15_001,
    "deep input": asking(
        query="query ($d: Deep) { deep(deep: $d) }",
        variables={"d": json.loads('{"inner":' * 400 + "null" + "}" * 400)},
    ),
    "half character in query": b'{"query": "mutation { poke } # \\ud800"}',
    "half character in operationName": b'{"query": "mutation { poke }", "operationName": "\\udfff"}',
    "half character in variables": b'{"query": "mutation { poke }", "variables": {"t": "\\ud800"}}',
    "half character in a key": b'{"query": "mutation { poke }", "variables": {"\\ud800": 1}}',
    "half character in a text of the document": asking(query='{ echo(text: "\\ud800") }'),
    "NUL in query": asking(query="mutation { poke } # \0"),
    "NUL in a text of the document": asking(query='{ echo(text: "a\\u0000b") }'),
    "NUL in another text of the document": asking(query='{ echo(text: "a\\u{0}b") }'),
    "NUL in operationName": asking(operationName="a\0"),
    "NUL in variables": asking(variables={"t": "a\0b"}),
    "NUL in a key": asking(variables={"\0": 1}),
    "NUL byte": b'{"query": "mutation { poke }\x00"}',
    "query of another type": asking(query=5),
    "empty query": asking(query="  "),
    "operationName of another type": asking(operationName=5),
    "variables of another type": asking(variables=[]),
    "variables as text": asking(variables="{}"),
    "extensions of another type": asking(extensions=[]),
    "unknown operation": asking(operationName="Nope"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_no_request_is_refused_in_few_words_and_runs_nothing(body: bytes) -> None:
    served = toy()
    answer = await post(served, body)
    assert answer.status_code == 400
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}
    assert len(answer.content) < 4_000
    assert served.record.mutations == 0


async def test_a_key_that_comes_twice_counts_the_last_time() -> None:
    answer = await post(toy(), b'{"query": "{ nope }", "query": "{ hello }"}')
    assert answer.json()["data"] == {"hello": "world"}


async def test_what_looks_like_a_hostile_text_and_is_none_passes() -> None:
    text = "\\u0000 \\ud800 NaN 🏃 ʻ"
    answer = await post(toy(), asking(query="query ($t: String!) { echo(text: $t) }", variables={"t": text}))
    assert answer.json()["data"] == {"echo": text}


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "x"])
async def test_an_encoded_body_is_not_unpacked(encoding: str) -> None:
    served = toy()
    answer = await post(served, asking(), **{"content-encoding": encoding})
    assert answer.status_code == 415
    assert served.record.mutations == 0


@pytest.mark.parametrize("length", ["101", "9" * 30, "9" * 6_000, "-1", "x", "²"])
async def test_a_length_that_is_too_much_is_refused_before_the_body(length: str) -> None:
    served = toy(body_bytes=100)
    received: list[object] = []

    async def receive() -> dict[str, Any]:
        received.append(None)
        return {"type": "http.request", "body": asking()}

    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode("latin-1"))]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/graphql", "query_string": b""}
    await served.app({**scope, "headers": headers}, receive, send)
    assert sent[0]["status"] == 413
    assert received == []
    assert served.record.mutations == 0


async def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    served = toy(body_bytes=1_000)
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1_000):
            read += 100
            yield b" " * 100

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=served.app), base_url="http://toy") as client:
        answer = await client.post("/graphql", content=chunks(), headers=HEADERS)
    assert answer.status_code == 413
    assert read < 2_000


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "query=%ff",
        "query=%ed%a0%80",
        "query={hello}%00",
        "query={hello}&variables=[]",
        "query={hello}&variables={",
        "query={hello}&variables=NaN",
        "query={hello}&extensions=1",
        "query={hello}&operationName=%00",
        "query={hello}" + "&a=1" * 100,
        "variables={}",
    ],
)
async def test_a_query_string_that_is_no_request_is_refused(query_string: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=toy().app), base_url="http://toy") as client:
        answer = await client.get(f"/graphql?{query_string}", headers={"accept": HEADERS["accept"]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_an_endless_query_string_is_refused() -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=toy(body_bytes=100).app), base_url="http://toy"
    ) as client:
        answer = await client.get("/graphql?query=" + "x" * 200)
    assert answer.status_code == 414


SERVED = toy()


@given(st.binary(max_size=400))
async def test_no_bytes_make_the_server_fail(body: bytes) -> None:
    assert (await post(SERVED, body)).status_code == 400


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.just("{ hello }"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {
            "query": st.sampled_from(["{ hello }", "query A($t: String, $d: Deep) { echo(text: $t) deep(deep: $d) }"])
            | VALUES
        },
        optional={
            "variables": st.dictionaries(st.sampled_from(["t", "d", "x"]), VALUES) | VALUES,
            "operationName": VALUES,
            "extensions": VALUES,
        },
    )
)
async def test_no_request_makes_the_server_fail(parameters: dict[str, object]) -> None:
    body = json.dumps(parameters).encode()
    answer = await post(SERVED, body)
    assert answer.status_code in (200, 400)
    assert orjson.loads(answer.content)


@given(st.text(alphabet='{}()[]:$!@=|&"\\#.\n ,helo1-_é\0', max_size=80))
async def test_no_document_makes_the_server_fail(document: str) -> None:
    answer = await post(SERVED, json.dumps({"query": document}).encode())
    assert answer.status_code in (200, 400)
    assert all(error["extensions"]["code"] != "INTERNAL" for error in answer.json().get("errors", ()))
