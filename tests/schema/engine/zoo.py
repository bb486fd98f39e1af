"""A schema with everything that a Strawberry schema can have, and resolvers that misbehave on demand.

`Diary` is the context: it notes each resolver that has a side effect, so that a test can count them.
"""

import asyncio
import enum
import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, NewType, TypeVar
from uuid import UUID

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.types import Info
from strawberry.types.scalar import ScalarDefinition

from schema.engine.selection import Selection, below

T = TypeVar("T")


@dataclass
class Diary:
    """What happened, in order, and who asks."""

    may: bool = True
    entries: list[str] = field(default_factory=list)

    def note(self, entry: str) -> None:
        self.entries.append(entry)


Weight = NewType("Weight", object)
SCALARS: dict[object, ScalarDefinition] = {
    Weight: strawberry.scalar(name="Weight", serialize=lambda grams: f"{grams} g", parse_value=lambda text: int(text)),
}


@strawberry.enum
class Color(enum.Enum):
    RED = 1
    BLUE = strawberry.enum_value(2, name="SKY")
    AZURE = 2
    GONE = 3


@strawberry.enum
class Mood(enum.StrEnum):
    GLAD = "glad"
    SAD = "sad"


class MayPet(BasePermission):
    message = "hands off"

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return bool(info.context.may)


class MayPetLater(BasePermission):
    message = "hands off, later"

    async def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        await asyncio.sleep(0)
        return bool(info.context.may)


class Shouting(FieldExtension):
    async def resolve_async(self, next_: Any, source: Any, info: Info, **kwargs: Any) -> Any:
        return str(await next_(source, info, **kwargs)).upper()

    def resolve(self, next_: Any, source: Any, info: Info, **kwargs: Any) -> Any:
        return str(next_(source, info, **kwargs)).upper()


@strawberry.type
class Slice(Generic[T]):
    items: list[T]
    total: int

    @strawberry.field
    def first(self) -> T | None:
        return self.items[0] if self.items else None


@strawberry.interface
class Animal:
    name: str

    @strawberry.field
    def loud_name(self, times: int = 1) -> str:
        return self.name.upper() * (times % 5)


@strawberry.type
class Collar:
    text: str | None
    since: datetime = datetime(2026, 1, 2, 3, 4, 5, 678, UTC)


@strawberry.type
class Cat(Animal):
    lives: int
    color: Color = Color.BLUE
    mood: Mood = Mood.GLAD
    collar: Collar | None = None
    weight: Weight = Weight(4200)

    @strawberry.field
    async def friend(self, info: Info, wait: int = 0) -> "Dog | None":
        for _ in range(wait % 5):
            await asyncio.sleep(0)
        return Dog(name=f"friend of {self.name}", barks=True)

    @strawberry.field(permission_classes=[MayPet])
    def fur(self) -> str:
        return "soft"

    @strawberry.field(permission_classes=[MayPetLater])
    async def belly(self) -> str | None:
        return "softer"

    @strawberry.field(extensions=[Shouting()])
    def purr(self, length: int = 3) -> str:
        return "r" * (length % 5)

    @strawberry.field
    def path(self, info: Info) -> list[str]:
        return [str(key) for key in info.path.as_list()]

    @strawberry.field
    def kittens(self) -> list["Cat | None"]:
        return [Cat(name="k1", lives=1), None, Cat(name="k2", lives=2, collar=Collar(text=None))]

    @strawberry.field
    def grid(self) -> list[list[int | None]]:
        return [[1, None], [], [3]]


@strawberry.type
class Dog(Animal):
    barks: bool | None = None
    born: date = date(2020, 2, 29)
    chip: UUID = UUID(int=7)
    price: Decimal = Decimal("10.50")
    speed: float = 1.5

    @strawberry.field
    async def owner(self) -> Annotated["Cat | Dog | Nobody", strawberry.union("Owner")]:
        await asyncio.sleep(0)
        return Nobody(why="stray") if self.barks is None else Cat(name="boss", lives=9)

    @strawberry.field
    def quiet_owner(self) -> Annotated["Cat | Dog | Nobody", strawberry.union("Owner")]:
        return Nobody(why="quiet")


@strawberry.type
class Nobody:
    why: str

    @classmethod
    def is_type_of(cls, value: Any, info: Info) -> bool:
        return isinstance(value, Nobody) or value == "nobody"


