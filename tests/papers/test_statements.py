"""Statements as files: what is in them, who can open them, and that a long one stays whole while money moves."""

import csv
import io
import json
from datetime import datetime, timedelta
from decimal import Decimal

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from domain.audit import AuditEvent
from domain.language import Language
from domain.ledger import EntryKind, Leg, OperatorAccount, operator_account, post
from domain.money import Money
from domain.refusal import Forbidden, Unauthenticated
from domain.statement import BadPeriod, EntryFilter
from resolvers import statement, wallet
from resolvers.context import Actor, PartnerActor, StaffActor
from resolvers.links import Download
from resolvers.spreadsheet import harmless
from resolvers.statement import FileFormat, Holding, StatementTooLong, Words, entry_filter, statement_file
from tests.papers.counter import Counter, path_of

HOSTILE = ('=HYPERLINK("http://x")', "+998", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1")


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_a_csv_has_every_entry_oldest_first(counter: Counter) -> None:
    alice = await counter.a_history()
    download = await counter.file(alice)

    async with counter.browser() as browser:
        answer = await browser.get(path_of(download))

    rows = rows_of(answer.content)
    assert answer.content.startswith(b"\xef\xbb\xbfWhen,What,Details,")
    assert answer.content.count(b"\r\n") == len(rows) == 5
    assert [row[3:5] for row in rows[1:]] == [
        ["50000.00", "50000.00"],
        ["-100.50", "49899.50"],
        ["-2000.00", "47899.50"],
        ["-12500.00", "35399.50"],
    ]
    assert rows[1][0] == "2026-03-10T14:00:00+05:00"
    assert rows[2][1] == "Transfer sent"


async def test_a_file_leaves_nothing_behind_and_has_a_safe_name(counter: Counter) -> None:
    alice = await counter.a_history()
    download = await counter.file(alice)

    async with counter.browser() as browser:
        answer, head = await browser.get(path_of(download)), await browser.head(path_of(download))

    name = f"wallet-{alice.wallet_number}-2026-03-10-2026-03-10.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert (head.status_code, head.content) == (200, b"")
    assert alice.phone not in download.url
    assert alice.wallet_number not in download.url


async def test_what_people_write_is_never_a_formula(counter: Counter) -> None:
    alice, funding = await counter.a_history(), await operator_account(OperatorAccount.FUNDING)
    for words in HOSTILE:
        legs = [
            Leg(funding, EntryKind.TOP_UP, Money(-1)),
            Leg(alice.wallet_ledger, EntryKind.TOP_UP, Money(1)),
        ]
        await post("top_up", legs, at=counter.world.clock.now(), memo={"purpose": words})

    async with counter.browser() as browser:
        table = await browser.get(path_of(await counter.file(alice)))
        book = await browser.get(path_of(await counter.file(alice, FileFormat.XLSX)))

    assert [row[2] for row in rows_of(table.content)[-7:]] == [f"'{words}" for words in HOSTILE]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
    assert [str(row[2]).strip("\t\r") for row in sheet[-7:]] == [words.strip("\t\r") for words in HOSTILE]
    assert harmless("2 + 2 = 4") == "2 + 2 = 4"


async def test_a_workbook_holds_the_same_as_numbers_and_times(counter: Counter) -> None:
    alice = await counter.a_history()

    async with counter.browser() as browser:
        answer = await browser.get(path_of(await counter.file(alice, FileFormat.XLSX, language=Language.RU)))

    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    rows = book.get_sheet_by_index(0).to_python()
    assert book.sheet_names == [alice.wallet_number]
    assert rows[0] == ["Когда", "Что", "Подробности", "Сумма, сум", "Остаток, сум", "Квитанция"]
    assert [row[3:5] for row in rows[1:3]] == [[50_000, 50_000], [-100.5, 49_899.5]]
    assert (rows[1][0].hour, rows[1][0].tzinfo) == (14, None)  # type: ignore[union-attr]  # a time, in Tashkent


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.EN, ("Statement", "Transfer sent", "10 March 2026", "1 / 1")),
        (Language.RU, ("Выписка", "Остаток в конце", "10 марта 2026")),
        (Language.UZ, ("Hisobdan koʻchirma", "Oxiridagi qoldiq", "2026-yil 10-mart")),
        (Language.UZ_CYRL, ("Ҳисобдан кўчирма", "Охиридаги қолдиқ", "2026-йил 10-март")),
    ],
)
async def test_a_pdf_is_in_the_reader_s_language(counter: Counter, language: Language, words: tuple[str, ...]) -> None:
    alice = await counter.a_history()

    async with counter.browser() as browser:
        answer = await browser.get(path_of(await counter.file(alice, FileFormat.PDF, language=language)))

    text = pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    for word in (*words, "Sinov Telekom", "301234567", "Person1", "399"):
        assert word in text, text


