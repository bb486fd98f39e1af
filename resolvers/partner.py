"""Partners: adding them, their API keys, who a key belongs to."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final
from urllib.parse import urlsplit

from domain.audit import note
from domain.clock import from_micros, to_micros
from domain.database import execute, fetch, fetch_row, in_transaction
from domain.money import Money
from domain.partner import Scope, new_api_key, webhook_secret
from domain.refusal import InvalidInput, NotFound, Refusal
from domain.secrets import fingerprint
from resolvers.context import Context, PartnerActor, SystemActor, the_staff
from resolvers.paging import Page, PageRequest, page

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{1,31}", re.ASCII)


@dataclass(eq=False, kw_only=True)
class PartnerExists(Refusal):
    code: ClassVar[str] = "PARTNER_EXISTS"
    text: ClassVar[str] = "There is a partner with this code already."


@dataclass(frozen=True, slots=True)
class NewPartner:
    """Both secrets are shown this once."""

    partner_id: int
    code: str
    api_key: str
    webhook_secret: str


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """Where a partner is told, and the secret that its webhooks are signed with."""

    code: str
    url: str | None
    secret: str


@dataclass(frozen=True, slots=True)
class PartnerView:
    """A partner as staff see it; `keys` are prefixes only."""

    id: int
    code: str
    name: str
    webhook_url: str | None
    disabled_at: datetime | None
    created_at: datetime
    keys: tuple[str, ...]
    top_up_most: Money | None = None
    top_up_day_most: Money | None = None


def _require_system_or_admin(ctx: Context) -> None:
    if not isinstance(ctx.actor, SystemActor):
        the_staff(ctx, "admin")


async def add_partner(
    ctx: Context, *, code: str, name: str, scopes: list[str], webhook_url: str | None = None
) -> NewPartner:
    """A partner with its first API key, by the system or an admin.

    Raises InvalidInput (code, name, scopes, webhookUrl) and PartnerExists.
    """
    _require_system_or_admin(ctx)
    name = " ".join(name.split())
    if not _CODE.fullmatch(code):
        raise InvalidInput(path=("code",))
    if not 1 <= len(name) <= 200:
        raise InvalidInput(path=("name",))
    if not scopes or not set(scopes) <= set(Scope):
        raise InvalidInput(path=("scope",))
    _require_url(webhook_url)
    return await _add(ctx, code, name, sorted(set(scopes)), webhook_url)


def _require_url(url: str | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 500
        good = good and parts.username is None and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise InvalidInput(path=("webhookUrl",))


@in_transaction
async def _add(ctx: Context, code: str, name: str, scopes: list[str], webhook_url: str | None) -> NewPartner:
    now = ctx.clock.now()
    row = await fetch_row(
        """INSERT INTO partner (code, name, webhook_url, created_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (code) DO NOTHING RETURNING id""",
        code,
        name,
        webhook_url,
        to_micros(now),
    )
    if row is None:
        raise PartnerExists(path=("code",))
    token = await _new_key(row["id"], scopes, now)
    await note(ctx.actor.label, "partner.added", f"partner:{row['id']}", now, scopes=scopes)
    return NewPartner(row["id"], code, token, webhook_secret(ctx.secrets, row["id"], 1))


async def _new_key(partner_id: int, scopes: list[str], now: datetime) -> str:
    prefix, token = new_api_key()
    await execute(
        "INSERT INTO api_key (partner_id, prefix, fingerprint, scopes, created_at) VALUES ($1, $2, $3, $4, $5)",
        partner_id,
        prefix,
        fingerprint(token),
        json.dumps(scopes),
        to_micros(now),
    )
    return token


async def set_webhook(ctx: Context, *, code: str, url: str | None, new_secret: bool = False) -> NewWebhook:
    """Where a partner is told of its subscriptions (S-5.5), by the system or an admin; None: it is told nothing.

    The secret is derived, so it can be shown again; `new_secret` makes another, for one that has got about. Raises
    InvalidInput (webhookUrl) and NotFound.
    """
    _require_system_or_admin(ctx)
    _require_url(url)
    return await _set_webhook(ctx, code, url, new_secret)


@in_transaction
async def _set_webhook(ctx: Context, code: str, url: str | None, new_secret: bool) -> NewWebhook:
    row = await fetch_row(
        """UPDATE partner SET webhook_url = $1, webhook_version = webhook_version + $2 WHERE code = $3
           RETURNING id, webhook_version""",
        url,
        int(new_secret),
        code,
    )
    if row is None:
        raise NotFound(what="partner", path=("code",))
    await note(ctx.actor.label, "partner.webhook_set", f"partner:{row['id']}", ctx.clock.now(), new_secret=new_secret)
    return NewWebhook(code, url, webhook_secret(ctx.secrets, row["id"], row["webhook_version"]))


@in_transaction
async def rotate_key(ctx: Context, *, code: str, old_until: datetime) -> str:
    """A new key with the newest one's scopes; the old ones go on until `old_until`, so nothing stands still."""
    _require_system_or_admin(ctx)
    now = ctx.clock.now()
    newest = await fetch_row(
        """SELECT k.partner_id, k.scopes FROM api_key k JOIN partner p ON p.id = k.partner_id
           WHERE p.code = $1 AND k.revoked_at IS NULL ORDER BY k.id DESC LIMIT 1""",
        code,
    )
    if newest is None:
        raise NotFound(what="partner", path=("code",))
    await execute(
        """UPDATE api_key SET expires_at = $1
           WHERE partner_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)""",
        to_micros(old_until),
        newest["partner_id"],
    )
    await note(ctx.actor.label, "partner.key_rotated", f"partner:{newest['partner_id']}", now)
    return await _new_key(newest["partner_id"], json.loads(newest["scopes"]), now)


async def authenticate_key(ctx: Context, token: str) -> PartnerActor | None:
    """Who the key belongs to; None when it is unknown, over, or its partner switched off.

    It is looked up by its hash: what a caller sends is never compared with a secret letter by letter.
    """
    row = await fetch_row(
        """SELECT p.id, p.code, k.scopes FROM api_key k JOIN partner p ON p.id = k.partner_id
           WHERE k.fingerprint = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
             AND p.disabled_at IS NULL""",
        fingerprint(token),
        to_micros(ctx.clock.now()),
    )
    if row is None:
        return None
    return PartnerActor(row["id"], row["code"], frozenset(json.loads(row["scopes"])))


async def partners(ctx: Context, request: PageRequest, *, only: int | None = None) -> Page[PartnerView]:
    """All partners, newest first, for staff; or `only` the one with this id."""
    the_staff(ctx)
    found = await page(
        f"""SELECT p.*, p.created_at AS cursor_order, p.id AS cursor_id
            FROM partner p WHERE {"1 = 1" if only is None else "p.id = $1"}""",
        [] if only is None else [only],
        request,
        lambda row: row,
        order="p.created_at",
        id_="p.id",
    )
    ids = [row["id"] for row in found.items] or [0]
    places = ", ".join(f"${n}" for n in range(1, len(ids) + 1))
    keys = await fetch(
        f"SELECT partner_id, prefix FROM api_key WHERE revoked_at IS NULL AND partner_id IN ({places}) ORDER BY id",
        *ids,
    )
    views = [
        PartnerView(
            id=row["id"],
            code=row["code"],
            name=row["name"],
            webhook_url=row["webhook_url"],
            disabled_at=from_micros(row["disabled_at"]) if row["disabled_at"] is not None else None,
            created_at=from_micros(row["created_at"]),
            top_up_most=_money(row["top_up_most"]),
            top_up_day_most=_money(row["top_up_day_most"]),
            keys=tuple(key["prefix"] for key in keys if key["partner_id"] == row["id"]),
        )
        for row in found.items
    ]
    return Page(views, found.cursors, found.has_next, found.has_previous)


def _money(tiyin: int | None) -> Money | None:
    return None if tiyin is None else Money(tiyin)


async def partner(ctx: Context, partner_id: int) -> PartnerView | None:
    """One partner, for staff."""
    the_staff(ctx)
    found = await partners(ctx, PageRequest.of(first=1), only=partner_id)
    return found.items[0] if found.items else None


@in_transaction
async def set_top_up_limits(ctx: Context, *, code: str, most: Decimal | None, day_most: Decimal | None) -> None:
    """How much a partner may bring in with one payment and in one day, in so'm; None is without limit.

    By the system or an admin. Raises InvalidAmount and NotFound.
    """
    _require_system_or_admin(ctx)
    limits = [
        None if amount is None else Money.asked(amount, path=(field,)).tiyin
        for field, amount in (("most", most), ("dayMost", day_most))
    ]
    row = await fetch_row(
        "UPDATE partner SET top_up_most = $1, top_up_day_most = $2 WHERE code = $3 RETURNING id", *limits, code
    )
    if row is None:
        raise NotFound(path=("code",))
    now = ctx.clock.now()
    facts = {"most": limits[0], "day_most": limits[1]}
    await note(ctx.actor.label, "partner.top_up_limits", f"partner:{row['id']}", now, **facts)
