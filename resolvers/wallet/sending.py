"""Sending money to another wallet (W-4.4.4), and whom it would reach (W-4.4.5)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.clock import from_micros, to_micros
from domain.database import Row, fetch_row
from domain.idempotency import Key
from domain.money import Money
from domain.phone import masked
from domain.refusal import Refusal
from domain.wallet import POSTED, REPLAY, RecipientNotFound, Sending, named, refusal, send
from resolvers import access
from resolvers.account import ReceiptView, receipt_view
from resolvers.context import Claimed, Context, Expired, SubscriberActor, the_subscriber
from resolvers.hold import spending
from resolvers.wallet.views import WALLET, WalletView, announce, wallet_view


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


@spending
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
    announce(ctx, facts["payer"], facts["payee"])
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
        f"""SELECT t.at, t.memo, -e.amount AS sent, v.* FROM ({WALLET} WHERE w.id = $2) v
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


async def recipient(ctx: Context, *, to: str) -> RecipientView:
    """Whom a transfer to this number would reach, masked (W-4.4.5). Raises RecipientNotFound, and Unauthenticated."""
    the_subscriber(ctx)
    row = await _find_recipient(to.strip())
    if row is None:
        raise RecipientNotFound(path=("to",))
    name = f"{row['first_name']} {row['last_name'][:1]}." if row["last_name"] else row["first_name"]
    return RecipientView(f"{row['number'][:4]} **** **** {row['number'][-4:]}", masked(row["phone"]), name)
