"""Fiscal receipts are kept as they came: once, whole, of the form that the tax office gives them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from domain.database import execute, fetch
from domain.fiscal import FiscalItem, FiscalReceipt, FiscalReceiptExists, of_transfers, record
from domain.money import Money
from domain.refusal import InvalidInput, NotFound
from tests.domain.bank import Bank

ITEM = FiscalItem(
    name="Aloqa xizmati",
    mxik="10305001001000000",
    package_code="1505513",
    units=2,
    price=Money(500),
    amount=Money(1_000),
    vat_percent=12,
    vat=Money(107),
)
RECEIPT = FiscalReceipt(
    terminal="UZ200903014321",
    receipt_number="77",
    at=datetime(2026, 3, 10, 9, tzinfo=UTC),
    sign="123456789012",
    qr_url="https://ofd.example/check?t=1",
    items=(ITEM, replace(ITEM, name="Ў" * 63, agent="31705900000000")),
)


# By what the caller knows each by.
CALLED = {"receipt_number": "receiptNumber", "qr_url": "qrUrl"}


@pytest.fixture
async def transfer(db: str) -> int:
    bank = Bank()
    await bank.open("alice")
    return (await bank.fund("alice", 10)).transfer_id


async def test_a_fiscal_receipt_is_found_by_its_movement(transfer: int) -> None:
    await record(transfer, RECEIPT)

    assert await of_transfers([transfer, transfer + 1]) == {transfer: RECEIPT}
    assert await of_transfers([]) == {}


async def test_the_same_again_changes_nothing_and_another_is_refused(transfer: int) -> None:
    await record(transfer, RECEIPT)
    await record(transfer, RECEIPT)

    with pytest.raises(FiscalReceiptExists):
        await record(transfer, replace(RECEIPT, sign="1"))

    assert await of_transfers([transfer]) == {transfer: RECEIPT}


async def test_one_receipt_belongs_to_one_movement(transfer: int) -> None:
    bank = Bank()
    await bank.open("bob")
    other = (await bank.fund("bob", 1)).transfer_id
    await record(transfer, RECEIPT)

    with pytest.raises(FiscalReceiptExists):
        await record(other, RECEIPT)
    with pytest.raises(NotFound):
        await record(999_999, replace(RECEIPT, receipt_number="78"))

    assert list(await of_transfers([transfer, other])) == [transfer]


async def test_one_receipt_told_of_five_movements_at_once_is_one_s_and_refused_to_the_others(transfer: int) -> None:
    bank = Bank()
    await bank.open("bob")
    others = [(await bank.fund("bob", 1)).transfer_id for _ in range(4)]

    told = await asyncio.gather(*(record(one, RECEIPT) for one in (transfer, *others) * 3), return_exceptions=True)

    assert {type(one) for one in told} == {type(None), FiscalReceiptExists}
    assert len(await of_transfers([transfer, *others])) == 1


async def test_the_same_told_ten_times_at_once_is_kept_once(transfer: int) -> None:
    await asyncio.gather(*(record(transfer, RECEIPT) for _ in range(10)))

    assert len(await fetch("SELECT * FROM fiscal_receipt")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"terminal": ""},
        {"terminal": "a b"},
        {"receipt_number": "1" * 41},
        {"sign": "<b>"},
        {"qr_url": "javascript:alert(1)"},
        {"qr_url": "https://"},
        {"qr_url": "https://x/\n"},
        {"qr_url": "https://x/" + "a" * 500},
        {"at": datetime(1, 1, 1, tzinfo=UTC)},
        {"items": (ITEM,) * 101},
        {"items": (replace(ITEM, name="x" * 64),)},
        {"items": (replace(ITEM, name=" "),)},
        {"items": (replace(ITEM, name="a\u202eb"),)},
        {"items": (replace(ITEM, mxik="1030500100100000"),)},
        {"items": (replace(ITEM, mxik="٠" * 17),)},
        {"items": (replace(ITEM, package_code=""),)},
        {"items": (replace(ITEM, units=0),)},
        {"items": (replace(ITEM, price=Money(-1)),)},
        {"items": (replace(ITEM, vat_percent=101),)},
        {"items": (replace(ITEM, vat=Money(1_001)),)},
        {"items": (replace(ITEM, agent="1234567890"),)},
    ],
)
async def test_what_no_fiscal_receipt_can_have_is_refused(transfer: int, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        await record(transfer, replace(RECEIPT, **wrong))

    [name] = wrong
    assert refused.value.path[:2] == ("input", CALLED.get(name, name))
    assert await of_transfers([transfer]) == {}


@pytest.mark.parametrize("change", ["UPDATE fiscal_receipt SET sign = 'x'", "DELETE FROM fiscal_receipt"])
async def test_the_database_itself_keeps_them(transfer: int, change: str) -> None:
    await record(transfer, RECEIPT)

    with pytest.raises((IntegrityError, OperationalError)):
        await execute(change)

    assert await of_transfers([transfer]) == {transfer: RECEIPT}
