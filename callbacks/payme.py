"""Payme calls us: JSON-RPC 2.0 over POST, each answer HTTP 200 (the numbers below are the protocol's own).

A method becomes a use case of resolvers/payment.py here, and its refusals the protocol's errors; what is decided, and
under which lock, is said there.
"""

import base64
import binascii
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callbacks.request import MakeContext, NoBody, read_body
from domain.clock import from_micros, to_micros
from domain.language import Language
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.payment import (
    PAYME,
    Payee,
    PayeeNotFound,
    PaymentNotFound,
    PaymentStatus,
    PaymentView,
    payee_by_number,
    payee_by_phone,
)
from domain.refusal import InvalidAmount, Refusal
from domain.wallet import BalanceLimitReached, TopUpLimitReached, WalletNotActive
from resolvers import payment as payments
from resolvers.context import Context, ProviderActor
from resolvers.texts import problem_text, translator

log = logging.getLogger("kabinet.payme")

LOGIN: Final = "Paycom"
LIFETIME: Final = timedelta(milliseconds=43_200_000)

NOT_POST: Final = -32300
FAILED: Final = -32400
NOT_ALLOWED: Final = -32504
NO_REQUEST: Final = -32600
NO_METHOD: Final = -32601
NO_JSON: Final = -32700
WRONG_AMOUNT: Final = -31001
NO_TRANSACTION: Final = -31003
CANNOT_CANCEL: Final = -31007
CANNOT_DO: Final = -31008
NO_ACCOUNT: Final = -31050
ACCOUNT_CLOSED: Final = -31051

STATES: Final = {
    PaymentStatus.PENDING: 1,
    PaymentStatus.CAPTURED: 2,
    PaymentStatus.CANCELLED: -1,
    PaymentStatus.REFUNDED: -2,
}
LONGEST_ID: Final = 64
LATEST_MS: Final = 10**13 - 1
LARGEST_REASON: Final = 10_000
LANGUAGES: Final = {"uz": Language.UZ, "ru": Language.RU, "en": Language.EN}

Params = dict[str, Any]


class Fault(Exception):
    """An error of the protocol; `text` is English and translated by the answer, or a refusal's own."""

    def __init__(self, code: int, text: str | Refusal, data: Any = None) -> None:
        super().__init__(code)
        self.code, self.text, self.data = code, text, data


def N_(text: str) -> str:  # gettext's own name for a text that is translated elsewhere
    return text


def payme_routes(make_context: MakeContext, key: str) -> list[Route]:
    """The address that Payme is told; none without a key: the way is off."""
    if not key:
        return []
    expected = f"{LOGIN}:{key}".encode()

    async def answer(request: Request) -> Response:
        call_id, result = None, None
        try:
            call = await _read(request)
            call_id = call.get("id") if _is_id(call.get("id")) else None
            _require_payme(request, expected)
            _require_whole(call)
            ctx = make_context(request).acting_as(ProviderActor(PAYME))
            result = await _carry_out(ctx, call)
        except Fault as fault:
            return _json({"jsonrpc": "2.0", "id": call_id, "error": _error(fault)})
        except Exception as error:
            # Where and what kind, but not what it said: a database's message quotes the row.
            log.error("a call of Payme failed: %s", type(error).__name__, exc_info=error)
            return _json({"jsonrpc": "2.0", "id": call_id, "error": _error(Fault(FAILED, N_("The system failed.")))})
        return _json({"jsonrpc": "2.0", "id": call_id, "result": result})

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [Route("/callbacks/payme", answer, methods=methods)]


def _json(answer: dict[str, Any]) -> Response:
    return Response(orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "no-store"})


def _error(fault: Fault) -> dict[str, Any]:
    def said(language: Language) -> str:
        if isinstance(fault.text, Refusal):
            return problem_text(fault.text, language)
        return translator(language).gettext(fault.text)

    message = {tag: said(language) for tag, language in LANGUAGES.items()}
    return {"code": fault.code, "message": message, "data": fault.data}


