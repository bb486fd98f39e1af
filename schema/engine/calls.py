"""How a field's value is got: an attribute, a direct call of the resolver's own function, or the schema's way round.

The schema's way round is what Strawberry built for the field: permission classes, field extensions and exception
handlers all run in it. Only where there are none is the function called directly.
"""

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import default_field_resolver
from strawberry.types.field import StrawberryField

from schema.engine.arguments import arguments_of, raw_arguments_of
from schema.engine.info import Site
from schema.engine.source import Source


class Gives(Enum):
    """What a call gives."""

    VALUE = "value"  # an attribute: never to be awaited
    MAYBE = "maybe"  # a value, or something to await
    LATER = "later"  # always something to await


@dataclass(frozen=True, slots=True)
class Call:
    """The expression that gets a field's value from the object `s` in the run `R`."""

    text: str
    gives: Gives


Bind = Callable[[str, Any], str]


def call_of(site: Site, source: Source, bind: Bind) -> Call:
    """How to get this field; `bind` makes an object known to the generated code and gives its name there."""
    field = site.definition.extensions.get("strawberry-definition")
    if not isinstance(field, StrawberryField) or site.definition.resolve is None:
        return _by_schema(site, bind)
    handlers = source.schema.schema_converter._get_field_exception_handlers(field)
    if field.is_subscription or field.extensions or handlers:
        return _by_schema(site, bind)
    if field.base_resolver is None:
        return _attribute(field, source, bind)
    return _direct(site, field, source, bind)


def _attribute(field: StrawberryField, source: Source, bind: Bind) -> Call:
    name = field.python_name
    if source.schema.config.default_resolver is getattr and name.isidentifier() and not keyword.iskeyword(name):
        return Call(f"s.{name}", Gives.VALUE)
    return Call(f"{bind('f', source.schema.config.default_resolver)}(s, {name!r})", Gives.MAYBE)


def _direct(site: Site, field: StrawberryField, source: Source, bind: Bind) -> Call:
    resolver = field.base_resolver
    assert resolver is not None
    given: list[str] = []
    if resolver.self_parameter:
        given.append("s")
    names = {parameter.name: "s" for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter}
    if resolver.info_parameter:
        names[resolver.info_parameter.name] = _info(site, source, bind)
    arguments = arguments_of(site, field, source.schema, source.operation)
    # What is the resolver's own by reservation comes last, as Strawberry has it.
    if isinstance(arguments, dict):
        given += [f"{name}={_constant(value, bind)}" for name, value in arguments.items() if name not in names]
    else:
        given.append(f"**{bind('a', arguments)}(R)")
    given += [f"{name}={text}" for name, text in names.items()]
    function = bind("f", resolver.wrapped_func)
    return Call(f"{function}({', '.join(given)})", Gives.LATER if field.is_async else Gives.MAYBE)


def _constant(value: Any, bind: Bind) -> str:
    return repr(value) if value is None or value is True or value is False or type(value) is int else bind("k", value)


def _info(site: Site, source: Source, bind: Bind) -> str:
    if site.path is not None:  # not below a list: nobody to share it with
        return f"{bind('I', source.new_info)}({bind('i', site)}, R)"
    return f"(R.infos.get({site.index}) or R.info({bind('i', site)}))"


def _by_schema(site: Site, bind: Bind) -> Call:
    """The field's function in the schema, or graphql-core's own for a field without one."""
    resolve = bind("f", site.definition.resolve or default_field_resolver)
    arguments = raw_arguments_of(site)
    keywords = f", **{bind('a', arguments)}(R)" if callable(arguments) else ""
    return Call(f"{resolve}(s, R.raw({bind('i', site)}){keywords})", Gives.MAYBE)
