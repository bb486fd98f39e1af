"""Addresses that open one paper for a short while, for whoever holds them; no session is in them.

What is opened is written in the address itself and sealed with a key of the installation. An address can be read by
whoever has it and changed by nobody; the server keeps nothing of it.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from domain.clock import from_micros, to_micros
from domain.refusal import RequestFault
from resolvers.context import Context

LONGEST_TOKEN: Final = 2_000


class LinkOver(RequestFault):
    """The address is older than it may be, or none of ours."""

    graphql_code: ClassVar[str] = "NOT_FOUND"
    text: ClassVar[str] = "This address does not open anything any more. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Download:
    """Where a paper can be fetched, without more, until `expires_at`."""

    url: str
    expires_at: datetime


def link(ctx: Context, purpose: str, facts: dict[str, Any]) -> Download:
    """An address below /papers/<purpose> that opens what `facts` say."""
    until = ctx.clock.now() + ctx.policy.paper_link_lifetime
    body = json.dumps(facts | {"until": to_micros(until)}, separators=(",", ":")).encode()
    token = f"{_text(body)}.{_text(_seal(ctx, purpose, body))}"
    return Download(f"{ctx.policy.public_url}/papers/{purpose}/{token}", until)


def opened(ctx: Context, purpose: str, token: str) -> dict[str, Any]:
    """What `link` was given. Raises LinkOver when its time is over, and for what it did not make."""
    body, _, seal = token.partition(".")
    try:
        if len(token) > LONGEST_TOKEN:
            raise LinkOver
        written, sealed = _bytes(body), _bytes(seal)
    except (ValueError, binascii.Error) as error:
        raise LinkOver from error
    if not hmac.compare_digest(_seal(ctx, purpose, written), sealed):
        raise LinkOver
    facts: dict[str, Any] = json.loads(written)
    if ctx.clock.now() >= from_micros(facts["until"]):
        raise LinkOver
    return facts


def _seal(ctx: Context, purpose: str, body: bytes) -> bytes:
    return hmac.digest(ctx.secrets.derive(f"paper:{purpose}"), body, "sha256")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    # Exactly what `_text` makes and nothing that merely decodes to the same: one paper has one address.
    value = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(value) != text:
        raise ValueError("not our way of writing it")
    return value