async def test_a_file_is_the_same_however_much_money_moves(counter: Counter) -> None:
    alice = await counter.a_history()
    download = await counter.file(alice)

    async with counter.browser() as browser:
        before = await browser.get(path_of(download))
        await counter.world.top_up(alice.wallet_id, Money.som(5))
        after = await browser.get(path_of(download))

    assert before.content == after.content


async def test_a_file_has_what_its_filter_keeps(counter: Counter) -> None:
    alice = await counter.a_history()
    wanted = EntryFilter(incoming=False, least=Money.som(2_000), kinds=frozenset({EntryKind.TRANSFER_OUT}))

    async with counter.browser() as browser:
        answer = await browser.get(path_of(await counter.file(alice, wanted=wanted)))
        paper = await browser.get(path_of(await counter.file(alice, FileFormat.PDF, wanted)))

    assert [row[3] for row in rows_of(answer.content)[1:]] == ["-2000.00", "-12500.00"]
    assert "Only some of the movements" in pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()


@pytest.mark.parametrize("kind", list(FileFormat))
@pytest.mark.parametrize(
    ("since", "until", "entries"),
    [
        (None, "9999-12-31T23:59:59+00:00", 4),
        ("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-12:00", 4),
        ("9999-12-31T23:59:59+00:00", None, 0),
        (None, "0001-01-01T00:00:00+14:00", 0),
    ],
)
async def test_a_period_may_begin_and_end_where_the_calendar_does(
    counter: Counter, kind: FileFormat, since: str | None, until: str | None, entries: int
) -> None:
    alice = await counter.a_history()
    first, last = (datetime.fromisoformat(at) if at else None for at in (since, until))

    async with counter.browser() as browser:
        answer = await browser.get(path_of(await counter.file(alice, kind, entry_filter(since=first, until=last))))

    assert answer.status_code == 200
    assert kind is not FileFormat.CSV or len(rows_of(answer.content)) == 1 + entries


async def test_a_period_that_ends_before_it_begins_is_no_period(counter: Counter) -> None:
    alice = await counter.a_history()
    now = counter.world.clock.now()

    with pytest.raises(BadPeriod):
        await counter.file(alice, wanted=entry_filter(since=now, until=now - timedelta(days=1)))


