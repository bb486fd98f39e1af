"""The demo page, in development only: the codes that were sent, who to sign in as, and operations to paste."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from domain import access
from domain.clock import TASHKENT
from domain.phone import pretty
from server.demo import PIN, STAFF_PASSWORD, STAFF_USERNAME
from server.demo_people import DEMO_SUBSCRIBERS
from server.surroundings import Surroundings

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Paste:
    """An operation to paste into GraphiQL."""

    title: str
    text: str


def operations_for(phone: str, tells_wallet: bool) -> list[Paste]:
    """What a newcomer pastes, in this order, signed in with this phone."""
    operations = [
        Paste(
            "1. Ask for a code",
            f"""mutation {{
  requestOtp(input: {{ phone: "{phone}", purpose: SIGN_IN }}) {{
    ... on OtpChallenge {{ id expiresAt resendAt }}
    ... on Problem {{ code message }}
  }}
}}""",
        ),
        Paste(
            "2. Sign in with it",
            """mutation {
  verifyOtp(input: { challengeId: "PASTE THE ID", code: "PASTE THE CODE" }) {
    ... on Session { accessToken refreshToken expiresAt viewer { subscriber { name } } }
    ... on Problem { code message }
  }
}""",
        ),
        Paste(
            "3. Look around (header Authorization: Bearer …)",
            """{
  viewer {
    subscriber { name phone }
    accounts { nodes { number balance { formatted } entries(first: 5) { nodes { at kind amount { formatted } } } } }
    wallet { number level balance { formatted } limits { topUpLeft { formatted } resetsAt } }
    tariff { code name }
    subscriptions { nodes { id status endsOn daysLeft product { code } } }
  }
}""",
        ),
        Paste(
            "4. Order three months of the cinema",
            f"""mutation {{
  orderSubscription(input: {{ product: "cinema", months: 3, phone: "{phone}", idempotencyKey: "first-order" }}) {{
    ... on Order {{ id status total {{ formatted }} }}
    ... on Problem {{ code message rule }}
  }}
}}""",
        ),
        Paste(
            "5. Confirm it with the code that came",
            """mutation {
  confirmOrder(input: { orderId: "PASTE THE ID", code: "PASTE THE CODE" }) {
    ... on Order { status total { formatted } subscription { id endsOn daysLeft } }
    ... on Problem { code message rule }
  }
}""",
        ),
        Paste(
            "6. Extend it",
            """mutation {
  extendSubscription(input: { subscriptionId: "PASTE THE ID", months: 4, idempotencyKey: "first-extension" }) {
    ... on Order { status total { formatted } subscription { endsOn daysLeft price { formatted } } }
    ... on Problem { code message rule }
  }
}""",
        ),
    ]
    if tells_wallet:
        operations += [
            Paste(
                "7. Unlock the wallet",
                f"""mutation {{ unlockWallet(input: {{ pin: "{PIN}" }}) {{
  ... on WalletUnlocked {{ until }} ... on Problem {{ code message }}
}} }}""",
            ),
            Paste(
                "8. Send money",
                f"""mutation {{
  transfer(input: {{ to: "{_other(phone)}", amount: "10000", idempotencyKey: "first-transfer" }}) {{
    ... on Transfer {{ receipt {{ number total {{ formatted }} checkUrl }} wallet {{ balance {{ formatted }} }} }}
    ... on Problem {{ code message rule }}
  }}
}}""",
            ),
            Paste(
                "9. See the months, take the statement away",
                """{
  viewer {
    wallet {
      months(first: 3) { month closing { formatted } categories { kind count amount { formatted } } }
      entries(first: 5, filter: { direction: OUT }) { nodes { at amount { formatted } receipt { pdf { url } } } }
      statementFile(input: { format: PDF }) { ... on Download { url expiresAt } ... on Problem { code message } }
    }
  }
}""",
            ),
        ]
    return operations


def _other(phone: str) -> str:
    return next(one.phones[0] for one in DEMO_SUBSCRIBERS if one.wallet and one.phones[0] != phone)


def demo_routes(surroundings: Surroundings) -> list[BaseRoute]:
    """The page, its live list of codes, and its two files."""
    templates = Environment(
        loader=PackageLoader("server", "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )

    async def codes() -> list[dict[str, str]]:
        ctx = surroundings.anonymous()
        return [
            {
                "phone": pretty(phone),
                "purpose": {"sign_in": "signing in", "order": "an order"}.get(purpose, purpose),
                "code": code,
                "at": sent_at.astimezone(TASHKENT).strftime("%H:%M:%S"),
            }
            for phone, purpose, code, sent_at in await access.recent_codes(ctx.secrets, ctx.clock.now())
        ]

    async def page(request: Request) -> Response:
        people = [(one, operations_for(one.phones[0], one.wallet is not None)) for one in DEMO_SUBSCRIBERS]
        text = templates.get_template("demo.html").render(
            codes=await codes(), people=people, staff=(STAFF_USERNAME, STAFF_PASSWORD)
        )
        return HTMLResponse(text, headers=HEADERS)

    async def live(request: Request) -> Response:
        return HTMLResponse(templates.get_template("codes.html").render(codes=await codes()), headers=HEADERS)

    def static(name: str, media_type: str) -> Route:
        content = files("server").joinpath("templates", name).read_bytes()

        async def give(_request: Request) -> Response:
            return Response(content, media_type=media_type, headers=HEADERS)

        return Route(f"/demo/{name}", give)

    return [
        Route("/demo", page),
        Route("/demo/codes", live),
        static("demo.css", "text/css"),
        static("demo.js", "text/javascript"),
    ]
