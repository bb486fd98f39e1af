"""Node programs of `npm/`, with the packages that its lock file pins installed aside, once for each version."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parent / "npm"
CACHE = Path(__file__).parents[3] / ".cache"
INSTALL_SECONDS = 120
RUN_SECONDS = 60


def run_program(name: str, *words: str) -> Any:
    """What the program printed, read as JSON. Skips the test where Node or its packages cannot be had."""
    folder = _installed()
    ended = subprocess.run(
        [_found("node"), name, *words], cwd=folder, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def _installed() -> Path:
    npm, _ = _found("npm"), _found("node")
    content = b"".join(path.read_bytes() for path in sorted(SOURCES.iterdir()) if path.is_file())
    folder = CACHE / f"npm-{hashlib.sha256(content).hexdigest()[:12]}"
    if folder.exists():
        return folder
    CACHE.mkdir(exist_ok=True)
    # Put in place at one stroke, for tests run side by side.
    with tempfile.TemporaryDirectory(dir=CACHE) as aside:
        fresh = Path(aside) / "npm"
        shutil.copytree(SOURCES, fresh)
        try:
            ended = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=fresh,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("npm cannot reach its registry")
        if ended.returncode:
            pytest.skip("npm cannot install the packages")
        try:
            fresh.rename(folder)
        except OSError:
            assert folder.exists()
    return folder
