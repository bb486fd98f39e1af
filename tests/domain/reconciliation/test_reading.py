"""Statements of any size and any contents: what can be read is read, each odd line says why, nothing else happens."""

import contextlib
import io
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import to_micros
from domain.reconciliation.reading import is_provider, read_statement
from domain.reconciliation.rows import (
    FileFault,
    Line,
    LineFault,
    ProviderRow,
    TheirState,
    UnreadableFile,
    UnreadableLine,
)

AT = to_micros(datetime(2026, 11, 1, 10, 0, tzinfo=UTC))
PERFORMED, PENDING, CANCELLED = TheirState.PERFORMED, TheirState.PENDING, TheirState.CANCELLED


def read(provider: str, text: str | bytes) -> list[Line]:
    return list(read_statement(provider, io.BytesIO(text.encode() if isinstance(text, str) else text)))


def faults(lines: list[Line]) -> list[LineFault]:
    return [line.fault for line in lines if isinstance(line, UnreadableLine)]


def test_payme_counts_tiyin_and_milliseconds() -> None:
    text = f"id,time,amount,state\nabc,{AT // 1000},150000,2\ndef,2026-11-01T15:00:00,1,-1\n"

    assert read("payme", text) == [
        ProviderRow(2, "abc", 150_000, AT, PERFORMED),
        ProviderRow(3, "def", 1, AT, CANCELLED),
    ]


@pytest.mark.parametrize(
    ("text", "tiyin"), [("3500", 350_000), ('"3500,50"', 350_050), ("3500.000", 350_000), ('"3,500"', None)]
)
def test_a_thousand_that_may_be_three_decimals_is_not_read(text: str, tiyin: int | None) -> None:
    [line] = read("click", f"id,amount,date\n1,{text},2026-11-01\n")

    assert (line.amount if isinstance(line, ProviderRow) else None) == tiyin


def test_click_counts_som_and_tells_its_states_by_numbers() -> None:
    text = (
        "click_trans_id;amount;sign_time;status\n"
        "1;1 500,50;2026-11-01 15:00:00;2\n2;10.00;01.11.2026 15:00:00;0\n3;10;2026-11-01T10:00:00Z;-5017\n"
    )

    assert read("click", text) == [
        ProviderRow(2, "1", 150_050, AT, PERFORMED),
        ProviderRow(3, "2", 1_000, AT, PENDING),
        ProviderRow(4, "3", 1_000, AT, CANCELLED),
    ]


def test_a_partners_own_ids_are_read_as_they_are_kept() -> None:
    [row] = read("partner:p", "externalId,amount,at,status\nt-1,5,2026-11-01T15:00:00+05:00,captured\n")

    assert row == ProviderRow(2, "x:t-1", 500, AT, PERFORMED)


def test_without_a_column_of_states_all_are_paid() -> None:
    assert [row.state for row in read("click", "id,amount,date\n1,5,2026-11-01\n")] == [PERFORMED]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "head", ["\ufeffID , Amount,TIME,State", "\n\nstate\tx\ttime\tamount\tid", 'id,amount,"time",state']
)
def test_columns_are_known_by_their_names(head: str) -> None:
    names = [name.strip(' "\ufeff\n').lower() for name in head.replace("\t", ",").split(",")]
    values = {"id": "abc", "amount": "7", "time": "2026-11-01 15:00", "state": "2", "x": "-"}
    separator = "\t" if "\t" in head else ","

    [row] = read("payme", f"{head}\r\n{separator.join(values[name] for name in names)}\r\n")

    assert row == ProviderRow(row.line, "abc", 7, AT, PERFORMED)


