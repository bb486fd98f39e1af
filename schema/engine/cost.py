"""What an operation costs: about how many fields its answer may hold.

Every field counts one. What is inside a list counts as often as `first` or `last` says, on the field itself or on the
connection that holds the list; without them `list_size` times, and never more than `list_size_max`, for no resolver
gives more. The shape of a document is checked first, so the walk here over the written-out document is short. A cost
is reckoned once per document and only asks for the variables that sizes hang on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from schema.engine.limits import Limits

# Introspection is answered from memory, but a whole schema is a megabyte of text: one a document.
INTROSPECTION = {"__schema": 10_001, "__type": 500}


@dataclass(frozen=True, slots=True)
class Size:
    """How long a list may be: as each of the variables says, at most `most`, and at least `least`.

    A variable comes with what it counts for when it gives no number.
    """

    least: int
    variables: tuple[tuple[str, int], ...] = ()
    most: int = 100

    def of(self, variables: Mapping[str, Any]) -> int:
        return max((self.least, *(self._given(variables.get(name), other) for name, other in self.variables)))

    def _given(self, value: Any, otherwise: int) -> int:
        if type(value) is float and value.is_integer():  # JSON's 1e2, which Int takes
            value = int(value)
        return min(value, self.most) if type(value) is int and value >= 0 else otherwise


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum that is known, and the parts that hang on variables."""

    known: int = 0
    sized: tuple[tuple[Size, "Cost"], ...] = ()

    def of(self, variables: Mapping[str, Any]) -> int:
        """The cost with these variables."""
        return self.known + sum(size.of(variables) * inner.of(variables) for size, inner in self.sized)


def add(costs: Iterable[Cost]) -> Cost:
    """Costs beside each other."""
    costs = list(costs)
    return Cost(sum(cost.known for cost in costs), tuple(part for cost in costs for part in cost.sized))


def times(size: Size, cost: Cost) -> Cost:
    """A cost for each item of a list."""
    if size.variables:
        return Cost(0, ((size, cost),)) if cost != Cost() else cost
    many = size.least
    return Cost(cost.known * many, tuple((by, times(Size(many), inner)) for by, inner in cost.sized))


def cost_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, limits: Limits) -> Cost:
    """The cost of one operation of a document whose shape has been checked."""
    walk = _Walk(schema, document, operation, limits)
    return walk.selection_set(operation.selection_set, schema.get_root_type(operation.operation), None)


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, limits: Limits
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.defaults = {d.variable.name.value: d.default_value for d in operation.variable_definitions or ()}

    def selection_set(self, node: SelectionSetNode, parent: GraphQLNamedType | None, page: Size | None) -> Cost:
        return add(self.selections(node, parent, page))

    def selections(self, node: SelectionSetNode, parent: GraphQLNamedType | None, page: Size | None) -> Iterator[Cost]:
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                yield self.field(selection, parent, page)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                on = self.schema.get_type(condition.name.value) if condition else parent
                yield self.selection_set(selection.selection_set, on, page)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value in self.fragments:
                fragment = self.fragments[selection.name.value]
                on = self.schema.get_type(fragment.type_condition.name.value)
                yield self.selection_set(fragment.selection_set, on, page)

    def field(self, node: FieldNode, parent: GraphQLNamedType | None, page: Size | None) -> Cost:
        name = node.name.value
        if name in INTROSPECTION:
            return Cost(INTROSPECTION[name])
        definition = parent.fields.get(name) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None
        if node.selection_set is None or definition is None:
            return Cost(1)
        own = self.page_size(node, definition)
        is_list = isinstance(get_nullable_type(definition.type), GraphQLList)
        # A connection's page size holds for the lists right below it.
        inner = self.selection_set(node.selection_set, get_named_type(definition.type), None if is_list else own)
        if is_list:
            inner = times(own or page or Size(self.limits.list_size), inner)
        return add((Cost(1), inner))

    def page_size(self, node: FieldNode, definition: GraphQLField) -> Size | None:
        """The size that `first` or `last` gives the field, None for a field without them."""
        if not definition.args.keys() & {"first", "last"}:
            return None
        # Either of them may be null at last, and the other one hold: the larger counts.
        given = [a.value for a in node.arguments or () if a.name.value in ("first", "last")]
        variables = tuple(
            (value.name.value, self.number(self.defaults.get(value.name.value)))
            for value in given
            if isinstance(value, VariableNode)
        )
        known = [self.number(value) for value in given if not isinstance(value, VariableNode)]
        least = max(known, default=0 if variables else self.limits.list_size)
        return Size(least, variables, self.limits.list_size_max)

    def number(self, value: ValueNode | None) -> int:
        """What a value in the document counts for."""
        most = self.limits.list_size_max
        if isinstance(value, IntValueNode) and not value.value.startswith("-"):
            return min(int(value.value), most) if len(value.value) < 10 else most
        return self.limits.list_size
