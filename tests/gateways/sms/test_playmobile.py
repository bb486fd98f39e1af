import httpx2
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from gateways.sms import SmsNotSent
from gateways.sms.gateway import read_address
from gateways.sms.playmobile import PlayMobileSms
from tests.gateways.sms.providers import FakePlayMobile


def gateway_to(
    provider: FakePlayMobile, *, query: str = "", password: str = "p%40ss", limit_seconds: float = 5
) -> PlayMobileSms:
    address = read_address(
        f"playmobile://user:{password}@127.0.0.1{query}", options=frozenset({"originator", "scheme"})
    )
    return PlayMobileSms(address, transport=provider.transport(), limit_seconds=limit_seconds)


async def send(gateway: PlayMobileSms) -> None:
    await gateway.send(to="+998901234567", text="Kod: 1234", reference="r1")


async def refusal_of(gateway: PlayMobileSms) -> SmsNotSent:
    with pytest.raises(SmsNotSent) as refusal:
        await send(gateway)
    for private in ("901234567", "Kod", "p@ss"):
        assert private not in refusal.value.reason
    return refusal.value


@pytest.mark.parametrize(
    ("query", "sms"),
    [
        ("", {"content": {"text": "Kod: 1234"}}),
        ("?originator=3700&scheme=http", {"originator": "3700", "content": {"text": "Kod: 1234"}}),
    ],
)
async def test_a_message_goes_with_our_reference_as_its_id(query: str, sms: dict[str, object]) -> None:
    provider = FakePlayMobile()

    await send(gateway_to(provider, query=query))

    assert provider.taken == [{"message-id": "r1", "recipient": "998901234567", "sms": sms}]


@pytest.mark.parametrize(
    ("answer", "reason", "retry"),
    [
        (
            JSONResponse({"error-code": 202, "error-description": "Empty recipient 998901234567"}, status_code=400),
            "the SMS provider answered 400, error-code 202",
            False,
        ),
        (JSONResponse({"error-code": "998901234567"}, status_code=400), "the SMS provider answered 400", False),
        (PlainTextResponse("no JSON", status_code=400), "the SMS provider answered 400", False),
        (
            PlainTextResponse("", status_code=301, headers={"location": "https://elsewhere.example/"}),
            "the SMS provider answered 301",
            True,
        ),
        (PlainTextResponse("", status_code=403), "the SMS provider answered 403", True),
        (PlainTextResponse("", status_code=429), "the SMS provider answered 429", True),
        (PlainTextResponse("", status_code=503), "the SMS provider answered 503", True),
    ],
)
async def test_a_refusal_says_whether_to_try_again(answer: Response, reason: str, retry: bool) -> None:
    provider = FakePlayMobile()
    provider.instead.append(answer)

    refusal = await refusal_of(gateway_to(provider))

    assert (refusal.reason, refusal.retry) == (reason, retry)
    assert provider.taken == []


async def test_a_wrong_password_can_be_put_right_later() -> None:
    provider = FakePlayMobile()

    refusal = await refusal_of(gateway_to(provider, password="other"))

    assert (refusal.reason, refusal.retry) == ("the SMS provider answered 401", True)
    assert provider.taken == []


async def test_a_provider_that_stalls_does_not_hold_the_sender() -> None:
    provider = FakePlayMobile()
    provider.stalled = True

    refusal = await refusal_of(gateway_to(provider, limit_seconds=0.05))

    assert (refusal.reason, refusal.retry) == ("the SMS provider did not answer in time", True)


async def test_a_provider_out_of_reach_may_be_tried_again() -> None:
    provider = FakePlayMobile()
    provider.failure = httpx2.ReadError("reset")

    refusal = await refusal_of(gateway_to(provider))

    assert (refusal.reason, refusal.retry) == ("the SMS provider cannot be reached: ReadError", True)
