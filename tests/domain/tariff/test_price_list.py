"""Reading a price list: the annex of the offer comes out exact, and every fault is told with its place."""

import contextlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tariff import price_list
from domain.tariff.price_list import (
    BadPriceList,
    PriceLine,
    PriceList,
    Unit,
    ZonePrefix,
    parse_price_list,
    read_price_list_file,
)

DATA: Final = Path(price_list.__file__).parent / "data"
ANNEX: Final = DATA / "price-list-2022-05-19.csv"
HEADING: Final = "edition,effective_from,order_no,order_date,tariff,zone,zone_name_en,destinations,unit,price_uzs"
EDITION: Final = "e1,2022-05-19,1232/22,2022-05-18"
NEAR: Final = f"{EDITION},welcome,near,Near,KZ continent:EU,minute,2280"
SKY: Final = f"{EDITION},welcome,sky,Sky,sky.csv,minute,25260.5"
FEE: Final = f"{EDITION},welcome,admin-block,Administrative block,,day,421"
MAIN: Final = "\n".join([HEADING, NEAR, SKY, FEE, ""])
PREFIXES: Final = "zone,network,prefix\nsky,Iridium,8816\nsky,Iridium,8817\n"

Place = tuple[str, int, str]


def parse(main: str | bytes = MAIN, prefixes: str | bytes | None = PREFIXES) -> PriceList:
    files = {"main.csv": main, "sky.csv": prefixes}
    return parse_price_list({name: _bytes(text) for name, text in files.items() if text is not None})


def faults_of(main: str | bytes = MAIN, prefixes: str | bytes | None = PREFIXES) -> list[tuple[Place, str, str]]:
    with pytest.raises(BadPriceList) as refused:
        parse(main, prefixes)
    return [((fault.file, fault.line, fault.column), fault.reason, fault.value) for fault in refused.value.faults]


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def with_rows(*rows: str) -> str:
    return MAIN + "".join(f"{row}\n" for row in rows)


def priced(price: str) -> str:
    return with_rows(f"{EDITION},welcome,extra,Extra,,piece,{price}")


def line_of(prices: PriceList, zone: str) -> PriceLine:
    return next(line for line in prices.lines if line.zone_code == zone)


# What a good file gives


@pytest.mark.rule("T-1")
def test_the_annex_is_an_edition_with_its_order_and_date() -> None:
    annex = read_price_list_file(ANNEX)

    assert (annex.edition, annex.effective_from) == ("2022-05-19", date(2022, 5, 19))
    assert (annex.order_no, annex.order_date) == ("1232/22", date(2022, 5, 19))
    assert annex.tariffs == ("welcome",)
    assert annex.lines_of("welcome") == annex.lines


@pytest.mark.rule("T-2")
def test_the_annex_has_the_offers_zones_and_prices() -> None:
    annex = read_price_list_file(ANNEX)

    assert {line.zone_code: (line.price_tiyin, line.unit) for line in annex.lines} == {
        "central-asia": (228_000, Unit.MINUTE),
        "cis": (328_000, Unit.MINUTE),
        "europe": (682_000, Unit.MINUTE),
        "asia-2": (884_000, Unit.MINUTE),
        "asia-3": (1_035_000, Unit.MINUTE),
        "america-africa": (783_000, Unit.MINUTE),
        "australia": (1_137_000, Unit.MINUTE),
        "satellite-1": (2_526_000, Unit.MINUTE),
        "satellite-2": (3_789_000, Unit.MINUTE),
        "satellite-3": (9_262_000, Unit.MINUTE),
        "satellite-4": (12_630_000, Unit.MINUTE),
        "admin-block": (42_100, Unit.DAY),
    }
    assert line_of(annex, "asia-2").countries == {"BH", "SA", "SG", "TR", "MY"}
    assert line_of(annex, "america-africa").continents == {"NA", "SA", "AF"}
    assert line_of(annex, "america-africa").zone_name == "America, Africa"


@pytest.mark.rule("T-3")
def test_the_annex_has_four_satellite_zones_with_their_own_prefixes() -> None:
    annex = read_price_list_file(ANNEX)

    counts = {line.zone_code: len(line.prefixes) for line in annex.lines if line.prefixes}
    assert counts == {"satellite-1": 6, "satellite-2": 10, "satellite-3": 6, "satellite-4": 18}
    assert ZonePrefix("88216", "Inmarsat B; Thuraya") in line_of(annex, "satellite-2").prefixes


