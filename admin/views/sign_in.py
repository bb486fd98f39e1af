"""Signing in, in two steps; signing out; the language."""

import io

import segno
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import BaseRoute

from admin.door import Door
from admin.visit import Visit
from domain.language import Language
from domain.refusal import NotFound, Refusal, Unauthenticated
from domain.staff import SignInRefused
from resolvers import staff
from resolvers.staff import Enrolment


def routes(door: Door) -> list[BaseRoute]:
    return [
        door.page("/sign-in", ask_password, anyone=True),
        door.action("/sign-in", take_password, anyone=True),
        door.page("/sign-in/code", ask_code, anyone=True),
        door.action("/sign-in/code", take_code, anyone=True),
        door.page("/sign-in/app", ask_code, anyone=True),
        door.action("/sign-in/app", connect_app, anyone=True),
        door.action("/sign-out", sign_out, anyone=True),
        door.action("/language", choose_language, anyone=True),
    ]


async def ask_password(visit: Visit) -> Response:
    if visit.signed_in:
        return visit.go_inside(visit.asked("next") or "/")
    return _password_page(visit, None, visit.asked("next"))


def _password_page(visit: Visit, refusal: Refusal | None, back: str, username: str = "") -> Response:
    errors = visit.errors(refusal) if refusal else {}
    return visit.page("sign_in.html", 422 if errors else 200, errors=errors, next=back, username=username)


async def take_password(visit: Visit) -> Response:
    username, back = visit.form.text("username"), visit.form.text("next")
    try:
        half = await staff.enter_password(visit.ctx, username=username, password=visit.form.text("password"))
    except Refusal as refusal:
        return _password_page(visit, refusal, back, username[:100])
    visit.keep_session(half.token)
    if half.enrolment is None:
        return visit.go("sign-in", "code", next=back)
    # Not a redirect: what must be seen once is in this very answer, and in no other.
    return _code_page(visit, back, enrolment=half.enrolment)


async def ask_code(visit: Visit) -> Response:
    if visit.signed_in:
        return visit.go_inside(visit.asked("next") or "/")
    if visit.session is None:
        return visit.go("sign-in")
    return _code_page(visit, visit.asked("next"))


def _code_page(
    visit: Visit, back: str, *, refusal: Refusal | None = None, enrolment: Enrolment | None = None
) -> Response:
    errors = visit.errors(refusal) if refusal else {}
    return visit.page(
        "code.html",
        422 if errors else 200,
        errors=errors,
        next=back,
        enrolled=visit.session is not None and visit.session.enrolled,
        qr=_qr(enrolment.uri) if enrolment else "",
        seed=" ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4)) if enrolment else "",
    )


def _qr(uri: str) -> Markup:
    """The picture as part of the page: the policy lets no data: address be an image."""
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="svg", xmldecl=False, svgns=False, scale=5, border=4, light="#fff")
    return Markup(drawn.getvalue().decode())  # noqa: S704  # drawn here: squares, nothing of anyone's text


async def take_code(visit: Visit) -> Response:
    back = visit.form.text("next")
    try:
        token = await staff.enter_code(visit.ctx, token=visit.token, code=visit.form.text("code"))
    except SignInRefused as refusal:
        visit.drop_session()
        return _password_page(visit, refusal, back)
    except Unauthenticated:
        return visit.go("sign-in", next=back)
    except Refusal as refusal:
        return _code_page(visit, back, refusal=refusal)
    visit.keep_session(token)
    return visit.go_inside(back or "/")


async def connect_app(visit: Visit) -> Response:
    enrolment = await staff.enrol_again(visit.ctx, visit.token)
    return _code_page(visit, visit.form.text("next"), enrolment=enrolment)


async def sign_out(visit: Visit) -> Response:
    if visit.token:
        await staff.sign_out(visit.ctx, visit.token)
        visit.drop_session()
    return visit.go("sign-in")


async def choose_language(visit: Visit) -> Response:
    chosen = visit.form.text("language")
    if chosen not in list(Language):
        raise NotFound(path=("language",))
    if visit.signed_in:
        await staff.choose_language(visit.ctx, Language(chosen))
    visit.cookies.append(("language", chosen))
    return visit.go_inside(visit.form.text("next") or "/")
