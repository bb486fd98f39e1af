"""A digital product sold as a subscription, and what its months cost (S-2).

The price plan is data: steps over the months of a subscription, the first beginning with month 1, the last without an
end. Trial months are a step that costs nothing; a promotion is a cheaper step with the old price shown beside it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from tortoise import fields
from tortoise.models import Model

from domain.database import Row, dialect
from domain.fields import MoneyField, TextsField
from domain.language import Language, in_language
from domain.money import ZERO, Money
from domain.refusal import Refusal


@dataclass(eq=False, kw_only=True)
class BadPricePlan(Refusal):
    """The steps leave a month without a price or give it two; `month` is the first such month (S-2)."""

    code: ClassVar[str] = "BAD_PRICE_PLAN"
    text: ClassVar[str] = (
        "The price steps must cover every month from the first one exactly once: look at month {month}."
    )
    default_rule: ClassVar[str | None] = "S-2"
    month: int


class Product(Model):
    """`name` and `description` are texts in several languages; `old_price` is what the shop strikes through."""

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=64, unique=True)
    name = TextsField()
    description = TextsField()
    partner_id = fields.BigIntField(null=True)
    on_sale = fields.BooleanField()
    zero_rated = fields.BooleanField()
    old_price = MoneyField(null=True)
    position = fields.BigIntField()

    class Meta:
        table = "product"


class ProductPriceStep(Model):
    """The price of one month, from month `from_month` to month `to_month` of a subscription, both included."""

    id = fields.BigIntField(primary_key=True)
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField("kabinet.Product", related_name="price_steps")
    from_month = fields.BigIntField()
    to_month = fields.BigIntField(null=True)
    price = MoneyField()

    class Meta:
        table = "product_price_step"


@dataclass(frozen=True, slots=True)
class PriceStep:
    """`price` a month for the months `from_month` to `to_month`, both included; None: without an end."""

    from_month: int
    to_month: int | None
    price: Money


def check_steps(steps: Sequence[PriceStep]) -> None:
    """Raises BadPricePlan unless every month from 1 on has exactly one price (S-2)."""
    expected: int | None = 1
    for step in sorted(steps, key=lambda step: step.from_month):
        if expected is None or step.from_month != expected:
            raise BadPricePlan(month=min(expected or step.from_month, step.from_month))
        if step.price < ZERO or (step.to_month is not None and step.to_month < step.from_month):
            raise BadPricePlan(month=step.from_month)
        expected = None if step.to_month is None else step.to_month + 1
    if expected is not None:
        raise BadPricePlan(month=expected)


def price_of(steps: Iterable[PriceStep], *, from_month: int, months: int) -> Money:
    """What the months `from_month` … `from_month + months - 1` of a subscription cost together (S-2)."""
    assert from_month >= 1, "months are counted from 1"
    assert months >= 0, "months cannot be taken back"
    last, total, priced = from_month + months - 1, ZERO, 0
    for step in steps:
        until = last if step.to_month is None else min(step.to_month, last)
        in_step = max(until - max(step.from_month, from_month) + 1, 0)
        total, priced = total + step.price * in_step, priced + in_step
    assert priced == months, "check_steps lets no plan in that has a gap or an overlap"
    return total


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product as it is shown."""

    id: int
    code: str
    name: dict[str, str]
    description: dict[str, str]
    steps: tuple[PriceStep, ...]
    old_price: Money | None
    on_sale: bool
    zero_rated: bool
    partner_id: int | None

    def name_in(self, language: Language) -> str:
        return in_language(self.name, language)

    def description_in(self, language: Language) -> str:
        return in_language(self.description, language)

    def price_of(self, *, from_month: int, months: int) -> Money:
        """See the function of the same name."""
        return price_of(self.steps, from_month=from_month, months=months)


# A product's steps as one JSON text beside its row, so that a list of products is one statement.
_STEPS: Final = {
    "postgres": "(SELECT COALESCE(json_agg(json_build_array(s.from_month, s.to_month, s.price)), '[]')::text",
    "sqlite": "(SELECT json_group_array(json_array(s.from_month, s.to_month, s.price))",
}


def product_columns() -> str:
    """What `product_view` needs of the product `p` of a statement."""
    return f"""p.id AS product_id, p.code AS product_code, p.name AS product_name,
        p.description AS product_description, p.old_price AS product_old_price, p.on_sale AS product_on_sale,
        p.zero_rated AS product_zero_rated, p.partner_id AS product_partner_id,
        {_STEPS[dialect()]} FROM product_price_step s WHERE s.product_id = p.id) AS product_steps"""


def product_view(row: Row) -> ProductView:
    """The product in a row that was selected with `product_columns`."""
    old_price = row["product_old_price"]
    return ProductView(
        id=row["product_id"],
        code=row["product_code"],
        name=json.loads(row["product_name"]),
        description=json.loads(row["product_description"]),
        steps=tuple(sorted((_step(*step) for step in json.loads(row["product_steps"])), key=_first_month)),
        old_price=None if old_price is None else Money(old_price),
        on_sale=bool(row["product_on_sale"]),
        zero_rated=bool(row["product_zero_rated"]),
        partner_id=row["product_partner_id"],
    )


def _step(from_month: int, to_month: int | None, price: int) -> PriceStep:
    return PriceStep(from_month, to_month, Money(price))


def _first_month(step: PriceStep) -> int:
    return step.from_month
