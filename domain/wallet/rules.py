"""What a wallet's movements must obey, stated once, in SQL that both databases run.

SQLite runs these texts as they stand; on PostgreSQL they are part of the routine `wallet_transfer`, which a transfer
is one call of (server/database/routines). Values have names: `:amount` is what is to be moved, in tiyin, `:now` the
instant in microseconds, `:day` the day in Tashkent, `:window` the first instant that counts towards 30 days' top-ups.

A rule is a code and the condition under which it says no; the first that holds is the verdict. The conditions are about
facts (`f`) that were read under the locks of both wallets. An unknown (NULL) fact refuses nothing: a Premium wallet has
no `most` (W-4.5.2).
"""

from collections.abc import Iterable
from typing import Final

LIGHT_BHMS: Final = 5

Rules = tuple[tuple[str, str], ...]

POSTED: Final = "POSTED"
REPLAY: Final = "REPLAY"

# What may come in (W-4.5.1a, b): the receiver's, for transfers and top-ups alike. A commission that an agent keeps for
# itself counts towards the first, though it never comes to the balance.
ROOM: Final[Rules] = (
    ("TOP_UP_LIMIT_REACHED", ":amount > f.most - f.used"),
    ("BALANCE_LIMIT_REACHED", "f.payee_balance + :amount > f.most"),
)
_TOPPED_UP: Final = "CAST(:amount AS BIGINT) + CAST(:commission AS BIGINT)"
TOP_UP: Final[Rules] = (
    ("WALLET_NOT_ACTIVE", "f.payee_status <> 'active'"),
    ("TOP_UP_LIMIT_REACHED", f"{_TOPPED_UP} > f.most - f.used"),
    ("BALANCE_LIMIT_REACHED", "f.payee_balance + :amount > f.most"),
)
TRANSFER: Final[Rules] = (
    ("SESSION_OVER", "f.session IS NULL"),
    ("IDEMPOTENCY_KEY_REUSED", "f.digest <> :digest"),
    (REPLAY, "f.digest IS NOT NULL"),
    ("WALLET_MISSING", "f.payer IS NULL"),
    ("WALLET_LOCKED", "f.unlocked_until IS NULL OR f.unlocked_until <= :now"),
    ("RECIPIENT_NOT_FOUND", "f.payee IS NULL"),
    ("SAME_WALLET", "f.payer = f.payee"),
    ("WALLET_NOT_ACTIVE", "f.status <> 'active'"),
    ("RECIPIENT_NOT_ACTIVE", "f.payee_status <> 'active'"),
    ("NOT_TOPPED_UP_YET", "f.first_top_up_at IS NULL"),
    # A transfer is a way of topping up, which the operator can switch off (W-4.3.1); looked at when it comes to that.
    ("WAY_CLOSED", "EXISTS (SELECT 1 FROM operator_switch o WHERE o.code = 'top_up.transfer' AND NOT o.is_on)"),
    ("INSUFFICIENT_FUNDS", ":amount > f.available"),
    *ROOM,
)
PAY: Final[Rules] = (
    ("SESSION_OVER", "f.session IS NULL"),
    ("IDEMPOTENCY_KEY_REUSED", "f.digest <> :digest"),
    (REPLAY, "f.digest IS NOT NULL"),
    ("WALLET_MISSING", "f.payer IS NULL"),
    ("WALLET_LOCKED", "f.unlocked_until IS NULL OR f.unlocked_until <= :now"),
    ("SUPPLIER_NOT_FOUND", "f.supplier IS NULL"),
    (
        "REFERENCE_INVALID",
        "length(:reference) < f.reference_least OR length(:reference) > f.reference_most "
        "OR (f.reference_kind = 'digits' AND :all_digits = 0)",
    ),
    ("WALLET_NOT_ACTIVE", "f.status <> 'active'"),
    ("NOT_TOPPED_UP_YET", "f.first_top_up_at IS NULL"),
    ("INSUFFICIENT_FUNDS", ":amount + f.commission > f.available"),
)
# What was asked of the holder when a standing order was made, and is not asked when it is carried out.
_ASKED_ONCE: Final = frozenset({"SESSION_OVER", "IDEMPOTENCY_KEY_REUSED", REPLAY, "WALLET_LOCKED"})


