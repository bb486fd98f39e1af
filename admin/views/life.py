"""What staff do with a wallet besides looking: its steps, its holder's document, its PIN's lock, paying out."""

from datetime import date
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.refusal import InvalidInput, NotFound, Refusal
from domain.wallet.life import Step
from domain.wallet.refusals import PinflDoubtful
from resolvers import wallet as wallets
from resolvers.account import receipt_number
from resolvers.context import the_staff
from resolvers.subscriber import SubscriberView, holder, note_seen
from resolvers.wallet import Document, WalletView

# By what the address says: each step has a page that asks one question.
STEPS: Final = {
    "lost": Step.LOSS_REPORTED,
    "restore": Step.NUMBER_RESTORED,
    "suspect": Step.SUSPECTED,
    "clear": Step.CLEARED,
}
FIELDS: Final = (
    *("phone", "walletNumber", "birthDate", "documentKind", "documentNumber"),
    *("lastName", "firstName", "patronymic", "documentBirthDate", "pinfl"),
)


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/wallets/{id}/step/{step}", ask_step),
        door.action("/wallets/{id}/step/{step}", take_step),
        door.page("/wallets/{id}/identify", ask_document),
        door.action("/wallets/{id}/identify", identify),
        door.page("/wallets/{id}/rest", ask_rest),
        door.action("/wallets/{id}/rest", request_rest),
        door.action("/subscribers/{id}/pin-lock", lift_pin_lock),
        door.page("/redemptions", look_at_redemptions),
        door.page("/redemptions/{id}", look_at_redemption),
        door.action("/redemptions/{id}/pay", pay),
        door.action("/redemptions/{id}/reject", reject),
    ]


async def ask_step(visit: Visit) -> Response:
    return await _step_page(visit, {})


async def take_step(visit: Visit) -> Response:
    step, wallet_id, reason = _step(visit), visit.id(), visit.form.text("reason")
    try:
        match step:
            case Step.LOSS_REPORTED:
                await wallets.report_loss(visit.ctx, wallet_id=wallet_id, reason=reason)
            case Step.NUMBER_RESTORED:
                born = _day(visit.form.text("birthDate"))
                await wallets.restore_number(visit.ctx, wallet_id=wallet_id, birth_date=born, reason=reason)
            case Step.SUSPECTED:
                await wallets.suspect(visit.ctx, wallet_id=wallet_id, reason=reason)
            case _:
                await wallets.clear(visit.ctx, wallet_id=wallet_id, reason=reason)
    except Refusal as refusal:
        return await _step_page(visit, visit.errors(refusal))
    return visit.go("wallets", wallet_id)


def _step(visit: Visit) -> Step:
    step = STEPS.get(str(visit.request.path_params["step"]))
    if step is None:
        raise NotFound
    return step


async def _step_page(visit: Visit, errors: dict[str, str]) -> Response:
    step = _step(visit)
    the_staff(visit.ctx, "admin" if step is Step.CLEARED else "agent")
    found, whose = await _wallet(visit)
    return visit.page(
        "wallet_step.html",
        422 if errors else 200,
        step=step,
        place=visit.request.path_params["step"],
        wallet=found,
        holder=whose,
        form=visit.form,
        errors=errors,
    )


async def _wallet(visit: Visit) -> tuple[WalletView, SubscriberView]:
    wallet_id = visit.id()
    found, whose = await wallets.wallet(visit.ctx, wallet_id), await holder(visit.ctx, wallet_id=wallet_id)
    if found is None or whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    return found, whose


async def ask_document(visit: Visit) -> Response:
    return await _document_page(visit, {})


async def identify(visit: Visit) -> Response:
    form, doubtful = visit.form, False
    try:
        await wallets.identify(
            visit.ctx,
            wallet_id=visit.id(),
            phone=form.text("phone"),
            wallet_number=form.text("walletNumber"),
            birth_date=_day(form.text("birthDate")),
            document=Document(
                kind=form.text("documentKind"),
                number=form.text("documentNumber"),
                last_name=form.text("lastName"),
                first_name=form.text("firstName"),
                patronymic=form.text("patronymic"),
                birth_date=_day(form.text("documentBirthDate")),
                pinfl=form.text("pinfl"),
            ),
            doubt_settled=form.text("doubtSettled") == "yes",
        )
    except Refusal as refusal:
        doubtful = isinstance(refusal, PinflDoubtful)
        return await _document_page(visit, visit.errors(refusal), doubtful=doubtful)
    return visit.go("wallets", visit.id())


async def _document_page(visit: Visit, errors: dict[str, str], *, doubtful: bool = False) -> Response:
    the_staff(visit.ctx, "agent")
    found, whose = await _wallet(visit)
    typed = {name: visit.form.text(name)[:100] for name in FIELDS}
    return visit.page(
        "identify.html",
        422 if errors else 200,
        wallet=found,
        holder=whose,
        typed=typed,
        errors=errors,
        doubtful=doubtful,
    )


async def ask_rest(visit: Visit) -> Response:
    return await _rest_page(visit, {})


async def request_rest(visit: Visit) -> Response:
    try:
        made = await wallets.request_rest(visit.ctx, wallet_id=visit.id(), destination=visit.form.text("destination"))
    except Refusal as refusal:
        return await _rest_page(visit, visit.errors(refusal))
    return visit.go("redemptions", made)


async def _rest_page(visit: Visit, errors: dict[str, str]) -> Response:
    the_staff(visit.ctx, "agent")
    found, whose = await _wallet(visit)
    return visit.page(
        "wallet_rest.html", 422 if errors else 200, wallet=found, holder=whose, form=visit.form, errors=errors
    )


async def lift_pin_lock(visit: Visit) -> Response:
    await wallets.lift_pin_lock(visit.ctx, subscriber_id=visit.id())
    return visit.go("subscribers", visit.id())


async def look_at_redemptions(visit: Visit) -> Response:
    return visit.page("redemptions.html", found=await wallets.open_redemptions(visit.ctx))


async def look_at_redemption(visit: Visit) -> Response:
    return await _redemption_page(visit, {})


async def pay(visit: Visit) -> Response:
    try:
        await wallets.pay_out(visit.ctx, redemption_id=visit.id())
    except Refusal as refusal:
        return await _redemption_page(visit, {"": visit.texts.refusal(refusal)})
    return visit.go("redemptions", visit.id())


async def reject(visit: Visit) -> Response:
    try:
        await wallets.reject_redemption(visit.ctx, redemption_id=visit.id(), reason=visit.form.text("reason"))
    except InvalidInput as refusal:
        return await _redemption_page(visit, visit.errors(refusal))
    return visit.go("redemptions", visit.id())


async def _redemption_page(visit: Visit, errors: dict[str, str]) -> Response:
    actor = the_staff(visit.ctx)
    one = await wallets.redemption(visit.ctx, visit.id())
    if one is None:
        raise NotFound
    whose = await holder(visit.ctx, wallet_id=one.wallet_id)
    found = await wallets.wallet(visit.ctx, one.wallet_id)
    assert whose is not None
    assert found is not None
    await note_seen(visit.ctx, whose.id)
    may_act = one.status == "requested" and actor.role != "viewer"
    return visit.page(
        "redemption.html",
        422 if errors else 200,
        one=one,
        holder=whose,
        wallet=found,
        errors=errors,
        may_act=may_act,
        is_own=one.asked_by == actor.label,
        reason=visit.form.text("reason")[:500],
        receipt=receipt_number(one.transfer_id) if one.transfer_id is not None else "",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
