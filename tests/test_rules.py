"""Rules can be pointed at: each leads to code that exists, and to a test."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from resolvers.rules import HELD_BY

TESTS = Path(__file__).resolve().parent


@pytest.mark.parametrize(("rule", "place"), sorted(HELD_BY.items()))
def test_a_rule_leads_to_code_that_exists_and_to_a_test(rule: str, place: str) -> None:
    module, _, name = place.rpartition(".")

    assert hasattr(import_module(module), name)
    proofs = [path for path in TESTS.rglob("test_*.py") if re.search(rf'rule\("{re.escape(rule)}"\)', path.read_text())]
    assert proofs, f"no test carries {rule}"
