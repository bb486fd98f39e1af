"""`kabinet reconcile`: what differs is told by the exit code and a line each; a million lines take bounded memory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.test_commands import ROOT, kabinet

HEAD = "id,time,amount,state\n"
MOST_MB = 300


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'kabinet.db'}"
    assert kabinet("migrate", KABINET_DATABASE_URL=made).returncode == 0
    return made


def test_what_differs_is_told_by_the_exit_code(url: str, tmp_path: Path) -> None:
    agreeing, differing = tmp_path / "agreeing.csv", tmp_path / "differing.csv"
    agreeing.write_text(HEAD + "a,1793500000000,5,-1\n")
    differing.write_text(HEAD + "a,1793500000000,5,2\nodd\n")

    nothing = kabinet("reconcile", "payme", str(agreeing), KABINET_DATABASE_URL=url)
    something = kabinet("reconcile", "payme", str(differing), KABINET_DATABASE_URL=url)

    assert (nothing.returncode, nothing.stdout) == (0, "reconciliation 1: 1 lines, 1 agree\n")
    assert something.returncode == 1
    assert "missing_here: 1\nunreadable_line: 1" in something.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["visa", "{file}"], "provider"),
        (["payme", "no-such-file.csv"], "no-such-file.csv"),
        (["payme", "{folder}"], "directory"),
        (["payme", "{empty}"], "empty"),
        (["payme", "{file}"], "no_column (amount)"),
        (["payme", "{file}", "--from", "2026-01-01"], "both days"),
        (["payme", "{file}", "--from", "2026-01-02", "--until", "2026-01-01"], "until"),
        (["payme", "{file}", "--from", "soon", "--until", "2026-01-01"], "soon"),
    ],
)
def test_bad_input_is_one_clear_line(url: str, tmp_path: Path, words: list[str], says: str) -> None:
    file, empty = tmp_path / "some.csv", tmp_path / "empty.csv"
    file.write_text("id,time\n1,2\n")
    empty.write_text("")
    given = [word.format(file=file, empty=empty, folder=tmp_path) for word in words]

    done = kabinet("reconcile", *given, KABINET_DATABASE_URL=url)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_million_lines_are_compared_in_bounded_memory_and_with_progress(url: str, tmp_path: Path) -> None:
    file = tmp_path / "million.csv"
    with file.open("w") as writing:
        writing.write(HEAD)
        writing.writelines(
            f"{n:024x},{1793500000000 + n},{1000 + n % 5000},{2 if n % 100 else -1}\n" for n in range(10**6)
        )
    measured = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
    measured += "print('kB', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"

    done = subprocess.run(
        [sys.executable, "-c", measured, sys.executable, "-m", "server.cli", "reconcile", "payme", str(file)],
        env={**os.environ, "KABINET_DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "1,000,000 lines, 10,000 agree" in done.stdout
    assert "missing_here: 990,000" in done.stdout
    assert done.stderr.count("bytes read") > 5
    size = re.search(r"kB (\d+)", done.stdout)
    assert size is not None
    assert int(size[1]) < MOST_MB * 1000