def standing(rules: Rules) -> Rules:
    """The rules for what is carried out by itself, on the holder's order: all but those about the caller's request."""
    return tuple(rule for rule in rules if rule[0] not in _ASKED_ONCE)


def verdict(rules: Rules) -> str:
    """The first rule that says no, as an expression; POSTED when none does."""
    lines = (f"WHEN {condition} THEN '{code}'" for code, condition in rules)
    return f"CASE {' '.join(lines)} ELSE '{POSTED}' END"


# The ledger accounts of one holder's Light wallets of one number: who gives a wallet up and opens it anew begins no new
# 30 days.
_HOLDERS: Final = """wallet one
        JOIN wallet o ON o.subscriber_id = one.subscriber_id AND o.phone = one.phone AND o.level = one.level
        WHERE one.ledger_account_id = """


def _counted(account: str, what: str) -> str:
    """An aggregate over the top-ups that count now; a transfer in is a top-up of its receiver (W-4.5)."""
    return f"""(SELECT {what} FROM ledger_entry e
        WHERE e.account_id = {account} AND e.at >= :window AND e.kind IN ('top_up', 'transfer_in'))"""


def most(wallet: str) -> str:
    """A Light wallet's limit, for 30 days' top-ups and for its balance alike; NULL for Premium."""
    bhm = "(SELECT b.amount FROM bhm b WHERE b.effective_from <= :day ORDER BY b.effective_from DESC LIMIT 1)"
    return f"CASE WHEN {wallet}.level = 'light' THEN {LIGHT_BHMS} * COALESCE({bhm}, 0) END"


def used(wallet: str) -> str:
    """How much of it 30 days' top-ups have used, commissions included; NULL for Premium, which is not counted."""
    entries = _counted("o.ledger_account_id", "COALESCE(SUM(e.amount), 0)")
    kept = """(SELECT COALESCE(SUM(x.commission), 0) FROM payment x
        WHERE x.account_id = o.ledger_account_id AND x.captured_at >= :window AND x.commission > 0)"""
    total = f"(SELECT SUM({entries} + {kept}) FROM {_HOLDERS} {wallet}.ledger_account_id)"
    return f"CASE WHEN {wallet}.level = 'light' THEN CAST({total} AS BIGINT) END"


def oldest(account: str) -> str:
    """The first of a wallet's top-ups that count, by its ledger account: when it leaves the window, room comes back."""
    return f"(SELECT MIN({_counted('o.ledger_account_id', 'MIN(e.at)')}) FROM {_HOLDERS} {account})"


def commission(supplier: str) -> str:
    """What a supplier's payer pays on top: the same as domain.supplier.Commission.of, in steps that never overflow."""
    share = f"""(CAST(:amount AS BIGINT) / 10000 * {supplier}.commission_basis_points
        + (CAST(:amount AS BIGINT) % 10000 * {supplier}.commission_basis_points + 5000) / 10000
        + {supplier}.commission_fixed)"""
    return f"""CASE WHEN {share} < {supplier}.commission_least THEN {supplier}.commission_least
        WHEN {share} > {supplier}.commission_most THEN {supplier}.commission_most ELSE {share} END"""


def _masked(phone: str) -> str:
    """The same as domain.phone.masked, for what the receipt says."""
    return (
        f"substr({phone}, 1, 4) || ' ' || substr({phone}, 5, 2) || ' *** ** ' || substr({phone}, length({phone}) - 1)"
    )


