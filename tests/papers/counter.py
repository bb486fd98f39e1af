"""A counter where papers are fetched, and a town whose people have some."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request

from domain.language import Language, negotiate
from domain.policy import Operator, Policy
from domain.statement import EVERYTHING, EntryFilter
from papers.app import Papers
from resolvers import wallet
from resolvers.context import Context
from resolvers.links import Download
from resolvers.statement import FileFormat, Holding, statement_file
from tests.support.world import Person, World

OPERATOR = Operator("Sinov Telekom", "301234567", "Toshkent", "+998 71 200 00 00")
POLICY = Policy(operator=OPERATOR, public_url="https://cabinet.test")


@dataclass(slots=True)
class Counter:
    world: World

    def context(self, request: Request) -> Context:
        language = negotiate(request.headers.get("accept-language")) or Language.UZ
        return replace(self.world.context(), language=language, policy=POLICY, address="192.0.2.7")

    @asynccontextmanager
    async def browser(self, papers: Papers | None = None) -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(app=Starlette(routes=(papers or Papers(self.context)).routes()))
        async with httpx2.AsyncClient(
            transport=transport, base_url=POLICY.public_url, headers={"accept-language": "en"}
        ) as client:
            yield client

    async def signed_in(self, person: Person) -> Context:
        return replace(await self.world.signed_in(person), policy=POLICY)

    async def a_history(self) -> Person:
        """A holder of 50,000 so'm who sent three amounts to another, whom nobody may see on a check page."""
        alice, bob = await self.world.holder(50_000), await self.world.holder(100)
        ctx = await self.world.signed_in(alice)
        for n, amount in enumerate(("100.50", "2000", "12500")):
            await wallet.transfer(ctx, to=bob.phone, amount=Decimal(amount), key=f"k{n}")
        return alice

    async def file(
        self,
        person: Person,
        kind: FileFormat = FileFormat.CSV,
        wanted: EntryFilter = EVERYTHING,
        language: Language = Language.EN,
    ) -> Download:
        holding = Holding("wallet", person.wallet_id, person.wallet_ledger)
        ctx = await self.signed_in(person)
        return await statement_file(ctx, holding, format=kind, wanted=wanted, language=language)


def path_of(download: Download) -> str:
    return urlsplit(download.url).path
