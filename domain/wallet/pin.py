"""The holder's PIN (W-2.15): four to six digits, stored as an Argon2 hash, locked for a while after wrong tries."""

import asyncio
import re
from datetime import datetime
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from domain.clock import from_micros, to_micros
from domain.database import Row, execute
from domain.policy import Policy
from domain.refusal import InvalidInput
from domain.wallet.refusals import PinLocked, WrongPin

_PIN: Final = re.compile(r"[0-9]{4,6}", re.ASCII)
# Ten thousand PINs are few: it is the lock that protects them. The hash need only make a stolen table slow to read.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def read_pin(pin: str | None, *, path: tuple[str, ...]) -> str:
    """Raises InvalidInput for anything but four to six digits."""
    if pin is None or not _PIN.fullmatch(pin):
        raise InvalidInput(rule="W-4.1.1", path=path)
    return pin


async def hash_pin(pin: str) -> str:
    """Off the event loop: a hash takes tens of milliseconds."""
    return await asyncio.to_thread(_HASHER.hash, pin)


async def matches(pin_hash: str, pin: str) -> bool:
    """Off the event loop, likewise."""

    def verify() -> bool:
        try:
            return _HASHER.verify(pin_hash, pin)
        except VerificationError:
            return False

    return await asyncio.to_thread(verify)


async def check_pin(
    subscriber: Row, pin: str, *, now: datetime, policy: Policy, path: tuple[str, ...] = ("input", "pin")
) -> None:
    """Compares with the subscriber's PIN, whose row is locked by the caller's transaction.

    Raises PinLocked, or WrongPin (counted, even though it is a refusal; the last one locks).
    """
    until = subscriber["pin_locked_until"]
    if until is not None and to_micros(now) < until:
        raise PinLocked(until=from_micros(until), path=path)
    if subscriber["pin_hash"] and await matches(subscriber["pin_hash"], pin):
        if subscriber["pin_wrong_tries"]:
            await _count(subscriber["id"], 0, None)
        return
    tries = subscriber["pin_wrong_tries"] + 1
    left = policy.pin_wrong_tries - tries
    await _count(subscriber["id"], tries if left > 0 else 0, None if left > 0 else now + policy.pin_lock)
    raise WrongPin(tries_left=max(left, 0), path=path)


async def _count(subscriber_id: int, tries: int, locked_until: datetime | None) -> None:
    await execute(
        "UPDATE subscriber SET pin_wrong_tries = $1, pin_locked_until = $2 WHERE id = $3",
        tries,
        to_micros(locked_until) if locked_until else None,
        subscriber_id,
    )
