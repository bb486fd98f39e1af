"""Strawberry as it comes: its own ASGI view, Tortoise's models, a DataLoader for each kind of thing.

The same schema, as far as the operations go, and the same data; what one writes after reading the documentation. With
CACHES=on in the environment its ParserCache and ValidationCache are on.
"""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import jwt
import strawberry
from starlette.applications import Starlette
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from tortoise import Tortoise
from tortoise.connection import get_connection

from benchmarks.strawberry_money import move
from domain import money as money_type
from domain.access import Session
from domain.account import PersonalAccount
from domain.clock import local_day
from domain.database import CONNECTION
from domain.language import Language
from domain.ledger import LedgerAccount, LedgerEntry
from domain.order import ProductOrder
from domain.product import Product as ProductRow
from domain.product import ProductPriceStep
from domain.secrets import Secrets
from domain.subscriber import Subscriber as SubscriberRow
from domain.subscription import ProductSubscription as SubscriptionRow
from domain.tariff.model import PriceLineRow, PriceListEdition, TariffAllowance
from domain.tariff.model import Tariff as TariffRow
from domain.wallet.limits import leaves_window, window_opens
from domain.wallet.model import Wallet as WalletRow
from resolvers.paging import make_cursor
from resolvers.texts import money_text
from schema.relay import to_global_id
from server.database.connection import connect

KEY = Secrets(os.environ["KABINET_SECRET_KEY"]).derive("access-token")
T = TypeVar("T")


class Loaders:
    """One request's; rows that several fields need are read once."""

    def __init__(self) -> None:
        self.ledger: DataLoader[int, Any] = DataLoader(_ledger_accounts)
        self.products: DataLoader[int, Any] = DataLoader(_products)
        self.steps: DataLoader[int, list[Any]] = DataLoader(_steps)
        self.allowances: DataLoader[int, list[Any]] = DataLoader(_allowances)
        self.prices: DataLoader[str, list[Any]] = DataLoader(_prices)
        self.paid: DataLoader[tuple[int, int], int] = DataLoader(_paid_months)


async def _ledger_accounts(ids: list[int]) -> Sequence[Any]:
    found = {row.id: row for row in await LedgerAccount.filter(id__in=ids)}
    return [found[id_] for id_ in ids]


async def _products(ids: list[int]) -> Sequence[Any]:
    found = {row.id: row for row in await ProductRow.filter(id__in=ids)}
    return [found[id_] for id_ in ids]


async def _steps(product_ids: list[int]) -> list[list[Any]]:
    found = defaultdict(list)
    for row in await ProductPriceStep.filter(product_id__in=product_ids).order_by("from_month"):
        found[row.product_id].append(row)  # type: ignore[attr-defined]  # Tortoise's
    return [found[id_] for id_ in product_ids]


async def _allowances(tariff_ids: list[int]) -> list[list[Any]]:
    found = defaultdict(list)
    for row in await TariffAllowance.filter(tariff_id__in=tariff_ids).order_by("id"):
        found[row.tariff_id].append(row)  # type: ignore[attr-defined]  # Tortoise's
    return [found[id_] for id_ in tariff_ids]


