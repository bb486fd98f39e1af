"""Documents made at random over a whole schema: valid ones, with everything that the language has.

`Maker(schema, random).document()` gives (text, variables). The same random numbers give the same document.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

TEXTS = ("x", "Tom", "none", "", "é😀", 'a\\b"c', "+998901234567", "welcome", "cinema", "12.50", "-1", "2026-01-31")
NUMBERS = (0, 1, 2, 3, 5, 20, 100, 101, -1, 2**31 - 1)
Samples = Callable[[str, Random], Any]


def no_sample(_place: str, _random: Random) -> Any:
    """Nothing special for any place."""
    return None


@dataclass
class Maker:
    """Makes documents. `samples(place, random)` may give a fitting value for an argument or an input field by its name;
    `leave_out` are the names of fields that are not asked for."""

    schema: GraphQLSchema
    random: Random
    samples: Samples = no_sample
    leave_out: frozenset[str] = frozenset()
    depth: int = 5
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    fields_left: int = 60

    def document(self, kind: str = "query") -> tuple[str, dict[str, Any]]:
        """A document with one operation of this kind, and its variables."""
        root = {
            "query": self.schema.query_type,
            "mutation": self.schema.mutation_type,
            "subscription": self.schema.subscription_type,
        }[kind]
        assert root is not None
        most = {"query": 3, "mutation": 2, "subscription": 1}[kind]
        body = self._selections(root, self.depth, most)
        defined = ", ".join(f"${name}: {type_}" for name, (type_, _) in self.variables.items())
        text = f"{kind} Made{f'({defined})' if defined else ''} {body}\n" + "\n".join(self.fragments)
        values = {name: value for name, (_, value) in self.variables.items() if value is not Undefined}
        return text, values

    def _selections(self, type_: GraphQLNamedType, depth: int, most: int = 6) -> str:
        parts = [self._fields_of(type_, depth, most)]
        if is_abstract_type(type_):
            possible = list(self.schema.get_possible_types(type_))
            for concrete in self.random.sample(possible, min(len(possible), self.random.randint(1, 3))):
                parts.append(self._fragment(concrete, depth))
            if isinstance(type_, GraphQLUnionType) and self._chance(0.5):
                parts.append(self._interface_fragment(possible, depth))
        elif self._chance(0.2) and most > 1:
            parts.append(self._fragment(type_, depth))
        text = " ".join(part for part in parts if part)
        return f"{{ {text or '__typename'} }}"

    def _interface_fragment(self, possible: Sequence[GraphQLObjectType], depth: int) -> str:
        shared = {face.name: face for each in possible for face in each.interfaces}
        return self._fragment(self.random.choice(list(shared.values())), depth) if shared else ""

    def _fields_of(self, type_: GraphQLNamedType, depth: int, most: int) -> str:
        fields = {} if isinstance(type_, GraphQLUnionType) else getattr(type_, "fields", {})
        names = [
            name
            for name, each in fields.items()
            if name not in self.leave_out and (depth > 1 or not is_composite_type(get_named_type(each.type)))
        ]
        chosen = self.random.sample(names, min(len(names), self.random.randint(1, most))) if names else []
        asked = [self._field(name, fields[name], depth) for name in chosen]
        if most > 1 and self._chance(0.2):
            asked.append("__typename" if self._chance(0.7) else "t: __typename")
        return " ".join(asked) or "__typename"

    def _field(self, name: str, definition: GraphQLField, depth: int) -> str:
        self.fields_left -= 1
        alias = f"a{self.random.randint(0, 10**6)}: " if self._chance(0.25) and self.fields_left > 0 else ""
        arguments = self._arguments(definition) if definition.args else ""
        named = get_named_type(definition.type)
        inner = ""
        if is_composite_type(named):
            inner = " " + (self._selections(named, depth - 1) if self.fields_left > 0 else "{ __typename }")
        # A field under its own name may be asked for twice: without arguments that always merges.
        again = f" {name}{inner}" if not alias and not arguments and self._chance(0.05) else ""
        if arguments and not alias:
            alias = f"b{self.random.randint(0, 10**6)}: "
        return f"{alias}{name}{arguments}{self._condition()}{inner}{again}"

    def _fragment(self, type_: GraphQLNamedType, depth: int) -> str:
        body = "{ " + self._fields_of(type_, depth - 1, 4) + " }"
        if self._chance(0.4):
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_.name} {body}")
            return f"...{name}{self._condition()}"
        on = f" on {type_.name}"
        return f"...{on}{self._condition()} {body}"

    def _condition(self) -> str:
        if not self._chance(0.08):
            return ""
        directive = self.random.choice(("skip", "include"))
        decided = self.random.choice((True, False))
        if self._chance(0.5):
            return f" @{directive}(if: {json.dumps(decided)})"
        return f" @{directive}(if: ${self._variable('Boolean!', decided)})"

    def _variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = type_, value
        return name

    def _arguments(self, definition: GraphQLField) -> str:
        given = [
            f"{name}: {self._argument(name, argument)}"
            for name, argument in definition.args.items()
            if is_required_argument(argument) or self._chance(0.4)
        ]
        return f"({', '.join(given)})" if given else ""

    def _argument(self, name: str, argument: GraphQLArgument) -> str:
        value = self._value(argument.type, name, 3)
        if self._chance(0.5):
            if not isinstance(argument.type, GraphQLNonNull) and self._chance(0.15):
                value = Undefined
            return f"${self._variable(str(argument.type), value)}"
        return self._literal(argument.type, value)

    def _value(self, type_: GraphQLInputType, place: str, depth: int) -> Any:
        """A value as JSON has it."""
        if isinstance(type_, GraphQLNonNull):
            return self._some_value(type_.of_type, place, depth)
        if self._chance(0.1):
            return None
        return self._some_value(type_, place, depth)

    def _some_value(self, type_: Any, place: str, depth: int) -> Any:
        sample = self.samples(place, self.random)
        if sample is not None and not isinstance(type_, GraphQLInputObjectType | GraphQLList):
            return sample
        if isinstance(type_, GraphQLList):
            return [self._required(type_.of_type, place, depth - 1) for _ in range(self.random.randint(0, 2))]
        if isinstance(type_, GraphQLInputObjectType):
            return self._input(type_, depth)
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice(list(type_.values))
        assert isinstance(type_, GraphQLScalarType)
        return self._scalar(type_.name)

    def _required(self, type_: Any, place: str, depth: int) -> Any:
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        return self._some_value(inner, place, depth)

    def _input(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        if type_.is_one_of:
            name = self.random.choice(list(type_.fields))
            return {name: self._required(type_.fields[name].type, name, depth - 1)}
        return {
            name: self._required(each.type, name, depth - 1)
            for name, each in type_.fields.items()
            if is_required_input_field(each) or (depth > 0 and self._chance(0.7))
        }

    def _scalar(self, name: str) -> Any:
        if name == "Int":
            return self.random.choice(NUMBERS)
        if name == "Float":
            return self.random.choice((0.0, 1.5, -2.25, 1e10))
        if name == "Boolean":
            return self._chance(0.5)
        if name == "DateTime":
            return self.random.choice(("2026-03-01T00:00:00+00:00", "2024-12-31T23:59:59.5Z"))
        if name == "Date":
            return self.random.choice(("2026-02-28", "1999-01-01"))
        if name == "Decimal":
            return self.random.choice(("1.00", "0", "-5", "1.234", "100000000", "abc"))
        if name == "Weight":
            return self.random.choice(("5", "12"))
        return self.random.choice(TEXTS)

    def _literal(self, type_: Any, value: Any) -> str:
        if value is None:
            return (
                "null" if not isinstance(type_, GraphQLNonNull) else self._literal(type_, self._required(type_, "", 2))
            )
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            return "[" + ", ".join(self._literal(inner.of_type, each) for each in value) + "]"
        if isinstance(inner, GraphQLInputObjectType):
            pairs = (f"{name}: {self._literal(inner.fields[name].type, each)}" for name, each in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(inner, GraphQLEnumType):
            return str(value)
        return json.dumps(value, ensure_ascii=False)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share
