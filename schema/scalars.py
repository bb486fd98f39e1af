"""The scalars of the API. Input is read leniently and judged by the domain, so that a refusal is typed and translated:
a text that is no phone number becomes an InvalidPhone problem at its field rather than an error of the request."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final, NewType

import strawberry
from graphql import FloatValueNode, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

LONGEST_DECIMAL: Final = 60
NOT_A_NUMBER: Final = Decimal("NaN")

PhoneNumber = NewType("PhoneNumber", str)


def read_decimal(value: Any) -> Decimal:
    """A decimal sent as text (or as a number, whose shortest text is what was typed); NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return NOT_A_NUMBER
    if isinstance(value, int) and abs(value) >= 10**LONGEST_DECIMAL:
        return NOT_A_NUMBER
    text = repr(value) if isinstance(value, float) else str(value)
    if len(text) > LONGEST_DECIMAL or "_" in text or not text.isascii():
        return NOT_A_NUMBER
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return NOT_A_NUMBER


def read_decimal_literal(node: ValueNode, _variables: Any = None) -> Decimal:
    """The same for a literal in the document, whose digits are exact."""
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        return read_decimal(node.value)
    return NOT_A_NUMBER


def read_phone_text(value: Any) -> PhoneNumber:
    """Any text; the use case says whether it is a phone number."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("PhoneNumber is text such as +998901234567")
    return PhoneNumber(str(value)[:40])


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as text, such as "1500.50". Never a binary float.',
        serialize=str,
        parse_value=read_decimal,
        parse_literal=read_decimal_literal,
    ),
    PhoneNumber: strawberry.scalar(
        name="PhoneNumber",
        description="A phone number in E.164 form, +998901234567. Input may have spaces, dashes and no +998.",
        serialize=str,
        parse_value=read_phone_text,
    ),
}
