"""Writes Python for an operation: one function for each place in the document, run on every request.

Compiled code builds the answer and nothing else. Whatever is out of the ordinary in it (an exception, a null where none
may be, a value of an unknown kind) raises, and the stock engine says exactly what was wrong (see `replay.py`). No text
of a client becomes code: keys and names go through `repr`, objects through the namespace.

What stands below an interface or a union is written when an object of the type first comes by.
"""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLAbstractType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails, collect_fields, collect_subfields
from graphql.execution.executor import default_type_resolver
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, is_awaitable
from strawberry.types.base import StrawberryObjectDefinition

from schema.engine.calls import Call, Gives, call_of
from schema.engine.info import NeedsStock, Site
from schema.engine.leaves import NoValue, checked, in_line, is_plain
from schema.engine.replay import remembering
from schema.engine.run import Complete, Run
from schema.engine.source import Source

FIELDS_MOST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Root:
    """A root field: `get(root value, run)` gives its value or an awaitable, `complete(value, run)` its answer."""

    key: str
    name: str
    get: Callable[[Any, Run], Any] | None
    complete: Complete | None
    constant: str = ""


class Compiled:
    """An operation compiled for one set of decisions by @skip and @include.

    `spend` is told the seconds of what is written after it was made.
    """

    def __init__(self, source: Source, values: VariableValues, spend: Callable[[float], None]) -> None:
        self.source = source
        self.values = values
        self._spend = spend
        self.fields = 0
        self.namespace: dict[str, Any] = {"remembering": remembering}
        self._names = 0
        self._lines: list[str] = []
        self.trouble = 0
        """How often a run had to be done over by the stock engine for want of something that only it has."""
        self.is_mutation = source.operation.operation is OperationType.MUTATION
        self.roots = self._roots()

    def bind(self, prefix: str, value: Any = None) -> str:
        """A new name in the generated code, for this object if one is given."""
        self._names += 1
        name = f"{prefix}{self._names}"
        if value is not None:
            self.namespace[name] = value
        return name

    def _flush(self) -> None:
        """Turns what has been written into functions."""
        lines, self._lines = self._lines, []
        if lines:
            exec(compile("\n".join(lines), "<compiled operation>", "exec"), self.namespace)  # noqa: S102  # our own text

    def _roots(self) -> list[Root]:
        schema, operation = self.source.graphql, self.source.operation
        parent = schema.get_root_type(operation.operation)
        assert parent is not None
        collected = collect_fields(schema, self.source.fragments, self.values, parent, operation)
        roots, written = [], []
        for key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            if name == "__typename":
                roots.append(Root(key, name, None, None, parent.name))
                continue
            site = self._site(key, details, parent, None)
            call = call_of(site, self.source, self.bind)
            get = self.bind("g")
            self._lines += [f"def {get}(s, R):", f"    return {call.text}"]
            strict = self._strict(site.definition.type, site)
            written.append((len(roots), key, name, get, strict))
            roots.append(Root(key, name, None, None))
        self._flush()
        for place, key, name, get, strict in written:
            roots[place] = Root(key, name, self.namespace[get], self.namespace[strict])
        return roots

    def _site(self, key: str, details: list[FieldDetails], parent: GraphQLObjectType, above: Path | None) -> Site:
        name = details[0].node.name.value
        if name.startswith("__"):
            raise NeedsStock("introspection")
        self.fields += 1
        if self.fields > FIELDS_MOST:
            raise NeedsStock("size")
        return Site(self.fields, key, parent.fields[name], parent, details, Path(above, key, parent.name))

    # An object's fields.

    def _object(self, type_: GraphQLObjectType, site: Site) -> str:
        """Writes the function that answers for an object of this type in this place; gives its name."""
        collected = collect_subfields(
            self.source.graphql, self.source.fragments, self.values, self.source.operation, type_, site.details
        )
        body: list[str] = []
        entries = []
        for key, details in collected.grouped_field_set.items():
            if details[0].node.name.value == "__typename":
                entries.append(f"{key!r}: {type_.name!r}")
                continue
            below = self._site(key, details, type_, site.path)
            if site.path is None:
                below.path = None
            call = self._call(below)
            body += self._field(below, call, value := self.bind("v"))
            entries.append(f"{key!r}: {value}")
        name = self.bind("o")
        self._lines += [f"def {name}(s, R):", *body, "    return {" + ", ".join(entries) + "}"]
        return name

    def _call(self, site: Site) -> Call:
        call = call_of(site, self.source, self.bind)
        if not self.is_mutation or call.gives is Gives.VALUE:
            return call
        get, kept, node = self.bind("g"), self.bind("m"), self.bind("n", site.nodes[0])
        self._lines += [f"def {get}(s, R):", f"    return {call.text}", f"{kept} = remembering({get}, {node})"]
        return Call(f"{kept}(s, R)", call.gives)

    def _field(self, site: Site, call: Call, value: str) -> list[str]:
        type_ = site.definition.type
        if call.gives is Gives.LATER:
            return [f"    {value} = R.wait({site.key!r}, {call.text}, {self._strict(type_, site)})"]
        slow = self.bind("x")
        expression, general = self._value(type_, site, slow)
        self.namespace[slow] = _waiting(site.key, general) if call.gives is Gives.MAYBE else general
        return [f"    {value} = {call.text}", f"    {value} = {expression(value)}"]

    # Values by their type. Each gives (the expression for a variable, the function for everything out of the usual).

    def _strict(self, type_: GraphQLOutputType, site: Site) -> str:
        """Writes the function that completes any value of this type; gives its name."""
        slow, name = self.bind("x"), self.bind("c")
        expression, self.namespace[slow] = self._value(type_, site, slow)
        self._lines += [f"def {name}(v, R):", f"    return {expression('v')}"]
        return name

    def _value(self, type_: GraphQLOutputType, site: Site, slow: str) -> tuple[Callable[[str], str], Complete]:
        required = isinstance(type_, GraphQLNonNull)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if is_leaf_type(inner):
            expression, known = self._leaf(inner, slow)
        elif isinstance(inner, GraphQLList):
            expression, known = self._list(inner, site, slow)
        elif isinstance(inner, GraphQLObjectType):
            expression, known = self._one(inner, site, slow)
        elif is_abstract_type(inner):
            expression, known = self._any_of(inner, site, slow)
        else:  # there is no other output type
            raise NeedsStock("type")

        def general(value: Any, run: Run) -> Any:
            if value is None or value is Undefined:
                if required:
                    raise NoValue
                return None
            if isinstance(value, Exception):
                raise value
            if is_awaitable(value):
                raise NeedsStock("awaitable")
            return known(value, run)

        return expression, general

    def _leaf(self, type_: GraphQLLeafType, slow: str) -> tuple[Callable[[str], str], Complete]:
        show = checked(type_)

        def known(value: Any, run: Run) -> Any:
            is_plain(value)
            return show(value)

        return in_line(type_, self.bind, slow), known

    def _list(self, type_: GraphQLList[Any], site: Site, slow: str) -> tuple[Callable[[str], str], Complete]:
        inside = Site(site.index, site.key, site.definition, site.parent, site.details, None)
        item_slow, name = self.bind("x"), self.bind("l")
        expression, self.namespace[item_slow] = self._value(type_.of_type, inside, item_slow)
        self._lines += [f"def {name}(v, R):", f"    return [{expression('e')} for e in v]"]
        namespace = self.namespace

        def known(value: Any, run: Run) -> Any:
            if isinstance(value, list | tuple):
                return namespace[name](value, run)
            raise NeedsStock("iterable")  # it may be good for one look only

        return (lambda v: f"{name}({v}, R) if {v}.__class__ is list else {slow}({v}, R)"), known

    def _one(self, type_: GraphQLObjectType, site: Site, slow: str) -> tuple[Callable[[str], str], Complete]:
        name, namespace = self._object(type_, site), self.namespace

        def known(value: Any, run: Run) -> Any:
            _require_type(type_, value, site, run)
            return namespace[name](value, run)

        cls = _usual_class(type_)
        if cls is None:
            return (lambda v: f"{slow}({v}, R)"), known
        usual = self.bind("T", cls)
        return (lambda v: f"{name}({v}, R) if {v}.__class__ is {usual} else {slow}({v}, R)"), known

    def _any_of(self, type_: GraphQLAbstractType, site: Site, slow: str) -> tuple[Callable[[str], str], Complete]:
        by_class: dict[type, Complete] = {}
        by_name: dict[str, Complete] = {}
        lasts = _is_told_by_class(type_, self.source.graphql.get_possible_types(type_))

        def known(value: Any, run: Run) -> Any:
            concrete = self._type_of(type_, value, site, run)
            complete = by_name.get(concrete.name)
            if complete is None:
                complete = by_name[concrete.name] = self._write_late(concrete, site)
            if lasts and _usual_class(concrete) is value.__class__:
                by_class[value.__class__] = complete
            return complete(value, run)

        table = self.bind("M", by_class)
        return (lambda v: f"({table}.get({v}.__class__) or {slow})({v}, R)"), known

    def _write_late(self, type_: GraphQLObjectType, site: Site) -> Complete:
        """The function for objects of a type that has come by for the first time."""
        began = time.perf_counter()
        try:
            name = self._object(type_, site)
            self._flush()
        finally:
            self._lines.clear()
            self._spend(time.perf_counter() - began)
        written: Complete = self.namespace[name]
        return written

    def _type_of(self, type_: GraphQLAbstractType, value: Any, site: Site, run: Run) -> GraphQLObjectType:
        name = (type_.resolve_type or default_type_resolver)(value, run.raw(site), type_)
        _require_ready(name)
        concrete = self.source.graphql.get_type(name) if isinstance(name, str) else None
        if not isinstance(concrete, GraphQLObjectType) or not self.source.graphql.is_sub_type(type_, concrete):
            raise NoValue
        _require_type(concrete, value, site, run)
        return concrete


