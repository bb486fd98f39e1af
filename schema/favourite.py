"""Favourites in the API: what a holder pays or sends again and again."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated

import strawberry

from resolvers import favourite as favourites
from schema import problem
from schema.context import Info
from schema.money import Money, money_or_none
from schema.relay import Node, number_of, to_global_id
from schema.supplier import Supplier, wrap_supplier


@strawberry.enum(description="What is done with money. New values may come: tolerate unknown ones.")
class TargetKind(Enum):
    TRANSFER = strawberry.enum_value("transfer", description="It is sent to another wallet.")
    PAYMENT = strawberry.enum_value("payment", description="A supplier is paid.")


@strawberry.type(description="Something to pay or send again, under the holder's own name for it.")
class Favourite(Node):
    view: strawberry.Private[favourites.FavouriteView]

    @strawberry.field(description="What its holder calls it.")
    def name(self) -> str:
        return self.view.name

    @strawberry.field(description="Whether money is sent or a supplier paid.")
    def kind(self) -> TargetKind:
        return TargetKind.TRANSFER if self.view.target.supplier is None else TargetKind.PAYMENT

    @strawberry.field(description="The recipient's wallet number or phone; null for payments.")
    def to(self) -> str | None:
        return self.view.target.recipient

    @strawberry.field(description="Who is paid; null for transfers.")
    def supplier(self) -> Supplier | None:
        found = self.view.target.supplier
        return wrap_supplier(found) if found else None

    @strawberry.field(description="The contract number; null for transfers.")
    def reference(self) -> str | None:
        return self.view.target.reference

    @strawberry.field(description="The usual amount; null: ask for it.")
    def amount(self) -> Money | None:
        return money_or_none(self.view.amount)

    @strawberry.field(description="When it was added.")
    def created_at(self) -> datetime:
        return self.view.created_at


def wrap_favourite(view: favourites.FavouriteView) -> Favourite:
    return Favourite(id=to_global_id("Favourite", view.id), view=view)


@strawberry.type(description="The favourite is forgotten.")
class FavouriteRemoved:
    id: strawberry.ID = strawberry.field(description="The id that it had.")


@strawberry.input(description="A transfer (`to`) or a payment (`supplier` and `reference`) to be kept.")
class AddFavouriteInput:
    name: str = strawberry.field(description="What to call it: 1 to 60 characters.")
    to: strawberry.ID | None = strawberry.field(default=None, description="A wallet number or a phone.")
    supplier: strawberry.ID | None = strawberry.field(default=None, description="A supplier's code.")
    reference: str | None = strawberry.field(default=None, description="The contract number.")
    amount: Decimal | None = strawberry.field(default=None, description="The usual amount in so'm; null: ask for it.")


@strawberry.input(description="Another name for a favourite.")
class RenameFavouriteInput:
    favourite_id: strawberry.ID = strawberry.field(description="Which.")
    name: str = strawberry.field(description="What to call it: 1 to 60 characters.")


@strawberry.input(description="A favourite to forget.")
class RemoveFavouriteInput:
    favourite_id: strawberry.ID = strawberry.field(description="Which.")


AddFavouriteResult = Annotated[
    Favourite
    | problem.WalletMissing
    | problem.InvalidInput
    | problem.MissingInput
    | problem.InvalidAmount
    | problem.RecipientNotFound
    | problem.SameWallet
    | problem.SupplierNotFound
    | problem.TooManySaved,
    strawberry.union("AddFavouriteResult", description="The favourite, or why it is not kept."),
]
RenameFavouriteResult = Annotated[
    Favourite | problem.InvalidInput | problem.NotFound,
    strawberry.union("RenameFavouriteResult", description="The favourite with its new name, or why it has not got it."),
]
RemoveFavouriteResult = Annotated[
    FavouriteRemoved | problem.NotFound,
    strawberry.union("RemoveFavouriteResult", description="That it is forgotten, or that there is none."),
]


def favourite_number(id_: str) -> int:
    """The number in a favourite's id. Raises NotFound for any other."""
    return number_of(id_, "Favourite", path=("input", "favouriteId"))


@strawberry.type
class FavouriteMutations:
    @strawberry.mutation(description="Keeps a transfer or a payment to be made again; at most 100 a wallet.")
    async def add_favourite(self, info: Info, input: AddFavouriteInput) -> AddFavouriteResult:
        view = await favourites.add_favourite(
            info.context,
            name=input.name,
            amount=input.amount,
            to=input.to,
            supplier=input.supplier,
            reference=input.reference,
        )
        return wrap_favourite(view)

    @strawberry.mutation(description="Gives a favourite another name.")
    async def rename_favourite(self, info: Info, input: RenameFavouriteInput) -> RenameFavouriteResult:
        number = favourite_number(input.favourite_id)
        return wrap_favourite(await favourites.rename_favourite(info.context, favourite_id=number, name=input.name))

    @strawberry.mutation(description="Forgets a favourite; what was scheduled from it stays.")
    async def remove_favourite(self, info: Info, input: RemoveFavouriteInput) -> RemoveFavouriteResult:
        await favourites.remove_favourite(info.context, favourite_id=favourite_number(input.favourite_id))
        return FavouriteRemoved(id=input.favourite_id)
