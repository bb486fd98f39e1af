"""The office, on a database of each kind."""

import pytest

from tests.admin.office import Office
from tests.support.world import World


@pytest.fixture
def office(db: str) -> Office:
    return Office(World())
