"""The wallet's use cases: opening, unlocking, looking, sending.

Each tells its story in order: who may, load, decide, write, announce. What enters a transaction works on the database
alone; what must reach the outside is announced after commit.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from tortoise.exceptions import IntegrityError

from domain import offer
from domain.clock import from_micros, local_day, to_micros
from domain.database import Row, after_commit, execute, fetch_row, in_transaction
from domain.idempotency import Key, begin, finish
from domain.ledger import Posted, open_account
from domain.money import ZERO, Money
from domain.phone import masked
from domain.refusal import Refusal
from domain.subscriber import SubscriberKind
from domain.view import view
from domain.wallet import (
    POSTED,
    REPLAY,
    BirthDateWrong,
    Limits,
    RecipientNotFound,
    Sending,
    WalletExists,
    WalletLevel,
    WalletMissing,
    WalletNotForYou,
    WalletStatus,
    check_pin,
    current_limits,
    hash_pin,
    hold_wallets,
    named,
    new_wallet_number,
    read_pin,
    refusal,
    send,
    top_up,
)
from resolvers import access
from resolvers.account import ReceiptView, receipt_view
from resolvers.context import (
    Claimed,
    Context,
    Expired,
    StaffActor,
    SubscriberActor,
    SystemActor,
    the_partner,
    the_subscriber,
)

OFFER: Final = "wallet"
OLDEST_YEARS: Final = 120


@view
class WalletView:
    """A wallet as its holder sees it."""

    id: int
    number: str
    phone: str
    level: WalletLevel
    status: WalletStatus
    balance: Money
    ledger_account_id: int
    opened_at: datetime
    held: Money = ZERO


@dataclass(frozen=True, slots=True)
class TransferView:
    """A movement out of the holder's wallet that has been carried out, and the wallet as it stands then."""

    id: int
    at: datetime
    amount: Money
    wallet: WalletView
    memo: str

    @property
    def receipt(self) -> ReceiptView:
        """The proof of it (W-2.19); no commission is taken (W-4.4.4)."""
        facts = {"id": self.id, "at": to_micros(self.at), "kind": "transfer", "memo": self.memo, "commission": 0}
        return receipt_view(facts | {"amount": self.amount.tiyin})


@dataclass(frozen=True, slots=True)
class RecipientView:
    """Whom a transfer would go to, masked, for the holder to check before confirming (W-4.4.5)."""

    number: str
    phone: str
    name: str


_WALLET: Final = """SELECT w.id, w.number, w.phone, w.level, w.status, a.balance, a.held, w.ledger_account_id,
       w.opened_at
FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id"""

# By what is stored: an enumeration takes much longer to find its members by their values.
_LEVELS: Final = {level.value: level for level in WalletLevel}
_STATUSES: Final = {status.value: status for status in WalletStatus}


def wallet_view(row: Row) -> WalletView:
    return WalletView(
        id=row["id"],
        number=row["number"],
        phone=row["phone"],
        level=_LEVELS[row["level"]],
        status=_STATUSES[row["status"]],
        balance=Money(row["balance"]),
        ledger_account_id=row["ledger_account_id"],
        opened_at=from_micros(row["opened_at"]),
        held=Money(row["held"]),
    )


async def my_wallet(ctx: Context) -> WalletView | None:
    """The caller's wallet: that of the number they signed in with, else of another number of theirs."""
    actor = the_subscriber(ctx)
    row = await fetch_row(
        f"""{_WALLET} WHERE w.subscriber_id = $1 AND w.status <> 'closed'
            ORDER BY CASE WHEN w.phone = $2 THEN 0 ELSE 1 END, w.id LIMIT 1""",
        actor.subscriber_id,
        actor.phone,
    )
    return wallet_view(row) if row else None


async def wallet(ctx: Context, wallet_id: int) -> WalletView | None:
    """One wallet: the caller's own, or any for staff; None otherwise."""
    if isinstance(ctx.actor, StaffActor):
        row = await fetch_row(f"{_WALLET} WHERE w.id = $1", wallet_id)
    else:
        mine = the_subscriber(ctx).subscriber_id
        row = await fetch_row(f"{_WALLET} WHERE w.id = $1 AND w.subscriber_id = $2", wallet_id, mine)
    return wallet_view(row) if row else None


async def limits(ctx: Context, view: WalletView) -> Limits:
    """How much of the wallet's limits is used now (W-4.5.1)."""
    return await current_limits(view.ledger_account_id, view.level, ctx.clock.now())


