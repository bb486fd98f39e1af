"""What the continuous proof relies on: a kind of test that is required and does not run is a failure."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run_pytest(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_vendor.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_session_without_the_required_tests_fails_and_says_so() -> None:
    done = run_pytest("--require=browser")

    assert done.returncode == 1
    assert "no test marked 'browser' ran" in done.stdout


def test_a_requirement_that_nobody_knows_is_refused() -> None:
    done = run_pytest("--require=browsers")

    assert done.returncode == 4
    assert "not browsers" in done.stderr