def test_a_quoted_field_runs_over_lines_and_a_quote_that_never_ends_costs_one_line() -> None:
    text = """id,amount,time,state,note
a,1,2026-11-01,2,"two
lines; ""quoted""\"
b,1,2026-11-01,2,"open
c,1,2026-11-01,2,
"""

    lines = read("payme", text)

    assert [line.external_id for line in lines if isinstance(line, ProviderRow)] == ["a", "c"]
    assert [line for line in lines if isinstance(line, UnreadableLine)] == [UnreadableLine(4, LineFault.BAD_QUOTES)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",1,2026-11-01,2", LineFault.NO_ID),
        ("i" * 101 + ",1,2026-11-01,2", LineFault.NO_ID),
        ("a\x07,1,2026-11-01,2", LineFault.NO_ID),
        ("a,0,2026-11-01,2", LineFault.BAD_AMOUNT),
        ("a,-5,2026-11-01,2", LineFault.BAD_AMOUNT),
        ("a,1.5,2026-11-01,2", LineFault.BAD_AMOUNT),
        ("a,1e5,2026-11-01,2", LineFault.BAD_AMOUNT),
        ("a,٣,2026-11-01,2", LineFault.BAD_AMOUNT),
        ("a," + "9" * 5_000 + ",2026-11-01,2", LineFault.BAD_AMOUNT),
        ("a,1,yesterday,2", LineFault.BAD_TIME),
        ("a,1,2026-02-30,2", LineFault.BAD_TIME),
        ("a,1,0001-01-01,2", LineFault.BAD_TIME),
        ("a,1,9999999999999,2", LineFault.BAD_TIME),
        ("a,1,2026-11-01,7", LineFault.BAD_STATE),
        ("a,1,2026-11-01", LineFault.WRONG_FIELDS),
        ("a,1,2026-11-01,2,5", LineFault.WRONG_FIELDS),
        ("a\0,1,2026-11-01,2", LineFault.WRONG_FIELDS),
        ("b" * 200_000, LineFault.TOO_LONG),
    ],
)
def test_an_odd_line_says_why_and_the_rest_is_read(line: str, fault: LineFault) -> None:
    lines = read("payme", f"id,amount,time,state\n{line}\nlast,1,2026-11-01,2\n")

    assert faults(lines) == [fault]
    assert [one.external_id for one in lines if isinstance(one, ProviderRow)] == ["last"]


def test_a_line_that_is_no_utf8_is_one_line() -> None:
    lines = read("click", b"id,amount,date\n\xcf\xf0\xe8,1,2026-11-01\n2,1,2026-11-01\n")

    assert faults(lines) == [LineFault.NOT_UTF8]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", FileFault.EMPTY),
        (b"  \r\n\n", FileFault.EMPTY),
        ("id,сумма\n".encode("cp1251"), FileFault.NOT_UTF8),
        ("id,amount".encode("utf-16"), FileFault.NOT_UTF8),
        (b"PK\x03\x04\x14\0\0\0", FileFault.NOT_UTF8),
        (b"id,amount\n1,2\n", FileFault.NO_COLUMN),
        (b'"id,amount\n1,2\n', FileFault.NOT_A_STATEMENT),
        (b"x" * 300_000, FileFault.NOT_A_STATEMENT),
    ],
)
def test_what_is_no_statement_is_refused(text: bytes, fault: FileFault) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read("payme", text)

    assert refused.value.fault is fault


def transaction(**given: Any) -> dict[str, Any]:
    usual = {
        "id": "t1",
        "time": AT // 1000,
        "amount": 500,
        "state": 2,
        "account": {"phone": "901234567"},
        "reason": None,
    }
    return usual | given


@pytest.mark.parametrize(
    "form",
    [
        '{{"jsonrpc": "2.0", "id": 7, "result": {{"transactions": [{}]}}}}',
        '{{"transactions" :[{}]}}',
        " \n[{}]",
        "{}",
    ],
)
def test_paymes_answer_turned_round(form: str) -> None:
    made = [transaction(), transaction(id="t2", state=-2, note='a "quoted" } brace \\ and [ more')]
    between = "\n" if form == "{}" else ", "

    lines = read("payme", form.format(between.join(json.dumps(one) for one in made)))

    assert lines == [ProviderRow(1, "t1", 500, AT, PERFORMED), ProviderRow(2, "t2", 500, AT, CANCELLED)]


@pytest.mark.parametrize(
    ("given_", "fault"),
    [
        ({"id": None}, LineFault.NO_ID),
        ({"id": ["t"]}, LineFault.NO_ID),
        ({"amount": 1.5}, LineFault.BAD_AMOUNT),
        ({"amount": True}, LineFault.BAD_AMOUNT),
        ({"amount": 10**40}, LineFault.BAD_AMOUNT),
        ({"time": None}, LineFault.BAD_TIME),
        ({"state": 0}, LineFault.BAD_STATE),
        ({"note": "x" * 100_000}, LineFault.TOO_LONG),
        ({"note": 'a "quoted" } and \\ { ' * 20_000}, LineFault.TOO_LONG),
        ({"note": [{"a": "}"}] * 20_000}, LineFault.TOO_LONG),
    ],
)
def test_an_odd_transaction_says_why_and_the_rest_is_read(given_: dict[str, Any], fault: LineFault) -> None:
    lines = read("payme", json.dumps([transaction(**given_), transaction(id="last")]))

    assert faults(lines) == [fault]
    assert [one.external_id for one in lines if isinstance(one, ProviderRow)] == ["last"]


