"""Money: whole tiyin inside, exact decimals outside, floats nowhere (W-4.4.1, A-6.8)."""

from decimal import Decimal
from typing import Final

from domain.refusal import InvalidAmount
from domain.view import ordered

TIYIN_PER_SOM: Final = 100
# 10^13 so'm is above the money supply; its tiyin, and sums of thousands of such, fit a 64-bit integer.
LARGEST_SOM: Final = 10**13
_DIGITS_MOST: Final = 100


def exact_tiyin(som: Decimal) -> int | None:
    """So'm as whole tiyin; None for what is no number, has more than two decimals, or is of no size for money.

    Without decimal's own arithmetic, which rounds to 28 digits, and without any on a number that is long or huge.
    """
    sign, digits, exponent = som.as_tuple()
    if not isinstance(exponent, int) or len(digits) > _DIGITS_MOST or not -_DIGITS_MOST <= exponent <= _DIGITS_MOST:
        return None
    shifted, whole = exponent + 2, int("".join(map(str, digits)))
    tiyin, rest = (whole * 10**shifted, 0) if shifted >= 0 else divmod(whole, 10**-shifted)
    return None if rest else -tiyin if sign else tiyin


@ordered
class Money:
    """An amount of UZS in tiyin (1 so'm = 100 tiyin); may be negative, as an entry of a ledger can be."""

    tiyin: int

    @classmethod
    def som(cls, amount: int | str | Decimal) -> "Money":
        """Exact so'm, for code and tests: `Money.som(5)`, `Money.som("0.50")`."""
        exact = Decimal(amount) * TIYIN_PER_SOM
        if exact != int(exact):
            raise ValueError(f"{amount} so'm is not a whole number of tiyin")
        return cls(int(exact))

    @classmethod
    def asked(cls, amount: Decimal, *, path: tuple[str, ...]) -> "Money":
        """What a caller asks to move: above zero, at most two decimals, at most 10^13 so'm.

        Raises InvalidAmount otherwise. The size is looked at before any arithmetic, so that 1e999999 costs nothing.
        """
        tiyin = exact_tiyin(amount)
        if tiyin is None or not 0 < tiyin <= LARGEST_SOM * TIYIN_PER_SOM:
            raise InvalidAmount(path=path)
        return cls(tiyin)

    @property
    def amount(self) -> Decimal:
        """So'm with two decimals."""
        return Decimal(self.tiyin).scaleb(-2)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.tiyin + other.tiyin)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.tiyin - other.tiyin)

    def __neg__(self) -> "Money":
        return Money(-self.tiyin)

    def __mul__(self, times: int) -> "Money":
        return Money(self.tiyin * times)

    def __bool__(self) -> bool:
        return self.tiyin != 0

    def __str__(self) -> str:
        return f"{self.amount} UZS"


ZERO: Final = Money(0)
