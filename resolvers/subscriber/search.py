"""Finding a subscriber by whatever the caller on the phone says.

A number written in any way or its last digits, the number of an account or a wallet, a name or the beginnings of its
words, in Latin or Cyrillic letters. Who fits is looked for first; what is shown of them is fetched for those few.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from domain.audit import note
from domain.clock import to_micros
from domain.database import Row, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.subscriber import SubscriberKind, SubscriberStatus, search_form
from resolvers.context import Context, the_staff
from resolvers.subscriber.person import name_of

SEEN: Final = "subscriber.seen"
SEEN_AGAIN_AFTER: Final = timedelta(minutes=15)
RECENT: Final = timedelta(days=30)
FEWEST_DIGITS: Final = 4
FEWEST_LETTERS: Final = 2
MOST_WORDS: Final = 6
MOST_FOUND: Final = 50
LONGEST_TEXT: Final = 100


@dataclass(frozen=True, slots=True)
class FoundSubscriber:
    """One line of a search. `matched`: the number of a phone, account or wallet that was searched for, if it was."""

    id: int
    kind: SubscriberKind
    name: str
    status: SubscriberStatus
    phone: str
    more_numbers: int
    account: str
    balance: Money | None
    matched: str


_FOUND: Final = """SELECT s.id, s.kind, s.status, s.last_name, s.first_name, s.patronymic, s.organisation_name,
    (SELECT n.phone FROM subscriber_number n WHERE n.subscriber_id = s.id
     ORDER BY CASE n.status WHEN 'ended' THEN 1 ELSE 0 END, n.id LIMIT 1) AS phone,
    (SELECT COUNT(*) FROM subscriber_number n WHERE n.subscriber_id = s.id AND n.status <> 'ended') AS numbers,
    (SELECT p.number FROM personal_account p
     WHERE p.subscriber_id = s.id ORDER BY p.opened_at, p.id LIMIT 1) AS account,
    (SELECT a.balance FROM personal_account p JOIN ledger_account a ON a.id = p.ledger_account_id
     WHERE p.subscriber_id = s.id ORDER BY p.opened_at, p.id LIMIT 1) AS balance"""


async def search_subscribers(ctx: Context, text: str, limit: int = 20) -> list[FoundSubscriber]:
    """Who fits the text, in one statement; nobody for a text too short to mean someone. Staff only."""
    the_staff(ctx)
    text, limit = text.replace("\0", "").strip()[:LONGEST_TEXT], min(max(limit, 1), MOST_FOUND)
    if digits := _digits(text):
        return await _by_digits(digits, limit)
    words = search_form(text).split()
    if sum(map(len, words)) < FEWEST_LETTERS:
        return []
    return await _by_name(words, limit)


def _digits(text: str) -> str:
    """The digits of what is written as a number; empty for anything else and for too few of them."""
    if not re.fullmatch(r"[0-9+()./\s\u2010-\u2015-]+", text):
        return ""
    digits = re.sub(r"[^0-9]", "", text)
    return digits if len(digits) >= FEWEST_DIGITS else ""


async def _by_digits(digits: str, limit: int) -> list[FoundSubscriber]:
    rows = await fetch(
        f"""{_FOUND}, hit.matched FROM
            (SELECT s.id, MIN(n.matched) AS matched FROM ({_WHOLE if _is_whole(digits) else _PART}) n
             JOIN subscriber s ON s.id = n.subscriber_id
             GROUP BY s.id, s.search_name ORDER BY s.search_name, s.id LIMIT $4) hit
            JOIN subscriber s ON s.id = hit.id ORDER BY s.search_name, s.id""",
        *_number_places(digits),
        limit,
    )
    return [_found(row) for row in rows]


# A whole number is found by its index; a part of one by looking through.
_WHOLE: Final = """SELECT subscriber_id, phone AS matched FROM subscriber_number WHERE phone = $1
    UNION ALL SELECT subscriber_id, number FROM personal_account WHERE number = $2
    UNION ALL SELECT subscriber_id, number FROM wallet WHERE number = $3"""
_PART: Final = """SELECT subscriber_id, phone AS matched FROM subscriber_number WHERE phone LIKE $1 OR phone LIKE $2
    UNION ALL SELECT subscriber_id, number FROM personal_account WHERE number LIKE $3
    UNION ALL SELECT subscriber_id, number FROM wallet WHERE number LIKE $3"""


def _is_whole(digits: str) -> bool:
    return len(digits) in (9, 10, 16) or (len(digits) == 12 and digits.startswith("998"))


def _number_places(digits: str) -> tuple[str, str, str]:
    if _is_whole(digits):
        return f"+998{digits[-9:]}" if len(digits) in (9, 12) else "", digits, digits
    national = digits.removeprefix("998")
    return f"+998{national}%", f"%{digits}", f"{digits}%"


async def _by_name(words: list[str], limit: int) -> list[FoundSubscriber]:
    values: list[Any] = []
    tests = []
    for word in words[:MOST_WORDS]:
        forms = []
        for form in dict.fromkeys((word, _in_latin(word))):
            values += [f"%{_plain(form)}%", f"% {_plain(form)}%"]
            inside, beginning = f"${len(values) - 1}", f"${len(values)}"
            # The first test is quick and leaves few for the second.
            forms.append(f"(search_name LIKE {inside} ESCAPE '!' AND {_SPACED} LIKE {beginning} ESCAPE '!')")
        tests.append(f"({' OR '.join(forms)})")
    rows = await fetch(
        f"""{_FOUND}, '' AS matched FROM
            (SELECT id FROM subscriber WHERE {" AND ".join(tests)}
             ORDER BY search_name, id LIMIT ${len(values) + 1}) hit
            JOIN subscriber s ON s.id = hit.id ORDER BY s.search_name, s.id""",
        *values,
        limit,
    )
    return [_found(row) for row in rows]


# Words also begin after a quotation mark or a dash: «Orient» MChJ, Karimova-Salieva.
_SPACED: Final = """' ' || REPLACE(REPLACE(REPLACE(search_name, '"', ' '), '«', ' '), '-', ' ')"""


def _plain(word: str) -> str:
    """A word whose own signs mean nothing to LIKE."""
    return re.sub(r"([!%_])", r"!\1", word)


_LATIN: Final = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхқҳыэ", "abvgdeziyklmnoprstufxqhie", strict=True))
    | {"ё": "yo", "ж": "j", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "'", "ь": "", "ю": "yu", "я": "ya"}
    | {"ў": "o'", "ғ": "g'"}
)


def _in_latin(word: str) -> str:
    """A name typed in Cyrillic as it is written in Latin documents; a Latin one stays as it is."""
    return re.sub(r"^е", "ye", word).translate(_LATIN) if re.search("[а-яёўқғҳ]", word) else word


def _found(row: Row) -> FoundSubscriber:
    return FoundSubscriber(
        id=row["id"],
        kind=SubscriberKind(row["kind"]),
        name=name_of(row),
        status=SubscriberStatus(row["status"]),
        phone=row["phone"] or "",
        more_numbers=max(row["numbers"] - 1, 0),
        account=row["account"] or "",
        balance=None if row["balance"] is None else Money(row["balance"]),
        matched=row["matched"],
    )


async def note_seen(ctx: Context, subscriber_id: int) -> None:
    """Notes who looked at whose data; looks within a quarter of an hour are one."""
    await note_look(ctx, SEEN, f"subscriber:{subscriber_id}")


@in_transaction
async def note_look(ctx: Context, action: str, subject: str) -> None:
    """The same for what is about several people: a movement's receipt, a payment."""
    actor, now = the_staff(ctx), ctx.clock.now()
    since = to_micros(now - SEEN_AGAIN_AFTER)
    just_now = await fetch_row(
        "SELECT 1 AS one FROM audit_event WHERE actor = $1 AND at > $2 AND action = $3 AND subject = $4 LIMIT 1",
        actor.label,
        since,
        action,
        subject,
    )
    if just_now is None:
        await note(actor.label, action, subject, now)


async def seen_by(ctx: Context, most: int) -> list[FoundSubscriber]:
    """Whom the member of staff who calls looked at last, newest first, each once."""
    actor = the_staff(ctx)
    rows = await fetch(
        f"""{_FOUND}, '' AS matched FROM subscriber s JOIN
            (SELECT subject, MAX(at) AS at FROM audit_event
             WHERE actor = $1 AND at > $2 AND action = $3 GROUP BY subject) seen
            ON s.id = CAST(SUBSTR(seen.subject, 12) AS BIGINT)
            ORDER BY seen.at DESC LIMIT $4""",
        actor.label,
        to_micros(ctx.clock.now() - RECENT),
        SEEN,
        most,
    )
    return [_found(row) for row in rows]