async def open_wallet(ctx: Context, *, birth_date: date | None, pin: str | None, offer_edition: str) -> WalletView:
    """Opens a wallet for the number that the caller signed in with, which a one-time code has proved (W-4.1.1).

    Raises WalletNotForYou, WalletExists, BirthDateWrong, OfferOutdated, InvalidInput (the PIN's form) and, when the
    holder has a PIN already and gives another, WrongPin or PinLocked.
    """
    actor = the_subscriber(ctx)
    fresh_hash = await hash_pin(read_pin(pin, path=("input", "pin"))) if pin is not None else None
    wallet_id = await _open(ctx, actor, birth_date, pin, fresh_hash, offer_edition)
    view = await wallet(ctx, wallet_id)
    assert view is not None
    return view


@in_transaction
async def _open(
    ctx: Context, actor: SubscriberActor, birth_date: date | None, pin: str | None, fresh_hash: str | None, edition: str
) -> int:
    now = ctx.clock.now()
    # The subscriber's row first: two openings at once wait for each other here.
    holder = await fetch_row("SELECT * FROM subscriber WHERE id = $1 FOR UPDATE", actor.subscriber_id)
    assert holder is not None
    if holder["kind"] != SubscriberKind.PRIVATE or holder["status"] != "active":
        raise WalletNotForYou
    if await fetch_row("SELECT 1 FROM wallet WHERE phone = $1 AND status <> 'closed'", actor.phone):
        raise WalletExists
    _require_birth_date(birth_date, holder, local_day(now))
    current = await offer.require_current(OFFER, edition, local_day(now), rule="W-4.1.1")
    await _settle_pin(ctx, holder, pin, fresh_hash)
    acceptance = await offer.accept(
        edition=current,
        subscriber_id=actor.subscriber_id,
        phone=actor.phone,
        language=ctx.language,
        at=now,
        occasion="wallet opening",
        proof=f"session:{actor.session_id}",
    )
    return await _create(actor, birth_date, acceptance, now)


def _require_birth_date(birth_date: date | None, holder: Row, today: date) -> None:
    plausible = birth_date is not None and today.year - OLDEST_YEARS <= birth_date.year and birth_date < today
    known = holder["birth_date"]
    if birth_date is None or not plausible or (known is not None and known != birth_date.isoformat()):
        raise BirthDateWrong(path=("input", "birthDate"))


async def _settle_pin(ctx: Context, holder: Row, pin: str | None, fresh_hash: str | None) -> None:
    """The holder's PIN is made, unless they have one; then the one given must be it."""
    if holder["pin_hash"] is None:
        if fresh_hash is None:
            read_pin(None, path=("input", "pin"))
        await execute("UPDATE subscriber SET pin_hash = $1 WHERE id = $2", fresh_hash, holder["id"])
    elif pin is not None:
        await check_pin(holder, pin, now=ctx.clock.now(), policy=ctx.policy)


async def _create(actor: SubscriberActor, birth_date: date | None, acceptance: int, now: datetime) -> int:
    assert birth_date is not None
    try:
        row = await fetch_row(
            """INSERT INTO wallet (number, subscriber_id, phone, ledger_account_id, level, status, birth_date,
                                   opened_at, acceptance_id)
               VALUES ($1, $2, $3, $4, 'light', 'active', $5, $6, $7) RETURNING id""",
            new_wallet_number(),
            actor.subscriber_id,
            actor.phone,
            await open_account("wallet"),
            birth_date.isoformat(),
            to_micros(now),
            acceptance,
        )
    except IntegrityError as error:  # the number has just got a wallet through another subscriber's row
        raise WalletExists from error
    assert row is not None
    return int(row["id"])


@in_transaction
async def unlock_wallet(ctx: Context, *, pin: str) -> datetime:
    """Lets this session move money for a while; gives until when (W-2.15).

    Raises WalletMissing, InvalidInput, WrongPin (counted) and PinLocked.
    """
    actor, now = the_subscriber(ctx), ctx.clock.now()
    entered = read_pin(pin, path=("input", "pin"))
    if not await fetch_row("SELECT 1 FROM wallet WHERE subscriber_id = $1 AND status <> 'closed'", actor.subscriber_id):
        raise WalletMissing
    holder = await fetch_row("SELECT * FROM subscriber WHERE id = $1 FOR UPDATE", actor.subscriber_id)
    assert holder is not None
    await check_pin(holder, entered, now=now, policy=ctx.policy)
    until = now + ctx.policy.wallet_unlock_lifetime
    await execute("UPDATE session SET wallet_unlocked_until = $1 WHERE id = $2", to_micros(until), actor.session_id)
    return until


