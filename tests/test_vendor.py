"""What others wrote and the admin serves."""

import hashlib
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "admin/static/vendor"
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \|.*`(?P<license>[^`]+LICENSE[^`]+)` \| `(?P<digest>[0-9a-f]{64})` \|$", re.M)
LISTED = {row["file"]: row for row in ROW.finditer((FOLDER / "VENDOR.md").read_text(encoding="utf-8"))}


def test_every_vendored_file_is_listed_with_a_licence() -> None:
    licences = {row["license"] for row in LISTED.values()}

    assert {path.name for path in FOLDER.iterdir()} == {"VENDOR.md", *LISTED, *licences}


@pytest.mark.parametrize("name", LISTED)
def test_a_vendored_file_is_as_its_authors_released_it(name: str) -> None:
    content = (FOLDER / name).read_bytes()

    assert hashlib.sha256(content).hexdigest() == LISTED[name]["digest"]


@pytest.mark.parametrize("name", LISTED)
def test_a_vendored_file_loads_nothing_from_elsewhere(name: str) -> None:
    content = (FOLDER / name).read_text(encoding="utf-8")

    assert not re.search(r"@import|sourceMappingURL|url\((?![\"']?data:)", content)