def _memo(sides: Iterable[tuple[str, str]], rest: str = "") -> str:
    """JSON of the wallets' numbers and masked phones (W-2.19), which need no escaping; then the rest."""
    parts = (
        f"""'"{side}": "' || {wallet}.number || '", "{side}_phone": "' || {_masked(f"{wallet}.phone")} || '"'"""
        for side, wallet in sides
    )
    return "'{' || " + " || ', ' || ".join(parts) + rest + " || '}'"


# Whose wallet sends: that of the number they signed in with, else of another number of theirs. Whose receives: by the
# wallet's number or by the phone. Closed wallets are nobody's.
PAYER: Final = """SELECT
    (SELECT w.id FROM wallet w LEFT JOIN session s ON s.id = :session
     WHERE w.subscriber_id = :subscriber AND w.status <> 'closed'
     ORDER BY CASE WHEN w.phone = s.phone THEN 0 ELSE 1 END, w.id LIMIT 1) AS payer"""
PARTIES: Final = f"""{PAYER},
    (SELECT w.id FROM wallet w
     WHERE (w.number = :number OR w.phone = :phone) AND w.status <> 'closed' LIMIT 1) AS payee"""

# What `wallet_transfer` answers with, in this order, and of which type.
ANSWER: Final = {
    "verdict": "TEXT",
    "session_phone": "TEXT",
    "language": "TEXT",
    "subject": "TEXT",
    "transfer": "BIGINT",
    "memo": "TEXT",
    "payer": "BIGINT",
    "number": "TEXT",
    "phone": "TEXT",
    "level": "TEXT",
    "status": "TEXT",
    "opened_at": "BIGINT",
    "ledger_account_id": "BIGINT",
    "balance": "BIGINT",
    "held": "BIGINT",
    "available": "BIGINT",
    "payee": "BIGINT",
    "payee_account": "BIGINT",
    "payee_balance": "BIGINT",
    "payee_first_top_up_at": "BIGINT",
    "most": "BIGINT",
    "used": "BIGINT",
    "oldest": "BIGINT",
}

# The LIMIT keeps the facts apart, so that each is worked out once.
VERDICT: Final = f"""SELECT {verdict(TRANSFER)} AS verdict,
    f.session_phone, f.language, f.subject, CAST(NULL AS BIGINT) AS transfer, f.memo,
    f.payer, f.number, f.phone, f.level, f.status, f.opened_at, f.ledger_account_id, f.balance,
    f.held, f.available, f.payee, f.payee_account, f.payee_balance, f.payee_first_top_up_at, f.most, f.used,
    CASE WHEN :amount > f.most - f.used THEN {oldest("f.payee_account")} END AS oldest
FROM (
    SELECT s.id AS session, s.wallet_unlocked_until AS unlocked_until, s.phone AS session_phone, h.language,
        k.digest, k.subject,
        p.id AS payer, p.number, p.phone, p.level, p.status, p.opened_at, p.first_top_up_at, p.ledger_account_id,
        pa.balance, pa.held, pa.balance - pa.floor - pa.held AS available,
        r.id AS payee, r.status AS payee_status, r.ledger_account_id AS payee_account, ra.balance AS payee_balance,
        r.first_top_up_at AS payee_first_top_up_at, {most("r")} AS most, {used("r")} AS used,
        {_memo((("payer", "p"), ("recipient", "r")))} AS memo
    FROM (SELECT 1 AS one) one
    LEFT JOIN session s
        ON s.id = :session AND s.subscriber_id = :subscriber AND s.ended_at IS NULL AND s.expires_at > :now
    LEFT JOIN subscriber h ON h.id = s.subscriber_id
    LEFT JOIN idempotency k ON k.scope = :scope AND k.key = :key
    LEFT JOIN wallet p ON p.id = :payer AND p.status <> 'closed'
    LEFT JOIN ledger_account pa ON pa.id = p.ledger_account_id
    LEFT JOIN wallet r ON r.id = :payee AND r.status <> 'closed'
    LEFT JOIN ledger_account ra ON ra.id = r.ledger_account_id
    LIMIT 1
) f"""

