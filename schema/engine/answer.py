"""What every engine gives and takes: `Answer` and the seam `Engine`."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Protocol

from schema.engine.errors import ErrorDict
from schema.engine.lasting import written
from schema.engine.record import record

Variables = Mapping[str, Any]


class Needs(Enum):
    """Why an operation did not run although nothing is wrong with it: it came by the wrong way."""

    POST = "post"
    STREAM = "stream"


@record
class Answer:
    """One answer to an operation. If it was not executed, it has errors and no data at all."""

    data: dict[str, Any] | None = None
    errors: list[ErrorDict] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    executed: bool = True
    needs: Needs | None = None

    def as_dict(self) -> dict[str, Any]:
        """The answer as it goes over the wire, for orjson."""
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = written(self.data)
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
