"""The arguments of a field in one place of a document, as its resolver takes them."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import strawberry
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
    is_required_argument,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.relay.types import GlobalID
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.field import StrawberryField

from schema.engine.info import Site

if TYPE_CHECKING:
    from schema.engine.run import Run

# Values that may be handed to every request alike, for nobody can change them.
_LASTING: Final = (str, int, float, bool, type(None), type(strawberry.UNSET), Decimal, date, datetime, time, UUID, Enum)

Arguments = Callable[["Run"], dict[str, Any]]


def arguments_of(
    site: Site, field: StrawberryField, schema: strawberry.Schema, operation: OperationDefinitionNode
) -> dict[str, Any] | Arguments:
    """The resolver's keyword arguments: ready, or a function of the run where they hang on variables."""
    node = site.details[0].node
    if not site.definition.args and not node.arguments:
        return {}

    def convert(definition: GraphQLField, values: VariableValues, info: Any) -> dict[str, Any]:
        given = get_argument_values(definition, node, values, site.details[0].fragment_variable_values)
        registry = schema.schema_converter.scalar_registry
        return convert_arguments(given, field.arguments, registry, schema.config, info)

    used = variables_in(node)
    if not used:
        try:
            constant = convert(site.definition, VariableValues({}, {}), None)
        except Exception:
            constant = None  # it will fail for every caller, in its own place
        if constant is not None and all(isinstance(value, _LASTING) for value in constant.values()):
            return constant
    named = {schema.config.name_converter.from_argument(each): each for each in field.arguments}
    simple = _simple(site, named, operation, lambda definition, values: convert(definition, values, None))
    if simple is not None:
        return simple
    return lambda run: convert(site.definition, run.sourced(), run.info(site))


def raw_arguments_of(site: Site) -> dict[str, Any] | Arguments:
    """The arguments as graphql-core hands them to a resolver of its own kind."""
    node = site.details[0].node
    if not site.definition.args and not node.arguments:
        return {}
    return lambda run: get_argument_values(
        site.definition, node, run.sourced(), site.details[0].fragment_variable_values
    )


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def variables_in(node: FieldNode) -> set[str]:
    """The variables that a field's own arguments use."""
    visitor = _Variables()
    for argument in node.arguments or ():
        visit(argument, visitor)
    return visitor.names


def _simple(
    site: Site,
    python: dict[str, StrawberryArgument],
    operation: OperationDefinitionNode,
    convert: Callable[[GraphQLField, VariableValues], dict[str, Any]],
) -> Arguments | None:
    """For arguments that are each a constant or a whole variable of a scalar or an enum, which need no conversion."""
    definition = site.definition
    whole = {
        each.name.value: each.value.name.value
        for each in site.details[0].node.arguments or ()
        if isinstance(each.value, VariableNode)
    }
    if variables_in(site.details[0].node) != set(whole.values()):
        return None
    sure = {
        each.variable.name.value
        for each in operation.variable_definitions or ()
        if isinstance(each.type, NonNullTypeNode)
    }
    for name, variable in whole.items():
        type_ = definition.args[name].type
        if name not in python or not _needs_no_conversion(type_, python[name]):
            return None
        if is_non_null_type(type_) and variable not in sure:
            return None
    others = {
        name: argument
        for name, argument in definition.args.items()
        if name not in whole or not is_required_argument(argument)
    }
    try:
        base = convert(GraphQLField(definition.type, others), VariableValues({}, {}))
    except Exception:
        return None
    if not all(isinstance(value, _LASTING) for value in base.values()):
        return None
    taken = [(python[name].python_name, variable) for name, variable in whole.items()]

    def read(run: "Run") -> dict[str, Any]:
        variables = run.variables
        return base | {argument: variables[name] for argument, name in taken if name in variables}

    return read


def _needs_no_conversion(type_: GraphQLInputType, argument: StrawberryArgument) -> bool:
    if isinstance(argument.type, StrawberryMaybe):
        return False
    kind = argument.type.of_type if isinstance(argument.type, StrawberryOptional) else argument.type
    return is_leaf_type(get_nullable_type(type_)) and kind is not GlobalID
