"""Documents by name: what is kept, what is found, and what runs where only trusted ones may."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from schema.engine.documents import Documents
from schema.engine.limits import Limits
from schema.http.persisted import BadDocument, trusted_documents
from tests.schema.http.test_door import GRAPHQL, JSON, client_of
from tests.schema.http.toy import Toy, toy, toy_schema

HELLO = "{ hello }"
POKE = "mutation Poke { poke }"


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def persisted(text: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}


async def post(served: Toy, accept: str = GRAPHQL, **parameters: Any) -> httpx2.Response:
    async with client_of(served) as client:
        return await client.post("/graphql", json=parameters, headers={"accept": accept})


async def get(served: Toy, **parameters: Any) -> httpx2.Response:
    async with client_of(served) as client:
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
        return await client.get("/graphql", params=texts, headers={"accept": GRAPHQL})


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200), ("text/event-stream", 400)])
async def test_a_document_that_is_not_here_must_be_sent(accept: str, status: int) -> None:
    answer = await post(toy(), accept, **persisted(HELLO))

    assert answer.status_code == status
    assert answer.json() == {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "NOT_FOUND"}}]}


async def test_a_document_that_was_sent_with_its_hash_runs_by_its_hash() -> None:
    served = toy()
    first = await post(served, query=HELLO, **persisted(HELLO))
    by_post, by_get = await post(served, **persisted(HELLO)), await get(served, **persisted(HELLO))
    by_id = await get(served, documentId=f"sha256:{hash_of(HELLO)}")

    assert [a.json()["data"] for a in (first, by_post, by_get, by_id)] == [{"hello": "world"}] * 4


async def test_a_hash_of_something_else_is_refused_and_keeps_nothing() -> None:
    served = toy()
    lie = await post(served, query=POKE, **persisted(HELLO))
    after = await post(served, **persisted(HELLO))

    assert (lie.status_code, lie.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert after.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert served.record.mutations == 0


async def test_an_invalid_document_is_not_kept() -> None:
    served = toy()
    await post(served, query="{ nope }", **persisted("{ nope }"))

    assert (await post(served, **persisted("{ nope }"))).json()["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_when_there_is_no_room_the_oldest_goes() -> None:
    served = toy(automatic_tokens=20)
    for text in (HELLO, "{ caller }", "{ me { hello } }"):
        await post(served, query=text, **persisted(text))

    assert (await post(served, **persisted(HELLO))).status_code == 400
    assert (await post(served, **persisted("{ me { hello } }"))).status_code == 200


async def test_a_mutation_by_its_hash_does_not_run_by_get() -> None:
    served = toy()
    await post(served, query=POKE, **persisted(POKE))
    answer = await get(served, **persisted(POKE))

    assert answer.status_code == 405
    assert served.record.mutations == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"extensions": {"persistedQuery": 5}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": hash_of(HELLO)}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x" * 64}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 5}}},
        {"documentId": 5},
        {"documentId": ""},
        {"documentId": "x" * 1_000},
        {"documentId": "hello", "query": HELLO},
        {"documentId": "hello", **persisted(HELLO)},
    ],
)
async def test_a_name_that_is_none_is_refused(parameters: dict[str, Any]) -> None:
    served = toy(trusted={"hello": HELLO})

    assert (await post(served, **parameters)).status_code == 400
    assert served.record.contexts == 0


async def test_a_trusted_document_runs_by_its_name_and_by_its_hash() -> None:
    served = toy(trusted={"hello": HELLO})
    by_name, by_hash = await get(served, documentId="hello"), await post(served, documentId=hash_of(HELLO))

    assert by_name.json() == by_hash.json()
    assert by_name.json()["data"] == {"hello": "world"}
    assert (await post(served, documentId="other")).status_code == 404


async def test_where_only_trusted_documents_may_run_nothing_else_does() -> None:
    served = toy(trusted={"hello": HELLO}, trusted_only=True)
    others = [{"query": POKE}, {"query": POKE, **persisted(POKE)}, persisted(POKE), {"documentId": "other"}]
    refused = [await post(served, accept, **other) for other in others for accept in (JSON, "text/event-stream")]
    allowed = [await post(served, query=HELLO), await post(served, documentId="hello")]

    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json()["errors"][0]["extensions"]["code"] for answer in refused} == {"FORBIDDEN"}
    assert {answer.status_code for answer in allowed} == {200}
    assert served.record.mutations == 0


def test_a_folder_gives_its_documents_by_name(tmp_path: Path) -> None:
    (tmp_path / "hello.graphql").write_text(HELLO)
    (tmp_path / "notes.txt").write_text("none")
    documents = Documents(toy_schema._schema, Limits())

    assert trusted_documents(tmp_path, documents) == {"hello": HELLO}


@pytest.mark.parametrize("content", [b"{ nope }", b"{", b"\xff"])
def test_a_document_that_cannot_run_is_told_by_its_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong.graphql").write_bytes(content)

    with pytest.raises(BadDocument, match=r"wrong\.graphql"):
        trusted_documents(tmp_path, Documents(toy_schema._schema, Limits()))
