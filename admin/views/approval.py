"""Four eyes: what waits for a second person, one proposal whole, and proposing to adjust a balance."""

import secrets

from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.amounts import typed_number
from admin.door import Door, View
from admin.visit import Visit
from domain.money import Money
from domain.refusal import InvalidAmount, InvalidInput, MissingInput, NotFound, Refusal
from resolvers import approval
from resolvers.account import account, receipt_number
from resolvers.approval import ProposalView
from resolvers.context import the_staff
from resolvers.receipt import transfer_of
from resolvers.subscriber import SubscriberView, holder, note_seen
from resolvers.wallet import wallet


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/approvals", look_at_all),
        door.page("/approvals/{id}", look),
        door.action("/approvals/{id}/approve", approve),
        door.action("/approvals/{id}/reject", reject),
        door.action("/approvals/{id}/withdraw", withdraw),
        door.page("/wallets/{id}/adjust", _ask("wallet")),
        door.action("/wallets/{id}/adjust", _propose("wallet")),
        door.page("/accounts/{id}/adjust", _ask("account")),
        door.action("/accounts/{id}/adjust", _propose("account")),
    ]


async def look_at_all(visit: Visit) -> Response:
    decided = visit.asked("decided") == "yes"
    page = await approval.proposals(visit.ctx, visit.page_request(), waiting=not decided)
    rows = [(one, await approval.adjustment_of(visit.ctx, one.proposal)) for one in page.items]
    return visit.page("approvals.html", page=page, rows=rows, decided=decided)


async def look(visit: Visit) -> Response:
    return await _page(visit, {})


async def approve(visit: Visit) -> Response:
    try:
        await approval.approve(visit.ctx, proposal_id=visit.id(), note=visit.form.text("note"))
    except Refusal as refusal:
        return await _page(visit, visit.errors(refusal))
    return visit.go("approvals", visit.id())


async def reject(visit: Visit) -> Response:
    try:
        await approval.reject(visit.ctx, proposal_id=visit.id(), note=visit.form.text("note"))
    except Refusal as refusal:
        return await _page(visit, visit.errors(refusal))
    return visit.go("approvals", visit.id())


async def withdraw(visit: Visit) -> Response:
    await approval.withdraw(visit.ctx, proposal_id=visit.id())
    return visit.go("approvals", visit.id())


async def _page(visit: Visit, errors: dict[str, str]) -> Response:
    found = await approval.proposal(visit.ctx, visit.id())
    if found is None:
        raise NotFound
    one, wanted = found.proposal, await approval.adjustment_of(visit.ctx, found.proposal)
    # Whatever field an approval stumbled over, it is not one of this page's: the sentence stands by itself.
    said = {name if name == "note" else "": message for name, message in errors.items()}
    return visit.page(
        "approval.html",
        422 if errors else 200,
        found=found,
        one=one,
        wanted=wanted,
        receipts={id_: receipt_number(id_) for id_ in (wanted.corrects, wanted.transfer) if id_},
        holder=await _holder_of(visit, found),
        may_decide=approval.may_decide(visit.ctx, one),
        may_withdraw=approval.may_withdraw(visit.ctx, one),
        is_open=one.is_open(visit.ctx.clock.now()),
        errors=said,
        note=visit.form.text("note")[:500],
    )


async def _holder_of(visit: Visit, found: ProposalView) -> SubscriberView:
    kind, _, id_ = found.proposal.subject.partition(":")
    return await _seen(visit, kind, int(id_))


async def _seen(visit: Visit, kind: str, id_: int) -> SubscriberView:
    """Whose wallet or account it is; that staff have looked at them is noted. Raises NotFound."""
    asked = {"wallet_id": id_} if kind == "wallet" else {"account_id": id_}
    whose = await holder(visit.ctx, **asked)
    if whose is None:
        raise NotFound
    await note_seen(visit.ctx, whose.id)
    return whose


def _ask(kind: str) -> View:
    async def ask(visit: Visit) -> Response:
        the_staff(visit.ctx, "agent")
        return await _form(visit, kind, {})

    return ask


def _propose(kind: str) -> View:
    async def propose(visit: Visit) -> Response:
        form = visit.form
        try:
            made = await approval.propose_adjustment(
                visit.ctx,
                subject=f"{kind}:{visit.id()}",
                amount=_amount(form.text("direction"), form.text("amount")),
                code=form.text("code"),
                reason=form.text("reason"),
                corrects=_corrected(form.text("corrects")),
                key=form.text("key"),
            )
        except Refusal as refusal:
            return await _form(visit, kind, visit.errors(refusal))
        return visit.go("approvals", made.id)

    return propose


def _amount(direction: str, text: str) -> Money:
    """Raises MissingInput, InvalidAmount, InvalidInput."""
    try:
        typed = typed_number(text)
    except ValueError:
        raise InvalidAmount(path=("amount",)) from None
    if typed is None:
        raise MissingInput(path=("amount",))
    if direction not in ("add", "take"):
        raise InvalidInput(path=("direction",))
    amount = Money.asked(typed, path=("amount",))
    return amount if direction == "add" else -amount


def _corrected(text: str) -> int | None:
    """The movement that a receipt's number names. Raises NotFound for a number that no receipt has."""
    number = "".join(text.split())
    if not number:
        return None
    found = transfer_of(number)
    if found is None:
        raise NotFound(path=("corrects",))
    return found


async def _form(visit: Visit, kind: str, errors: dict[str, str]) -> Response:
    whose = await _seen(visit, kind, visit.id())
    found = await (wallet if kind == "wallet" else account)(visit.ctx, visit.id())
    assert found is not None, "it has a holder"
    return visit.page(
        "adjust.html",
        422 if errors else 200,
        kind=kind,
        one=found,
        holder=whose,
        errors=errors,
        form=visit.form,
        key_of_call=visit.form.text("key") or secrets.token_urlsafe(16),
    )
