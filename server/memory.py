"""How a server process treats its memory: it lives for weeks, and most of what it holds it holds from the start."""

import contextlib
import ctypes
import gc
from typing import Final

GARBAGE_THRESHOLD: Final = 10_000
_MMAP_THRESHOLD: Final = -3  # glibc's name for it in mallopt(3)
LARGE: Final = 1 << 20


def settle_in() -> None:
    """To be called once, when everything is loaded."""
    _spare_the_collector()
    give_large_blocks_back()


def _spare_the_collector() -> None:
    """What is loaded once lives for ever: looking through it again and again stops all requests for a while."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)


def give_large_blocks_back() -> None:
    """Large blocks go back to the system when they are freed.

    A PIN's hash takes 19 MB for a moment, on any of several threads. Left to itself, glibc learns from the first one to
    keep such blocks for each thread for ever: a dozen holders who unlock their wallets at once would cost 100 MB.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library, with ways of its own
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE)
