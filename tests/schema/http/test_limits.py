"""What a document may ask for. The times of hostile ones are not asserted: a test that hangs has failed."""

from typing import Any

import pytest
from graphql import GraphQLError, get_introspection_query, parse
from graphql.language import Lexer, Source, TokenKind
from hypothesis import example, given
from hypothesis import strategies as st

from schema.engine.documents import Documents, Refused
from schema.engine.limits import Limits, check_shape, count_tokens
from tests.schema.http.toy import toy_schema


def documents(**limits: Any) -> Documents:
    return Documents(toy_schema._schema, Limits(**limits))


def refusal_of(text: str, **limits: Any) -> dict[str, Any]:
    with pytest.raises(Refused) as refused:
        documents(**limits).read(text)
    return dict(refused.value.errors[0].extensions or {})


def cost_of(text: str, variables: dict[str, Any] | None = None, **limits: Any) -> int:
    return documents(**limits).read(text).operation(None).cost.of(variables or {})


@pytest.mark.parametrize(
    ("text", "limit", "requested"),
    [
        ("{ me { me { me { hello } } } }", "depth", 4),
        ("{ ...A } fragment A on Query { me { ...B } } fragment B on Query { me { me { hello } } }", "depth", 4),
        ("{ ...{ ...{ ...{ ...{ ...{ ...{ hello } } } } } } }", "nesting", 7),
        ("{ a: hello b: hello c: hello d: hello }", "aliases", 4),
        ("{ ...A x: me { ...A } } fragment A on Query { a: hello b: hello }", "aliases", 5),
        ("{ hello hello hello hello }", "repeats", 3),
        ("{ me { hello } me { hello } me { hello } ...A } fragment A on Query { me { hello } }", "repeats", 3),
        ("{ hello echo forbidden private broken }", "root_fields", 5),
        ("{ ...A forbidden } fragment A on Query { hello echo private broken }", "root_fields", 5),
        (
            "{ hello @skip(if: false) echo @include(if: true) @skip(if: false) private @skip(if: false) }",
            "directives",
            4,
        ),
        ("{ me { hello echo forbidden private broken caller huge misfit } me { slow(seconds: 0) } }", "selections", 11),
    ],
)
def test_a_document_over_a_limit_is_told_which_and_by_how_much(text: str, limit: str, requested: int) -> None:
    most = {"depth": 3, "nesting": 6, "aliases": 3, "repeats": 2, "root_fields": 4, "directives": 3, "selections": 10}
    assert refusal_of(text, **most) == {
        "code": "TOO_COMPLEX",
        "limit": limit,
        "requested": requested,
        "most": most[limit],
    }


def test_tokens_are_counted_before_parsing() -> None:
    assert refusal_of("{ hello " * 10, tokens=19) == {
        "code": "TOO_COMPLEX",
        "limit": "tokens",
        "requested": 20,
        "most": 19,
    }


@pytest.mark.parametrize(
    "text",
    [
        "{ hello @x(" + "a: 1 " * 30_000 + ") }",
        "{ hello" + " @skip(if: true)" * 8_000 + " }",
        "#\n" * 50_000 + "{ hello }",
        '{ echo(text: "' * 8_000,
        '{ echo(text: """' + '"" ' * 40_000,
        '"' * 100_000,
        "{ me " * 20_000,
        "{ deep(deep: " + "{ inner: " * 1_500,
        "{ echo(texts: " + "[" * 50_000,
        "{ " + "hello " * 1_900 + "}",
        "{ " + "me { hello } " * 480 + "}",
        "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(150)) + "{ ...F0 }",
        "".join(f"fragment F{n} on Query {{ me {{ ...F{n + 1} me {{ ...F{n + 1} }} }} }} " for n in range(100))
        + "{ ...F0 } fragment F100 on Query { hello }",
        "{ "
        + "".join(f"...F{n} " for n in range(150))
        + "}"
        + "".join(f"fragment F{n} on Query {{ hello me {{ hello }} }} " for n in range(150)),
        "{ ...F0 }" + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(250)),
        "{ " + "x" * 90_000 + " }",
        "{ echo(number: " + "1" * 90_000 + ") }",
        "{ ...A } fragment A on Query { me { ...A } }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "fragment A on Query { ...A }",
    ],
    ids=lambda text: text[:24] + f"… {len(text)}",
)
def test_a_hostile_document_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(Refused) as refused:
        documents().read(text)
    assert sum(len(error.message) for error in refused.value.errors) < 200_000


def test_ways_to_write_introspection_by_tools_fit() -> None:
    assert documents().read(get_introspection_query(input_value_deprecation=True)).operations


