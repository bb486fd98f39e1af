"""Servers of other languages, where the machine can run them. Nothing else of the project needs them."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.arena import Recipe
from domain.wallet.rules import ANSWER

FOLDER: Final = Path(__file__).parent
MERCURIUS: Final = "Mercurius with JIT, one statement"
MERCURIUS_LOADERS: Final = "Mercurius with JIT, loaders"


def peer_recipes() -> list[Recipe]:
    """Mercurius on Node, in two ways; installed from its lock file first. Empty where Node or npm is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        print("no Node here: Mercurius is left out", file=sys.stderr)
        return []
    if not (FOLDER / "node_modules").is_dir():
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=FOLDER, capture_output=True, text=True
        )
        if done.returncode:
            print(f"npm cannot install Mercurius, it is left out:\n{done.stderr[-500:]}", file=sys.stderr)
            return []
    command = (node, "mercurius.mjs")
    answer = ", ".join(f"{name} {type_}" for name, type_ in ANSWER.items())
    environment = {"NODE_ENV": "production", "TRANSFER_ANSWER": answer}
    return [
        Recipe(MERCURIUS, command, "/graphql", environment, FOLDER),
        Recipe(MERCURIUS_LOADERS, command, "/graphql", environment | {"LOADERS": "on"}, FOLDER),
    ]
