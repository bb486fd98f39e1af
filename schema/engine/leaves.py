"""Scalars and enums in compiled code: values of the usual class are taken by a comparison in line, all others through
the type's own function, so that the answer is the same to the byte."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import GeneratorType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from graphql import GraphQLEnumType, GraphQLLeafType, Undefined
from graphql.pyutils import is_awaitable
from strawberry.schema.types.base_scalars import isoformat

# Classes that are neither awaitable nor exceptions; more are added as they are met.
PLAIN: Final[set[type]] = {str, int, float, bool, bytes, list, dict, tuple, Decimal, datetime, date, time, UUID}
PLAIN_MOST: Final = 1_000
_DAYS: Final = frozenset((datetime, date, time))
_IN_LINE: Final = {
    "String": "{v} if {v}.__class__ is str else {slow}({v}, R)",
    "ID": "{v} if {v}.__class__ is str else {slow}({v}, R)",
    "Boolean": "{v} if {v}.__class__ is bool else {slow}({v}, R)",
    "Int": "{v} if {v}.__class__ is int and -2147483648 <= {v} <= 2147483647 else {slow}({v}, R)",
    # inf - inf and nan - nan are no zero
    "Float": "{v} if {v}.__class__ is float and {v} - {v} == 0.0 else {slow}({v}, R)",
}


# Before that there were places whose clocks were off by odd seconds, which orjson does not write.
_WHOLE_MINUTES_FROM: Final = 1973


class NoValue(Exception):
    """A place that must have a value has none, or one that its type cannot show."""


def is_plain(value: Any) -> bool:
    """Whether values of this class can be handed on without asking what they are."""
    cls = value.__class__
    if cls in PLAIN:
        return True
    if value is None or value is Undefined or isinstance(value, Exception) or is_awaitable(value):
        return False
    if len(PLAIN) < PLAIN_MOST and cls is not GeneratorType:  # some generators are awaitable, others are not
        PLAIN.add(cls)
    return True


def checked(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """The type's own function, which must not give nothing."""
    coerce = type_.coerce_output_value
    if coerce is str:
        return str

    def shown(value: Any) -> Any:
        given = coerce(value)
        if given is None or given is Undefined:
            raise NoValue
        return given

    return shown


def names_of(type_: GraphQLEnumType) -> tuple[type[Enum], dict[str, str]] | None:
    """(the Python enum, its members' names -> the names that the API shows); None if it must be asked each time."""
    cls = getattr(type_, "wrapped_cls", None)
    if not (isinstance(cls, type) and issubclass(cls, Enum)):
        return None
    try:
        return cls, {member.name: type_.coerce_output_value(member) for member in cls}
    except Exception:
        return None  # a member that the API does not have: the type itself says so when it comes


def instant(value: datetime) -> str:
    """What `isoformat` gives, in half the time for the usual ones: a long list is full of them."""
    if value.tzinfo.__class__ is ZoneInfo and value.year >= _WHOLE_MINUTES_FROM:
        return orjson.dumps(value)[1:-1].decode()
    return value.isoformat()


def in_line(type_: GraphQLLeafType, bind: Callable[[str, Any], str], slow: str) -> Callable[[str], str]:
    """Gives the expression that completes a variable of the generated code; `bind` makes an object known to it."""
    if isinstance(type_, GraphQLEnumType):
        known = names_of(type_)
        if known is None:
            return lambda v: f"{slow}({v}, R)"
        cls, names = bind("E", known[0]), bind("N", known[1])
        return lambda v: f"{names}[{v}._name_] if {v}.__class__ is {cls} else {slow}({v}, R)"
    if type_.name in _IN_LINE:
        text = _IN_LINE[type_.name]
        return lambda v: text.format(v=v, slow=slow)
    plain, show = bind("P", PLAIN), bind("S", checked(type_))
    if type_.coerce_output_value is str:
        return lambda v: f"{v} if {v}.__class__ is str else {show}({v}) if {v}.__class__ in {plain} else {slow}({v}, R)"
    if type_.coerce_output_value is isoformat:
        days, cls, show = bind("D", _DAYS), bind("C", datetime), bind("S", instant)
        return lambda v: (
            f"{show}({v}) if {v}.__class__ is {cls} else {v}.isoformat() if {v}.__class__ in {days} else {slow}({v}, R)"
        )
    return lambda v: f"{show}({v}) if {v}.__class__ in {plain} else {slow}({v}, R)"