def _waiting(key: str, complete: Complete) -> Complete:
    """Completes what a resolver gave, now or, if it is to be awaited, later."""

    def now_or_later(value: Any, run: Run) -> Any:
        if is_awaitable(value):
            return run.wait(key, value, complete)
        return complete(value, run)

    return now_or_later


def _require_type(type_: GraphQLObjectType, value: Any, site: Site, run: Run) -> None:
    if type_.is_type_of is None:
        return
    is_it = type_.is_type_of(value, run.raw(site))
    _require_ready(is_it)
    if not is_it:
        raise NoValue


def _require_ready(told: Any) -> None:
    """What a type's function tells must not have to be awaited here."""
    if is_awaitable(told):
        if isinstance(told, Coroutine):
            told.close()
        raise NeedsStock("async type")


def _definition(type_: GraphQLObjectType) -> StrawberryObjectDefinition | None:
    definition = type_.extensions.get("strawberry-definition")
    return definition if isinstance(definition, StrawberryObjectDefinition) else None


def _usual_class(type_: GraphQLObjectType) -> type | None:
    """The class of which all instances are of this type, without asking; None if there is none."""
    definition = _definition(type_)
    if definition is None or definition.is_type_of is not None:
        return None
    # What a generic type is specialised for does not show in its objects: they are of the generic class.
    return definition.concrete_of.origin if definition.concrete_of else definition.origin


def _is_told_by_class(type_: GraphQLAbstractType, possible: Any) -> bool:
    """Whether an object's class alone says which of the possible types it is."""
    definition = type_.extensions.get("strawberry-definition")
    if getattr(definition, "resolve_type", None) is not None:
        return False
    known = [_definition(each) for each in possible]
    return all(
        each is not None and each.is_type_of is None and each.concrete_of is None and not each.is_graphql_generic
        for each in known
    )
