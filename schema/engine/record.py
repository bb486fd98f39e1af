"""Records: what an operation's steps hand to each other, made several times for each."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass that nobody changes: the type checker sees to it, so that making one costs a third."""
    return dataclass(slots=True)(cls)
