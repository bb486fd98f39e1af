"""Who may keep an answer, and in which encoding it comes."""

import gzip

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.http.caller import Caller
from schema.http.encoding import takes_gzip
from tests.schema.http.test_door import GRAPHQL, client_of
from tests.schema.http.toy import Toy, toy

LONG = '{ echo(text: "' + "salom " * 300 + '") }'


async def get(served: Toy, query: str, **headers: str) -> httpx2.Response:
    async with client_of(served) as client:
        client.headers.clear()
        return await client.get("/graphql", params={"query": query}, headers={"accept": GRAPHQL, **headers})


async def test_public_data_by_get_may_be_kept_by_everybody() -> None:
    answer = await get(toy(), "{ hello ...Items __typename } fragment Items on Query { items { edges { cursor } } }")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=60"
    for name in ("Accept", "Accept-Language", "Accept-Encoding", "Authorization"):
        assert name in answer.headers["vary"]


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*", '"other",W/{}'])
async def test_who_has_it_already_is_told_so(known: str) -> None:
    served = toy()
    first = await get(served, "{ hello }")
    opaque = first.headers["etag"].removeprefix("W/")
    again = await get(served, "{ hello }", **{"if-none-match": known.replace("{}", opaque)})

    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]


async def test_who_has_something_else_gets_it() -> None:
    served = toy()
    other = (await get(served, '{ echo(text: "x") }')).headers["etag"]

    assert (await get(served, "{ hello }", **{"if-none-match": other})).json()["data"] == {"hello": "world"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        pytest.param("{ caller }", {}, id="not public"),
        pytest.param("{ hello caller }", {}, id="not public beside public"),
        pytest.param("{ hello: caller }", {}, id="not public under a public name"),
        pytest.param("{ ...Mine } fragment Mine on Query { caller }", {}, id="not public in a fragment"),
        pytest.param("{ hello }", {"authorization": "Bearer ann"}, id="somebody"),
        pytest.param("{ hello }", {"x-api-key": "kbk_x"}, id="a partner"),
        pytest.param("{ hello nope }", {}, id="invalid"),
    ],
)
async def test_everything_else_is_kept_by_nobody(query: str, headers: dict[str, str]) -> None:
    answer = await get(toy(), query, **headers)

    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


async def test_what_was_posted_is_kept_by_nobody() -> None:
    async with client_of(toy()) as client:
        answer = await client.post("/graphql", json={"query": "{ hello }"})

    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity, gzip;q=0.5", False),
        ("br", False),
        ("gzip;q=x", False),
        ("gzip;q=2", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_long_answer_is_compressed_for_who_takes_it(accept_encoding: str, taken: bool, method: str) -> None:
    async with client_of(toy()) as client:
        params, json = ({"query": LONG}, None) if method == "GET" else (None, {"query": LONG})
        headers = {"accept-encoding": accept_encoding}
        answer = await client.request(method, "/graphql", params=params, json=json, headers=headers)

    assert (answer.headers.get("content-encoding") == "gzip") is taken
    assert "Accept-Encoding" in answer.headers["vary"]
    assert len(answer.json()["data"]["echo"]) == 1_800


async def test_an_etag_is_the_same_in_each_encoding() -> None:
    served = toy()
    plain, zipped = await get(served, LONG), await get(served, LONG, **{"accept-encoding": "gzip"})

    assert plain.headers["etag"] == zipped.headers["etag"]
    assert int(zipped.headers["content-length"]) < len(plain.content)


async def test_a_short_answer_is_not_compressed() -> None:
    async with client_of(toy()) as client:
        answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in answer.headers


def test_what_is_compressed_is_whole() -> None:
    from schema.http.encoding import gzip as quick
    from schema.http.encoding import gzip_public

    body = LONG.encode() * 500

    assert gzip.decompress(quick(body)) == gzip.decompress(gzip_public(body)) == body
    assert gzip.decompress(gzip_public(body[:2_000])) == body[:2_000]


@given(st.binary())
def test_no_header_of_encodings_is_too_strange(header: bytes) -> None:
    assert takes_gzip(header) in (True, False)


def test_headers_are_found_by_any_case_and_together() -> None:
    scope = {"headers": [(b"accept", b"a"), (b"x-one", b"1"), (b"accept", b"b")], "client": ("127.0.0.1", 5)}
    caller = Caller(scope, {b"authorization": b"Bearer x"})

    assert caller.headers["Accept"] == "a, b"
    assert [caller.headers.get(name, "-") for name in ("X-ONE", "x-two", "é€")] == ["1", "-", "-"]
    assert dict(caller.headers) == {"accept": "a, b", "x-one": "1", "authorization": "Bearer x"}
    assert (caller.client and caller.client.host, len(caller.headers)) == ("127.0.0.1", 3)