@strawberry.type
class Trouble:
    """Everything that can go wrong in one place."""

    fine: str = "fine"
    none_here: str = None  # type: ignore[assignment]
    wrong_text: str = object  # type: ignore[assignment]
    number_as_text: str = 12  # type: ignore[assignment]
    text_as_number: int = "12"  # type: ignore[assignment]
    big: int = 2**40
    not_a_number: float | None = math.nan
    endless: float = math.inf
    whole_float: float = 3
    truth_as_number: int = True
    other_color: Color | None = Color.GONE
    bare_color: Color | None = "nothing like it"  # type: ignore[assignment]
    gift: str | None = strawberry.field(default_factory=lambda: ValueError("a value that is an error"))

    @strawberry.field
    def boom(self) -> str:
        raise ValueError("boom")

    @strawberry.field
    def maybe_boom(self) -> str | None:
        raise ValueError("maybe")

    @strawberry.field
    async def later_boom(self) -> str:
        await asyncio.sleep(0)
        raise ValueError("later")

    @strawberry.field
    async def later_maybe_boom(self) -> str | None:
        raise ValueError("later maybe")

    @strawberry.field
    async def later_none(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def items(self) -> list[int]:
        return [1, None, 3]  # type: ignore[list-item]

    @strawberry.field
    def lenient(self) -> list[int | None]:
        return [1, "two", 3]  # type: ignore[list-item]

    @strawberry.field
    def no_list(self) -> list[int] | None:
        return 7  # type: ignore[return-value]

    @strawberry.field
    def generated(self) -> list[int]:
        def items() -> Iterator[int]:
            yield from (1, 2, 3)

        return items()  # type: ignore[return-value]

    @strawberry.field
    def streamed(self) -> list[int]:
        async def items() -> AsyncIterator[int]:
            for n in (1, 2):
                yield n

        return items()  # type: ignore[return-value]

    @strawberry.field
    def awaitables(self) -> list[int]:
        async def item(n: int) -> int:
            await asyncio.sleep(0)
            return n

        return (item(1), item(2))  # type: ignore[return-value]

    @strawberry.field
    def tuple(self) -> list[str]:
        return ("a", "b")  # type: ignore[return-value]

    @strawberry.field(graphql_type=str)
    def sync_but_later(self) -> Any:
        async def later() -> str:
            await asyncio.sleep(0)
            return "later"

        return later()

    @strawberry.field(graphql_type=Collar)
    def collar_later(self) -> Any:
        async def later() -> Collar:
            return Collar(text="x")

        return later()

    @strawberry.field
    def stranger(self) -> Animal | None:
        return Collar(text="no animal")  # type: ignore[return-value]

    @strawberry.field
    def itself(self) -> "Trouble":
        return Trouble()

    @strawberry.field
    async def themselves(self) -> list["Trouble"]:
        return [Trouble(), Trouble()]


@strawberry.input
class Tag:
    text: str
    weight: Weight | None = None


@strawberry.input
class Wish:
    n: int = 3
    tags: list[Tag] = strawberry.field(default_factory=list)
    color: Color | None = strawberry.UNSET
    when: datetime | None = None


@strawberry.input(one_of=True)
class ByOne:
    name: str | None = strawberry.UNSET
    number: int | None = strawberry.UNSET


class Refused(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@strawberry.type
class Refusal:
    why: str
    path: list[str]


class Refuses(strawberry.ExceptionHandler[Refused, Refusal]):
    def handle(self, exception: Refused, *, field: Any, info: Info) -> Refusal | None:
        if exception.why == "declined":
            return None
        return Refusal(why=exception.why, path=[str(key) for key in info.path.as_list()])


@strawberry.type
class Fed:
    animal: Animal
    times: int

    @strawberry.field
    def note(self, info: Info, text: str = "x") -> str:
        info.context.note(f"note {text}")
        return text

    @strawberry.field
    async def later_note(self, info: Info, text: str = "y") -> str:
        await asyncio.sleep(0)
        info.context.note(f"later {text}")
        return text

    @strawberry.field
    def trouble(self) -> Trouble:
        return Trouble()


FedResult = Annotated[Fed | Refusal, strawberry.union("FedResult")]


@strawberry.type
class Query:
    @strawberry.field
    def animals(self, n: int = 3) -> list[Animal]:
        return [Cat(name="Tom", lives=9, collar=Collar(text="T")), Dog(name="Rex"), Cat(name="Kit", lives=1)][:n]

    @strawberry.field
    async def cat(self, name: str = "Tom", wish: Wish | None = None) -> Cat | None:
        await asyncio.sleep(0)
        return None if name == "none" else Cat(name=name, lives=wish.n if wish else 9)

    @strawberry.field
    def dog(self, info: Info, by: ByOne | None = None) -> Dog:
        name = (by.name or str(by.number)) if by else "Rex"
        return Dog(name=name, barks=True)

    @strawberry.field
    def echo(
        self,
        wish: Wish | None = None,
        color: Color | None = None,
        weight: Weight | None = None,
        ids: list[strawberry.ID] | None = None,
        at: datetime | None = strawberry.UNSET,
        on: bool | None = None,
        x: float | None = None,
        tag: strawberry.Maybe[str] = None,
    ) -> str:
        return repr((wish, color, weight, ids, at, on, x, getattr(tag, "value", "none given")))

    @strawberry.field
    def cats(self) -> Slice[Cat]:
        return Slice(items=[Cat(name="Tom", lives=9), Cat(name="Kit", lives=2)], total=2)

    @strawberry.field
    def numbers(self) -> Slice[int]:
        return Slice(items=[1, 2], total=2)

    @strawberry.field
    async def trouble(self) -> Trouble:
        return Trouble()

    @strawberry.field
    def maybe_trouble(self) -> Trouble | None:
        return Trouble()

    @strawberry.field
    def root_boom(self) -> int | None:
        raise ValueError("root")

    @strawberry.field
    def must_boom(self) -> int:
        raise ValueError("must")

    @strawberry.field
    def noted(self, info: Info) -> int:
        info.context.note("noted")
        return 1

    @strawberry.field
    async def later_root_boom(self) -> int:
        await asyncio.sleep(0)
        raise ValueError("later root")

    @strawberry.field
    def seen(self, info: Info) -> "Seen":
        selected = info.selected_fields[0].selections
        return Seen(text=_told(below(info)), names=[getattr(each, "name", "") for each in selected])

    @strawberry.field
    def about(self, info: Info, n: int = 0) -> list[str]:
        return [
            info.field_name, info.python_name, str(sorted(info.variable_values.items())), str(info.path.as_list()),
            str(info.operation.name and info.operation.name.value), str(info.return_type), str(info.root_value),
            type(info.context).__name__, str(len(info.query or "")),
        ]  # fmt: skip


@strawberry.type
class Seen:
    text: str
    names: list[str]

    @strawberry.field
    def items(self, first: int | None = None) -> list[Animal]:
        return []


def _told(selection: Selection) -> str:
    return ", ".join(
        f"{each.key}:{each.name}({dict(each.arguments)})" + (f"[{_told(each.below)}]" if each.below.fields else "")
        for each in selection.fields
    )


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def feed(self, info: Info, name: str, times: int = 1) -> FedResult:
        info.context.note(f"feed {name}")
        await asyncio.sleep(0)
        if times > 9:
            raise Refused("too much" if times < 99 else "declined")
        return Fed(animal=Cat(name=name, lives=9), times=times)

    @strawberry.mutation
    def feed_now(self, info: Info, wish: Wish) -> Fed:
        info.context.note(f"feed now {wish.n}")
        return Fed(animal=Dog(name="Rex"), times=wish.n)

    @strawberry.mutation
    async def lose(self, info: Info) -> Fed | None:
        info.context.note("lose")
        raise ValueError("lost")

    @strawberry.mutation
    async def must_lose(self, info: Info) -> Fed:
        info.context.note("must lose")
        raise ValueError("lost")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def walks(self, info: Info, n: int = 3) -> AsyncIterator[Animal]:
        for i in range(n % 5):
            info.context.note(f"walk {i}")
            yield Dog(name=f"d{i}") if i % 2 else Cat(name=f"c{i}", lives=i)

    @strawberry.subscription
    async def troubles(self) -> AsyncIterator[Trouble]:
        yield Trouble()
        yield Trouble()
        raise ValueError("source")


def zoo(**options: Any) -> strawberry.Schema:
    """The schema."""
    return strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        types=[Cat, Dog],
        exception_handlers=[Refuses()],
        config=strawberry.schema.config.StrawberryConfig(scalar_map=SCALARS),
        **options,
    )
