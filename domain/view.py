"""Values and views: what is shown of a row, made by the dozen for a screen."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def view(cls: type[T]) -> type[T]:
    """A dataclass that nobody changes: the type checker sees to it, so that making one costs a third.

    (A frozen dataclass goes through `object.__setattr__` for each of its fields.)
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@dataclass_transform(frozen_default=True, order_default=True)
def ordered(cls: type[T]) -> type[T]:
    """The same for values that are greater and less than each other."""
    return dataclass(slots=True, unsafe_hash=True, order=True)(cls)
