"""What a payment system's statement says, line by line, and what can be wrong with a line or a file."""

from dataclasses import dataclass
from enum import StrEnum


class TheirState(StrEnum):
    """What the other side says of a payment."""

    PENDING = "pending"
    PERFORMED = "performed"
    CANCELLED = "cancelled"


class LineFault(StrEnum):
    """Why a line could not be read."""

    TOO_LONG = "too_long"
    NOT_UTF8 = "not_utf8"
    WRONG_FIELDS = "wrong_fields"
    BAD_QUOTES = "bad_quotes"
    NOT_JSON = "not_json"
    NO_ID = "no_id"
    BAD_AMOUNT = "bad_amount"
    BAD_TIME = "bad_time"
    BAD_STATE = "bad_state"


class FileFault(StrEnum):
    """Why a file could not be read at all."""

    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    NO_COLUMN = "no_column"
    NOT_A_STATEMENT = "not_a_statement"
    CUT_SHORT = "cut_short"
    NO_PERIOD = "no_period"


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A payment in their words: `external_id` as we store it, `amount` in tiyin, `at` in microseconds (UTC).

    `line` is the line of the file, or of a JSON statement the payment's place, from 1.
    """

    line: int
    external_id: str
    amount: int
    at: int
    state: TheirState


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that says nothing that can be used; what it says is not repeated, for it may be anything."""

    line: int
    fault: LineFault


Line = ProviderRow | UnreadableLine


class UnreadableFile(Exception):
    """Nothing can be made of the file; `detail` is the column that is missing, if one is."""

    def __init__(self, fault: FileFault, detail: str = "") -> None:
        super().__init__(fault)
        self.fault, self.detail = fault, detail


class BadLine(Exception):
    """Inside a reader: this line is not to be used, and why."""

    def __init__(self, fault: LineFault) -> None:
        super().__init__(fault)
        self.fault = fault
