"""What a caller, and the log, learn of an error."""

from typing import Any

import pytest
import structlog
from graphql import GraphQLError

from tests.schema.http.test_door import ask
from tests.schema.http.toy import CUSTOMER, ToyContext, toy


async def errors_of(query: str, **options: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    with structlog.testing.capture_logs() as logs:
        answer = await ask(toy(**options), query, caller="ann")
    return answer.json()["errors"], list(logs)


async def test_an_unexpected_error_shows_only_an_id_that_the_log_knows() -> None:
    errors, logs = await errors_of('{ broken(secret: "the pin of Nilufar") }')
    assert errors == [
        {
            "message": "Internal error",
            "locations": [{"line": 1, "column": 3}],
            "path": ["broken"],
            "extensions": {"code": "INTERNAL", "id": logs[0]["id"]},
        }
    ]
    assert logs[0]["kind"] == "ValueError"
    assert "toy.py" in logs[0]["exception"]


async def test_the_log_has_no_values() -> None:
    _, logs = await errors_of('{ broken(secret: "the pin of Nilufar") }')
    assert "Nilufar" not in str(logs)
    assert CUSTOMER not in str(logs)


@pytest.mark.parametrize("field", ["misfit", "huge", "missing"])
async def test_a_fault_of_ours_that_graphql_notices_is_masked_too(field: str) -> None:
    errors, logs = await errors_of(f"{{ {field} }}")
    assert [(error["message"], error["extensions"]["code"]) for error in errors] == [("Internal error", "INTERNAL")]
    assert len(logs) == 1


async def test_the_same_fault_many_times_is_logged_once() -> None:
    errors, logs = await errors_of("{ broken a: broken b: broken c: misfit }")
    assert len(errors) == 4
    assert len({error["extensions"]["id"] for error in errors}) == 1
    assert len(logs) == 2


async def test_an_error_with_a_code_is_shown_as_it_is_and_not_logged() -> None:
    errors, logs = await errors_of("{ forbidden private }")
    assert [(error["message"], error["extensions"]) for error in errors] == [
        ("That is not yours.", {"code": "FORBIDDEN"}),
        ("Sign in first.", {"code": "UNAUTHENTICATED"}),
    ]
    assert logs == []


async def test_a_null_for_an_argument_that_needs_a_value_is_the_callers_fault() -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await ask(toy(), "query ($n: Int = 3) { echo(number: $n) }", n=None)
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert logs == []


async def test_messages_do_not_grow_with_the_request() -> None:
    errors, _ = await errors_of("{ " + "x" * 50_000 + " }")
    assert len(errors[0]["message"]) <= 300


def in_uzbek(error: GraphQLError, context: ToyContext) -> dict[str, Any] | None:
    if error.message == "That is not yours.":
        return {"message": f"{context.caller}, bu sizniki emas.", "extensions": {"hint": "x", "code": "CHANGED"}}
    return None


async def test_what_the_caller_may_see_can_be_said_in_the_callers_language() -> None:
    errors, _ = await errors_of("{ forbidden private broken }", present_error=in_uzbek)
    assert [error["message"] for error in errors] == ["ann, bu sizniki emas.", "Sign in first.", "Internal error"]
    assert errors[0]["extensions"] == {"hint": "x", "code": "FORBIDDEN"}


async def test_a_presenter_that_fails_leaves_the_error_as_it_was() -> None:
    def fail(error: GraphQLError, context: ToyContext) -> dict[str, Any]:
        raise KeyError(context.caller)

    errors, logs = await errors_of("{ forbidden }", present_error=fail)
    assert errors[0]["message"] == "That is not yours."
    assert logs[0]["kind"] == "KeyError"
