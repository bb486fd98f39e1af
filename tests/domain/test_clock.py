"""Instants are kept exactly, whichever way they come back."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as some

from domain.clock import TASHKENT, from_micros, to_micros


@given(some.integers(-(10**16), 10**17))
@example(0)
@example(-1)
@example(4 * 10**15 - 1)
@example(4 * 10**15)
@example(1_795_000_000_999_999)
def test_an_instant_comes_back_as_it_was_stored(micros: int) -> None:
    at = from_micros(micros)

    assert to_micros(at) == micros
    assert at.tzinfo is TASHKENT
    assert at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    assert at.utcoffset() == at.astimezone(UTC).astimezone(TASHKENT).utcoffset()
