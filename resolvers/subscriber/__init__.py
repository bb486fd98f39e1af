"""Staff find a subscriber and see all that is theirs on one page; every such look is noted.

`search` finds, `card` shows everything, `person` says who it is.
"""

from resolvers.subscriber.card import (
    CardEntry,
    CardOrder,
    CardSubscription,
    CardWallet,
    NumberView,
    SubscriberCard,
    subscriber_card,
)
from resolvers.subscriber.person import SubscriberView, holder, subscriber
from resolvers.subscriber.search import FoundSubscriber, note_look, note_seen, search_subscribers, seen_by

__all__ = [
    "CardEntry",
    "CardOrder",
    "CardSubscription",
    "CardWallet",
    "FoundSubscriber",
    "NumberView",
    "SubscriberCard",
    "SubscriberView",
    "holder",
    "note_look",
    "note_seen",
    "search_subscribers",
    "seen_by",
    "subscriber",
    "subscriber_card",
]
