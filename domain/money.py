"""Money: whole tiyin inside, exact decimals outside, floats nowhere (W-4.4.1, A-6.8)."""

from decimal import Decimal
from typing import Final

from domain.refusal import InvalidAmount
from domain.view import ordered

TIYIN_PER_SOM: Final = 100
# 10^13 so'm is above the money supply; its tiyin, and sums of thousands of such, fit a 64-bit integer.
LARGEST_SOM: Final = 10**13


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
        if not amount.is_finite() or amount <= 0 or amount.adjusted() > 13 or amount > LARGEST_SOM:
            raise InvalidAmount(path=path)
        exponent = amount.normalize().as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -2:
            raise InvalidAmount(path=path)
        return cls(int(amount * TIYIN_PER_SOM))

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
