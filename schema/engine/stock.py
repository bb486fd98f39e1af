"""What runs operations, behind one seam: `Engine`. `StockEngine` is Strawberry's schema on graphql-core's executor."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from inspect import isawaitable
from typing import Any, Protocol, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event

from schema.engine.documents import Documents, Operation, Refused
from schema.engine.errors import (
    ErrorDict,
    PresentError,
    fault,
    internal,
    present_execution_errors,
    present_request_errors,
)
from schema.engine.limits import Limits, too_complex

COERCION_ERRORS_MOST = 10

Variables = Mapping[str, Any]


class Needs(Enum):
    """Why an operation did not run although nothing is wrong with it: it came by the wrong way."""

    POST = "post"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to an operation. If it was not executed, it has errors and no data at all."""

    data: dict[str, Any] | None = None
    errors: list[ErrorDict] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    executed: bool = True
    needs: Needs | None = None

    def as_dict(self) -> dict[str, Any]:
        """The answer as it goes over the wire."""
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = self.data
        if self.extensions:
            body["extensions"] = self.extensions
        return body


class Engine(Protocol):
    """Runs operations. It never raises for what a caller sent or a resolver did: those are errors of the answer."""

    async def execute(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, *, allow_mutation: bool
    ) -> Answer:
        """Runs a query or mutation. A subscription is refused with `Needs.STREAM`, a mutation that is not allowed
        with `Needs.POST`."""
        ...

    async def subscribe(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, *, allow_mutation: bool
    ) -> AsyncGenerator[Answer, None] | Answer:
        """Starts a subscription and gives its answers as they come; the caller closes the stream. A query, a mutation
        and a refusal give one answer."""
        ...


@dataclass(frozen=True, slots=True)
class _Run:
    """An operation that is ready to be executed."""

    executor: Executor[Any]
    operation: Operation
    extensions: dict[str, Any]


class StockEngine:
    """Strawberry's resolvers on graphql-core's executor, with parsed and validated documents kept by their text.

    `present_error` may change how an error that the caller may see reads. Schema extensions do not run here: what all
    operations need belongs in the engine or in a resolver, so a schema that has any is refused.
    """

    def __init__(self, schema: strawberry.Schema, *, limits: Limits, present_error: PresentError | None = None) -> None:
        if schema.extensions:
            raise ValueError("this engine runs no schema extensions")
        self.documents = Documents(schema._schema, limits)
        self._executor_class = schema.execution_context_class
        self._limits = limits
        self._present_error = present_error

    async def execute(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, *, allow_mutation: bool
    ) -> Answer:
        run = self._prepare(query, variables, operation_name, context, allow_mutation)
        if isinstance(run, Answer):
            return run
        if run.operation.kind is OperationType.SUBSCRIPTION:
            refused = fault("A subscription needs a stream: text/event-stream or graphql-transport-ws.")
            return self._refused(context, refused, needs=Needs.STREAM)
        return await self._execute(run, context)

    async def subscribe(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, *, allow_mutation: bool
    ) -> AsyncGenerator[Answer, None] | Answer:
        run = self._prepare(query, variables, operation_name, context, allow_mutation)
        if isinstance(run, Answer):
            return run
        if run.operation.kind is not OperationType.SUBSCRIPTION:
            return await self._execute(run, context)
        try:
            source = create_source_event_stream(run.executor)
            started = await source if isawaitable(source) else source
        except Exception as error:
            return self._failed(run, error)
        if isinstance(started, ExecutionResult):
            return self._answer(run, started, context)
        return self._answers(run, map_source_to_response_event(run.executor, started), context)

    def _prepare(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, allow_mutation: bool
    ) -> _Run | Answer:
        try:
            document = self.documents.read(query)
            operation = document.operation(operation_name)
        except Refused as refused:
            return self._refused(context, *refused.errors)
        if operation.kind is OperationType.MUTATION and not allow_mutation:
            return self._refused(context, fault("A mutation needs POST."), needs=Needs.POST)
        cost = {"cost": {"requested": operation.cost.of(variables), "limit": self._limits.cost}}
        if cost["cost"]["requested"] > self._limits.cost:
            refusal = too_complex("cost", cost["cost"]["requested"], self._limits.cost)
            return self._refused(context, refusal, extensions=cost)
        executor = self._executor_class.build(
            self.documents.schema,
            document.node,
            context_value=context,
            raw_variable_values=dict(variables),
            operation_name=operation_name,
            max_coercion_errors=COERCION_ERRORS_MOST,
            hide_suggestions=not self._limits.introspection,
        )
        if isinstance(executor, list):
            return self._refused(context, *executor, extensions=cost)
        return _Run(executor, operation, cost)

    async def _execute(self, run: _Run, context: Any) -> Answer:
        try:
            result = run.executor.execute_operation()
            finished = await result if isawaitable(result) else result
        except Exception as error:
            return self._failed(run, error)
        # Only @defer and @stream give anything else, and validation knows no such directives.
        return self._answer(run, cast("ExecutionResult", finished), context)

    async def _answers(
        self, run: _Run, results: AsyncGenerator[ExecutionResult, None], context: Any
    ) -> AsyncGenerator[Answer, None]:
        async with aclosing(results):
            try:
                async for result in results:
                    yield self._answer(run, result, context)
            except GraphQLError as error:
                yield self._answer(run, ExecutionResult(None, [error]), context)
            except Exception as error:
                wrapped = GraphQLError("source failed", original_error=error)
                yield self._answer(run, ExecutionResult(None, [wrapped]), context)

    def _answer(self, run: _Run, result: ExecutionResult, context: Any) -> Answer:
        errors = present_execution_errors(result.errors, context, self._present_error) if result.errors else []
        return Answer(result.data, errors, run.extensions)

    def _failed(self, run: _Run, error: Exception) -> Answer:
        return Answer(None, [internal(error)], run.extensions)

    def _refused(
        self, context: Any, *errors: GraphQLError, needs: Needs | None = None, extensions: dict[str, Any] | None = None
    ) -> Answer:
        entries = present_request_errors(errors, context, self._present_error)
        return Answer(None, entries, extensions or {}, executed=False, needs=needs)
