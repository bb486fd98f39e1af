"""What is compiled when, and that nobody can spend memory or time by sending documents."""

import time
from random import Random

import pytest

from schema.engine.compiled import CompiledEngine
from schema.engine.limits import Limits
from schema.engine.plans import Budget
from tests.schema.engine.same import AT_ONCE, Reasons
from tests.schema.engine.zoo import Diary, zoo
from tests.support.documents import Maker


class Counting(Reasons):
    """Also counts what was compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[int] = []

    def compiled(self, seconds: float, fields: int) -> None:
        self.fields.append(fields)


def engine(limits: Limits) -> tuple[CompiledEngine, Counting]:
    seen = Counting()
    return CompiledEngine(zoo(), limits=limits, observer=seen), seen


async def ask(one: CompiledEngine, query: str, **variables: object) -> None:
    answer = await one.execute(query, variables, None, Diary(), allow_mutation=True)
    assert answer.executed, answer.errors


async def test_a_document_is_compiled_when_it_comes_again() -> None:
    one, seen = engine(Limits())

    for _ in range(4):
        await ask(one, "{ cat { name } }")

    assert seen.reasons == ["new document"]
    assert seen.fields == [2]


async def test_documents_that_come_once_are_never_compiled() -> None:
    one, seen = engine(Limits())

    for n in range(50):
        await ask(one, f"{{ a{n}: cat {{ name }} }}")

    assert seen.fields == []


async def test_each_way_of_including_is_compiled_by_itself() -> None:
    one, seen = engine(AT_ONCE)
    query = "query($s: Boolean!) { cat { name lives @skip(if: $s) } }"

    for s in (True, False, True, False):
        await ask(one, query, s=s)

    assert sorted(seen.fields) == [2, 3]


async def test_compiled_documents_are_kept_up_to_a_number_of_fields() -> None:
    one, seen = engine(Limits(compile_after=0, compile_share=1000.0, compiled_fields=30))

    for n in range(40):
        await ask(one, f"{{ a{n}: cat {{ name lives }} }}")

    assert len(seen.fields) == 40
    assert one.plans.fields <= 30


async def test_who_compiles_too_much_gets_the_stock_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)  # no time passes, so nothing comes back
    one, seen = engine(Limits(compile_after=0, compile_share=0.1))
    monkeypatch.setattr(Budget, "spend", lambda self, seconds: setattr(self, "_left", self._left - 0.3))

    for n in range(6):
        await ask(one, f"{{ a{n}: cat {{ name }} }}")

    assert len(seen.fields) == 4
    assert seen.reasons == ["budget", "budget"]


async def test_what_is_written_when_a_type_first_comes_by_is_paid_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)  # no time passes, so nothing comes back
    spent: list[float] = []
    monkeypatch.setattr(Budget, "spend", lambda self, seconds: spent.append(seconds))
    one, _ = engine(AT_ONCE)

    for _ in range(2):
        await ask(one, "{ animals { ... on Cat { name } ... on Dog { barks } } }")

    assert len(spent) == 1 + 2  # the plan, then a cat and a dog, once each


async def test_what_needs_the_stock_engine_again_and_again_goes_there_at_once() -> None:
    one, seen = engine(AT_ONCE)

    for _ in range(6):
        await ask(one, "{ cat { kittens { path } } }")

    assert seen.reasons == ["path"] * 4 + ["trouble"] * 2


async def test_no_text_of_a_client_becomes_code() -> None:
    one, _ = engine(AT_ONCE)
    names = ("__import__", "exec", "R", "s", "d", "n", "None1", "class", "lambda", "__builtins__", "o1", "x1")

    for name in names:
        answer = await one.execute(
            f"query {name}(${name}: String!) {{ {name}: cat(name: ${name}) {{ {name}: name }} }}",
            {name: "'); import os; ('"},
            None,
            Diary(),
            allow_mutation=True,
        )

        if not name.startswith("__"):
            assert answer.data == {name: {name: "'); import os; ('"}}


async def test_a_plan_costs_memory_in_proportion_to_its_fields() -> None:
    one, seen = engine(Limits(compile_after=0, compile_share=1000.0, compiled_fields=500))
    for seed in range(200):
        random = Random(seed)
        query, variables = Maker(one.documents.schema, random).document()
        await one.execute(query, variables, None, Diary(), allow_mutation=True)

    assert max(seen.fields) > 0
    assert one.plans.fields <= 500


@pytest.mark.parametrize("query", ["{{ a{n}: __typename }}", "{{ a{n}: cat {{ name }} }} # {blanks}"])
async def test_a_plan_is_counted_with_the_document_that_it_keeps(query: str) -> None:
    one, _ = engine(Limits(compile_after=0, compile_share=1000.0, compiled_fields=500))

    for n in range(600):
        await ask(one, query.format(n=n, blanks=" " * 50_000 if n % 20 == 0 else ""))

    assert one.plans.fields <= 500
    assert one.plans.count < 300


async def test_a_plan_that_grows_makes_room() -> None:
    one, _ = engine(Limits(compile_after=0, compile_share=1000.0, compiled_fields=200))

    for n in range(60):
        fields = "".join(f"f{field}: name " for field in range(14))
        await ask(one, f"{{ a{n}: animals {{ ... on Cat {{ {fields} }} ... on Dog {{ {fields} }} }} }}")

    assert one.plans.fields <= 200 + 60
