"""The compiled engine: operations run as the Python that was written for them.

What it cannot do, or cannot finish, the stock engine does (see `replay.py`), counted by the reason.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from types import CoroutineType
from typing import Any, Final

from graphql import ExecutionResult
from graphql.execution import Executor
from graphql.pyutils import is_awaitable

from schema.engine.answer import Answer
from schema.engine.compile import Root
from schema.engine.info import NeedsStock
from schema.engine.lasting import LASTING
from schema.engine.plans import Plans
from schema.engine.replay import Done, Memory, Raised, Resolved
from schema.engine.run import Run, Waiting, dismiss, settle, together
from schema.engine.stock import Admitted, StockEngine, event_result_of

ERROR: Final = "error"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Compiled code did not finish, or was not begun; `memory` is what it found out until then."""

    reason: str
    memory: Memory = field(default_factory=Memory)


class CompiledEngine(StockEngine):
    """Runs what it can as compiled Python, everything else as the stock engine."""

    name = "compiled"

    @cached_property
    def plans(self) -> Plans:
        """What has been compiled."""
        return Plans(self.schema, self._limits, self.observer)

    async def _run(self, admitted: Admitted) -> tuple[str, Answer]:
        run = self._begin(admitted)
        if isinstance(run, Run):
            outcome = await (run_one_by_one(run) if run.compiled.is_mutation else run_side_by_side(run))
            if not isinstance(outcome, Unfinished):
                return "compiled", Answer(outcome, [], admitted.extensions)
            run = outcome
        return "stock", await self._fall_back(admitted, run)

    def _begin(self, admitted: Admitted, root: Any = None) -> Run | Unfinished | None:
        """The run of an operation; None if its variables are wrong."""
        if self.schema.extensions:
            return Unfinished("schema extensions")
        try:
            source = self.plans.source(admitted.document, admitted.operation)
            read = source.read(admitted.variables)
            if read is None:
                return None
            variables, values = read
            compiled = self.plans.compiled(admitted.operation, source, variables)
        except NeedsStock as needs:
            return Unfinished(needs.reason)
        return Run(compiled, admitted.context, root, variables, values)

    async def _fall_back(self, admitted: Admitted, unfinished: Unfinished | None) -> Answer:
        if unfinished is None:  # an error of the caller's, which the stock engine words
            return await self._run_stock(admitted)
        self.observer.fell_back(unfinished.reason)
        return await self._run_stock(admitted, unfinished.memory)

    def _event_runner(self, admitted: Admitted) -> Callable[[Executor[Any]], Any]:
        async def answer(executor: Executor[Any]) -> ExecutionResult:
            run = self._begin(admitted, executor.root_value)
            if isinstance(run, Run):
                outcome = await run_side_by_side(run)
                if not isinstance(outcome, Unfinished):
                    return ExecutionResult(outcome, None)
                run = outcome
            if run is not None:
                self.observer.fell_back(run.reason)
                executor.remember(run.memory)  # type: ignore[attr-defined]  # our class has it
            return await event_result_of(executor)

        return answer


async def run_side_by_side(run: Run) -> dict[str, Any] | Unfinished:
    """The answer of a query, whose root fields stand beside each other."""
    roots = run.compiled.roots
    if len(roots) == 1:  # most documents have one, and need no bookkeeping
        step = _Step(run, roots[0])
        rest = step.begin()
        if rest is not None:
            await rest
        return _outcome(run, [step]) if step.reason is not None else {step.root.key: step.data}
    steps, later = [], []
    for root in roots:
        step = _Step(run, root)
        steps.append(step)
        rest = step.begin()
        if rest is not None:
            later.append(rest)
        elif step.reason is not None:  # whether those after it may begin is the stock engine's to say
            break
    if len(later) == 1:
        await later[0]
    elif later:
        await together(later)
    return _outcome(run, steps)


async def run_one_by_one(run: Run) -> dict[str, Any] | Unfinished:
    """The answer of a mutation, each of whose root fields begins when the one before is complete."""
    steps = []
    for root in run.compiled.roots:
        step = _Step(run, root)
        steps.append(step)
        rest = step.begin()
        if rest is not None:
            await rest
        if step.reason is not None:
            break
    return _outcome(run, steps)


def _outcome(run: Run, steps: list["_Step"]) -> dict[str, Any] | Unfinished:
    reasons = [step.reason for step in steps if step.reason is not None]
    if not reasons:
        return {step.root.key: step.data for step in steps}
    for waiting in run.waited:
        dismiss(waiting.awaitable)
    missing = [reason for reason in reasons if reason != ERROR]
    if missing:
        run.compiled.trouble += 1
    run.memory.roots = {step.root.key: step.known for step in steps if step.known is not None}
    return Unfinished((missing or reasons)[0], run.memory)


class _Step:
    """One root field's way; what became of it is known at every moment."""

    __slots__ = ("data", "known", "reason", "root", "run")

    def __init__(self, run: Run, root: Root) -> None:
        self.run = run
        self.root = root
        self.data: Any = None
        self.known: Done | Resolved | Raised | None = None
        self.reason: str | None = None

    def begin(self) -> Coroutine[Any, Any, None] | None:
        """Calls the resolver and completes what it gives; gives what is left to be awaited."""
        if self.root.get is None:
            self.data = self.root.constant
            self.known = Done(self.data)
            return None
        try:
            value = self.root.get(self.run.root, self.run)
        except NeedsStock as needs:
            self.reason = needs.reason
        except Exception as error:
            self.known, self.reason = Raised(error), ERROR
        else:
            return (
                self._later(value) if value.__class__ is CoroutineType or is_awaitable(value) else self._complete(value)
            )
        return None

    async def _later(self, awaitable: Awaitable[Any]) -> None:
        try:
            value = await awaitable
        except NeedsStock as needs:
            self.reason = needs.reason
        except Exception as error:
            self.known, self.reason = Raised(error, self.run.memory.next_turn()), ERROR
        else:
            rest = self._complete(value, self.run.memory.next_turn())
            if rest is not None:
                await rest

    def _complete(self, value: Any, turn: int | None = None) -> Coroutine[Any, Any, None] | None:
        assert self.root.complete is not None
        try:
            self.data, below = LASTING.build(value, self.run, self.root.complete)
        except NeedsStock as needs:
            self.known, self.reason = Resolved(value, turn), needs.reason
        except Exception:
            self.known, self.reason = Resolved(value, turn), ERROR
        else:
            if below:
                self.known = Resolved(value, turn)
                return self._settle(below)
            self.known = Done(self.data, turn)
        return None

    async def _settle(self, below: list[Waiting]) -> None:
        try:
            await settle(self.run, below)
        except NeedsStock as needs:
            self.reason = needs.reason
        except Exception:
            self.reason = ERROR
        else:
            self.known = Done(self.data, self.run.memory.next_turn())