async def _read(request: Request) -> dict[str, Any]:
    """The call, or an empty one whose fault is told once it is known that Payme sent it."""
    if request.method != "POST":
        raise Fault(NOT_POST, N_("Only POST is taken here."))
    try:
        call = orjson.loads(await read_body(request))
    except NoBody:
        return {"fault": NO_REQUEST}
    except orjson.JSONDecodeError:
        return {"fault": NO_JSON}
    return call if isinstance(call, dict) else {"fault": NO_REQUEST}


def _require_payme(request: Request, expected: bytes) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        sent = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    if scheme.lower() != "basic" or not hmac.compare_digest(sent, expected):
        raise Fault(NOT_ALLOWED, N_("The login or the key is wrong."))


def _require_whole(call: dict[str, Any]) -> None:
    if "method" not in call and "fault" in call:
        text = N_("This is not JSON.") if call["fault"] == NO_JSON else N_("The request is not valid.")
        raise Fault(call["fault"], text)
    if not isinstance(call.get("method"), str) or call.get("jsonrpc", "2.0") != "2.0":
        raise _not_valid()
    if not _is_id(call.get("id")):
        raise _not_valid()


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int | None) and not isinstance(value, bool)


def _not_valid() -> Fault:
    return Fault(NO_REQUEST, N_("The request is not valid."))


async def _carry_out(ctx: Context, call: dict[str, Any]) -> Any:
    method = _METHODS.get(call["method"])
    if method is None:
        raise Fault(NO_METHOD, N_("There is no such method."), call["method"][:100])
    params = call.get("params", {})
    if not isinstance(params, dict):
        raise _not_valid()
    return await method(ctx, params)


async def _check(ctx: Context, params: Params) -> Any:
    account = _account(params)
    payee = await account.payee()
    try:
        await payments.check_payment(ctx, payee, _amount(params))
    except Refusal as refusal:
        _refuse_new(refusal, account.field)
    return {"allow": True}


async def _create(ctx: Context, params: Params) -> Any:
    transaction, at = _id(params), _time(params, "time")
    account = _account(params)
    try:
        made = await payments.create_payment(
            ctx,
            account.payee,
            _amount(params),
            external_id=transaction,
            named=account.named,
            provider_at=_instant(at),
            lifetime=LIFETIME,
        )
    except Refusal as refusal:
        _refuse_new(refusal, account.field)
    if made.status is PaymentStatus.PENDING:
        return {"create_time": _ms(made.created_at), "transaction": str(made.id), "state": 1}
    raise Fault(CANNOT_DO, N_("The transaction is performed already."))


def _refuse_new(refusal: Refusal, field: str) -> NoReturn:
    """Before the payer has paid: what is wrong with the amount or the account is told as that."""
    match refusal:
        case InvalidAmount() | TopUpLimitReached() | BalanceLimitReached():
            raise Fault(WRONG_AMOUNT, refusal) from None
        case WalletNotActive():
            raise Fault(ACCOUNT_CLOSED, refusal, field) from None
    raise Fault(CANNOT_DO, refusal) from None


async def _perform(ctx: Context, params: Params) -> Any:
    try:
        done = await payments.perform_payment(ctx, external_id=_id(params))
    except PaymentNotFound as refusal:
        raise Fault(NO_TRANSACTION, refusal) from None
    except Refusal as refusal:
        raise Fault(CANNOT_DO, refusal) from None
    return {"transaction": str(done.id), "perform_time": _ms(done.captured_at), "state": 2}


