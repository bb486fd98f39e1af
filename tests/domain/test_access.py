"""One-time codes and sessions: one use, one purpose, ten minutes, few tries, few messages (C-2, C-4, A-3.23.4)."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import access
from domain.access import (
    Challenge,
    CodeExpired,
    NewSession,
    OtpPurpose,
    ResendTooSoon,
    SessionEnded,
    TooManyCodes,
    WrongCode,
)
from domain.database import dialect, execute, fetch, fetch_row, in_transaction
from domain.language import Language
from domain.policy import Policy
from domain.quota import Quota
from domain.secrets import Secrets
from tests.support.world import Person, World

MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


class Door:
    """Asks for codes, enters them and keeps sessions, each in a transaction of its own."""

    def __init__(self, world: World, person: Person) -> None:
        self.world, self.person, self.policy = world, person, Policy()

    @in_transaction
    async def ask(
        self, *, phone: str | None = None, purpose: OtpPurpose = OtpPurpose.SIGN_IN, address: str = "192.0.2.7"
    ) -> Challenge:
        return await access.open_challenge(
            phone=phone or self.person.phone,
            purpose=purpose,
            language=Language.EN,
            now=self.world.clock.now(),
            policy=self.policy,
            address=address,
        )

    @in_transaction
    async def ask_again(self, public_id: str) -> Challenge | None:
        now = self.world.clock.now()
        return await access.resend_challenge(public_id, now=now, policy=self.policy, address="192.0.2.7")

    @in_transaction
    async def enter(self, challenge: Challenge, code: str, purpose: OtpPurpose = OtpPurpose.SIGN_IN) -> Challenge:
        return await access.use_code(
            challenge_id=challenge.id,
            code=code,
            purpose=purpose,
            secrets=self.world.secrets,
            now=self.world.clock.now(),
            policy=self.policy,
        )

    async def code(self, challenge: Challenge) -> str:
        """What the message would carry."""
        found = await access.code_to_send(self.world.secrets, challenge.public_id, self.world.clock.now())
        assert found is not None
        return found[1]

    @in_transaction
    async def begin(self) -> NewSession:
        return await access.begin_session(self.person.id, self.person.phone, self.world.clock.now(), self.policy)

    @in_transaction
    async def rotate(self, token: str) -> NewSession:
        return await access.rotate_session(token, self.world.clock.now(), self.policy)


@pytest.fixture
async def door(db: str) -> Door:
    world = World()
    return Door(world, await world.person())


async def outcomes(*calls: Awaitable[Any]) -> Counter[str]:
    """How many of the calls, all at once, ended in which way."""
    ends = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(type(end).__name__ for end in ends)


def wrong(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 10**6:06}"


def limited_to(most: int, limit: str) -> Policy:
    """The usual policy with one limit for an hour changed."""
    changed: dict[str, Any] = {limit: Quota(most, HOUR)}
    return replace(Policy(), **changed)


async def dump() -> str:
    """Every value of every table."""
    tables = await fetch(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if dialect() == "sqlite"
        else "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    return "\n".join([str(await fetch(f"SELECT * FROM {table['name']}")) for table in tables])


# Codes


@pytest.mark.rule("C-2")
async def test_the_right_code_opens_its_challenge(door: Door) -> None:
    challenge = await door.ask()
    code = await door.code(challenge)

    opened = await door.enter(challenge, f" {code[:3]} {code[3:]} ")

    assert re.fullmatch("[0-9]{6}", code)
    assert (opened.id, opened.phone, opened.purpose) == (challenge.id, door.person.phone, "sign_in")


@pytest.mark.rule("C-4")
async def test_a_code_is_good_for_one_use(door: Door) -> None:
    challenge = await door.ask()
    code = await door.code(challenge)
    await door.enter(challenge, code)

    with pytest.raises(CodeExpired):
        await door.enter(challenge, code)


@pytest.mark.rule("C-4")
async def test_a_code_entered_twenty_times_at_once_is_used_once(door: Door) -> None:
    challenge = await door.ask()
    code = await door.code(challenge)

    ends = await outcomes(*(door.enter(challenge, code) for _ in range(20)))

    assert ends == {"Challenge": 1, "CodeExpired": 19}


@pytest.mark.rule("C-4")
@pytest.mark.parametrize(
    ("asked", "entered"), [(OtpPurpose.SIGN_IN, OtpPurpose.ORDER), (OtpPurpose.ORDER, OtpPurpose.SIGN_IN)]
)
async def test_a_code_is_good_for_one_purpose(door: Door, asked: OtpPurpose, entered: OtpPurpose) -> None:
    challenge = await door.ask(purpose=asked)
    code = await door.code(challenge)

    with pytest.raises(WrongCode):
        await door.enter(challenge, code, entered)

    assert await access.challenge_by_public_id(challenge.public_id, entered, door.policy) is None
    assert (await door.enter(challenge, code, asked)).id == challenge.id


@pytest.mark.rule("C-4")
async def test_a_code_opens_no_other_challenge(door: Door) -> None:
    one, two = await door.ask(purpose=OtpPurpose.ORDER), await door.ask(purpose=OtpPurpose.ORDER)
    codes = [await door.code(challenge) for challenge in (one, two)]
    if codes[0] == codes[1]:  # once in a million
        return

    with pytest.raises(WrongCode):
        await door.enter(one, codes[1], OtpPurpose.ORDER)


@pytest.mark.rule("A-3.23.4")
async def test_a_code_lives_ten_minutes(door: Door) -> None:
    early, late = await door.ask(purpose=OtpPurpose.ORDER), await door.ask(purpose=OtpPurpose.ORDER)
    codes = {challenge.id: await door.code(challenge) for challenge in (early, late)}

    door.world.clock.move(timedelta(minutes=10) - MOMENT)
    await door.enter(early, codes[early.id], OtpPurpose.ORDER)
    door.world.clock.move(MOMENT)

    with pytest.raises(CodeExpired) as refused:
        await door.enter(late, codes[late.id], OtpPurpose.ORDER)
    assert refused.value.rule == "A-3.23.4"
    assert await access.code_to_send(door.world.secrets, late.public_id, door.world.clock.now()) is None


@pytest.mark.rule("C-4")
async def test_a_code_dies_after_five_wrong_tries(door: Door) -> None:
    challenge = await door.ask()
    code = await door.code(challenge)
    left = []

    for attempt in range(5):
        with pytest.raises(WrongCode) as refused:
            await door.enter(challenge, wrong(code, attempt + 1))
        left.append(refused.value.tries_left)

    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(CodeExpired):
        await door.enter(challenge, code)


@pytest.mark.rule("C-4")
async def test_thirty_guesses_at_once_are_five_tries(door: Door) -> None:
    challenge = await door.ask()
    code = await door.code(challenge)

    ends = await outcomes(*(door.enter(challenge, wrong(code, n + 1)) for n in range(30)))

    assert ends == {"WrongCode": 5, "CodeExpired": 25}
    with pytest.raises(CodeExpired):
        await door.enter(challenge, code)


@pytest.mark.rule("C-4")
@pytest.mark.parametrize("entered", ["", "      ", "12345", "1234567", "٠١٢٣٤٥", "\x00", "\ud800", "0" * 100_000])
async def test_what_is_no_code_is_a_wrong_one(door: Door, entered: str) -> None:
    challenge = await door.ask()

    with pytest.raises(WrongCode) as refused:
        await door.enter(challenge, entered)

    assert (refused.value.tries_left, refused.value.path) == (4, ("input", "code"))


@pytest.mark.rule("C-4")
async def test_neither_a_code_nor_its_hash_is_in_the_database(door: Door) -> None:
    used, open_ = await door.ask(purpose=OtpPurpose.ORDER), await door.ask(purpose=OtpPurpose.ORDER)
    codes = [await door.code(challenge) for challenge in (used, open_)]
    with pytest.raises(WrongCode):
        await door.enter(used, wrong(codes[0]), OtpPurpose.ORDER)
    await door.enter(used, codes[0], OtpPurpose.ORDER)

    stored = await dump()

    assert used.public_id in stored
    for code in codes:
        assert not re.search(rf"(?<![0-9a-f]){code}(?![0-9a-f])", stored)
        assert hashlib.sha256(code.encode()).hexdigest() not in stored


async def test_another_installations_key_makes_other_codes(door: Door) -> None:
    challenges = [await door.ask(purpose=OtpPurpose.ORDER) for _ in range(4)]
    now, other = door.world.clock.now(), Secrets("another key, just as long as the first")

    ours = [await access.code_to_send(door.world.secrets, challenge.public_id, now) for challenge in challenges]
    theirs = [await access.code_to_send(other, challenge.public_id, now) for challenge in challenges]

    assert ours != theirs


# Messages


@pytest.mark.rule("C-2")
async def test_the_message_carries_the_code_in_the_language_it_was_asked_in(door: Door) -> None:
    challenge = await door.ask()

    message = await access.otp_message(door.world.secrets, challenge.public_id, door.world.clock.now())

    code = await door.code(challenge)
    assert message == (door.person.phone, f"Kabinet code: {code}. Do not tell it to anyone.")


@pytest.mark.parametrize("language", list(Language))
def test_every_message_fits_one_sms(language: Language) -> None:
    text = access.OTP_TEXTS[language].format(code="123456")

    assert len(text) <= (160 if text.isascii() else 70)


@pytest.mark.rule("C-2")
async def test_a_number_of_nobody_gets_the_same_answer_and_no_message(door: Door) -> None:
    known, unknown = await door.ask(), await door.ask(phone="+998909999999")
    now = door.world.clock.now()

    assert replace(unknown, id=known.id, public_id=known.public_id, phone=known.phone) == known
    assert await access.otp_message(door.world.secrets, known.public_id, now) is not None
    assert await access.otp_message(door.world.secrets, unknown.public_id, now) is None
    assert len(await fetch("SELECT 1 FROM outbox WHERE topic = 'otp'")) == 2


async def test_a_number_that_has_ended_gets_no_message(door: Door) -> None:
    challenge = await door.ask()
    await execute("UPDATE subscriber_number SET status = 'ended' WHERE phone = $1", door.person.phone)

    assert await access.otp_message(door.world.secrets, challenge.public_id, door.world.clock.now()) is None


# Limits on sending


@pytest.mark.rule("C-4")
async def test_another_code_can_be_asked_for_after_a_minute(door: Door) -> None:
    first = await door.ask()
    door.world.clock.move(timedelta(seconds=60) - MOMENT)
    before = await door.world.everything("otp_challenge", "outbox", "quota")

    with pytest.raises(ResendTooSoon) as refused:
        await door.ask()
    with pytest.raises(ResendTooSoon):
        await door.ask_again(first.public_id)

    assert refused.value.resend_at == first.resend_at
    assert await door.world.everything("otp_challenge", "outbox", "quota") == before
    door.world.clock.move(MOMENT)
    assert (await door.ask()).id != first.id


@pytest.mark.rule("C-4")
async def test_twenty_who_ask_for_one_number_at_once_send_one_message(door: Door) -> None:
    ends = await outcomes(*(door.ask() for _ in range(20)))

    assert ends["Challenge"] == 1
    assert len(await fetch("SELECT 1 FROM outbox")) == 1


@pytest.mark.rule("S-4.6")
async def test_asking_again_sends_the_same_code_and_does_not_prolong_its_life(door: Door) -> None:
    challenge = await door.ask()
    code = await door.code(challenge)
    door.world.clock.move(timedelta(seconds=60))

    again = await door.ask_again(challenge.public_id)

    assert again is not None
    assert (again.id, again.expires_at) == (challenge.id, challenge.expires_at)
    assert again.resend_at == challenge.resend_at + timedelta(seconds=60)
    assert await door.code(again) == code
    assert len(await fetch("SELECT 1 FROM outbox")) == 2
    assert await door.ask_again("no-such-challenge") is None


async def test_a_code_that_is_over_is_not_sent_again(door: Door) -> None:
    challenge = await door.ask()
    await door.enter(challenge, await door.code(challenge))
    door.world.clock.move(timedelta(seconds=60))

    with pytest.raises(CodeExpired):
        await door.ask_again(challenge.public_id)

    assert len(await fetch("SELECT 1 FROM outbox")) == 1


@pytest.mark.rule("C-4")
@pytest.mark.parametrize("limited", ["otp_per_phone", "otp_per_address", "otp_in_total"])
async def test_sending_is_limited_per_number_per_address_and_in_total(door: Door, limited: str) -> None:
    door.policy = limited_to(3, limited)
    for _ in range(3):
        await door.ask(purpose=OtpPurpose.ORDER)
    before = await door.world.everything("otp_challenge", "outbox", "quota")

    with pytest.raises(TooManyCodes) as refused:
        await door.ask(purpose=OtpPurpose.ORDER)

    assert refused.value.retry_at == door.world.clock.now() + HOUR  # the clock stands at nine sharp
    assert await door.world.everything("otp_challenge", "outbox", "quota") == before
    door.world.clock.move(HOUR)
    await door.ask(purpose=OtpPurpose.ORDER)


@pytest.mark.rule("C-4")
@pytest.mark.parametrize(
    ("limited", "phone", "address", "sends"),
    [
        ("otp_per_phone", "+998909999999", "192.0.2.7", True),
        ("otp_per_phone", None, "192.0.2.8", False),
        ("otp_per_address", None, "192.0.2.8", True),
        ("otp_per_address", "+998909999999", "192.0.2.7", False),
        ("otp_in_total", "+998909999999", "192.0.2.8", False),
    ],
)
async def test_a_limit_counts_what_it_is_for(
    door: Door, limited: str, phone: str | None, address: str, sends: bool
) -> None:
    door.policy = limited_to(1, limited)
    await door.ask(purpose=OtpPurpose.ORDER)

    ends = await outcomes(door.ask(purpose=OtpPurpose.ORDER, phone=phone, address=address))

    assert ends == {"Challenge" if sends else "TooManyCodes": 1}


@pytest.mark.rule("C-4")
async def test_thirty_who_ask_at_once_get_no_more_than_the_limit(door: Door) -> None:
    ends = await outcomes(*(door.ask(purpose=OtpPurpose.ORDER) for _ in range(30)))

    assert ends == {"Challenge": 8, "TooManyCodes": 22}


async def test_addresses_are_not_stored(door: Door) -> None:
    await door.ask(address="198.51.100.23")

    assert "198.51.100.23" not in await dump()


# Sessions


@pytest.mark.rule("C-2")
async def test_a_refresh_token_is_exchanged_for_the_next_one(door: Door) -> None:
    first = await door.begin()

    second = await door.rotate(first.refresh_token)
    third = await door.rotate(second.refresh_token)

    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert {first.session_id, second.session_id, third.session_id} == {first.session_id}
    assert (third.subscriber_id, third.phone) == (door.person.id, door.person.phone)


@pytest.mark.rule("C-2")
async def test_a_refresh_token_used_twice_ends_its_session(door: Door) -> None:
    first, other = await door.begin(), await door.begin()
    second = await door.rotate(first.refresh_token)

    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(SessionEnded):
            await door.rotate(token)

    row = await fetch_row("SELECT ended_why FROM session WHERE id = $1", first.session_id)
    assert row == {"ended_why": "refresh token used twice"}
    assert (await door.rotate(other.refresh_token)).session_id == other.session_id


@pytest.mark.rule("C-2")
async def test_a_refresh_token_used_ten_times_at_once_is_exchanged_once_and_its_session_ends(door: Door) -> None:
    session = await door.begin()

    ends = await outcomes(*(door.rotate(session.refresh_token) for _ in range(10)))

    row = await fetch_row("SELECT ended_at FROM session WHERE id = $1", session.session_id)
    assert ends == {"NewSession": 1, "SessionEnded": 9}
    assert row is not None
    assert row["ended_at"] is not None


@pytest.mark.rule("C-2")
async def test_a_session_that_was_ended_or_left_alone_too_long_is_over(door: Door) -> None:
    signed_out, left_alone = await door.begin(), await door.begin()
    await access.end_session(signed_out.session_id, "signed out", door.world.clock.now())
    with pytest.raises(SessionEnded):
        await door.rotate(signed_out.refresh_token)
    door.world.clock.move(door.policy.session_lifetime)

    for token in (left_alone.refresh_token, "kbr_made-up", ""):
        with pytest.raises(SessionEnded):
            await door.rotate(token)


async def test_ending_a_session_locks_its_wallet_and_keeps_the_first_reason(door: Door) -> None:
    session = await door.begin()
    await execute("UPDATE session SET wallet_unlocked_until = 9999999999999999 WHERE id = $1", session.session_id)

    for why in ("signed out", "again"):
        await access.end_session(session.session_id, why, door.world.clock.now())

    row = await fetch_row("SELECT ended_why, wallet_unlocked_until FROM session WHERE id = $1", session.session_id)
    assert row == {"ended_why": "signed out", "wallet_unlocked_until": None}


@pytest.mark.rule("C-2")
async def test_a_refresh_token_is_not_in_the_database(door: Door) -> None:
    session = await door.begin()

    stored = await dump()

    assert session.refresh_token not in stored
    assert session.refresh_token.removeprefix("kbr_") not in stored