@pytest.mark.parametrize("text", ['[{"id": 1', '[{"id": "', "[", '{"transactions": [{}', "[{}"])
def test_a_file_that_breaks_off_is_told(text: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read("payme", text)

    assert refused.value.fault is FileFault.CUT_SHORT


@pytest.mark.parametrize(
    "text",
    [
        *("[1, 2]", '{"a": 1} x', "[[" * 9_999, '["' + "{" * 200_000),
        *('{"jsonrpc": "2.0", "id": 1, "error": {"code": -32504}}', '{"result": {"meta": {}, "transactions": []}}'),
    ],
)
def test_other_json_is_no_statement(text: str) -> None:
    with pytest.raises(UnreadableFile):
        read("payme", text)


def test_deep_nesting_is_one_bad_transaction() -> None:
    deep = '{"a":' * 3_000 + "1" + "}" * 3_000

    assert faults(read("payme", f"[{deep}]")) in ([LineFault.NOT_JSON], [LineFault.NO_ID])


BEGINNINGS = (b"", b"[", b"[{", b"id,amount,time\n")


@given(
    provider=st.sampled_from(["payme", "click", "partner:p"]),
    begin=st.sampled_from(BEGINNINGS),
    rest=st.binary(max_size=400),
)
def test_no_file_does_anything_else(provider: str, begin: bytes, rest: bytes) -> None:
    try:
        lines = read(provider, begin + rest)
    except UnreadableFile:
        return
    assert all(isinstance(line, ProviderRow | UnreadableLine) for line in lines)


PAYMENTS = st.tuples(
    st.text("0123456789abcdef", min_size=1, max_size=24),
    st.integers(1, 10**12),
    st.integers(10**12, 2 * 10**12),
    st.sampled_from(["1", "2", "-1", "-2"]),
)


@given(st.lists(PAYMENTS, max_size=30))
def test_csv_and_json_of_the_same_payments_read_the_same(made: list[tuple[str, int, int, str]]) -> None:
    csv_text = "id,amount,time,state\n" + "".join(f"{i},{amount},{at},{state}\n" for i, amount, at, state in made)
    json_text = json.dumps([{"id": i, "amount": a, "time": at, "state": int(state)} for i, a, at, state in made])

    def told(lines: list[Line]) -> list[tuple[Any, ...]]:
        return [(row.external_id, row.amount, row.at, row.state) for row in lines if isinstance(row, ProviderRow)]

    assert told(read("payme", csv_text)) == told(read("payme", json_text))
    assert len(told(read("payme", csv_text))) == len(made)


@pytest.mark.parametrize("begin", [b"id,amount,time,state\n", b'id,amount,time\n"', b'[{"id": "'])
def test_a_line_without_end_takes_no_memory(begin: bytes) -> None:
    tracemalloc.start()
    with contextlib.suppress(UnreadableFile):
        for _ in read_statement("payme", _Once(begin, 20_000_000)):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3_000_000


class _Once(io.BytesIO):
    """A file that begins with `begin` and goes on with x; only its position is kept."""

    def __init__(self, begin: bytes, size: int) -> None:
        super().__init__()
        self.begin, self.size, self.at = begin, size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset
        return offset

    def read(self, size: int | None = -1) -> bytes:
        wanted = min(size if size is not None and size >= 0 else self.size, self.size - self.at)
        found = (self.begin[self.at : self.at + wanted] + b"x" * wanted)[:wanted]
        self.at += wanted
        return found

    def readline(self, size: int | None = -1) -> bytes:
        ahead = self.begin.find(b"\n", self.at)
        return self.read(ahead + 1 - self.at if ahead >= 0 else size)


def test_statements_are_of_payment_systems_and_partners() -> None:
    assert all(map(is_provider, ("payme", "click", "partner:p")))
    assert not any(map(is_provider, ("partner:", "visa", "")))
