"""Documents as the engines want them: parsed, within the limits, valid, and kept for the next time."""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.engine.cost import Cost, cost_of
from schema.engine.errors import fault, shorten
from schema.engine.limits import Limits, check_shape, count_tokens, too_complex
from schema.engine.parsing import parsed

VALIDATION_ERRORS_MOST = 10
TOKEN_BYTES: Final = 512
WEIGHT: Final = 5  # in tokens, of a document that has next to none


class Refused(Exception):
    """The document cannot be run; `errors` say why."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__("document refused")
        self.errors = errors


@dataclass(slots=True, eq=False)
class Operation:
    """One operation of a valid document; `roots` are the names of its root fields, once for each key of the answer.

    `asked` is the compiled engine's own note about it.
    """

    node: OperationDefinitionNode
    kind: OperationType
    cost: Cost
    roots: tuple[str, ...]
    asked: Any = None


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and its operations by name ("" for one without).

    `weight` is what keeping it takes, in tokens: its own, those of its text, however blank, and those of any document.
    """

    text: str
    node: DocumentNode
    operations: dict[str, Operation]
    weight: int

    def operation(self, name: str | None) -> Operation:
        """The operation by its name; without a name the only one. Raises Refused."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise Refused(fault("The document has several operations: say which by operationName."))
        if name not in self.operations:
            raise Refused(fault(f"The document has no operation named '{shorten(name)}'."))
        return self.operations[name]


class Documents:
    """Reads documents and keeps the valid ones, least recently used out first, up to `limits.cached_tokens`."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._kept_tokens = 0
        rules = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
        self._rules = rules if limits.introspection else (*rules, NoSchemaIntrospectionCustomRule)

    def read(self, text: str) -> Document:
        """The document of this text. Raises Refused with the syntax, limit or validation errors."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        try:
            document = self._prepare(text)
        except GraphQLError as error:
            raise Refused(error) from None
        self._keep(text, document)
        return document

    def _prepare(self, text: str) -> Document:
        tokens = count_tokens(text)
        if tokens > self.limits.tokens:
            raise too_complex("tokens", tokens, self.limits.tokens)
        # The parser's own limits stand behind, should the two ever count differently.
        node = parsed(text, tokens_most=self.limits.tokens)
        check_shape(node, self.limits)
        errors = validate(
            self.schema,
            node,
            self._rules,
            max_errors=VALIDATION_ERRORS_MOST,
            hide_suggestions=not self.limits.introspection,
        )
        if errors:
            raise Refused(*errors)
        return Document(text, node, self._operations(node), WEIGHT + tokens + sys.getsizeof(text) // TOKEN_BYTES)

    def _operations(self, document: DocumentNode) -> dict[str, Operation]:
        return {
            node.name.value if node.name else "": Operation(
                node, node.operation, cost_of(self.schema, document, node, self.limits), root_names(document, node)
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._kept_tokens += document.weight
        while self._kept_tokens > self.limits.cached_tokens:
            _, oldest = self._kept.popitem(last=False)
            self._kept_tokens -= oldest.weight


def root_names(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The names of the fields that an operation asks the root for, whatever @skip and @include will say."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    found: dict[str, str] = {}
    seen: set[str] = set()

    def walk(selections: SelectionSetNode) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found[(node.alias or node.name).value] = node.name.value
            elif isinstance(node, InlineFragmentNode):
                walk(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                walk(fragments[node.name.value].selection_set)

    walk(operation.selection_set)
    return tuple(found.values())
