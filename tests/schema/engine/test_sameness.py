"""Both engines give the same bytes, the same errors at the same places, and the same side effects."""

import os
from random import Random
from typing import Any

import pytest

from tests.schema.engine.same import Pair
from tests.schema.engine.zoo import Diary, zoo
from tests.support.documents import Maker

# (query, variables, why the stock engine has to help, "" if it need not)
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("{ animals { __typename name loudName(times: 2) ... on Cat { lives color mood } ... on Dog { barks born } } }", {}, ""),
    ("query($n: Int!) { a: animals(n: $n) { x: name y: name } }", {"n": 1}, ""),
    ("query($n: Int = 2) { animals(n: $n) { name } }", {}, ""),
    ("query($n: Int) { animals { loudName(times: $n) } }", {}, ""),
    ("query($n: Int) { animals { loudName(times: $n) } }", {"n": None}, "error"),
    ("query($n: Int!) { animals(n: $n) { name } }", {"n": "x"}, ""),
    ("query($n: Int!) { animals(n: $n) { name } }", {"n": 2**31}, ""),
    ("query($n: Int!) { animals(n: $n) { name } }", {"n": True}, ""),
    ("{ cat { friend(wait: 2) { name quietOwner { ... on Nobody { why } } owner { __typename } } collar { text } } }", {}, ""),
    ("{ cat { ...F friend { name } } } fragment F on Cat { lives ...G } fragment G on Animal { n: name loudName }", {}, ""),
    ("{ cat { collar { text since } weight kittens { name collar { text } } grid } }", {}, ""),
    ("{ dog { chip price speed born barks } }", {}, ""),
    ("{ dog(by: {name: \"A\"}) { name } }", {}, ""),
    ("query($by: ByOne) { dog(by: $by) { name } }", {"by": {"number": 4}}, ""),
    ("query($by: ByOne) { dog(by: $by) { name } }", {"by": {"number": 4, "name": "both"}}, ""),
    ("query($n: Int!) { dog(by: {number: $n}) { name } }", {"n": 4}, ""),
    ("{ cats { total first { name } items { lives } } numbers { total first items } }", {}, ""),
    ("{ cat { purr purr2: purr(length: 1) fur belly } }", {}, ""),
    ("{ animals { ... on Cat { path } } }", {}, "path"),
    ("{ cat { path kittens { path } } }", {}, "path"),
    ("{ cat { path } }", {}, ""),
    ("{ echo(wish: {n: 4, tags: [{text: \"a\"}, {text: \"b\", weight: \"3\"}], color: SKY}, ids: [1, \"b\"]) }", {}, ""),
    ("query($w: Wish, $t: [Tag!]!) { echo(wish: $w) b: echo(wish: {tags: $t}) }",
     {"w": {"when": "2026-01-01T00:00:00Z"}, "t": [{"text": "x"}]}, ""),
    ("query($c: Color, $w: Weight, $i: [ID!], $on: Boolean, $x: Float) { echo(color: $c, weight: $w, ids: $i, on: $on, x: $x) }",
     {"c": "RED", "w": "7", "i": ["1", 2], "on": True, "x": 3}, ""),
    ("query($c: Color) { echo(color: $c) }", {}, ""),
    ("query($c: Color) { echo(color: $c) }", {"c": None}, ""),
    ("query($m: String) { echo(tag: $m) b: echo(tag: \"x\") }", {"m": "y"}, ""),
    ("query($s: Boolean!, $i: Boolean!) { cat { name @skip(if: $s) lives @include(if: $i) friend @include(if: $i) { name } } }",
     {"s": True, "i": False}, ""),
    ("query($s: Boolean!, $i: Boolean!) { cat { name @skip(if: $s) lives @include(if: $i) friend @include(if: $i) { name } } }",
     {"s": False, "i": True}, ""),
    ("query($a:Boolean!,$b:Boolean!,$c:Boolean!,$d:Boolean!,$e:Boolean!) { cat { name @skip(if:$a) lives @skip(if:$b)"
     " color @skip(if:$c) mood @skip(if:$d) n2: name @skip(if:$e) } }",
     dict.fromkeys("abcde", False), "flags"),
    ("query($s: Boolean = true) { cat { name @skip(if: $s) lives } }", {}, ""),
    ("query($s: Boolean = true) { cat { name @skip(if: $s) lives } }", {"s": None}, "error"),
    ("mutation($s: Boolean = true) { a: feedNow(wish: {}) { note @skip(if: $s) } }", {"s": None}, "error"),
    ("{ cat @skip(if: true) { name } }", {}, ""),
    ("{ __typename t: __typename }", {}, ""),
    ("{ __schema { queryType { name } } cat { name } }", {}, "introspection"),
    ("{ __type(name: \"Cat\") { name fields { name } } }", {}, "introspection"),
    ("query A { cat { name } } query B { dog { name } }", {}, ""),
    ("{ nope }", {}, ""),
    ("{ cat { name ", {}, ""),
    ("{ seen { text names items(first: 3) { name ... on Cat { lives } } } }", {}, ""),
    ("query($n: Int) { seen { text items(first: $n) { name } names } }", {"n": 5}, ""),
    ("query Named($n: Int) { about(n: $n) }", {"n": 5}, ""),
    ("{ about rootBoom }", {}, "error"),
    ("{ a: noted rootBoom b: noted }", {}, "error"),
    ("{ a: noted mustBoom b: noted }", {}, "error"),
    ("{ about laterRootBoom }", {}, "error"),
    ("mutation { feed(name: \"Tom\") { __typename ... on Fed { times animal { name } note laterNote } } }", {}, ""),
    ("mutation { feed(name: \"Tom\", times: 10) { __typename ... on Refusal { why path } } }", {}, ""),
    ("mutation { x: feed(name: \"Tom\", times: 99) { __typename ... on Refusal { why path } } }", {}, "error"),
    ("mutation { a: feed(name: \"1\") { ... on Fed { note(text: \"1\") } } b: feedNow(wish: {n: 2}) { note(text: \"2\") laterNote } }", {}, ""),
    ("mutation($w: Wish!) { feedNow(wish: $w) { times animal { name ... on Dog { barks } } } }", {"w": {"n": 1}}, ""),
    ("mutation { lose { times } a: feedNow(wish: {}) { note } }", {}, "error"),
    ("mutation { a: feedNow(wish: {}) { note } mustLose { times } b: feedNow(wish: {}) { note } }", {}, "error"),
    ("mutation { a: feedNow(wish: {}) { n: note laterNote trouble { maybeBoom } note(text: \"z\") } b: feedNow(wish: {n: 8}) { note } }", {}, "error"),
    ("mutation { a: feedNow(wish: {}) { laterNote trouble { boom } note } b: feedNow(wish: {n: 8}) { times } }", {}, "error"),
]  # fmt: skip
TROUBLES = (
    "noneHere", "wrongText", "numberAsText", "textAsNumber", "big", "notANumber", "endless", "wholeFloat", "truthAsNumber",
    "otherColor", "bareColor", "gift", "boom", "maybeBoom", "laterBoom", "laterMaybeBoom", "laterNone", "items", "lenient",
    "noList", "generated", "streamed", "awaitables", "tuple", "syncButLater", "collarLater { text }", "stranger { name }",
)  # fmt: skip
ON_THE_FAST_PATH = frozenset(
    {"numberAsText", "textAsNumber", "wholeFloat", "truthAsNumber", "tuple", "syncButLater", "collarLater { text }",
     "otherColor"}
)  # fmt: skip

