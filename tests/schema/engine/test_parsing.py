"""Reading documents: what is given, and that nothing of it stays behind."""

import contextlib
import gc
from collections.abc import Iterator

import pytest
from graphql import GraphQLError

from schema.engine.parsing import parsed


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _read(text: str) -> None:
    with contextlib.suppress(GraphQLError):
        parsed(text, tokens_most=1_000)


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize(
    "text",
    ["{ viewer { language } } # a comment", '{ offer(code: "\\u0000") { id } }', "{ viewer { language", "{ a } }"],
    ids=["good", "with NUL", "cut off", "too long"],
)
def test_a_document_leaves_no_garbage_behind(text: str) -> None:
    _read(text)  # what is made once is made
    gc.collect()

    for _ in range(20):
        _read(text)

    assert gc.collect() < 20, "each text left something that only the collector finds"


def test_a_document_knows_where_its_fields_stand() -> None:
    document = parsed("{\n  viewer { language }\n}", tokens_most=100)

    field = document.definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    assert (field.loc.start, field.loc.start_token.line) == (4, 2)
