"""What compiled fields hand to resolvers as `info`: made when it is wanted, shared by all objects in one place."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path, is_awaitable

from schema.engine.selection import Selection

if TYPE_CHECKING:
    from schema.engine.run import Run


class NeedsStock(BaseException):
    """Only the stock engine can do this; no resolver's `except Exception` may keep it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True, eq=False)
class Site:
    """One field in one place of a document. `path` is None below lists, where it differs from object to object."""

    index: int
    key: str
    definition: GraphQLField
    parent: GraphQLObjectType
    details: list[FieldDetails]
    path: Path | None
    # What is asked for below, by the values of the variables that it hangs on.
    selections: dict[tuple[Any, ...], Selection] = field(default_factory=dict)

    @property
    def nodes(self) -> list[FieldNode]:
        return [each.node for each in self.details]


class CompiledInfo(strawberry.Info[Any, Any]):
    """Strawberry's Info, of which everything but the context is made when it is looked at."""

    def __init__(self, site: Site, run: "Run") -> None:
        self._site = site
        self._run = run

    @property
    def context(self) -> Any:
        return self._run.context

    @property
    def _raw_info(self) -> Any:  # type: ignore[override]  # nobody writes it
        return RawInfo(self._site, self._run)

    @property
    def _field(self) -> Any:  # type: ignore[override]
        return self._site.definition.extensions["strawberry-definition"]


class RawInfo:
    """Stands where graphql-core's GraphQLResolveInfo stands, with the same attributes."""

    __slots__ = ("_run", "_site", "context")

    def __init__(self, site: Site, run: "Run") -> None:
        self._site = site
        self._run = run
        self.context = run.context

    @property
    def field_name(self) -> str:
        return self._site.nodes[0].name.value

    @property
    def field_nodes(self) -> list[FieldNode]:
        return self._site.nodes

    @property
    def return_type(self) -> Any:
        return self._site.definition.type

    @property
    def parent_type(self) -> GraphQLObjectType:
        return self._site.parent

    @property
    def path(self) -> Path:
        if self._site.path is None:
            raise NeedsStock("path")
        return self._site.path

    @property
    def schema(self) -> Any:
        return self._run.compiled.source.schema._schema

    @property
    def fragments(self) -> Any:
        return {name: details.definition for name, details in self._run.compiled.source.fragments.items()}

    @property
    def root_value(self) -> Any:
        return self._run.root

    @property
    def operation(self) -> Any:
        return self._run.compiled.source.operation

    @property
    def variable_values(self) -> Any:
        if self._run.compiled.source.shows_bare_variables:
            return self._run.variables
        return self._run.sourced()

    @property
    def is_awaitable(self) -> Any:
        return is_awaitable

    @property
    def abort_signal(self) -> None:
        return None

    @property
    def async_helpers(self) -> Any:
        raise NeedsStock("async_helpers")

    @property
    def operation_extensions(self) -> None:
        return None

    def selection(self) -> Selection:
        """What is asked for below this field."""
        site, run = self._site, self._run
        key = run.values_key()
        if key is None:
            return self._look()
        found = site.selections.get(key)
        if found is None:
            if len(site.selections) >= 32:
                site.selections.clear()
            found = site.selections[key] = self._look()
        return found

    def _look(self) -> Selection:
        look = self._run.compiled.source.look(self._run.sourced())
        return look.below(get_named_type(self._site.definition.type), self._site.details)
