"""What a process keeps of the memory that it needed for a moment."""

import subprocess
import sys

import pytest

# In a process of its own: how memory is treated is the whole process's.
MANY_UNLOCK = """
import asyncio
from pathlib import Path
from domain.wallet.pin import hash_pin, matches
from server.memory import give_large_blocks_back

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1_000_000

async def main():
    give_large_blocks_back()
    pin_hash = await hash_pin("2580")
    before = megabytes()
    assert all(await asyncio.gather(*(matches(pin_hash, "2580") for _ in range(12))))
    print(megabytes() - before)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_many_who_unlock_at_once_leave_nothing_behind() -> None:
    ran = subprocess.run([sys.executable, "-c", MANY_UNLOCK], capture_output=True, text=True, timeout=60, check=True)

    assert int(ran.stdout) < 19, "not even one hash's memory is kept"
