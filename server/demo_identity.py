"""How the demo's identified people were identified: at a desk, by a made-up document (W-4.2.1)."""

from resolvers.context import Context
from resolvers.wallet import Document, identify
from server.demo_people import DemoSubscriber


async def identified(agent: Context, person: DemoSubscriber, *, wallet_id: int, number: str) -> None:
    """Makes the person's wallet Premium, as the agent would."""
    assert person.birth_date is not None
    await identify(
        agent,
        wallet_id=wallet_id,
        phone=person.phones[0],
        wallet_number=number,
        birth_date=person.birth_date,
        document=Document(
            kind="id_card",
            number="AD0000000",
            last_name=person.last_name,
            first_name=person.first_name,
            patronymic=person.patronymic,
            birth_date=person.birth_date,
            pinfl=f"3{person.birth_date:%d%m%y}0000000",
        ),
        doubt_settled=True,  # no real person has this PINFL
    )
