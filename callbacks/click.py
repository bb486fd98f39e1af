"""Click calls us (SHOP-API): Prepare and Complete as forms over POST, answered in JSON.

A Click payment is known by its click_trans_id; our id of it is both merchant_prepare_id and merchant_confirm_id. What
is decided, and under which lock, is said in resolvers/payment.py.
"""

import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callbacks.request import MakeContext, NoBody, read_body
from domain.money import Money
from domain.payment import CLICK, PayeeNotFound, PaymentDiffers, PaymentNotFound, PaymentOver, PaymentStatus
from domain.refusal import InvalidAmount, Refusal
from domain.wallet import BalanceLimitReached, TopUpLimitReached, WalletNotActive
from resolvers import payment as payments
from resolvers.context import Context, ProviderActor

log = logging.getLogger("kabinet.click")

OK: Final = 0
WRONG_SIGN: Final = -1
WRONG_AMOUNT: Final = -2
NO_ACTION: Final = -3
PAID_ALREADY: Final = -4
NO_USER: Final = -5
NO_TRANSACTION: Final = -6
NOT_UPDATED: Final = -7
BAD_REQUEST: Final = -8
CANCELLED: Final = -9

# Programs read the number; the note is for whoever reads a log.
NOTES: Final = {
    OK: "Success",
    WRONG_SIGN: "SIGN CHECK FAILED",
    WRONG_AMOUNT: "Incorrect amount",
    NO_ACTION: "Action not found",
    PAID_ALREADY: "Already paid",
    NO_USER: "User does not exist",
    NO_TRANSACTION: "Transaction does not exist",
    NOT_UPDATED: "Failed to update user",
    BAD_REQUEST: "Error in request from Click",
    CANCELLED: "Transaction cancelled",
}
PREPARE: Final = "0"
COMPLETE: Final = "1"
NEEDED: Final = (
    *("click_trans_id", "service_id", "merchant_trans_id", "amount", "action"),
    *("error", "sign_time", "sign_string"),
)
MOST_FIELDS: Final = 30
_AMOUNT: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_ID: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shop:
    """What Click knows this installation by."""

    service_id: str
    secret: str


class Fault(Exception):
    """An error of the protocol, with our id of the payment where there is one."""

    def __init__(self, code: int, payment_id: int | None = None) -> None:
        super().__init__(code)
        self.code, self.payment_id = code, payment_id


def click_routes(make_context: MakeContext, shop: Shop) -> list[Route]:
    """The address that Click is told; none without a service id and its secret: the way is off."""
    if not (shop.service_id and shop.secret):
        return []

    async def answer(request: Request) -> Response:
        form: dict[str, str] = {}
        payment_id: int | None
        try:
            form = await _read(request)
            _require_click(form, shop)
            ctx = make_context(request).acting_as(ProviderActor(CLICK))
            code, payment_id = OK, await _carry_out(ctx, form)
        except Fault as fault:
            code, payment_id = fault.code, fault.payment_id
        except Exception as error:
            log.error("a call of Click failed: %s", type(error).__name__, exc_info=error)
            code, payment_id = NOT_UPDATED, None
        return _json(form, code, payment_id)

    return [Route("/callbacks/click", answer, methods=["POST"])]


