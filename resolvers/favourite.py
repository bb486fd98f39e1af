"""Favourites: what a wallet's holder pays or sends again and again, under a name of their own."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.favourite import LONGEST_NAME, MOST_FAVOURITES, Target, TooManySaved
from domain.money import Money
from domain.refusal import InvalidInput, MissingInput, NotFound
from domain.supplier import (
    SUPPLIER_COLUMNS,
    SupplierNotFound,
    find_supplier,
    plain_reference,
    require_reference,
    supplier_view,
)
from domain.wallet import RecipientNotFound, SameWallet, WalletMissing, named
from resolvers.context import Context, SubscriberActor, the_subscriber
from resolvers.paging import Page, PageRequest, page


@dataclass(frozen=True, slots=True)
class FavouriteView:
    """One of a wallet's favourites; without `amount` the holder is asked each time."""

    id: int
    name: str
    target: Target
    amount: Money | None
    created_at: datetime


# A supplier's columns beside those of what points to it, by names that cannot meet.
SUPPLIER_BESIDE: Final = ", ".join(
    f"{column.strip()} AS supplier_{column.strip()[2:]}" for column in SUPPLIER_COLUMNS.split(",")
)
_FAVOURITES: Final = f"""SELECT f.id, f.name, f.recipient, f.reference, f.amount, f.created_at, {SUPPLIER_BESIDE},
    f.created_at AS cursor_order, f.id AS cursor_id
FROM favourite f LEFT JOIN supplier s ON s.id = f.supplier_id"""


def target_view(row: Row) -> Target:
    """The target in a row with `SUPPLIER_BESIDE`."""
    prefix = "supplier_"
    if row["supplier_id"] is None:
        return Target(recipient=row["recipient"])
    of_supplier = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
    return Target(supplier=supplier_view(of_supplier), reference=row["reference"])


def _view(row: Row) -> FavouriteView:
    return FavouriteView(
        id=row["id"],
        name=row["name"],
        target=target_view(row),
        amount=None if row["amount"] is None else Money(row["amount"]),
        created_at=from_micros(row["created_at"]),
    )


async def favourites(ctx: Context, wallet_id: int, request: PageRequest) -> Page[FavouriteView]:
    """A wallet's favourites, the newest first. The wallet must come from a look that was scoped to the caller."""
    return await page(
        _FAVOURITES + " WHERE f.wallet_id = $1", [wallet_id], request, _view, order="f.created_at", id_="f.id"
    )


async def favourite(ctx: Context, favourite_id: int) -> FavouriteView | None:
    """One of the caller's own; None otherwise."""
    row = await fetch_row(
        f"""{_FAVOURITES} JOIN wallet w ON w.id = f.wallet_id
            WHERE f.id = $1 AND w.subscriber_id = $2""",
        favourite_id,
        the_subscriber(ctx).subscriber_id,
    )
    return _view(row) if row else None


async def own_wallet(actor: SubscriberActor) -> Row:
    """The caller's wallet, its row locked: what is counted of it stays so. Raises WalletMissing."""
    row = await fetch_row(
        """SELECT w.id, w.number, w.phone, w.status FROM wallet w
           WHERE w.subscriber_id = $1 AND w.status <> 'closed'
           ORDER BY CASE WHEN w.phone = $2 THEN 0 ELSE 1 END, w.id LIMIT 1 FOR NO KEY UPDATE""",
        actor.subscriber_id,
        actor.phone,
    )
    if row is None:
        raise WalletMissing
    return row


async def read_target(wallet: Row, *, to: str | None, supplier: str | None, reference: str | None) -> Target:
    """Where money is to go: either `to` or `supplier` and `reference`.

    Raises MissingInput, InvalidInput, RecipientNotFound, SameWallet, SupplierNotFound.
    """
    if to is not None and (supplier is not None or reference is not None):
        raise InvalidInput(path=("input", "to"))
    if to is not None:
        return Target(recipient=await _read_recipient(wallet, to))
    for name, value in (("supplier", supplier), ("reference", reference)):
        if value is None:
            raise MissingInput(path=("input", name))
    assert supplier is not None
    assert reference is not None
    plain = plain_reference(reference)
    found = await find_supplier(supplier) if supplier.isprintable() else None
    if found is None or not found.terms.on_sale:
        raise SupplierNotFound(path=("input", "supplier"))
    require_reference(found.terms.reference, plain, path=("input", "reference"))
    return Target(supplier=found, reference=plain)


async def _read_recipient(wallet: Row, to: str) -> str:
    number, phone = named(to)
    row = await fetch_row(
        "SELECT id FROM wallet WHERE (number = $1 OR phone = $2) AND status <> 'closed'", number, phone
    )
    if row is None:
        raise RecipientNotFound(path=("input", "to"))
    if row["id"] == wallet["id"]:
        raise SameWallet(path=("input", "to"))
    return phone or number


async def add_favourite(ctx: Context, *, name: str, amount: Decimal | None, **target: Any) -> FavouriteView:
    """Keeps a transfer (`to`) or a payment (`supplier`, `reference`) under a name.

    Raises WalletMissing, InvalidInput, MissingInput, InvalidAmount, RecipientNotFound, SameWallet, SupplierNotFound,
    TooManySaved.
    """
    actor, wanted = the_subscriber(ctx), _name(name)
    asked = None if amount is None else Money.asked(amount, path=("input", "amount"))
    view = await favourite(ctx, await _add(ctx, actor, wanted, asked, target))
    assert view is not None, "it has just been added"
    return view


@in_transaction
async def _add(ctx: Context, actor: SubscriberActor, name: str, amount: Money | None, target: dict[str, Any]) -> int:
    wallet = await own_wallet(actor)
    where = await read_target(wallet, **target)
    counted = await fetch_row("SELECT COUNT(*) AS n FROM favourite WHERE wallet_id = $1", wallet["id"])
    if counted is not None and counted["n"] >= MOST_FAVOURITES:
        raise TooManySaved(most=MOST_FAVOURITES)
    row = await fetch_row(
        """INSERT INTO favourite (wallet_id, name, recipient, supplier_id, reference, amount, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id""",
        wallet["id"],
        name,
        *where.columns,
        None if amount is None else amount.tiyin,
        to_micros(ctx.clock.now()),
    )
    assert row is not None
    return int(row["id"])


async def rename_favourite(ctx: Context, *, favourite_id: int, name: str) -> FavouriteView:
    """Another name for one of the caller's own. Raises InvalidInput, NotFound."""
    found, wanted = await _own(ctx, favourite_id), _name(name)
    await execute("UPDATE favourite SET name = $1 WHERE id = $2", wanted, found.id)
    return await _own(ctx, favourite_id)


async def remove_favourite(ctx: Context, *, favourite_id: int) -> None:
    """Forgets one of the caller's own. Raises NotFound."""
    found = await _own(ctx, favourite_id)
    await execute("DELETE FROM favourite WHERE id = $1", found.id)


async def _own(ctx: Context, favourite_id: int) -> FavouriteView:
    found = await favourite(ctx, favourite_id)
    if found is None:
        raise NotFound(path=("input", "favouriteId"))
    return found


def _name(name: str) -> str:
    wanted = " ".join(name.split())
    if not 0 < len(wanted) <= LONGEST_NAME or not wanted.isprintable():
        raise InvalidInput(path=("input", "name"))
    return wanted
