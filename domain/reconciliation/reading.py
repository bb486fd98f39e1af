"""Which statement it is, and how each payment system writes its own (docs/reconciliation.md)."""

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from domain.payment import CLICK, PARTNER, PAYME
from domain.reconciliation import values
from domain.reconciliation.csv_statement import Columns, read_csv
from domain.reconciliation.json_statement import read_json
from domain.reconciliation.rows import FileFault, Line, UnreadableFile

# What a partner calls a payment is kept with this in front (see resolvers/top_up.py).
PARTNERS_OWN: Final = "x:"
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, which nothing here reads

_PAYME: Final = Columns(
    external_id=("id", "transaction_id", "payme_id"),
    amount=("amount",),
    at=("time", "date", "created"),
    state=("state", "status"),
    read_id=values.external_id,
    read_amount=values.tiyin,
    read_at=values.instant,
    read_state=values.state,
)
_CLICK: Final = Columns(
    external_id=("click_trans_id", "payment_id", "id"),
    amount=("amount",),
    at=("sign_time", "date", "created", "time"),
    state=("status", "payment_status", "state"),
    read_id=values.external_id,
    read_amount=values.som,
    read_at=values.instant,
    read_state=values.click_state,
)
_PARTNER: Final = Columns(
    external_id=("externalid", "external_id", "id"),
    amount=("amount",),
    at=("at", "date", "time"),
    state=("status", "state"),
    read_id=partial(values.external_id, prefix=PARTNERS_OWN),
    read_amount=values.som,
    read_at=values.instant,
    read_state=values.state,
)


def is_provider(name: str) -> bool:
    """Whether there are statements of such a one: payme, click, or partner:code."""
    return name in (PAYME, CLICK) or (name.startswith(PARTNER) and len(name) > len(PARTNER))


def read_statement(provider: str, source: BinaryIO) -> Iterator[Line]:
    """The statement's payments and what could not be read, in a memory that does not grow with the file.

    Of Payme a file that begins with a brace or a bracket is its JSON; everything else is CSV. Raises UnreadableFile.
    """
    begin = source.read(4096)
    source.seek(0)
    if begin.startswith(_MARKS) or b"\0" in begin.partition(b"\n")[0]:
        raise UnreadableFile(FileFault.NOT_UTF8)
    if not begin.strip():
        raise UnreadableFile(FileFault.EMPTY)
    if provider == PAYME and begin.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return read_json(source)
    return read_csv(source, {PAYME: _PAYME, CLICK: _CLICK}.get(provider, _PARTNER))
