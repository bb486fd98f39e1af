"""The stock engine: Strawberry's schema on graphql-core's executor, behind our own limits and errors.

It is complete and exact; the compiled engine stands on it for everything out of the ordinary.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import field
from inspect import isawaitable
from typing import Any, Final, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.execution import PreExecutionError

from schema.engine.answer import Answer, Needs, Variables
from schema.engine.deadline import Deadlines
from schema.engine.documents import Document, Documents, Operation, Refused
from schema.engine.errors import (
    PresentError,
    fault,
    internal,
    present_execution_errors,
    present_request_errors,
    public_code,
    refusal,
)
from schema.engine.limits import Limits, too_complex
from schema.engine.observer import Observer
from schema.engine.record import record
from schema.engine.replay import Memory, with_memory

COERCION_ERRORS_MOST: Final = 10

Prepare = Callable[[Any, tuple[str, ...]], Awaitable[None]]
"""Readies the context for an operation with these root fields, before the first of them is resolved."""


@record
class Admitted:
    """An operation that may run, with what it runs with."""

    document: Document
    operation: Operation
    name: str | None
    variables: Variables
    context: Any
    extensions: dict[str, Any] = field(default_factory=dict)


class StockEngine:
    """Runs everything on graphql-core, with parsed and validated documents kept by their text.

    `present_error` may change how an error that the caller may see reads. `prepare` is called before an operation runs.
    A schema with extensions is executed by Strawberry's own `Schema.execute`, so that all their hooks run; what all
    operations need is better put in `prepare` or the observer, which cost next to nothing.
    """

    name = "stock"

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: Limits,
        present_error: PresentError | None = None,
        prepare: Prepare | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.documents = Documents(schema._schema, limits)
        self.schema = schema
        self.observer = observer or Observer()
        self._executor_class = with_memory(schema.execution_context_class or StrawberryGraphQLCoreExecutionContext)
        self._limits = limits
        self._deadlines = Deadlines(limits.seconds)
        self._present_error = present_error
        self._prepare = prepare

    async def execute(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, *, allow_mutation: bool
    ) -> Answer:
        admitted = self._admit(query, variables, operation_name, context, allow_mutation)
        if isinstance(admitted, Answer):
            return admitted
        if admitted.operation.kind is OperationType.SUBSCRIPTION:
            refused = fault("A subscription needs a stream: text/event-stream or graphql-transport-ws.")
            return self._refuse(context, refused, needs=Needs.STREAM)
        return await self._execute(admitted)

    async def subscribe(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, *, allow_mutation: bool
    ) -> AsyncGenerator[Answer, None] | Answer:
        admitted = self._admit(query, variables, operation_name, context, allow_mutation)
        if isinstance(admitted, Answer):
            return admitted
        if admitted.operation.kind is not OperationType.SUBSCRIPTION:
            return await self._execute(admitted)
        if self.schema.extensions:
            return await self._subscribe_with_extensions(admitted)
        executor = self._executor(admitted)
        if isinstance(executor, Answer):
            return self._told(admitted, "stock", executor)
        try:
            await self._ready(admitted)
            source = create_source_event_stream(executor)
            started = await source if isawaitable(source) else source
        except Exception as error:
            return self._failed(admitted, error)
        if isinstance(started, ExecutionResult):
            return self._told(admitted, "stock", self._answer(admitted, started))
        results = map_source_to_response_event(executor, started, self._timed(self._event_runner(admitted)))
        return self._answers(admitted, results)

    # What may run.

    def _admit(
        self, query: str, variables: Variables, operation_name: str | None, context: Any, allow_mutation: bool
    ) -> Admitted | Answer:
        try:
            document = self.documents.read(query)
            operation = document.operation(operation_name)
        except Refused as refused:
            return self._refuse(context, *refused.errors)
        if operation.kind is OperationType.MUTATION and not allow_mutation:
            return self._refuse(context, fault("A mutation needs POST."), needs=Needs.POST)
        requested = operation.cost.of(variables)
        extensions = {"cost": {"requested": requested, "limit": self._limits.cost}}
        if requested > self._limits.cost:
            return self._refuse(context, too_complex("cost", requested, self._limits.cost), extensions=extensions)
        return Admitted(document, operation, operation_name, variables, context, extensions)

    def _refuse(
        self, context: Any, *errors: GraphQLError, needs: Needs | None = None, extensions: dict[str, Any] | None = None
    ) -> Answer:
        entries = present_request_errors(errors, context, self._present_error)
        answer = Answer(None, entries, extensions or {}, executed=False, needs=needs)
        self.observer.ended("unknown", self.name, answer)
        return answer

    async def _ready(self, admitted: Admitted) -> None:
        if self._prepare is not None:
            await self._prepare(admitted.context, admitted.operation.roots)

    # Queries and mutations.

    async def _execute(self, admitted: Admitted) -> Answer:
        deadline = self._deadlines.limit()
        try:
            with self.observer.around(admitted.operation.kind.value, admitted.name, admitted.context), deadline:
                await self._ready(admitted)
                engine, answer = await self._run(admitted)
        except TimeoutError as error:
            if not deadline.expired:
                return self._told(admitted, self.name, self._failed(admitted, error))
            seconds = self._limits.seconds
            entry = internal(TimeoutError(f"longer than {seconds:g} seconds"))
            late = {**entry, "message": f"The operation was stopped: it took longer than {seconds:g} seconds."}
            return self._told(admitted, self.name, Answer(None, [late], admitted.extensions))
        except Exception as error:
            return self._told(admitted, self.name, self._failed(admitted, error))
        return self._told(admitted, engine, answer)

    async def _run(self, admitted: Admitted) -> tuple[str, Answer]:
        """(the engine that ran it, its answer)."""
        return "stock", await self._run_stock(admitted)

    async def _run_stock(self, admitted: Admitted, memory: Memory | None = None) -> Answer:
        if self.schema.extensions:
            return self._answer(admitted, await _result_with_extensions(self.schema, admitted))
        executor = self._executor(admitted)
        if isinstance(executor, Answer):
            return executor
        if memory is not None:
            executor.remember(memory)  # type: ignore[attr-defined]  # our class has it
        return self._answer(admitted, await _result_of(executor))

    def _executor(self, admitted: Admitted) -> Executor[Any] | Answer:
        executor = self._executor_class.build(
            self.documents.schema,
            admitted.document.node,
            context_value=admitted.context,
            raw_variable_values=dict(admitted.variables),
            operation_name=admitted.name,
            max_coercion_errors=COERCION_ERRORS_MOST,
            hide_suggestions=not self._limits.introspection,
        )
        if not isinstance(executor, list):
            return executor
        entries = present_request_errors(executor, admitted.context, self._present_error)
        return Answer(None, entries, admitted.extensions, executed=False)

    # Subscriptions.

    def _event_runner(self, admitted: Admitted) -> Callable[[Executor[Any]], Any]:
        """What answers an event, given the executor for it."""
        return event_result_of

    def _timed(self, answer: Callable[[Executor[Any]], Any]) -> Callable[[Executor[Any]], Any]:
        async def in_time(executor: Executor[Any]) -> ExecutionResult:
            try:
                with self._deadlines.limit():
                    return cast("ExecutionResult", await answer(executor))
            except TimeoutError as error:
                return ExecutionResult(None, [GraphQLError("event failed", original_error=error)])

        return in_time

    async def _answers(
        self, admitted: Admitted, results: AsyncGenerator[ExecutionResult, None]
    ) -> AsyncGenerator[Answer, None]:
        async with aclosing(results):
            try:
                async for result in results:
                    yield self._told(admitted, self.name, self._answer(admitted, result))
            except GraphQLError as error:
                yield self._answer(admitted, ExecutionResult(None, [error]))
            except Exception as error:
                wrapped = GraphQLError("source failed", original_error=error)
                yield self._answer(admitted, ExecutionResult(None, [wrapped]))

    async def _subscribe_with_extensions(self, admitted: Admitted) -> AsyncGenerator[Answer, None] | Answer:
        await self._ready(admitted)
        started = await self.schema.subscribe(
            admitted.document.text,
            variable_values=dict(admitted.variables),
            context_value=admitted.context,
            operation_name=admitted.name,
        )
        if isinstance(started, PreExecutionError):
            return self._told(admitted, "stock", self._answer(admitted, started))
        return self._answers(admitted, cast("AsyncGenerator[ExecutionResult, None]", started))

    # Answers.

    def _answer(self, admitted: Admitted, result: Any) -> Answer:
        errors = present_execution_errors(result.errors, admitted.context, self._present_error) if result.errors else []
        # Strawberry's own results also have what its schema extensions gave.
        extensions = {**admitted.extensions, **(result.extensions or {})} if result.extensions else admitted.extensions
        return Answer(result.data, errors, extensions, executed=not isinstance(result, PreExecutionError))

    def _failed(self, admitted: Admitted, error: Exception) -> Answer:
        shown = internal(error) if public_code(error) is None else refusal(error)
        return Answer(None, [shown], admitted.extensions)

    def _told(self, admitted: Admitted, engine: str, answer: Answer) -> Answer:
        self.observer.ended(admitted.operation.kind.value, engine, answer)
        return answer


async def _result_of(executor: Executor[Any]) -> ExecutionResult:
    result = executor.execute_operation()
    # Only @defer and @stream give anything else, and validation knows no such directives.
    return cast("ExecutionResult", await result if isawaitable(result) else result)


async def event_result_of(executor: Executor[Any]) -> ExecutionResult:
    """The answer to one event of a subscription."""
    result = executor.execute_operation(False)
    return cast("ExecutionResult", await result if isawaitable(result) else result)


async def _result_with_extensions(schema: strawberry.Schema, admitted: Admitted) -> ExecutionResult:
    result = await schema.execute(
        admitted.document.text,
        variable_values=dict(admitted.variables),
        context_value=admitted.context,
        operation_name=admitted.name,
    )
    return cast("ExecutionResult", result)
