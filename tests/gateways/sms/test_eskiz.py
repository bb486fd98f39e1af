import asyncio

import httpx2
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from gateways.sms import SmsNotSent
from gateways.sms.eskiz import EskizSms
from gateways.sms.gateway import read_address
from tests.gateways.sms.providers import FakeEskiz


def gateway_to(eskiz: FakeEskiz, *, query: str = "", limit_seconds: float = 5) -> EskizSms:
    address = read_address(f"eskiz://me%40example.org:pw@notify.eskiz.uz{query}", options=frozenset({"from", "scheme"}))
    return EskizSms(address, transport=eskiz.transport(), limit_seconds=limit_seconds)


async def send(gateway: EskizSms, reference: str = "r1") -> None:
    await gateway.send(to="+998901234567", text="Kod: 1234", reference=reference)


async def refusal_of(gateway: EskizSms) -> SmsNotSent:
    with pytest.raises(SmsNotSent) as refusal:
        await send(gateway)
    for private in ("901234567", "Kod", "pw"):
        assert private not in refusal.value.reason
    return refusal.value


async def test_one_login_serves_many_messages() -> None:
    eskiz = FakeEskiz()
    gateway = gateway_to(eskiz)

    await asyncio.gather(*(send(gateway, f"r{number}") for number in range(5)))

    assert eskiz.logins == 1
    assert {message["user_sms_id"] for message in eskiz.taken} == {"r0", "r1", "r2", "r3", "r4"}
    assert eskiz.taken[0] == {
        "mobile_phone": "998901234567",
        "message": "Kod: 1234",
        "from": "4546",
        "user_sms_id": eskiz.taken[0]["user_sms_id"],
    }


async def test_the_sender_is_the_addresss_choice() -> None:
    eskiz = FakeEskiz()

    await send(gateway_to(eskiz, query="?from=Kabinet"))

    assert eskiz.taken[0]["from"] == "Kabinet"


async def test_an_expired_token_is_refreshed_once_for_all_who_meet_it() -> None:
    eskiz = FakeEskiz()
    gateway = gateway_to(eskiz)
    await send(gateway)

    eskiz.expire()
    await asyncio.gather(*(send(gateway) for _ in range(5)))

    assert (eskiz.logins, eskiz.refreshes, len(eskiz.taken)) == (1, 1, 6)


async def test_a_token_that_cannot_be_refreshed_is_replaced_by_a_login() -> None:
    eskiz = FakeEskiz()
    gateway = gateway_to(eskiz)
    await send(gateway)

    eskiz.expire()
    eskiz.refreshing_works = False
    await send(gateway)

    assert (eskiz.logins, eskiz.refreshes, len(eskiz.taken)) == (2, 1, 2)


async def test_a_refreshed_token_that_is_refused_is_replaced_by_a_login() -> None:
    eskiz = FakeEskiz()
    gateway = gateway_to(eskiz)
    await send(gateway)

    eskiz.expire()
    eskiz.refreshed_tokens_are_good = False
    await send(gateway)

    assert (eskiz.logins, eskiz.refreshes, len(eskiz.taken)) == (2, 1, 2)


async def test_when_no_token_is_good_it_gives_up_for_now() -> None:
    eskiz = FakeEskiz()
    eskiz.expired = 1_000

    refusal = await refusal_of(gateway_to(eskiz))

    assert (refusal.reason, refusal.retry) == ("the SMS provider answered 401", True)
    assert eskiz.logins <= 3
    assert eskiz.taken == []


async def test_a_wrong_password_can_be_put_right_later() -> None:
    eskiz = FakeEskiz()
    eskiz.password = "changed"

    refusal = await refusal_of(gateway_to(eskiz))

    assert (refusal.reason, refusal.retry) == ("the SMS provider did not log us in: 401", True)
    assert eskiz.taken == []


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (JSONResponse({"message": "998901234567 is in the stop list"}, status_code=400), False),
        (JSONResponse({"status": "error", "message": "bad"}, status_code=422), False),
        (JSONResponse({"status": "error", "id": "e1"}), False),
        (PlainTextResponse("<html>Sign in to this Wi-Fi</html>"), True),
        (JSONResponse(["not", "an", "object"]), True),
        (JSONResponse({"status": "waiting"}), True),
        (PlainTextResponse("", status_code=302, headers={"location": "/elsewhere"}), True),
        (PlainTextResponse("", status_code=402), True),
        (PlainTextResponse("", status_code=429), True),
        (PlainTextResponse("", status_code=500), True),
    ],
)
async def test_a_refusal_says_whether_to_try_again(answer: Response, retry: bool) -> None:
    eskiz = FakeEskiz()
    eskiz.instead.append(answer)

    refusal = await refusal_of(gateway_to(eskiz))

    assert refusal.retry is retry
    assert eskiz.taken == []


async def test_a_provider_that_stalls_does_not_hold_the_sender() -> None:
    eskiz = FakeEskiz()
    eskiz.stalled = True

    refusal = await refusal_of(gateway_to(eskiz, limit_seconds=0.05))

    assert (refusal.reason, refusal.retry) == ("the SMS provider did not answer in time", True)


async def test_a_provider_out_of_reach_may_be_tried_again() -> None:
    eskiz = FakeEskiz()
    eskiz.failure = httpx2.ConnectError("998901234567")

    refusal = await refusal_of(gateway_to(eskiz))

    assert (refusal.reason, refusal.retry) == ("the SMS provider cannot be reached: ConnectError", True)