async def _prices(codes: list[str]) -> list[list[Any]]:
    today = local_day(datetime.now(UTC))
    editions = await PriceListEdition.filter(effective_from__lte=today).order_by("-effective_from", "-id")
    found: dict[str, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in await PriceLineRow.filter(tariff_code__in=codes).order_by("position").select_related("zone"):
        found[row.tariff_code][row.price_list_id].append(row)  # type: ignore[attr-defined]  # Tortoise's
    return [next((found[code][one.id] for one in editions if one.id in found[code]), []) for code in codes]


async def _paid_months(keys: list[tuple[int, int]]) -> list[int]:
    rows = await SubscriptionRow.filter(subscriber_id__in={subscriber for subscriber, _ in keys})
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for row in rows:
        sums[row.subscriber_id, row.product_id] += row.months  # type: ignore[attr-defined]  # Tortoise's
    return [sums[key] for key in keys]


Info = strawberry.Info[dict[str, Any], None]


def _loaders(info: Info) -> Loaders:
    loaders: Loaders = info.context["loaders"]
    return loaders


async def _session(info: Info) -> Session:
    token = info.context["request"].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    return await Session.get(id=claims["sid"], ended_at=None, expires_at__gt=datetime.now(UTC))


@strawberry.type
class Money:
    value: strawberry.Private[money_type.Money]

    @strawberry.field
    def amount(self) -> Decimal:
        return self.value.amount

    @strawberry.field
    def currency(self) -> str:
        return "UZS"

    @strawberry.field
    def formatted(self) -> str:
        return money_text(self.value, Language.EN)


@strawberry.type
class Account:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Account", self.row.id)

    @strawberry.field
    def number(self) -> str:
        return str(self.row.number)

    @strawberry.field
    async def balance(self, info: Info) -> Money:
        return Money(value=(await _loaders(info).ledger.load(self.row.ledger_account_id)).balance)


@strawberry.type
class Limits:
    top_up_limit: Money | None = None
    top_up_left: Money | None = None
    balance_limit: Money | None = None
    resets_at: datetime | None = None


@strawberry.type
class Entry:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Entry", self.row.id)

    @strawberry.field
    def at(self) -> datetime:
        at: datetime = self.row.at
        return at

    @strawberry.field
    def kind(self) -> str:
        return str(self.row.kind).upper()

    @strawberry.field
    def amount(self) -> Money:
        return Money(value=self.row.amount)

    @strawberry.field
    def balance_after(self) -> Money:
        return Money(value=self.row.balance_after)


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


@strawberry.type
class Nodes(Generic[T]):
    nodes: list[T]


@strawberry.type
class Wallet:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Wallet", self.row.id)

    @strawberry.field
    def number(self) -> str:
        return str(self.row.number)

    @strawberry.field
    def level(self) -> str:
        return str(self.row.level).upper()

    @strawberry.field
    def status(self) -> str:
        return str(self.row.status).upper()

    @strawberry.field
    async def balance(self, info: Info) -> Money:
        return Money(value=(await _loaders(info).ledger.load(self.row.ledger_account_id)).balance)

    @strawberry.field
    async def limits(self, info: Info) -> Limits:
        if self.row.level != "light":
            return Limits()
        today = local_day(datetime.now(UTC))
        bhm = await get_connection(CONNECTION).execute_query_dict(
            "SELECT amount FROM bhm WHERE effective_from <= $1 ORDER BY effective_from DESC LIMIT 1",
            [today.isoformat()],
        )
        came_in = await LedgerEntry.filter(
            account_id=self.row.ledger_account_id, at__gte=window_opens(today), kind__in=["top_up", "transfer_in"]
        )
        limit, used = 5 * bhm[0]["amount"], sum(entry.amount.tiyin for entry in came_in)
        top = Money(value=money_type.Money(limit))
        left = Money(value=money_type.Money(max(limit - used, 0)))
        resets_at = leaves_window(min(entry.at for entry in came_in)) if came_in else None
        return Limits(top_up_limit=top, top_up_left=left, balance_limit=top, resets_at=resets_at)

    @strawberry.field
    async def entries(self, first: int) -> Connection[Entry]:
        rows = await LedgerEntry.filter(account_id=self.row.ledger_account_id).order_by("-seq", "-id").limit(first + 1)
        edges = [Edge(cursor=make_cursor(row.seq, row.id), node=Entry(row=row)) for row in rows[:first]]
        info = PageInfo(has_next_page=len(rows) > first, end_cursor=edges[-1].cursor if edges else None)
        return Connection(edges=edges, page_info=info)


@strawberry.type
class Subscriber:
    row: strawberry.Private[Any]
    phone: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Subscriber", self.row.id)

    @strawberry.field
    def kind(self) -> str:
        return str(self.row.kind).upper()

    @strawberry.field
    def name(self) -> str:
        parts = (self.row.last_name, self.row.first_name, self.row.patronymic)
        return self.row.organisation_name or " ".join(filter(None, parts))

    @strawberry.field
    def status(self) -> str:
        return str(self.row.status).upper()


@strawberry.type
class PriceStep:
    row: strawberry.Private[Any]

    @strawberry.field
    def from_month(self) -> int:
        return int(self.row.from_month)

    @strawberry.field
    def to_month(self) -> int | None:
        return self.row.to_month  # type: ignore[no-any-return]

    @strawberry.field
    def price(self) -> Money:
        return Money(value=self.row.price)


@strawberry.type
class Product:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Product", self.row.id)

    @strawberry.field
    def code(self) -> str:
        return str(self.row.code)

    @strawberry.field
    def name(self) -> str:
        return str(self.row.name["en"])

    @strawberry.field
    async def price_steps(self, info: Info) -> list[PriceStep]:
        return [PriceStep(row=row) for row in await _loaders(info).steps.load(self.row.id)]


@strawberry.type
class ProductSubscription:
    row: strawberry.Private[Any]

    def _status(self) -> str:
        over = self.row.ends_on < local_day(datetime.now(UTC)) and not self.row.auto_renew
        return "expired" if self.row.status == "active" and over else str(self.row.status)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("ProductSubscription", self.row.id)

    @strawberry.field
    def phone(self) -> str:
        return str(self.row.phone)

    @strawberry.field
    def status(self) -> str:
        return self._status().upper()

    @strawberry.field
    def activated_on(self) -> date:
        day: date = self.row.activated_on
        return day

    @strawberry.field
    def ends_on(self) -> date:
        day: date = self.row.ends_on
        return day

    @strawberry.field
    def days_left(self) -> int:
        left: int = (self.row.ends_on - local_day(datetime.now(UTC))).days
        return max(left, 0) if self._status() == "active" else 0

    @strawberry.field
    async def price(self, info: Info) -> Money:
        month = 1 + await _loaders(info).paid.load((self.row.subscriber_id, self.row.product_id))
        steps = await _loaders(info).steps.load(self.row.product_id)
        return Money(value=next(s.price for s in steps if s.from_month <= month <= (s.to_month or month)))

    @strawberry.field
    async def product(self, info: Info) -> Product:
        return Product(row=await _loaders(info).products.load(self.row.product_id))


@strawberry.type
class Order:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Order", self.row.public_id)

    @strawberry.field
    def status(self) -> str:
        return str(self.row.status).upper()

    @strawberry.field
    def total(self) -> Money:
        return Money(value=self.row.total)


@strawberry.type
class Viewer:
    session: strawberry.Private[Session]
    row: strawberry.Private[Any]

    @strawberry.field
    def subscriber(self) -> Subscriber:
        return Subscriber(row=self.row, phone=self.session.phone)

    @strawberry.field
    def language(self) -> str:
        return str(self.row.language).upper().replace("-", "_")

    @strawberry.field
    async def accounts(self, first: int) -> Nodes[Account]:
        rows = await PersonalAccount.filter(subscriber_id=self.row.id).order_by("opened_at", "id").limit(first)
        return Nodes(nodes=[Account(row=row) for row in rows])

    @strawberry.field
    async def wallet(self) -> Wallet | None:
        row = await WalletRow.filter(subscriber_id=self.row.id, status__not="closed").order_by("id").first()
        return Wallet(row=row) if row else None

    @strawberry.field
    async def subscriptions(self, first: int) -> Nodes[ProductSubscription]:
        rows = await SubscriptionRow.filter(subscriber_id=self.row.id).order_by("-created_at", "-id").limit(first)
        return Nodes(nodes=[ProductSubscription(row=row) for row in rows])

    @strawberry.field
    async def orders(self, first: int) -> Nodes[Order]:
        rows = await ProductOrder.filter(subscriber_id=self.row.id).order_by("-created_at", "-id").limit(first)
        return Nodes(nodes=[Order(row=row) for row in rows])


@strawberry.type
class Allowance:
    row: strawberry.Private[Any]

    @strawberry.field
    def kind(self) -> str:
        return str(self.row.kind).upper()

    @strawberry.field
    def amount(self) -> Decimal:
        return Decimal(self.row.amount)

    @strawberry.field
    def unit(self) -> str:
        return str(self.row.unit).upper()


@strawberry.type
class Zone:
    row: strawberry.Private[Any]

    @strawberry.field
    def code(self) -> str:
        return str(self.row.code)

    @strawberry.field
    def name(self) -> str:
        return str(self.row.name["en"])


@strawberry.type
class Price:
    row: strawberry.Private[Any]

    @strawberry.field
    def zone(self) -> Zone:
        return Zone(row=self.row.zone)

    @strawberry.field
    def unit(self) -> str:
        return str(self.row.unit).upper()

    @strawberry.field
    def price(self) -> Money:
        return Money(value=self.row.price)


@strawberry.type
class Tariff:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return to_global_id("Tariff", self.row.id)

    @strawberry.field
    def code(self) -> str:
        return str(self.row.code)

    @strawberry.field
    def name(self) -> str:
        return str(self.row.name["en"])

    @strawberry.field
    def monthly_fee(self) -> Money:
        return Money(value=self.row.monthly_fee)

    @strawberry.field
    async def allowances(self, info: Info) -> list[Allowance]:
        return [Allowance(row=row) for row in await _loaders(info).allowances.load(self.row.id)]

    @strawberry.field
    async def prices(self, info: Info) -> list[Price]:
        return [Price(row=row) for row in await _loaders(info).prices.load(self.row.code)]


@strawberry.type
class Query:
    @strawberry.field
    async def viewer(self, info: Info) -> Viewer:
        session = await _session(info)
        return Viewer(session=session, row=await SubscriberRow.get(id=session.subscriber_id))

    @strawberry.field
    async def tariffs(self, first: int) -> Nodes[Tariff]:
        rows = await TariffRow.filter(archived=False).order_by("position", "id").limit(first)
        return Nodes(nodes=[Tariff(row=row) for row in rows])

    @strawberry.field
    async def products(self, first: int) -> Nodes[Product]:
        rows = await ProductRow.filter(on_sale=True).order_by("position", "id").limit(first)
        return Nodes(nodes=[Product(row=row) for row in rows])


@strawberry.type
class Transfer:
    id: strawberry.ID
    amount: Money
    wallet: Wallet


@strawberry.type
class Problem:
    code: str
    message: str


@strawberry.input
class TransferInput:
    to: strawberry.ID
    amount: Decimal
    idempotency_key: strawberry.ID


Result = Annotated[Transfer | Problem, strawberry.union("TransferResult")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def transfer(self, info: Info, input: TransferInput) -> Result:
        amount = money_type.Money(int(input.amount * 100))
        moved = await move(await _session(info), input.to, amount, input.idempotency_key)
        if moved is None:
            return Problem(code="REFUSED", message="Nothing was moved.")
        wallet, transfer_id = moved
        return Transfer(id=to_global_id("Transfer", transfer_id), amount=Money(value=amount), wallet=Wallet(row=wallet))


class View(GraphQL[dict[str, Any], None]):
    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {"request": request, "response": response, "loaders": Loaders()}


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    await connect(os.environ["KABINET_DATABASE_URL"])
    yield
    await Tortoise.close_connections()


_caches: list[Callable[[], SchemaExtension]] = [lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)]
_schema = strawberry.Schema(Query, Mutation, extensions=_caches if os.environ.get("CACHES") else [])
app = Starlette(lifespan=lifespan)
app.add_route("/graphql", View(_schema, graphql_ide=None))  # type: ignore[arg-type]  # an ASGI app is as good
