"""Running the home statement."""

from typing import Any, Final

from domain.clock import to_micros
from domain.database import dialect, fetch_row
from domain.refusal import TokenOver
from domain.wallet.limits import counting
from resolvers.access import settled
from resolvers.catalogue import catalogue_at
from resolvers.context import Anonymous, Claimed, Context, Expired, SubscriberActor, the_subscriber
from resolvers.home.text import text_of
from resolvers.home.views import Home, home_of
from resolvers.home.wants import HomeWants

NOTHING: Final = HomeWants()


async def load(ctx: Context, wants: HomeWants = NOTHING) -> Home | None:
    """What the caller asks to see of their own things; None for who has not signed in.

    A claimed actor is a subscriber's from then on. Raises TokenOver when the session is over, Forbidden for others.
    """
    actor = ctx.actor
    if not isinstance(actor, Claimed):
        if isinstance(actor, Anonymous) and not isinstance(actor, Expired):
            return None
        actor = the_subscriber(ctx)
    now = ctx.clock.now()
    row = await fetch_row(_text(wants), actor.session_id, to_micros(now), *_counted(wants, now), *wants.page_values)
    if row is None:
        ctx.actor = Expired()
        raise TokenOver
    settled(ctx, SubscriberActor(row["id"], row["session_id"], row["phone"]), row["language"])
    known = await catalogue_at(ctx, row["catalogue_version"]) if wants.catalogue else None
    return home_of(row, wants, now, known)


def _counted(wants: HomeWants, now: Any) -> tuple[Any, ...]:
    if wants.wallet is None or not wants.wallet.limits:
        return ()
    found = counting(now)
    return found["day"], found["window"]


def _text(wants: HomeWants) -> str:
    kind = dialect()
    text = wants.texts.get(kind)
    if text is None:
        text = wants.texts[kind] = text_of(wants.shape, kind)
    return text