# What `wallet_pay` answers with, in this order, and of which type.
PAYMENT_ANSWER: Final = {
    "verdict": "TEXT",
    "session_phone": "TEXT",
    "language": "TEXT",
    "subject": "TEXT",
    "transfer": "BIGINT",
    "memo": "TEXT",
    "payer": "BIGINT",
    "number": "TEXT",
    "phone": "TEXT",
    "level": "TEXT",
    "status": "TEXT",
    "opened_at": "BIGINT",
    "ledger_account_id": "BIGINT",
    "balance": "BIGINT",
    "held": "BIGINT",
    "available": "BIGINT",
    "supplier": "BIGINT",
    "supplier_account": "BIGINT",
    "commission_account": "BIGINT",
    "commission": "BIGINT",
}

# A reference is letters and digits; the supplier's own part was made JSON when the supplier was saved.
_SUPPLIER_MEMO: Final = """ || ', ' || b.memo || ', "recipient_reference": "' || :reference || '"'"""

# Under the payer's lock alone: a supplier's terms are read as they stand, and its account is nobody's to wait for.
PAYMENT_VERDICT: Final = f"""SELECT {verdict(PAY)} AS verdict,
    f.session_phone, f.language, f.subject, CAST(NULL AS BIGINT) AS transfer, f.memo,
    f.payer, f.number, f.phone, f.level, f.status, f.opened_at, f.ledger_account_id, f.balance,
    f.held, f.available, f.supplier, f.supplier_account, f.commission_account, f.commission
FROM (
    SELECT s.id AS session, s.wallet_unlocked_until AS unlocked_until, s.phone AS session_phone, h.language,
        k.digest, k.subject,
        p.id AS payer, p.number, p.phone, p.level, p.status, p.opened_at, p.first_top_up_at, p.ledger_account_id,
        pa.balance, pa.held, pa.balance - pa.floor - pa.held AS available,
        b.id AS supplier, b.ledger_account_id AS supplier_account, b.reference_kind, b.reference_least,
        b.reference_most, ca.id AS commission_account, {commission("b")} AS commission,
        {_memo((("payer", "p"),), _SUPPLIER_MEMO)} AS memo
    FROM (SELECT 1 AS one) one
    LEFT JOIN session s
        ON s.id = :session AND s.subscriber_id = :subscriber AND s.ended_at IS NULL AND s.expires_at > :now
    LEFT JOIN subscriber h ON h.id = s.subscriber_id
    LEFT JOIN idempotency k ON k.scope = :scope AND k.key = :key
    LEFT JOIN wallet p ON p.id = :payer AND p.status <> 'closed'
    LEFT JOIN ledger_account pa ON pa.id = p.ledger_account_id
    LEFT JOIN supplier b ON b.code = :supplier AND b.on_sale
    LEFT JOIN ledger_account ca ON ca.code = 'commission'
    LIMIT 1
) f"""
STANDING_TRANSFER_VERDICT: Final = VERDICT.replace(verdict(TRANSFER), verdict(standing(TRANSFER)))
STANDING_PAYMENT_VERDICT: Final = PAYMENT_VERDICT.replace(verdict(PAY), verdict(standing(PAY)))

TOP_UP_VERDICT: Final = f"""SELECT {verdict(TOP_UP)} AS verdict, f.*,
    CASE WHEN {_TOPPED_UP} > f.most - f.used THEN {oldest("f.payee_account")} END AS oldest
FROM (
    SELECT r.status AS payee_status, r.ledger_account_id AS payee_account, a.balance AS payee_balance,
        {most("r")} AS most, {used("r")} AS used
    FROM wallet r JOIN ledger_account a ON a.id = r.ledger_account_id
    WHERE r.id = :payee LIMIT 1
) f"""
