import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.http.accept import choose, wish

JSON, GRAPHQL, EVENTS = "application/json", "application/graphql-response+json", "text/event-stream"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{GRAPHQL}, */*", GRAPHQL),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON}; charset=UTF-8", JSON),
        (f"{JSON}; charset=latin1", None),
        (f"{EVENTS}, */*;q=0.1", EVENTS),
        ("text/*", EVENTS),
        (f"{JSON};q=2", None),
        (f"{JSON};q=x, {EVENTS};q=0.1", EVENTS),
        ("image/png", None),
        (";;,,=", None),
    ],
)
def test_the_type_that_is_wanted_most_is_chosen(accept: str, chosen: str | None) -> None:
    assert choose(accept, [JSON, GRAPHQL, EVENTS]) == chosen


def test_among_equals_the_first_offer_wins() -> None:
    assert choose(f"{JSON}, {GRAPHQL}", [GRAPHQL, JSON]) == GRAPHQL


def test_only_a_type_by_its_full_name_is_named() -> None:
    assert wish(JSON, JSON).named
    assert not wish("application/*", JSON).named


@given(st.text())
def test_no_header_is_too_strange(accept: str) -> None:
    assert choose(accept, [JSON, GRAPHQL]) in {JSON, GRAPHQL, None}