def _json(form: dict[str, str], code: int, payment_id: int | None) -> Response:
    id_ = form.get("click_trans_id", "")
    answer: dict[str, Any] = {
        "click_trans_id": int(id_) if _ID.fullmatch(id_) else None,
        "merchant_trans_id": form.get("merchant_trans_id", "")[:100],
        "error": code,
        "error_note": NOTES[code],
    }
    ours = "merchant_confirm_id" if form.get("action") == COMPLETE else "merchant_prepare_id"
    answer[ours] = payment_id
    return Response(orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _read(request: Request) -> dict[str, str]:
    """The form, each field once. Raises Fault."""
    try:
        body = (await read_body(request)).decode("utf-8")
        fields = parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except (NoBody, ValueError):
        raise Fault(BAD_REQUEST) from None
    form = dict(fields)
    if len(form) != len(fields) or any(not value.isprintable() for value in form.values()):
        raise Fault(BAD_REQUEST)
    return form


def _require_click(form: dict[str, str], shop: Shop) -> None:
    """Raises Fault for what has not all that it needs, what Click did not sign, and what is for another shop."""
    complete = form.get("action") == COMPLETE
    if any(name not in form for name in (*NEEDED, *(("merchant_prepare_id",) if complete else ()))):
        raise Fault(BAD_REQUEST)
    signed = [form["click_trans_id"], form["service_id"], shop.secret, form["merchant_trans_id"]]
    signed += [form["merchant_prepare_id"]] if complete else []
    signed += [form["amount"], form["action"], form["sign_time"]]
    # MD5 is what the protocol asks for; the secret stands in the middle of what is hashed.
    expected = hashlib.md5("".join(signed).encode(), usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(form["sign_string"].lower().encode(), expected.encode()):
        raise Fault(WRONG_SIGN)
    if form["service_id"] != shop.service_id or not _ID.fullmatch(form["click_trans_id"]):
        raise Fault(BAD_REQUEST)
    if form["action"] not in (PREPARE, COMPLETE):
        raise Fault(NO_ACTION)
    if not _NUMBER.fullmatch(form["error"]):
        raise Fault(BAD_REQUEST)


async def _carry_out(ctx: Context, form: dict[str, str]) -> int:
    failed = int(form["error"]) < 0
    amount = _amount(form["amount"])
    if form["action"] == COMPLETE:
        return await _complete(ctx, form, amount, failed=failed)
    if failed:
        raise Fault(CANCELLED)
    return await _prepare(ctx, form, amount)


def _amount(text: str) -> Money:
    """So'm as a decimal text, exactly: 1 is never 100,000. Raises Fault."""
    try:
        if not _AMOUNT.fullmatch(text):
            raise InvalidAmount
        return Money.asked(Decimal(text), path=())
    except InvalidAmount:
        raise Fault(WRONG_AMOUNT) from None


async def _prepare(ctx: Context, form: dict[str, str], amount: Money) -> int:
    named = form["merchant_trans_id"]
    try:
        made = await payments.create_payment(
            ctx, lambda: payments.payee_named(named), amount, external_id=form["click_trans_id"], named=named
        )
    except Refusal as refusal:
        raise Fault(_why_not(refusal)) from None
    if made.status is PaymentStatus.CAPTURED:
        raise Fault(PAID_ALREADY, made.id)
    return made.id


def _why_not(refusal: Refusal) -> int:
    match refusal:
        case PayeeNotFound() | WalletNotActive():
            return NO_USER
        case InvalidAmount() | TopUpLimitReached() | BalanceLimitReached():
            return WRONG_AMOUNT
        case PaymentOver():
            return CANCELLED
        case PaymentDiffers():
            return WRONG_AMOUNT if refusal.path else BAD_REQUEST
    return NOT_UPDATED


async def _complete(ctx: Context, form: dict[str, str], amount: Money, *, failed: bool) -> int:
    id_ = form["click_trans_id"]
    try:
        payment = await payments.look_at_payment(ctx, external_id=id_)
    except PaymentNotFound:
        raise Fault(NO_TRANSACTION) from None
    if form["merchant_prepare_id"] != str(payment.id) or payment.named != form["merchant_trans_id"]:
        raise Fault(NO_TRANSACTION)
    if payment.status is PaymentStatus.CAPTURED:
        raise Fault(PAID_ALREADY, payment.id)
    if payment.status is not PaymentStatus.PENDING:
        raise Fault(CANCELLED, payment.id)
    if failed:
        await _cancel(ctx, id_, form["error"])
        raise Fault(CANCELLED, payment.id)
    if amount != payment.amount:
        raise Fault(WRONG_AMOUNT, payment.id)
    return await _perform(ctx, id_)


async def _cancel(ctx: Context, id_: str, reason: str) -> None:
    """Before it was performed; one that has been performed meanwhile stays paid."""
    try:
        await payments.cancel_pending(ctx, external_id=id_, reason=reason)
    except PaymentOver as over:
        if over.status is PaymentStatus.CAPTURED:
            raise Fault(PAID_ALREADY) from None


async def _perform(ctx: Context, id_: str) -> int:
    try:
        return (await payments.perform_payment(ctx, external_id=id_)).id
    except PaymentOver:
        raise Fault(CANCELLED) from None
    except Refusal:
        raise Fault(NOT_UPDATED) from None
