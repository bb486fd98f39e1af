"""Tariffs and the price list as they are stored."""

from tortoise import fields
from tortoise.models import Model

from domain.fields import DayField, InstantField, MoneyField, TextsField


class Tariff(Model):
    """A tariff plan. `archived`: nobody can connect to it or change to it; those on it stay (T-9)."""

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=32, unique=True)
    name = TextsField()
    description = TextsField()
    monthly_fee = MoneyField()
    archived = fields.BooleanField()
    foreigners_only = fields.BooleanField()
    position = fields.BigIntField()

    class Meta:
        table = "tariff"


class TariffAllowance(Model):
    id = fields.BigIntField(primary_key=True)
    tariff: fields.ForeignKeyRelation[Tariff] = fields.ForeignKeyField("kabinet.Tariff", related_name="allowances")
    kind = fields.CharField(max_length=16)
    amount = fields.BigIntField()
    unit = fields.CharField(max_length=16)

    class Meta:
        table = "tariff_allowance"


class PriceListEdition(Model):
    """A numbered edition of the public offer's annex (T-1)."""

    id = fields.BigIntField(primary_key=True)
    edition = fields.CharField(max_length=32, unique=True)
    effective_from = DayField()
    order_no = fields.CharField(max_length=64)
    order_date = DayField()
    hash = fields.CharField(max_length=64)
    imported_at = InstantField()

    class Meta:
        table = "price_list"


class PriceZone(Model):
    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=64, unique=True)
    name = TextsField()

    class Meta:
        table = "price_zone"


class PriceLineRow(Model):
    id = fields.BigIntField(primary_key=True)
    price_list: fields.ForeignKeyRelation[PriceListEdition] = fields.ForeignKeyField(
        "kabinet.PriceListEdition", related_name="lines"
    )
    tariff_code = fields.CharField(max_length=32)
    zone: fields.ForeignKeyRelation[PriceZone] = fields.ForeignKeyField("kabinet.PriceZone", related_name="lines")
    zone_name = fields.TextField()
    unit = fields.CharField(max_length=16)
    price = MoneyField()
    position = fields.BigIntField()

    class Meta:
        table = "price_line"


class PriceDestination(Model):
    id = fields.BigIntField(primary_key=True)
    line: fields.ForeignKeyRelation[PriceLineRow] = fields.ForeignKeyField(
        "kabinet.PriceLineRow", related_name="destinations"
    )
    kind = fields.CharField(max_length=16)
    value = fields.CharField(max_length=32)
    network = fields.TextField(default="")

    class Meta:
        table = "price_destination"
