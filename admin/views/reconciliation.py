"""Reconciliation: statements that were compared, what differs, and settling it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Final

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from admin.door import Door
from admin.upload import Upload
from admin.visit import Visit
from domain.clock import local_day
from domain.reconciliation.matching import DifferenceKind
from domain.reconciliation.settling import resolutions_of
from domain.refusal import InvalidInput, MissingInput, NotFound, Refusal
from resolvers import reconciliation
from resolvers.context import Context, the_staff
from resolvers.payment import providers
from resolvers.reconciliation import DifferenceView, Period, RunView
from resolvers.spreadsheet import MARK, csv_rows, harmless
from resolvers.subscriber import note_look

log = logging.getLogger("kabinet.reconciliation")

MOST_BYTES: Final = 512 * 1024 * 1024
KINDS: Final = tuple(str(kind) for kind in DifferenceKind)
STATUSES: Final = ("open", "settled")
# Those that need nothing else: several differences can be settled by them at once.
TOGETHER: Final = ("accepted", "provider_corrects")
COLUMNS: Final = (
    *("kind", "line", "fault", "id", "their_amount", "their_time", "their_state"),
    *("payment", "our_amount", "our_state", "number", "status", "resolution", "reason", "settled_by", "settled_at"),
)
# The work goes on when the browser has its answer; whoever ends the process ends it, and the run says so.
under_way: set[asyncio.Task[None]] = set()


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/reconciliations", look_at_all),
        door.page("/reconciliations/new", ask),
        door.upload("/reconciliations/new", compare, role="admin", most_bytes=MOST_BYTES),
        door.page("/reconciliations/{id}", look),
        door.action("/reconciliations/{id}", settle_some),
        door.page("/reconciliations/{id}/differences.csv", download),
        door.page("/reconciliations/differences/{id}", look_at_one),
        door.action("/reconciliations/differences/{id}", settle_one),
    ]


async def look_at_all(visit: Visit) -> Response:
    page = await reconciliation.latest_runs(visit.ctx, visit.page_request())
    return visit.page("reconciliations.html", page=page, last_day=timedelta(microseconds=1))


async def ask(visit: Visit) -> Response:
    the_staff(visit.ctx, "admin")
    return await _ask_page(visit, {})


async def _ask_page(visit: Visit, errors: dict[str, str]) -> Response:
    return visit.page(
        "reconcile.html",
        422 if errors else 200,
        providers=await providers(visit.ctx),
        errors=errors,
        form=visit.form,
        most_mb=MOST_BYTES // (1024 * 1024),
    )


async def compare(visit: Visit) -> Response:
    assert visit.upload is not None, "the door has read it"
    upload, form = visit.upload, visit.form
    try:
        if not upload.size_bytes:
            raise MissingInput(path=("file",))
        run = await reconciliation.begin(
            visit.ctx,
            provider=form.text("provider"),
            source=upload.file_name,
            size_bytes=upload.size_bytes,
            period=_period(form.text("from"), form.text("until")),
        )
    except Refusal as refusal:
        upload.file.close()
        return await _ask_page(visit, visit.errors(refusal))
    task = asyncio.create_task(_carry_out(visit.ctx, run, upload))
    under_way.add(task)
    task.add_done_callback(under_way.discard)
    return visit.go("reconciliations", run.id)


async def _carry_out(ctx: Context, run: RunView, upload: Upload) -> None:
    try:
        await reconciliation.carry_out(ctx, run, upload.file)
    except Exception as fault:
        log.error("reconciliation %d failed: %s", run.id, type(fault).__name__, exc_info=fault)
    finally:
        upload.file.close()


def _period(first: str, last: str) -> Period | None:
    """Raises MissingInput for one day without the other, InvalidInput for what is no day."""
    if not first and not last:
        return None
    return Period(_day(first, "from"), _day(last, "until"))


def _day(text: str, name: str) -> date:
    if not text:
        raise MissingInput(path=(name,))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(path=(name,)) from None


async def look(visit: Visit) -> Response:
    return await _run_page(visit, {})


async def _run_page(visit: Visit, errors: dict[str, str]) -> Response:
    run = await reconciliation.run_by_id(visit.ctx, visit.id())
    chosen = {name: visit.asked(name)[:32] for name in ("kind", "status")}
    chosen = {name: value if value in (*KINDS, *STATUSES) else "" for name, value in chosen.items()}
    done = run.status == "done"
    return visit.page(
        "reconciliation.html",
        422 if errors else 200,
        run=run,
        last_day=local_day(run.period_until - timedelta(microseconds=1)) if run.period_until else None,
        first_day=local_day(run.period_from) if run.period_from else None,
        sums=await reconciliation.sums(visit.ctx, run.id) if done else [],
        page=await reconciliation.differences(visit.ctx, run.id, visit.page_request(), **chosen) if done else None,
        chosen=chosen,
        kinds=KINDS,
        statuses=STATUSES,
        together=TOGETHER,
        errors=errors,
        form=visit.form,
        here=visit.link("reconciliations", run.id, **chosen),
    )


async def settle_some(visit: Visit) -> Response:
    run = await reconciliation.run_by_id(visit.ctx, visit.id())
    form = visit.form
    picked = [name.removeprefix("d-") for name in form.values if name.startswith("d-")]
    try:
        if form.text("resolution") not in TOGETHER:
            raise InvalidInput(path=("resolution",))
        if not all(id_.isascii() and id_.isdigit() and len(id_) <= 18 for id_ in picked):
            raise NotFound
        await reconciliation.settle(
            visit.ctx,
            difference_ids=[int(id_) for id_ in picked],
            resolution=form.text("resolution"),
            reason=form.text("reason"),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _run_page(visit, visit.errors(refusal))
    return visit.go("reconciliations", run.id, status="open")


async def look_at_one(visit: Visit) -> Response:
    return await _difference_page(visit, {})


async def _difference_page(visit: Visit, errors: dict[str, str]) -> Response:
    view = await reconciliation.difference(visit.ctx, visit.id())
    return visit.page(
        "difference.html",
        422 if errors else 200,
        view=view,
        one=view.difference,
        run=await reconciliation.run_by_id(visit.ctx, view.difference.run_id),
        resolutions=[str(each) for each in resolutions_of(view.difference)],
        errors=errors,
        form=visit.form,
    )


async def settle_one(visit: Visit) -> Response:
    form, proposal = visit.form, "".join(visit.form.text("proposal").split())
    try:
        if proposal and not (proposal.isascii() and proposal.isdigit() and len(proposal) <= 18):
            raise InvalidInput(path=("proposal",))
        await reconciliation.settle(
            visit.ctx,
            difference_ids=[visit.id()],
            resolution=form.text("resolution"),
            reason=form.text("reason"),
            proposal_id=int(proposal) if proposal else None,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        errors = visit.errors(refusal)
        fields = ("resolution", "reason", "proposal")
        return await _difference_page(visit, {name if name in fields else "": said for name, said in errors.items()})
    view = await reconciliation.difference(visit.ctx, visit.id())
    return visit.go("reconciliations", view.difference.run_id, status="open")


async def download(visit: Visit) -> Response:
    run = await reconciliation.run_by_id(visit.ctx, visit.id())
    await note_look(visit.ctx, "reconciliation.download", f"reconciliation:{run.id}")

    async def file() -> AsyncIterator[bytes]:
        yield (MARK + csv_rows([COLUMNS])).encode()
        async for views in reconciliation.every_difference(visit.ctx, run.id):
            yield csv_rows(_cells(view) for view in views).encode()

    name = f"reconciliation-{run.id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(file(), media_type="text/csv; charset=utf-8", headers=headers)


def _cells(view: DifferenceView) -> list[str]:
    one = view.difference
    values = (
        *(one.kind, one.line, one.fault, one.external_id),
        *(one.their_amount and one.their_amount.amount, one.their_at and one.their_at.isoformat(), one.their_state),
        *(one.payment_id, one.our_amount and one.our_amount.amount, one.our_status, view.number),
        *(one.status, one.resolution, one.reason, view.settler, one.settled_at and one.settled_at.isoformat()),
    )
    return ["" if value is None else harmless(str(value)) for value in values]
