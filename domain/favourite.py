"""What a wallet's holder keeps to pay or send again: whom a payment goes to, and lists that are bounded."""

from dataclasses import dataclass
from typing import ClassVar, Final

from domain.refusal import Refusal
from domain.supplier import SupplierView

LONGEST_NAME: Final = 60
MOST_FAVOURITES: Final = 100


@dataclass(eq=False, kw_only=True)
class TooManySaved(Refusal):
    """The list is full."""

    code: ClassVar[str] = "TOO_MANY_SAVED"
    text: ClassVar[str] = "No more than {most} can be kept here: remove one first."
    most: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where money is to go: to another wallet, by its number or phone, or to a supplier for a contract."""

    recipient: str | None = None
    supplier: SupplierView | None = None
    reference: str | None = None

    @property
    def columns(self) -> tuple[str | None, int | None, str | None]:
        """As it is stored: recipient, supplier_id, reference."""
        return self.recipient, self.supplier.id if self.supplier else None, self.reference
