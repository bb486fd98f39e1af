"""Looking ahead: what a document asks for below a field, so that a resolver can fetch a whole screen at once.

`below(info)` works on both engines. A selection never changes: on the compiled engine the same one comes back request
after request, so what is worked out from it is worked out once (`Selection.derive`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from graphql import (
    GraphQLError,
    GraphQLNamedType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_argument_values
from graphql.language import OperationDefinitionNode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields asked for in one place, fragments and conditions worked out, in the order of the answer.

    Where the type is an interface or a union these are the fields of all its types.
    """

    fields: tuple["Selected", ...] = ()
    _derived: dict[Callable[["Selection"], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def derive(self, make: Callable[["Selection"], T]) -> T:
        """What `make` makes of this selection; made once. `make` must be a plain function of the selection."""
        if make not in self._derived:
            self._derived[make] = make(self)
        made: T = self._derived[make]
        return made

    def named(self, name: str) -> Iterable["Selected"]:
        """The fields of this name; several when aliases ask for it more than once."""
        return (selected for selected in self.fields if selected.name == name)

    def __contains__(self, name: object) -> bool:
        return any(selected.name == name for selected in self.fields)


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of a selection: its name in the schema, its key in the answer, its arguments by their names in the
    schema (coerced, defaults filled in) and what is asked for below it."""

    name: str
    key: str
    arguments: Mapping[str, Any]
    below: Selection


def below(info: Any) -> Selection:
    """What is asked for below the field that a resolver was called for; `info` is its Strawberry Info."""
    raw = info._raw_info
    ready = getattr(raw, "selection", None)
    if ready is not None:
        found: Selection = ready()
        return found
    fragments = {name: FragmentDetails(node) for name, node in raw.fragments.items()}
    # Strawberry's own executor shows resolvers the bare values.
    variables = raw.variable_values if isinstance(raw.variable_values, VariableValues) else _sourced(raw)
    look = Look(raw.schema, fragments, raw.operation, variables)
    return look.below(get_named_type(raw.return_type), [FieldDetails(node, None) for node in raw.field_nodes])


def _sourced(raw: GraphQLResolveInfo[Any]) -> VariableValues:
    """Variables as graphql-core wants them, from values that have been coerced already."""
    values = cast("dict[str, Any]", raw.variable_values)
    sources = {}
    for node in raw.operation.variable_definitions or ():
        signature = get_variable_signature(raw.schema, node)
        if not isinstance(signature, GraphQLError):
            sources[signature.name] = VariableValueSource(signature)
    return VariableValues(sources, values)


@dataclass(frozen=True, slots=True)
class Look:
    """One look ahead over an operation with these variables."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues

    def below(self, parent: GraphQLNamedType, details: list[FieldDetails]) -> Selection:
        """What these field nodes, which give `parent`, ask for below them."""
        if is_object_type(parent):
            types = [parent]
        elif is_abstract_type(parent):
            types = self.schema.get_possible_types(parent)
        else:
            return Selection()
        found: dict[str, Selected] = {}
        for type_ in types:
            collected = collect_subfields(
                self.schema, self.fragments, self.variables, self.operation, type_, details
            ).grouped_field_set
            for key, nodes in collected.items():
                definition = type_.fields.get(nodes[0].node.name.value)
                if key in found or definition is None:
                    continue
                try:
                    arguments = get_argument_values(
                        definition, nodes[0].node, self.variables, nodes[0].fragment_variable_values
                    )
                except GraphQLError:
                    continue  # the field itself will say so
                deeper = self.below(get_named_type(definition.type), nodes)
                found[key] = Selected(nodes[0].node.name.value, key, arguments, deeper)
        return Selection(tuple(found.values()))