def test_files_sent_together_read_as_files_that_lie_together_in_any_order() -> None:
    contents = {path.name: path.read_bytes() for path in DATA.glob("*.csv")}
    backwards = dict(reversed(contents.items()))

    assert parse_price_list(contents) == parse_price_list(backwards) == read_price_list_file(ANNEX)


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(lambda text: "\n" + text.replace("\n", "\n\n"), id="blank lines"),
        pytest.param(lambda text: text.replace(",", " , "), id="spaces around cells"),
        pytest.param(lambda text: text.rstrip("\n"), id="no line end after the last row"),
        pytest.param(lambda text: "\n".join(",".join(row.split(",")[::-1]) for row in text.split("\n")), id="order"),
    ],
)
def test_the_same_prices_spelt_otherwise_are_the_same_price_list(spelt: Callable[[str], str]) -> None:
    assert parse(spelt(MAIN), spelt(PREFIXES)) == parse()


def test_a_file_may_hold_several_tariffs_with_zones_of_the_same_name() -> None:
    both = parse(with_rows(NEAR.replace("welcome", "light").replace("2280", "1500")))

    assert both.tariffs == ("welcome", "light")
    assert [line.price_tiyin for line in both.lines_of("light")] == [150_000]


def test_a_zone_may_have_a_price_for_each_unit() -> None:
    both = parse(with_rows(NEAR.replace("minute", "sms").replace("2280", "300")))

    assert [line.unit for line in both.lines if line.zone_code == "near"] == [Unit.MINUTE, Unit.SMS]


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    prices = parse(MAIN.replace("Near", "=1+1"), PREFIXES.replace("Iridium", "@SUM(A1)"))

    assert line_of(prices, "near").zone_name == "=1+1"
    assert line_of(prices, "sky").prefixes[0].network == "@SUM(A1)"


@pytest.mark.rule("T-1")
@given(tiyin=st.integers(min_value=0, max_value=10**14))
def test_any_price_is_read_exactly(tiyin: int) -> None:
    text = str(Decimal(tiyin).scaleb(-2))

    assert line_of(parse(priced(text)), "extra").price_tiyin == tiyin


@pytest.mark.parametrize(("text", "tiyin"), [("0", 0), ("0.5", 50), ("0.05", 5), ("421.00", 42_100)])
def test_decimals_are_tiyin(text: str, tiyin: int) -> None:
    assert line_of(parse(priced(text)), "extra").price_tiyin == tiyin


# What a bad file is told


@pytest.mark.rule("T-1")
@pytest.mark.parametrize(
    "price",
    ["-1", "+1", "1.005", "1,5", "1 000", "1_000", "1e3", ".5", "5.", "free", "NaN", "٣", "1000000000000.01", "9" * 14],
)
def test_a_price_that_is_not_exact_som_from_nought_to_a_million_million_is_a_fault(price: str) -> None:
    [(place, _, value)] = faults_of(priced(f'"{price}"'))

    assert (place, value) == (("main.csv", 5, "price_uzs"), price)


ROW_FAULTS: Final = [
    ("bad date", NEAR.replace("2022-05-19", "19.05.2022"), "effective_from", "written as 2022-05-19"),
    ("compact date", NEAR.replace("2022-05-18", "20220518"), "order_date", "written as 2022-05-19"),
    ("no such day", NEAR.replace("2022-05-18", "2022-02-30"), "order_date", "no such day"),
    ("another edition", NEAR.replace("e1", "e2"), "edition", "line 3 says e1"),
    ("another order", NEAR.replace("1232/22", "1233/22"), "order_no", "line 3 says 1232/22"),
    ("zone not a slug", NEAR.replace("near", "Near East"), "zone", "small Latin letters"),
    ("tariff not a slug", NEAR.replace("welcome", "welcome_"), "tariff", "small Latin letters"),
    ("unknown country", NEAR.replace("KZ", "UK"), "destinations", "no such country"),
    ("country in small letters", NEAR.replace("KZ", "kz"), "destinations", "no such country"),
    ("unknown continent", NEAR.replace("continent:EU", "continent:XX"), "destinations", "no such continent"),
    ("unknown unit", NEAR.replace("minute", "hour"), "unit", "minute, sms, megabyte, day, month, piece"),
    ("empty cell", NEAR.replace(",Near,", ", ,"), "zone_name_en", "empty"),
    ("long name", NEAR.replace("Near", "N" * 121), "zone_name_en", "longer than 120 characters"),
    ("too few cells", NEAR.rpartition(",")[0], "", "9 cells"),
    ("too many cells", NEAR + ",", "", "11 cells"),
    ("missing file", NEAR.replace("KZ", "moon.csv"), "destinations", "missing"),
    ("path in a file name", NEAR.replace("KZ", "../sky.csv"), "destinations", "without folders"),
    ("Windows path in a file name", NEAR.replace("KZ", r"data\sky.csv"), "destinations", "without folders"),
]