async def test_a_long_history_is_read_in_pages(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = await counter.a_history()
    monkeypatch.setattr(statement, "PAGE", 3)

    async with counter.browser() as browser:
        answer = await browser.get(path_of(await counter.file(alice)))

    assert [row[3] for row in rows_of(answer.content)[1:]] == ["50000.00", "-100.50", "-2000.00", "-12500.00"]


@pytest.mark.parametrize("kind", [FileFormat.XLSX, FileFormat.PDF])
async def test_a_file_that_would_be_too_long_is_refused(
    counter: Counter, kind: FileFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await counter.a_history()
    monkeypatch.setitem(statement.MOST_ENTRIES, kind, 3)

    with pytest.raises(StatementTooLong) as refused:
        await counter.file(alice, kind)
    shorter = await counter.file(alice, kind, EntryFilter(incoming=False))

    assert refused.value.most == 3
    assert shorter.url


async def test_an_address_is_over_after_ten_minutes(counter: Counter) -> None:
    download = await counter.file(await counter.a_history())

    async with counter.browser() as browser:
        counter.world.clock.move(timedelta(minutes=9, seconds=59))
        opened = await browser.get(path_of(download))
        counter.world.clock.move(timedelta(seconds=1))
        over = await browser.get(path_of(download))

    assert (opened.status_code, over.status_code) == (200, 404)
    assert "This address does not open anything any more" in over.text


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: "A" + token,
        lambda token: token.replace(".", ""),
        lambda token: token.partition(".")[0] + ".",
        lambda token: "." + token.partition(".")[2],
        lambda token: "é" + token,
        lambda token: "A" * 5_000,
        lambda token: token + "=",
    ],
)
async def test_a_changed_address_opens_nothing(counter: Counter, change: object) -> None:
    download = await counter.file(await counter.a_history())
    head, _, token = path_of(download).rpartition("/")
    assert callable(change)

    async with counter.browser() as browser:
        answer = await browser.get(f"{head}/{change(token)}")
        elsewhere = await browser.get(f"/papers/receipt/{token}")

    assert (answer.status_code, elsewhere.status_code) == (404, 404)


async def test_staff_s_downloads_are_noted_and_partners_have_none(counter: Counter) -> None:
    alice = await counter.a_history()
    holding = Holding("wallet", alice.wallet_id, alice.wallet_ledger)

    async def ask(actor: Actor | None) -> Download:
        ctx = counter.world.context(actor)
        return await statement_file(ctx, holding, format=FileFormat.CSV, wanted=EntryFilter(incoming=True))

    await ask(StaffActor(7, "dilnoza", "viewer"))
    with pytest.raises(Forbidden):
        await ask(PartnerActor(1, "shop", frozenset({"topup:write"})))
    with pytest.raises(Unauthenticated):
        await ask(None)

    assert [(one.actor, one.action, one.subject) for one in await AuditEvent.all()] == [
        ("staff:7", "statement.download", f"wallet:{alice.wallet_id}")
    ]


@pytest.mark.parametrize(
    ("kind", "memo", "said"),
    [
        (EntryKind.TOP_UP, {"way": "payme", "recipient": "9800"}, "Payme"),
        (EntryKind.TOP_UP, {"way": "cash agent"}, "cash agent"),
        (EntryKind.TOP_UP, {"way": "partner:p1", "agent": "p1", "source": "Pay", "recipient": "9800"}, "Pay"),
        (
            EntryKind.PAYMENT,
            {"payer": "9800", "recipient": "«Suv» MChJ", "recipient_stir": "301234567"},
            "«Suv» MChJ 301234567",
        ),
        (EntryKind.ADJUSTMENT, {"reason": "duplicate", "payer": "9800"}, "Carried out twice"),
        (EntryKind.ADJUSTMENT, {}, ""),
        (EntryKind.SUBSCRIPTION, {"product": "gone"}, "gone"),
    ],
)
def test_each_movement_says_what_it_was_for(kind: EntryKind, memo: dict[str, str], said: str) -> None:
    amount = 1 if kind is EntryKind.TOP_UP else -1
    row = {"at": 0, "kind": str(kind), "memo": json.dumps(memo), "amount": amount, "balance_after": 0, "transfer_id": 1}

    assert Words(Language.EN, {}).line(row).details == said


async def test_the_other_side_of_a_transfer_is_named_masked(counter: Counter) -> None:
    alice, bob = await counter.world.holder(1_000), await counter.world.holder(10)
    sent = await wallet.transfer(await counter.world.signed_in(alice), to=bob.phone, amount=Decimal(5), key="k")

    async with counter.browser() as browser:
        answer = await browser.get(path_of(await counter.file(alice)))

    [row] = rows_of(answer.content)[2:]
    assert bob.wallet_number in row[2]
    assert bob.phone not in answer.text
    assert row[5] == sent.receipt.number
