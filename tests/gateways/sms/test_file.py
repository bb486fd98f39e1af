import asyncio
import json
import multiprocessing
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.clock import SetClock
from gateways.sms import SmsNotSent, open_sms
from gateways.sms.console import ConsoleSms
from gateways.sms.fake import FakeSms, SentSms

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def lines_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_each_message_is_a_line_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "sms.jsonl"
    gateway = open_sms(f"file://{path.as_posix().replace(' ', '%20')}", clock=SetClock(AT))

    await gateway.send(to="+998901234567", text="Kod: 1234\nʻ", reference="r1")
    await gateway.send(to="+998931112233", text="second", reference="r2")

    assert lines_of(path) == [
        {"to": "+998901234567", "text": "Kod: 1234\nʻ", "at": "2026-03-01T09:30:00+00:00"},
        {"to": "+998931112233", "text": "second", "at": "2026-03-01T09:30:00+00:00"},
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def write_many(path: str, name: str) -> None:
    async def write() -> None:
        gateway = open_sms(f"file://{path}")
        for number in range(100):
            await gateway.send(to="+998901234567", text=f"{name}-{number}-" + "x" * 3000, reference="r")

    asyncio.run(write())


def test_lines_of_several_processes_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "sms.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(path), name)) for name in "abc"]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    found = [line["text"].rsplit("-", 1)[0] for line in lines_of(path)]
    assert sorted(found) == sorted(f"{name}-{number}" for name in "abc" for number in range(100))


async def test_a_file_that_cannot_be_written_may_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "sms.jsonl").mkdir()
    gateway = open_sms(f"file://{tmp_path}/sms.jsonl")

    with pytest.raises(SmsNotSent) as refusal:
        await gateway.send(to="+998901234567", text="secret", reference="r1")

    assert refusal.value.retry
    assert "secret" not in refusal.value.reason


async def test_the_console_shows_the_message_to_a_developer(capsys: pytest.CaptureFixture[str]) -> None:
    await ConsoleSms().send(to="+998901234567", text="Kod: 1234", reference="r1")

    assert capsys.readouterr().out == "SMS to +998901234567 [r1]: Kod: 1234\n"


async def test_the_fake_keeps_what_was_sent_and_fails_as_often_as_told() -> None:
    sms = FakeSms()
    sms.fail(2, reason="no money", retry=False)

    for _ in range(2):
        with pytest.raises(SmsNotSent, match="no money") as refusal:
            await sms.send(to="+998901234567", text="lost", reference="r1")
        assert not refusal.value.retry
    assert sms.sent == []
    await sms.send(to="+998901234567", text="kept", reference="r2")

    assert sms.sent == [SentSms("+998901234567", "kept", "r2")]
    assert sms.to("+998901234567") == ["kept"]
    assert sms.to("+998931112233") == []