def test_introspection_can_be_refused_without_giving_names_away() -> None:
    closed = documents(introspection=False)
    for text in ("{ __schema { types { name } } }", '{ __type(name: "Query") { name } }', "{ helo }"):
        with pytest.raises(Refused) as refused:
            closed.read(text)
        assert "Did you mean" not in refused.value.errors[0].message
    assert closed.read("{ __typename }").operations


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        ("{ hello }", {}, 1),
        ("{ items { edges { node { id name } } } }", {}, 2 + 20 * 3),
        ("{ items(first: 5) { edges { node { id name } } } }", {}, 2 + 5 * 3),
        ("{ items(last: 7) { edges { node { id } } } }", {}, 2 + 7 * 2),
        ("{ items(first: 5000) { edges { node { id } } } }", {}, 2 + 100 * 2),
        ("{ items(first: 2000000000) { edges { cursor } } }", {}, 2 + 100),
        ("{ items(first: -3) { edges { cursor } } }", {}, 2 + 20),
        ("{ items(first: null) { edges { cursor } } }", {}, 2 + 20),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": 3}, 2 + 3),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {}, 2 + 20),
        ("query ($n: Int = 4) { items(first: $n) { edges { cursor } } }", {}, 2 + 4),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": "x"}, 2 + 20),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": True}, 2 + 20),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": 10**9}, 2 + 100),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": 70.0}, 2 + 70),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": 70.5}, 2 + 20),
        ("query ($n: Int) { items(first: $n) { edges { cursor } } }", {"n": float("inf")}, 2 + 20),
        ("query ($n: Int) { items(first: $n, last: 90) { edges { cursor } } }", {"n": None}, 2 + 90),
        ("query ($n: Int) { items(first: $n, last: 90) { edges { cursor } } }", {"n": 95}, 2 + 95),
        ("query ($n: Int, $m: Int) { items(first: $n, last: $m) { edges { cursor } } }", {"m": 90}, 2 + 90),
        ("{ items(first: null, last: 90) { edges { cursor } } }", {}, 2 + 90),
        ("{ items(first: 3) { ...P } } fragment P on ItemConnection { edges { node { parts { id } } } }", {}, 2 + 66),
        ("{ items(first: 3) { ... on ItemConnection { edges { cursor } } } }", {}, 2 + 3),
        ("query ($n: Int) { me { items(first: $n) { edges { node { parts { id } } } } } }", {"n": 2}, 3 + 2 * 22),
    ],
)
def test_the_cost_is_what_the_answer_may_hold(text: str, variables: dict[str, Any], cost: int) -> None:
    assert cost_of(text, variables) == cost


def test_a_document_is_read_once_and_the_oldest_makes_room() -> None:
    kept = documents(cached_tokens=15)
    first = kept.read("{ a: hello }")
    assert kept.read("{ a: hello }") is first
    kept.read("{ b: hello }")
    assert kept.read("{ a: hello }") is not first


@pytest.mark.parametrize("padding", [" " * 50_000, "," * 50_000, "# " + "\N{GRINNING FACE}" * 12_000])
def test_a_documents_blanks_and_comments_are_counted_when_it_is_kept(padding: str) -> None:
    kept = documents()
    first = kept.read(f"{{ a: hello }}{padding}")

    for n in range(1_000):
        kept.read(f"{{ a{n}: hello }}{padding}")

    assert kept.read(f"{{ a999: hello }}{padding}") is kept.read(f"{{ a999: hello }}{padding}")
    assert kept.read(f"{{ a: hello }}{padding}") is not first


def test_of_several_operations_one_must_be_named() -> None:
    several = documents().read("query A { hello } mutation B { poke }")
    assert several.operation("B").kind.value == "mutation"
    for name in (None, "C", "x" * 5_000):
        with pytest.raises(Refused) as refused:
            several.operation(name)
        assert len(refused.value.errors[0].message) < 500


PIECES = ["...", '"""', '\\"""', '"', "\\", "#", "\n", "\r", " ", ",", "\ufeff", "a", "_1", "é", "-1.5e+3", "0", "."]


@example('"""..."""...')
@given(st.lists(st.sampled_from([*PIECES, *"{}()[]:$!@=|&-"]), max_size=40).map("".join))
def test_tokens_are_counted_as_the_lexer_counts_them(text: str) -> None:
    lexer, expected = Lexer(Source(text)), 0
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            expected += 1
    except GraphQLError:
        expected = -1
    comments = text.count("#")
    assert expected == -1 or expected <= count_tokens(text) <= expected + comments


@given(st.recursive(st.sampled_from(["hello", "a: hello", "...F"]), lambda s: st.lists(s, max_size=4), max_leaves=12))
def test_the_shape_of_a_fragment_is_that_of_its_text(tree: Any) -> None:
    def written(node: Any, fragment: str) -> str:
        return node.replace("...F", fragment) if isinstance(node, str) else _set(written(n, fragment) for n in node)

    spread = f"{{ me {_set([written(tree, '...F')])} }} fragment F on Query {{ b: hello me {{ hello }} }}"
    inline = f"{{ me {_set([written(tree, '... { b: hello me { hello } }')])} }}"
    tight = Limits(selections=12, aliases=3, repeats=1, depth=5)
    assert _verdict(spread, tight) == _verdict(inline, tight)


def _set(parts: Any) -> str:
    return "me { __typename " + " ".join(parts) + " }" if (parts := list(parts)) else "me { __typename }"


def _verdict(text: str, limits: Limits) -> object:
    text = text.replace("{ me me {", "{ me {")
    try:
        check_shape(parse(text), limits)
    except GraphQLError as error:
        return error.extensions
    return None
