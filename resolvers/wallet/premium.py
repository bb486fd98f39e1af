"""Premium by staff: the holder shows an original document, and all of it must agree (W-4.2.1)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import Row, execute, fetch_row, in_transaction
from domain.phone import read_phone
from domain.refusal import InvalidInput, NotFound
from domain.subscriber import search_form
from domain.switch import Switch, is_on
from domain.wallet import hold_wallets
from domain.wallet.document import DocumentKind, born_of, pinfl_is_plausible, read_document_number, read_pinfl
from domain.wallet.life import Step, take
from domain.wallet.refusals import AlreadyPremium, BirthDateWrong, DocumentDisagrees, PinflDoubtful, UpgradesClosed
from resolvers.context import Context, the_staff
from resolvers.wallet.views import announce

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Document:
    """What an identity document says, as staff typed it."""

    kind: str
    number: str
    last_name: str
    first_name: str
    patronymic: str
    birth_date: date | None
    pinfl: str


@dataclass(frozen=True, slots=True)
class IdentificationView:
    """By whom and when a holder was identified; the document's data are whole for admins, hidden for others."""

    at: datetime
    staff_name: str
    document_kind: DocumentKind
    document_number: str
    pinfl: str
    name: str


@in_transaction
async def identify(
    ctx: Context,
    *,
    wallet_id: int,
    phone: str,
    wallet_number: str,
    birth_date: date | None,
    document: Document,
    doubt_settled: bool = False,
) -> None:
    """Makes a Light wallet Premium at once, if what the person says and what the document says agree.

    Raises UpgradesClosed, NotFound, AlreadyPremium, StepImpossible (blocked, closed), InvalidInput (with the field),
    BirthDateWrong, DocumentDisagrees (with the field), and PinflDoubtful unless `doubt_settled`.
    """
    actor, now = the_staff(ctx, "agent"), ctx.clock.now()
    if not (ctx.policy.upgrades_open and await is_on(Switch.UPGRADES)):
        raise UpgradesClosed
    held = (await hold_wallets([wallet_id])).get(wallet_id)
    if held is None:
        raise NotFound
    row = await fetch_row(
        """SELECT w.birth_date, w.level, s.last_name, s.first_name, s.patronymic, s.birth_date AS agreed_birth_date
           FROM wallet w JOIN subscriber s ON s.id = w.subscriber_id WHERE w.id = $1""",
        wallet_id,
    )
    assert row is not None
    if row["level"] == "premium":
        raise AlreadyPremium
    _require_named(held.phone, held.number, phone, wallet_number)
    if birth_date is None or birth_date.isoformat() != row["birth_date"]:
        raise BirthDateWrong(rule="W-4.2.1", path=("birthDate",))
    number, pinfl = read_document_number(document.number), read_pinfl(document.pinfl)
    kind = _kind(document.kind)
    _require_names(document)
    _require_agreement(row, document, pinfl)
    if not pinfl_is_plausible(pinfl) and not doubt_settled:
        raise PinflDoubtful(path=("pinfl",))
    await execute(
        """INSERT INTO identification (wallet_id, document_kind, document_number, last_name, first_name, patronymic,
                                       birth_date, pinfl, staff_id, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        wallet_id,
        str(kind),
        number,
        *(_tidy(name) for name in (document.last_name, document.first_name, document.patronymic)),
        row["birth_date"],
        pinfl,
        actor.staff_id,
        to_micros(now),
    )
    await take(Step.IDENTIFIED, held, by=actor.label, at=now)
    await execute("UPDATE wallet SET level = 'premium' WHERE id = $1", wallet_id)
    await note(actor.label, "wallet.identified", f"wallet:{wallet_id}", now, document=str(kind))
    announce(ctx, wallet_id)


def _require_named(phone: str, number: str, said_phone: str, said_number: str) -> None:
    """The person names the number and the wallet's number. Raises DocumentDisagrees with the field."""
    if read_phone(said_phone, path=("phone",)) != phone:
        raise DocumentDisagrees(path=("phone",))
    if "".join(said_number.split()) != number:
        raise DocumentDisagrees(path=("walletNumber",))


def _kind(kind: str) -> DocumentKind:
    if kind not in list(DocumentKind):
        raise InvalidInput(path=("documentKind",))
    return DocumentKind(kind)


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _require_names(document: Document) -> None:
    for field, name, needed in (
        ("lastName", document.last_name, True),
        ("firstName", document.first_name, True),
        ("patronymic", document.patronymic, False),
    ):
        tidy = _tidy(name)
        if len(tidy) > LONGEST_NAME or not tidy.isprintable() or (needed and not tidy):
            raise InvalidInput(path=(field,))


def _require_agreement(row: Row, document: Document, pinfl: str) -> None:
    """The document against what was given at opening and stands in the agreement."""
    born = document.birth_date
    if (
        born is None
        or born.isoformat() != row["birth_date"]
        or row["agreed_birth_date"] not in (None, born.isoformat())
    ):
        raise DocumentDisagrees(path=("documentBirthDate",))
    for field, said, known in (
        ("lastName", document.last_name, row["last_name"]),
        ("firstName", document.first_name, row["first_name"]),
        # A foreigner's document has none.
        ("patronymic", document.patronymic, row["patronymic"] if _tidy(document.patronymic) else None),
    ):
        if known and search_form(said) != search_form(known):
            raise DocumentDisagrees(path=(field,))
    if born_of(pinfl) != born:
        raise DocumentDisagrees(path=("pinfl",))


async def identification(ctx: Context, wallet_id: int) -> IdentificationView | None:
    """How the holder was identified, for staff; None for a Light wallet."""
    actor = the_staff(ctx)
    row = await fetch_row(
        """SELECT i.*, s.name AS staff_name FROM identification i JOIN staff s ON s.id = i.staff_id
           WHERE i.wallet_id = $1""",
        wallet_id,
    )
    if row is None:
        return None
    whole = actor.role == "admin"
    return IdentificationView(
        at=from_micros(row["at"]),
        staff_name=row["staff_name"],
        document_kind=DocumentKind(row["document_kind"]),
        document_number=row["document_number"] if whole else f"{row['document_number'][:2]}•••••••",
        pinfl=row["pinfl"] if whole else "•" * 14,
        name=" ".join(filter(None, (row["last_name"], row["first_name"], row["patronymic"]))),
    )
