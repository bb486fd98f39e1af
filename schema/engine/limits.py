"""What one request may ask for, counted before anything expensive happens to it.

The order is what protects: bytes while the body arrives, tokens before parsing, shape in one pass over the parsed
document (each fragment once), and only then validation, whose rules can take quadratic time, and cost, which is
reckoned over a document that is already known to be small.
"""

import re
from dataclasses import dataclass, field, replace
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from schema.engine.errors import fault, shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a request, a document and a socket may have. The defaults suit an app's screens.

    `selections` are fields and fragments with the fragments written out, `repeats` the fields asked for again in one
    place, `nesting` the selection sets inside each other with the fragments' own. `cost` is about how many fields the
    answer may hold: a list counts `first` or `last` times, else `list_size` times. `seconds` is how long one operation
    may run. `streams` are the streams of events that are open at a time, `streams_each` those of one who says who they
    are. `cached_tokens` bounds the documents that are kept parsed (about half a kilobyte of memory each, and what else
    a document takes is counted as if it were tokens).

    For the compiled engine: a document is compiled when it has been asked for more than `compile_after` times,
    compiling takes at most `compile_share` of the time, and `compiled_fields` are kept (about two kilobytes each, and
    the document that a plan keeps alive is counted with it).
    """

    body_bytes: int = 100_000
    body_seconds: float = 10.0
    tokens: int = 2_000
    depth: int = 15
    nesting: int = 60
    root_fields: int = 20
    selections: int = 500
    aliases: int = 30
    repeats: int = 100
    directives: int = 50
    cost: int = 20_000
    list_size: int = 20
    list_size_max: int = 100
    introspection: bool = True
    seconds: float = 30.0
    cached_tokens: int = 60_000
    compile_after: int = 1
    compile_share: float = 0.1
    compiled_fields: int = 8_000

    sockets: int = 2_000
    streams: int = 2_000
    streams_each: int = 100
    socket_operations: int = 20
    socket_init_seconds: float = 10.0
    socket_ping_seconds: float = 25.0
    stream_ping_seconds: float = 12.0
    send_seconds: float = 15.0


# As the lexer sees them; an unfinished string runs to its end, so that no text is read twice. Nothing that follows a
# repetition can fail, so nothing is ever tried again. Possessive ones would say just that, but Python 3.11.2 gets them
# wrong.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*(?:"""|\Z)'
    r'|"(?:[^"\\\r\n]|\\.)*"?'
    r"|\#[^\r\n]*|\.\.\.|[_A-Za-z][_A-Za-z0-9]*"
    r"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[^\s,\ufeff]"
)


def count_tokens(text: str) -> int:
    """How many tokens the document has, comments among them; in time linear to its length."""
    return sum(1 for _ in _TOKEN.finditer(text))


def too_complex(limit: str, requested: int, most: int) -> GraphQLError:
    """The refusal of a document that asks for too much: which limit, what it was and what the most is."""
    what = limit.replace("_", " ")
    return fault(
        f"This operation asks for too much: {what} {requested:,}, at most {most:,}.",
        "TOO_COMPLEX",
        limit=limit,
        requested=requested,
        most=most,
    )


@dataclass(slots=True)
class Shape:
    """How large a part of a document is with its fragments written out."""

    depth: int = 0
    nesting: int = 0
    root_fields: int = 0
    selections: int = 0
    aliases: int = 0
    repeats: int = 0
    directives: int = 0
    names: set[str] = field(default_factory=set, repr=False)

    def add(self, other: "Shape") -> None:
        """Puts another beside this one; a name that both have is merged by the executor and counts as a repeat."""
        self.depth = max(self.depth, other.depth)
        self.nesting = max(self.nesting, other.nesting)
        self.root_fields += other.root_fields
        self.selections += other.selections
        self.aliases += other.aliases
        self.directives += other.directives
        self.repeats += other.repeats + len(self.names & other.names)
        self.names |= other.names


_COUNTED = ("depth", "nesting", "root_fields", "selections", "aliases", "repeats", "directives")


def check_shape(document: DocumentNode, limits: Limits) -> None:
    """Refuses a document with a definition that is too large, or with a fragment inside itself.

    Raises GraphQLError with the code TOO_COMPLEX or BAD_REQUEST.
    """
    survey = _Survey(document, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            shape = survey.selection_set(definition.selection_set, 1)
            variables = definition.variable_definitions or ()
            shape.directives += len(definition.directives or ()) + sum(len(v.directives or ()) for v in variables)
            if isinstance(definition, FragmentDefinitionNode):
                shape.root_fields = 0
            survey.refuse_if_over(shape)


class _Survey:
    """One walk over a document that measures each fragment once, whatever spreads it."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self.limits = limits
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.measured: dict[str, Shape] = {}
        self.inside: set[str] = set()

    def refuse_if_over(self, shape: Shape) -> None:
        for limit in _COUNTED:
            requested, most = getattr(shape, limit), getattr(self.limits, limit)
            if requested > most:
                raise too_complex(limit, requested, most)

    def selection_set(self, node: SelectionSetNode, nesting: int) -> Shape:
        """`nesting` counts the sets around this one, through fragments: the walk itself must not go too deep."""
        if nesting > self.limits.nesting:
            raise too_complex("nesting", nesting, self.limits.nesting)
        total = Shape()
        for selection in node.selections:
            total.add(self.selection(selection, nesting))
            if total.selections > 4 * self.limits.selections:  # far too many: what comes need not be looked at
                raise too_complex("selections", total.selections, self.limits.selections)
        return total

    def selection(self, node: SelectionNode, nesting: int) -> Shape:
        if isinstance(node, FragmentSpreadNode):
            shape = replace(self.fragment(node.name.value, nesting))
        elif isinstance(node, InlineFragmentNode):
            shape = self.selection_set(node.selection_set, nesting + 1)
        else:
            shape = self.field(cast("FieldNode", node), nesting)
        shape.nesting += 1
        shape.selections += 1
        shape.directives += len(node.directives or ())
        return shape

    def field(self, node: FieldNode, nesting: int) -> Shape:
        shape = self.selection_set(node.selection_set, nesting + 1) if node.selection_set else Shape()
        shape.depth += 1
        shape.aliases += node.alias is not None
        shape.root_fields = 1
        shape.names = {(node.alias or node.name).value}
        return shape

    def fragment(self, name: str, nesting: int) -> Shape:
        definition = self.fragments.get(name)
        if definition is None:
            return Shape()
        if name in self.inside:
            raise fault(f"Fragment '{shorten(name)}' is inside itself.")
        if name not in self.measured:
            self.inside.add(name)
            shape = self.selection_set(definition.selection_set, nesting + 1)
            self.inside.remove(name)
            self.refuse_if_over(replace(shape, root_fields=0))
            self.measured[name] = shape
        return self.measured[name]
