"""Public offers: the contract's text in editions, and consent to it."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from domain.language import in_language
from resolvers import offer as offers
from resolvers.paging import PageRequest
from schema import problem
from schema.context import Info
from schema.money import Language
from schema.product import InLanguage
from schema.relay import After, Before, Connection, First, Last, Node, connection, split_global_id, to_global_id


@strawberry.type(description="A section's heading or a clause of an offer.")
class OfferClause:
    view: strawberry.Private[offers.ClauseView]

    @strawberry.field(description="Its number, such as 4.2 or 4.2.a).")
    def number(self) -> str:
        return self.view.number

    @strawberry.field(description="1 for a section, more for what is inside.")
    def depth(self) -> int:
        return self.view.depth

    @strawberry.field(description="Whether it is a section's heading.")
    def heading(self) -> bool:
        return self.view.heading

    @strawberry.field(description="Its text.")
    def content(self) -> str:
        return self.view.content

    @strawberry.field(description="The rules that it states: a refusal with one of them comes from this clause.")
    def rules(self) -> list[str]:
        return list(self.view.rules)


@strawberry.type(description="An edition's text in one language.")
class OfferText:
    view: strawberry.Private[offers.TextView]

    @strawberry.field(description="Its language.")
    def language(self) -> Language:
        return Language(str(self.view.language))

    @strawberry.field(description="Its title.")
    def title(self) -> str:
        return self.view.title

    @strawberry.field(description="SHA-256 of exactly this text; an acceptance keeps it.")
    def hash(self) -> str:
        return self.view.hash

    @strawberry.field(description="Its sections and clauses, in order.")
    def clauses(self) -> list[OfferClause]:
        return [OfferClause(view=clause) for clause in self.view.clauses]


@strawberry.type(description="A public offer with the edition that holds on the day asked about (A-0).")
class Offer(Node):
    view: strawberry.Private[offers.OfferView]

    @strawberry.field(description="The offer's stable code, such as `wallet`.")
    def code(self) -> str:
        return self.view.code

    @strawberry.field(description="Its title.")
    def title(self, info: Info, language: InLanguage = None) -> str:
        return in_language(self.view.title, language.tag if language else info.context.language)

    @strawberry.field(description="The edition: give it back when accepting.")
    def edition(self) -> str:
        return self.view.edition

    @strawberry.field(description="When it was published.")
    def published_at(self) -> datetime:
        return self.view.published_at

    @strawberry.field(description="From when it holds.")
    def effective_from(self) -> date:
        return self.view.effective_from

    @strawberry.field(description="From when a newer edition will hold; null if none is announced (A-4.1.10).")
    def upcoming(self) -> date | None:
        return self.view.upcoming

    @strawberry.field(description="SHA-256 over the texts in all languages.")
    def hash(self) -> str:
        return self.view.hash

    @strawberry.field(description="The languages that it is published in.")
    def languages(self) -> list[Language]:
        return [Language(language) for language in self.view.languages]

    @strawberry.field(description="The text, in the caller's language or the nearest there is.")
    async def text(self, info: Info, language: InLanguage = None) -> OfferText:
        view = await offers.offer_text(info.context, self.view.edition_id, language.tag if language else None)
        return OfferText(view=view)


def wrap_offer(view: offers.OfferView) -> Offer:
    return Offer(id=to_global_id("Offer", view.id), view=view)


@strawberry.type(description="A recorded consent to one exact text (A-3.7); kept for ever.")
class OfferAcceptance:
    view: strawberry.Private[offers.AcceptanceView]

    @strawberry.field(description="The offer's code.")
    def offer(self) -> str:
        return self.view.offer_code

    @strawberry.field(description="The edition.")
    def edition(self) -> str:
        return self.view.edition

    @strawberry.field(description="SHA-256 of the text that was shown.")
    def text_hash(self) -> str:
        return self.view.text_hash

    @strawberry.field(description="When.")
    def at(self) -> datetime:
        return self.view.at


@strawberry.input(description="Consent to an offer.")
class AcceptOfferInput:
    offer: strawberry.ID = strawberry.field(description="The offer's code, such as `operator`.")
    edition: strawberry.ID = strawberry.field(description="The edition that was read.")


AcceptOfferResult = Annotated[
    OfferAcceptance | problem.NotFound | problem.OfferOutdated,
    strawberry.union("AcceptOfferResult", description="The recorded consent, or why there is none."),
]


@strawberry.type(description="Where an offer in force states a rule that a refusal named.")
class RuleClause:
    offer: str = strawberry.field(description="The offer's code.")
    edition: str = strawberry.field(description="Its edition.")
    number: str = strawberry.field(description="The clause's number.")
    content: str = strawberry.field(description="The clause's text, in the caller's language or the nearest there is.")


@strawberry.type
class OfferQueries:
    @strawberry.field(description="The clause behind a refusal's `rule`; null when no offer in force states it.")
    async def clause_of_rule(
        self, info: Info, rule: Annotated[str, strawberry.argument(description="Such as `W-4.5.1a`.")]
    ) -> RuleClause | None:
        found = await offers.clause_of_rule(info.context, rule[:32])
        if found is None:
            return None
        return RuleClause(offer=found.offer_code, edition=found.edition, number=found.number, content=found.content)

    @strawberry.field(description="The public offers in force.")
    async def offers(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Offer]:
        return connection(await offers.offers(info.context, PageRequest.of(first, after, last, before)), wrap_offer)

    @strawberry.field(description="One offer by its code; null if none was in force.")
    async def offer(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="Such as `wallet`.")],
        on: Annotated[date | None, strawberry.argument(description="The day; today if left out.")] = None,
    ) -> Offer | None:
        view = await offers.offer(info.context, code, on)
        return wrap_offer(view) if view else None


@strawberry.type
class OfferMutations:
    @strawberry.mutation(description="Records the caller's consent to the edition in force (A-3.7).")
    async def accept_offer(self, info: Info, input: AcceptOfferInput) -> AcceptOfferResult:
        view = await offers.accept_offer(info.context, code=input.offer, edition=edition_of(input.edition))
        return OfferAcceptance(view=view)


def edition_of(id_: str) -> str:
    """An edition by its name, or by an id that the API gave it."""
    try:
        kind, key = split_global_id(id_)
    except Exception:
        return id_
    return key if kind == "OfferEdition" else id_
