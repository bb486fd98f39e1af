"""Favourites: kept, renamed, forgotten; each holder's own."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from domain.database import fetch_row
from domain.favourite import TooManySaved
from domain.money import Money
from domain.refusal import InvalidAmount, InvalidInput, MissingInput, NotFound, Refusal, Unauthenticated
from domain.supplier import SupplierNotFound
from domain.wallet import RecipientNotFound, SameWallet, WalletMissing
from resolvers import favourite as favourites
from resolvers.context import Context
from resolvers.favourite import FavouriteView
from resolvers.paging import PageRequest
from tests.resolvers.bills import CONTRACT, water
from tests.support.world import World


@pytest.fixture
def world(db: str) -> World:
    return World()


async def add(ctx: Context, name: str = "Home", amount: Decimal | None = None, **target: Any) -> FavouriteView:
    where = {"to": None, "supplier": None, "reference": None} | (
        target or {"supplier": "water", "reference": "1234 5678"}
    )
    return await favourites.add_favourite(ctx, name=name, amount=amount, **where)


async def test_payments_and_transfers_are_kept_under_names(world: World) -> None:
    await water(world)
    holder, friend = await world.holder(), await world.holder()
    ctx = await world.signed_in(holder)

    bill = await add(ctx, "  Home \n water ", Decimal(500))
    gift = await add(ctx, "Friend", to=friend.phone.removeprefix("+998"))

    assert (bill.name, bill.amount, bill.target.reference) == ("Home water", Money.som(500), CONTRACT)
    assert bill.target.supplier is not None
    assert bill.target.supplier.code == "water"
    assert (gift.amount, gift.target.recipient, gift.target.supplier) == (None, friend.phone, None)
    kept = await favourites.favourites(ctx, holder.wallet_id, PageRequest())
    assert {one.id for one in kept.items} == {bill.id, gift.id}


async def test_a_name_can_be_changed_and_a_favourite_forgotten(world: World) -> None:
    await water(world)
    ctx = await world.signed_in(await world.holder())
    kept = await add(ctx)

    renamed = await favourites.rename_favourite(ctx, favourite_id=kept.id, name="Dacha")
    await favourites.remove_favourite(ctx, favourite_id=kept.id)

    assert (renamed.id, renamed.name) == (kept.id, "Dacha")
    assert await favourites.favourite(ctx, kept.id) is None


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"name": ""}, InvalidInput),
        ({"name": "n" * 61}, InvalidInput),
        ({"name": "a\x00b"}, InvalidInput),
        ({"amount": Decimal(0)}, InvalidAmount),
        ({"supplier": "water"}, MissingInput),
        ({"reference": CONTRACT}, MissingInput),
        ({"to": "901234567", "supplier": "water"}, InvalidInput),
        ({"supplier": "gas", "reference": CONTRACT}, SupplierNotFound),
        ({"supplier": "closed", "reference": CONTRACT}, SupplierNotFound),
        ({"supplier": "water", "reference": "12"}, InvalidInput),
        ({"to": "997770011"}, RecipientNotFound),
        ({"to": "own"}, SameWallet),
    ],
)
async def test_what_cannot_be_paid_is_not_kept(world: World, given: dict[str, Any], refusal: type[Refusal]) -> None:
    await water(world)
    await water(world, code="closed", on_sale=False)
    holder = await world.holder()
    ctx = await world.signed_in(holder)
    if given.get("to") == "own":
        given = {"to": holder.wallet_number}

    with pytest.raises(refusal):
        await add(ctx, **given)

    assert await fetch_row("SELECT COUNT(*) AS n FROM favourite") == {"n": 0}


async def test_favourites_are_their_holders_own(world: World) -> None:
    await water(world)
    kept = await add(await world.signed_in(await world.holder()))
    other = await world.signed_in(await world.holder())
    before = await world.everything("favourite")

    with pytest.raises(NotFound):
        await favourites.rename_favourite(other, favourite_id=kept.id, name="Mine")
    with pytest.raises(NotFound):
        await favourites.remove_favourite(other, favourite_id=kept.id)
    with pytest.raises(Unauthenticated):
        await favourites.remove_favourite(world.context(), favourite_id=kept.id)
    with pytest.raises(WalletMissing):
        await add(await world.signed_in(await world.person()))

    assert await favourites.favourite(other, kept.id) is None
    assert await world.everything("favourite") == before


async def test_a_hundred_are_kept_and_no_more_even_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(favourites, "MOST_FAVOURITES", 5)
    await water(world)
    ctx = await world.signed_in(await world.holder())

    told = await asyncio.gather(*(add(ctx, str(n)) for n in range(12)), return_exceptions=True)

    assert sum(isinstance(one, TooManySaved) for one in told) == 7
    assert await fetch_row("SELECT COUNT(*) AS n FROM favourite") == {"n": 5}