async def transfer(ctx: Context, *, to: str, amount: Decimal, key: str) -> TransferView:
    """Sends money from the caller's wallet to another, named by its number or its phone (W-4.4.4).

    Raises InvalidAmount, WalletMissing, WalletLocked, RecipientNotFound, SameWallet, WalletNotActive, NotToppedUpYet,
    InsufficientFunds, TopUpLimitReached, BalanceLimitReached, IdempotencyKeyReused; TokenOver for a claimed actor whose
    session is over. A replay gives the first answer.
    """
    actor = ctx.actor if isinstance(ctx.actor, Claimed) else the_subscriber(ctx)
    try:
        sending = _sending(ctx, actor, to.strip(), Money.asked(amount, path=("input", "amount")), key)
    except Refusal:
        await access.settle(ctx)  # who is not signed in any more is told that first
        the_subscriber(ctx)
        raise
    facts = await send(sending)
    _learn_who(ctx, actor, facts)
    if facts["verdict"] == REPLAY:
        return await _replayed(facts["subject"])
    if facts["verdict"] != POSTED:
        raise refusal(facts, sending.amount)
    _announce(ctx, facts["payer"], facts["payee"])
    view = wallet_view(facts | {"id": facts["payer"]})
    return TransferView(facts["transfer"], sending.at, sending.amount, view, facts["memo"])


def _sending(ctx: Context, actor: Claimed | SubscriberActor, to: str, amount: Money, key: str) -> Sending:
    call = Key(actor.label, "transfer", key, {"to": to, "amount": amount.tiyin})
    call.require_form()
    return Sending(actor.subscriber_id, actor.session_id, to, amount, call, ctx.clock.now())


def _learn_who(ctx: Context, actor: Claimed | SubscriberActor, facts: Row) -> None:
    """The transfer's own statement has looked the session up: what it says holds for the rest of the request."""
    if facts["session_phone"] is None:
        ctx.actor = Expired()
    else:
        found = SubscriberActor(actor.subscriber_id, actor.session_id, facts["session_phone"])
        access.settled(ctx, found, facts["language"])


async def _replayed(subject: str) -> TransferView:
    """What the first call has made, and the wallet as it stands now."""
    transfer_id, wallet_id = map(int, subject.split(":"))
    row = await fetch_row(
        f"""SELECT t.at, t.memo, -e.amount AS sent, v.* FROM ({_WALLET} WHERE w.id = $2) v
            JOIN ledger_transfer t ON t.id = $1
            JOIN ledger_entry e ON e.transfer_id = t.id AND e.account_id = v.ledger_account_id""",
        transfer_id,
        wallet_id,
    )
    assert row is not None
    return TransferView(transfer_id, from_micros(row["at"]), Money(row["sent"]), wallet_view(row), row["memo"])


async def _find_recipient(to: str) -> Row | None:
    """By the wallet's number or by the phone; closed wallets are nobody's."""
    return await fetch_row(
        """SELECT w.id, w.number, w.phone, s.first_name, s.last_name FROM wallet w
           JOIN subscriber s ON s.id = w.subscriber_id
           WHERE (w.number = $1 OR w.phone = $2) AND w.status <> 'closed'""",
        *named(to),
    )


def _announce(ctx: Context, *wallet_ids: int) -> None:
    for wallet_id in wallet_ids:
        after_commit(lambda id_=wallet_id: ctx.announce(f"wallet:{id_}"))  # type: ignore[misc]  # bound now, on purpose


async def recipient(ctx: Context, *, to: str) -> RecipientView:
    """Whom a transfer to this number would reach, masked (W-4.4.5). Raises RecipientNotFound, and Unauthenticated."""
    the_subscriber(ctx)
    row = await _find_recipient(to.strip())
    if row is None:
        raise RecipientNotFound(path=("to",))
    name = f"{row['first_name']} {row['last_name'][:1]}." if row["last_name"] else row["first_name"]
    return RecipientView(f"{row['number'][:4]} **** **** {row['number'][-4:]}", masked(row["phone"]), name)


async def top_up_wallet(ctx: Context, *, wallet_id: int, amount: Decimal, key: str, memo: dict[str, Any]) -> Posted:
    """Money from outside into a wallet (W-4.3.1), by a partner with the scope for it or by the system itself.

    Raises InvalidAmount, WalletMissing, WalletNotActive, TopUpLimitReached, BalanceLimitReached.
    """
    if not isinstance(ctx.actor, SystemActor):
        the_partner(ctx, "topup:write")
    return await _top_up(ctx, wallet_id, Money.asked(amount, path=("input", "amount")), key, memo)


@in_transaction
async def _top_up(ctx: Context, wallet_id: int, amount: Money, key: str, memo: dict[str, Any]) -> Posted:
    now = ctx.clock.now()
    call = Key(ctx.actor.label, "topUp", key, {"wallet": wallet_id, "amount": amount.tiyin})
    if replay := await begin(call, now):
        return Posted(int(replay.subject), now)
    held = (await hold_wallets([wallet_id])).get(wallet_id)
    if held is None:
        raise WalletMissing
    posted = await top_up(held, amount, at=now, memo=memo | {"recipient": held.number})
    await finish(call, str(posted.transfer_id))
    _announce(ctx, wallet_id)
    return posted
