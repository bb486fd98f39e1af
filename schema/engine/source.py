"""What is compiled: one operation of a valid document over a Strawberry schema, and how its variables are read."""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

import strawberry
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.engine.info import CompiledInfo
from schema.engine.selection import Look

FLAGS_MOST: Final = 4
_MISSING: Final = object()


def _text(value: Any) -> bool:
    return type(value) is str


def _whole(value: Any) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


def _number(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def _truth(value: Any) -> bool:
    return type(value) is bool


# Values that graphql-core would take exactly as they are. Anything else goes through graphql-core.
_AS_IT_IS: Final[dict[str, Callable[[Any], bool]]] = {
    "ID": _text,
    "String": _text,
    "Int": _whole,
    "Float": _number,
    "Boolean": _truth,
}


class Source:
    """One operation with the fragments of its document."""

    def __init__(self, schema: strawberry.Schema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.graphql: GraphQLSchema = schema._schema
        self.operation = operation
        definitions = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.fragments = {name: FragmentDetails(definition) for name, definition in definitions.items()}
        self.new_info = _maker_of(schema.config.info_class)
        executor = schema.execution_context_class or StrawberryGraphQLCoreExecutionContext
        self.shows_bare_variables = issubclass(executor, StrawberryGraphQLCoreExecutionContext)
        self.directives = _directives(operation, definitions)
        self.flags = tuple(sorted(_flags(self.directives)))
        self._quick = self._quick_readers()

    @cached_property
    def why_not(self) -> str | None:
        """Why the operation cannot be compiled at all; None if it can."""
        if len(self.flags) > FLAGS_MOST:
            return "flags"
        if any(directive.name.value not in ("skip", "include") for directive in self.directives):
            return "directives"
        if any(definition.definition.variable_definitions for definition in self.fragments.values()):
            return "fragment variables"
        return None

    def look(self, values: VariableValues) -> Look:
        """For looking ahead with these variables."""
        return Look(self.graphql, self.fragments, self.operation, values)

    def read(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], VariableValues | None] | None:
        """The coerced variables; None when they are wrong, and graphql-core shall say how."""
        if self._quick is not None:
            quick = self._read_quickly(given)
            if quick is not None:
                return quick, None
        values = get_variable_values(self.graphql, self.operation.variable_definitions or (), dict(given))
        if isinstance(values, list):
            return None
        return values.coerced, values

    def _quick_readers(self) -> list[tuple[str, bool, Callable[[Any], bool]]] | None:
        """(name, whether it must be there, check) of each variable; None if they are not all plain scalars."""
        readers = []
        for node in self.operation.variable_definitions or ():
            required = isinstance(node.type, NonNullTypeNode)
            named = node.type.type if isinstance(node.type, NonNullTypeNode) else node.type
            check = _AS_IT_IS.get(named.name.value) if isinstance(named, NamedTypeNode) else None
            if check is None or node.default_value is not None or node.directives:
                return None
            readers.append((node.variable.name.value, required, check))
        return readers

    def _read_quickly(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        assert self._quick is not None
        values = {}
        for name, required, is_fine in self._quick:
            value = given.get(name, _MISSING)
            if value is _MISSING:
                if required:
                    return None
            elif is_fine(value) or (value is None and not required):
                values[name] = value
            else:
                return None
        return values

    def with_sources(self, coerced: dict[str, Any]) -> VariableValues:
        """Coerced variables with what graphql-core keeps beside them."""
        sources = {}
        for node in self.operation.variable_definitions or ():
            signature = get_variable_signature(self.graphql, node)
            if isinstance(signature, GraphQLError):  # validation has seen to it
                continue
            if signature.name in coerced:
                sources[signature.name] = VariableValueSource(signature, coerced[signature.name])
            else:
                sources[signature.name] = VariableValueSource(signature)
        return VariableValues(sources, coerced)


def _maker_of(info_class: type[Any]) -> Callable[[Any, Any], Any]:
    """How to make an Info for a site and a run: a lighter one where the schema has no class of its own for it."""
    if info_class is strawberry.Info:
        return CompiledInfo
    return lambda site, run: info_class(
        _raw_info=run.raw(site), _field=site.definition.extensions["strawberry-definition"]
    )


def _directives(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> list[DirectiveNode]:
    found = list(operation.directives or ())
    for definition in operation.variable_definitions or ():
        found += definition.directives or ()
    seen: set[str] = set()

    def walk(selections: SelectionSetNode) -> None:
        for node in selections.selections:
            found.extend(node.directives or ())
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in fragments and name not in seen:
                    seen.add(name)
                    found.extend(fragments[name].directives or ())
                    walk(fragments[name].selection_set)
            elif isinstance(node, InlineFragmentNode | FieldNode) and node.selection_set:
                walk(node.selection_set)

    walk(operation.selection_set)
    return found


def _flags(directives: list[DirectiveNode]) -> set[str]:
    """The variables that decide by @skip and @include what is asked for."""
    return {
        argument.value.name.value
        for directive in directives
        for argument in directive.arguments or ()
        if directive.name.value in ("skip", "include") and isinstance(argument.value, VariableNode)
    }