GENERATED = int(os.environ.get("KABINET_FUZZ", "1000"))


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair(zoo())


@pytest.mark.parametrize(("query", "variables", "reason"), CASES)
async def test_both_engines_do_the_same(pair: Pair, query: str, variables: dict[str, Any], reason: str) -> None:
    await pair.same(query, variables, Diary)

    assert pair.seen.reasons == ([reason] if reason else [])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize(
    "around",
    [
        "{{ trouble {{ fine {0} f2: fine }} about }}",
        "{{ maybeTrouble {{ {0} }} about }}",
        "{{ trouble {{ itself {{ themselves {{ {0} fine }} }} }} }}",
        "{{ maybeTrouble {{ laterBoom {0} themselves {{ {0} }} }} }}",
    ],
)
async def test_trouble_is_told_alike(pair: Pair, around: str, trouble: str) -> None:
    await pair.same(around.format(trouble), {}, Diary)


@pytest.mark.parametrize("trouble", sorted(ON_THE_FAST_PATH))
async def test_odd_values_that_are_right_need_no_help(pair: Pair, trouble: str) -> None:
    answer, _ = await pair.same(f"{{ maybeTrouble {{ {trouble} }} }}", {}, Diary)

    assert answer.errors == []
    assert pair.seen.reasons == []


@pytest.mark.parametrize("query", ["{ cat { belly } }", "{ cat { fur } }", "{ cat { name kittens { fur } } }"])
@pytest.mark.parametrize("may", [True, False])
async def test_permissions_are_asked(pair: Pair, query: str, may: bool) -> None:
    answer, _ = await pair.same(query, {}, lambda: Diary(may=may))

    assert bool(answer.errors) is not may


@pytest.mark.parametrize(
    "query",
    [
        "subscription { walks { __typename name ... on Cat { lives friend { name } } } }",
        "subscription { walks(n: 1) { ... on Cat { path } } }",
        "subscription { troubles { fine maybeBoom } }",
        "subscription { troubles { boom } }",
        "subscription($n: Int!) { walks(n: $n) { name } }",
    ],
)
async def test_streams_give_the_same(pair: Pair, query: str) -> None:
    await pair.same_stream(query, {"n": 2} if "$n" in query else {}, Diary)


# Of two that fail while others wait, either may be the first: the errors are compared without them, the data with them.
RACING = frozenset({"laterBoom", "laterNone", "laterRootBoom", "awaitables", "streamed"})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what is never awaited after a failure
@pytest.mark.parametrize("first", range(0, GENERATED, 100))
async def test_generated_documents_do_the_same(pair: Pair, first: int) -> None:
    for seed in range(first, first + 100):
        random = Random(seed)
        kind = random.choice(("query", "query", "query", "mutation", "subscription"))
        query, variables = Maker(pair.stock.documents.schema, random, leave_out=RACING).document(kind)
        if kind == "subscription":
            await pair.same_stream(query, variables, Diary)
        else:
            await pair.same(query, variables, Diary)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what is never awaited after a failure
@pytest.mark.parametrize("first", range(0, GENERATED, 100))
async def test_generated_documents_with_races_give_the_same_data(pair: Pair, first: int) -> None:
    for seed in range(first, first + 100):
        random = Random(-seed)
        query, variables = Maker(pair.stock.documents.schema, random).document(random.choice(("query", "mutation")))
        await pair.same_data(query, variables, Diary)
