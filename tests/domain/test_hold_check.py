"""The ledger's check tells when what is held is not what it should be, though all guards were off."""

import pytest

from domain.ledger_check import check_ledger
from tests.domain.test_ledger_check import tamper
from tests.support.market import Market, open_market
from tests.support.world import World


@pytest.fixture
async def market(db: str) -> Market:
    """One wallet (its account is {account}) with hold 1 of 300 so'm, 100 of it taken by a movement, the last one."""
    market = await open_market(World())
    alice = await market.world.holder(1_000)
    hold = await market.reserve(await market.world.signed_in(alice), 300)
    await market.capture(hold, 100)
    assert await market.faults() == []
    return market


@pytest.mark.rule("W-4.4.4")
@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE ledger_account SET held = 0 WHERE held > 0", "account"),
        ("UPDATE hold SET captured = 0, held = 30000", "hold 1"),
        ("UPDATE hold SET commission_captured = 0, held = 20500", "hold 1"),
        ("UPDATE hold_capture SET amount = 5000", "hold 1"),
        ("UPDATE hold_capture SET commission = 0", "hold 1"),
        ("UPDATE hold_capture SET transfer_id = 1", "hold 1"),
        ("DELETE FROM hold_capture", "hold 1"),
    ],
)
async def test_a_tampered_hold_is_named(market: Market, statement: str, where: str) -> None:
    await tamper([statement], *("hold", "hold_capture"))

    faults = [fault async for fault in check_ledger()]

    assert any(fault.where.startswith(where) for fault in faults)