@pytest.mark.parametrize(("row", "column", "reason"), [pytest.param(*case[1:], id=case[0]) for case in ROW_FAULTS])
def test_a_faulty_row_is_told_by_line_and_column(row: str, column: str, reason: str) -> None:
    main = "\n".join([HEADING, "", SKY, FEE, row, ""])

    [(place, told, _)] = faults_of(main)

    assert place == ("main.csv", 5, column)
    assert reason in told


@pytest.mark.rule("T-2")
def test_a_destination_is_in_one_zone_of_a_tariff() -> None:
    main = with_rows(f"{EDITION},welcome,far,Far,FR KZ continent:EU continent:AS,minute,1")

    told = faults_of(main)

    there = "this destination is already in zone near on line 2"
    assert told == [
        (("main.csv", 5, "destinations"), there, "KZ"),
        (("main.csv", 5, "destinations"), there, "continent:EU"),
    ]


@pytest.mark.rule("T-2")
def test_a_zone_is_in_a_tariff_once_for_a_unit() -> None:
    told = faults_of(with_rows(NEAR))

    assert told == [(("main.csv", 5, "zone"), "this zone already has a price per minute on line 2", "near")]


def test_heading_faults_name_the_column_and_the_rows_are_still_read() -> None:
    main = MAIN.replace("order_no", "order_number").replace("price_uzs", "unit").replace(",421", ",-421")

    told = faults_of(main.replace("2022-05-18,welcome,near", "18 May,welcome,near"))

    assert [(place, reason) for place, reason, _ in told if place[1] == 1] == [
        (("main.csv", 1, "order_number"), "this column is not known"),
        (("main.csv", 1, "unit"), "this column is there twice"),
        (("main.csv", 1, "order_no"), "this column is missing"),
        (("main.csv", 1, "price_uzs"), "this column is missing"),
    ]
    assert ("main.csv", 2, "order_date") in [place for place, _, _ in told]


@pytest.mark.rule("T-3")
@pytest.mark.parametrize(
    ("rows", "place", "reason"),
    [
        pytest.param("sky,Iridium,8816", ("sky.csv", 4, "prefix"), "already in zone sky, sky.csv line 2", id="twice"),
        pytest.param("sky,Iridium,+8818", ("sky.csv", 4, "prefix"), "1 to 15 digits", id="plus"),
        pytest.param("sky,Iridium,088", ("sky.csv", 4, "prefix"), "1 to 15 digits", id="leading nought"),
        pytest.param("sky,Iridium,٨٨", ("sky.csv", 4, "prefix"), "1 to 15 digits", id="other digits"),
        pytest.param("sky,Iridium," + "8" * 16, ("sky.csv", 4, "prefix"), "1 to 15 digits", id="16 digits"),
        pytest.param("sky,,8818", ("sky.csv", 4, "network"), "empty", id="no network"),
        pytest.param("sky,8818", ("sky.csv", 4, ""), "2 cells", id="too few cells"),
        pytest.param("sea,Inmarsat,8705", ("sky.csv", 4, "zone"), "no row of the price list", id="zone unknown"),
        pytest.param('sky,"Iridium,8818', ("sky.csv", 4, ""), "cannot be read as CSV", id="open quote"),
    ],
)
def test_a_faulty_prefix_is_told_in_its_own_file(rows: str, place: Place, reason: str) -> None:
    [(told_place, told, _)] = faults_of(MAIN, f"{PREFIXES}{rows}\n")

    assert told_place == place
    assert reason in told


@pytest.mark.rule("T-3")
def test_a_prefix_is_in_one_zone() -> None:
    main = with_rows(SKY.replace("welcome,sky,", "welcome,sea,"))

    told = faults_of(main, PREFIXES + "sea,Seanet,8816\n")

    assert told == [(("sky.csv", 4, "prefix"), "this prefix is already in zone sky, sky.csv line 2", "8816")]


@pytest.mark.rule("T-3")
def test_a_zone_that_names_a_file_has_prefixes_in_it() -> None:
    told = faults_of(with_rows(SKY.replace("welcome,sky,", "welcome,sea,")))

    assert told == [(("main.csv", 5, "destinations"), "sky.csv has no prefixes of zone sea", "sky.csv")]


@pytest.mark.rule("T-3")
def test_zones_are_compared_with_their_files_in_spite_of_faults_elsewhere() -> None:
    main = with_rows(SKY.replace("welcome,sky,", "welcome,sea,")).replace(",421", ",")

    told = faults_of(main, PREFIXES + "moon,,8818\n")

    assert [place for place, _, _ in told] == [
        ("main.csv", 4, "price_uzs"),
        ("main.csv", 5, "destinations"),
        ("sky.csv", 4, "network"),
        ("sky.csv", 4, "zone"),
    ]


def test_nothing_is_called_missing_that_an_unreadable_row_may_hold() -> None:
    assert [place for place, _, _ in faults_of(MAIN.replace(",25260.5", ""))] == [
        ("main.csv", 3, ""),
    ]
    assert [place for place, _, _ in faults_of(MAIN, "zone,network,prefix\nsky,8816\n")] == [("sky.csv", 2, "")]