async def _cancel(ctx: Context, params: Params) -> Any:
    reason = params.get("reason")
    if type(reason) is not int or not 0 <= reason <= LARGEST_REASON:
        raise _not_valid()
    try:
        over = await payments.cancel_payment(ctx, external_id=_id(params), reason=str(reason))
    except PaymentNotFound as refusal:
        raise Fault(NO_TRANSACTION, refusal) from None
    except (InsufficientFunds, WalletNotActive):
        # What the payee has left is the payee's business: the payer's system learns that it cannot be taken back.
        raise Fault(CANNOT_CANCEL, N_("The money has been used and cannot be taken back.")) from None
    return {"transaction": str(over.id), "cancel_time": _ms(over.cancelled_at), "state": STATES[over.status]}


async def _look(ctx: Context, params: Params) -> Any:
    try:
        return _told(await payments.look_at_payment(ctx, external_id=_id(params)))
    except PaymentNotFound as refusal:
        raise Fault(NO_TRANSACTION, refusal) from None


def _told(payment: PaymentView) -> dict[str, Any]:
    return {
        "create_time": _ms(payment.created_at),
        "perform_time": _ms(payment.captured_at),
        "cancel_time": _ms(payment.cancelled_at),
        "transaction": str(payment.id),
        "state": STATES[payment.status],
        "reason": int(payment.reason) if payment.reason else None,
    }


async def _statement(ctx: Context, params: Params) -> Any:
    begin, end = _time(params, "from"), _time(params, "to")
    found = await payments.payments_between(ctx, _instant(begin), _instant(end))
    return {
        "transactions": [
            {
                "id": each.external_id,
                "time": _ms(each.provider_at),
                "amount": each.amount.tiyin,
                "account": json.loads(each.named),
                **_told(each),
            }
            for each in found
        ]
    }


async def _fiscal(ctx: Context, params: Params) -> Any:
    kind, data = params.get("type"), params.get("fiscal_data")
    if kind not in ("PERFORM", "CANCEL") or not isinstance(data, dict):
        raise _not_valid()
    try:
        await payments.keep_fiscal_data(ctx, external_id=_id(params), kind=kind, data=data)
    except PaymentNotFound as refusal:
        raise Fault(NO_TRANSACTION, refusal) from None
    return {"success": True}


_METHODS: Final[dict[str, Callable[[Context, Params], Awaitable[Any]]]] = {
    "CheckPerformTransaction": _check,
    "CreateTransaction": _create,
    "PerformTransaction": _perform,
    "CancelTransaction": _cancel,
    "CheckTransaction": _look,
    "GetStatement": _statement,
    "SetFiscalData": _fiscal,
}


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a call names, and by which field."""

    field: str
    text: str

    @property
    def named(self) -> str:
        return json.dumps({self.field: self.text})

    async def payee(self) -> Payee:
        """Raises Fault when there is none."""
        find = payee_by_number if self.field == "account" else payee_by_phone
        try:
            return await find(self.text)
        except PayeeNotFound as refusal:
            raise Fault(NO_ACCOUNT, refusal, self.field) from None


def _account(params: Params) -> Account:
    """An account's or wallet's number goes before a phone."""
    asked = params.get("account")
    asked = asked if isinstance(asked, dict) else {}
    field = "account" if "account" in asked else "phone"
    value = asked.get(field)
    return Account(field, str(value) if isinstance(value, str | int) and not isinstance(value, bool) else "")


def _amount(params: Params) -> Money:
    amount = params.get("amount")
    if type(amount) is not int:
        raise InvalidAmount
    return Money(amount)


def _id(params: Params) -> str:
    id_ = params.get("id")
    if not isinstance(id_, str) or not (id_.isascii() and id_.isprintable() and 0 < len(id_) <= LONGEST_ID):
        raise _not_valid()
    return id_


def _time(params: Params, name: str) -> int:
    at = params.get(name)
    if type(at) is not int or not 0 <= at <= LATEST_MS:
        raise _not_valid()
    return at


def _instant(milliseconds: int) -> datetime:
    return from_micros(milliseconds * 1000)


def _ms(at: datetime | None) -> int:
    return 0 if at is None else to_micros(at) // 1000
