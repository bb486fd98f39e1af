"""The counter, on a database of each kind."""

import pytest

from tests.papers.counter import Counter
from tests.support.world import World


@pytest.fixture
def counter(db: str) -> Counter:
    return Counter(World())