def test_a_missing_file_is_told_at_the_row_that_names_it() -> None:
    assert faults_of(MAIN, prefixes=None) == [(("main.csv", 3, "destinations"), "this file is missing", "sky.csv")]


def test_a_file_that_no_row_names_is_not_passed_over_in_silence() -> None:
    told = faults_of("\n".join([HEADING, NEAR]))

    assert told == [(("sky.csv", 1, ""), "no row of main.csv names this file", "")]


FILE_FAULTS: Final = [
    ("not UTF-8", MAIN.encode() + "\r\nПрага".encode("cp1251"), 6, "not UTF-8"),
    ("UTF-16", MAIN.encode("utf-16"), 1, "not UTF-8"),
    ("NUL", MAIN.replace("421", "4\x0021").encode(), 4, "NUL"),
    ("too large", MAIN.encode() + b"\n" * 1_000_000, 1, "larger than 1,000,000 bytes"),
    ("empty", b"", 1, "no heading"),
    ("heading alone", HEADING.encode(), 1, "no prices"),
    ("semicolons", MAIN.replace(",", ";").encode(), 1, "semicolons"),
    ("quoted semicolons", MAIN.replace(",", '";"').encode(), 1, "semicolons"),
    ("tabs", MAIN.replace(",", "\t").encode(), 1, "tabs"),
    ("a quote that never closes", f'{HEADING}\n\n\n{EDITION},"welcome\n'.encode(), 4, "cannot be read as CSV"),
]


@pytest.mark.parametrize(("content", "line", "reason"), [pytest.param(*case[1:], id=case[0]) for case in FILE_FAULTS])
def test_a_file_of_the_wrong_form_is_one_clear_fault(content: bytes, line: int, reason: str) -> None:
    with pytest.raises(BadPriceList) as refused:
        parse_price_list({"main.csv": content})

    fault = refused.value.faults[0]
    assert (fault.file, fault.line, fault.column) == ("main.csv", line, "")
    assert reason in fault.reason


def test_rows_past_the_limit_are_not_read() -> None:
    told = faults_of(HEADING + "\n,,,,,,,,," * 20_001 + "\n", prefixes=None)

    assert (("main.csv", 20_002, ""), "the file has more than 20,000 rows", "") in told
    assert max(line for (_, line, _), _, _ in told) == 20_002


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_shows_them(line_end: str) -> None:
    spread = NEAR.replace("Near", '"Near\n\nand\ndear"')
    main = "\n".join([HEADING, spread, "", SKY, FEE, FEE]).replace("\n", line_end)

    [(place, reason, _)] = faults_of(main)

    assert place == ("main.csv", 9, "zone")
    assert reason.endswith("on line 8")


def test_every_fault_is_told_at_once_in_the_order_of_the_files() -> None:
    bad = f"{EDITION},Welcome,far,Far,XX YY,hour,-1"

    told = faults_of(with_rows(bad, NEAR + ",more"), PREFIXES + "sky,,x\n")

    assert [place for place, _, _ in told] == [
        ("main.csv", 5, "destinations"),
        ("main.csv", 5, "destinations"),
        ("main.csv", 5, "tariff"),
        ("main.csv", 5, "unit"),
        ("main.csv", 5, "price_uzs"),
        ("main.csv", 6, ""),
        ("sky.csv", 4, "network"),
        ("sky.csv", 4, "prefix"),
    ]


def test_a_fault_shows_no_more_of_a_cell_than_fits_a_line() -> None:
    [(_, _, value)] = faults_of(MAIN.replace("Near", "N" * 5_000))

    assert len(value) == 80


def test_the_refusal_reads_as_a_sentence_with_the_place() -> None:
    with pytest.raises(BadPriceList, match=r"main.csv, line 2, unit: a unit is one of .* \(hour\)"):
        parse(MAIN.replace("minute", "hour", 1))


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_parse_or_be_refused(content: bytes) -> None:
    for main, prefixes in ((content, PREFIXES), (MAIN.encode() + content, PREFIXES), (MAIN, content)):
        with contextlib.suppress(BadPriceList):
            assert parse(main, prefixes).lines


def test_a_file_without_its_sibling_is_a_fault_and_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    alone = tmp_path / "main.csv"
    alone.write_text(MAIN)

    with pytest.raises(BadPriceList, match=r"this file is missing \(sky.csv\)"):
        read_price_list_file(alone)
    with pytest.raises(FileNotFoundError):
        read_price_list_file(tmp_path / "other.csv")


def test_nothing_sent_is_a_fault() -> None:
    with pytest.raises(BadPriceList, match="no file was sent"):
        parse_price_list({})
