"""The operations can be sent to us as they stand, and what is written of them can be read."""

from itertools import islice
from xml.etree import ElementTree

import orjson
import pytest
from graphql import build_schema, parse, validate

from benchmarks.arena import ROOT
from benchmarks.chart import draw
from benchmarks.data import Caller, People
from benchmarks.load import Measured
from benchmarks.operations import FOLDER, SCREENS, is_good, messages
from benchmarks.rounds import HAND, OURS, Series, ratio

PEOPLE = People([Caller("reader", "1")], [Caller(f"token-{n}", f"97000000000000{n:02d}") for n in range(30)])


@pytest.mark.parametrize("screen", SCREENS)
def test_each_operation_is_valid_by_our_schema(screen: str) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())

    assert validate(schema, parse((FOLDER / f"{screen}.graphql").read_text())) == []


def test_every_transfer_has_a_key_of_its_own_and_another_for_a_receiver() -> None:
    sent = [message.partition(b"\r\n\r\n") for message in islice(messages("transfer", "/graphql", PEOPLE), 100)]
    inputs = [orjson.loads(body)["variables"]["input"] for _, _, body in sent]

    assert len({one["idempotencyKey"] for one in inputs}) == 100
    for n, one in enumerate(inputs):
        assert one["to"] != PEOPLE.holders[n % 30].number
    assert all(f"Content-Length: {len(body)}".encode() in head for head, _, body in sent)


@pytest.mark.parametrize(
    ("status", "answer", "good"),
    [
        (200, b'{"data":{"viewer":{}}}', True),
        (200, b'{"data":null,"errors":[]}', False),
        (200, b'{"data":{"transfer":{"code":"X","message":"No."}}}', False),
        (503, b"", False),
    ],
)
def test_only_data_is_a_good_answer(status: int, answer: bytes, good: bool) -> None:
    assert is_good(status, answer) is good


def test_a_ratio_is_of_the_median_rounds() -> None:
    results = {
        ("home", HAND): Series([Measured()], [100.0, 110.0, 900.0]),
        ("home", OURS): Series([Measured()], [55.0]),
    }

    assert ratio(results, "home", OURS) == pytest.approx(2.0)
    assert ratio(results, "catalogue", OURS) is None


def test_the_chart_is_svg_with_a_bar_for_each_server() -> None:
    results = {("home", HAND): Series([Measured()], [100.0]), ("home", OURS): Series([Measured()], [50.0])}

    chart = ElementTree.fromstring(draw(results, [HAND, OURS]))  # noqa: S314  # our own

    assert len(chart.findall("{http://www.w3.org/2000/svg}rect")) == 2
