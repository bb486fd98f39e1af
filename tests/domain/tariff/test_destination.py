"""Where a number leads: checked against the annex of the offer and against the numbering plans of the world."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import phonenumbers
import pytest
from babel import Locale
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from domain.tariff import price_list
from domain.tariff.countries import CONTINENT_OF_COUNTRY, CONTINENTS, COUNTRY_OF_PREFIX, GLOBAL_CODES
from domain.tariff.destination import Match, Rates, parse_international, resolve
from domain.tariff.price_list import PriceLine, Unit, ZonePrefix, read_price_list_file

ANNEX: Final = read_price_list_file(Path(price_list.__file__).parent / "data" / "price-list-2022-05-19.csv")
WELCOME: Final = Rates.of(ANNEX.lines_of("welcome"))

ZONE_OF_CONTINENT: Final = {
    "AF": "america-africa",
    "AN": None,
    "AS": "asia-3",
    "EU": "europe",
    "NA": "america-africa",
    "OC": "australia",
    "SA": "america-africa",
}
ZONE_OF_COUNTRY: Final[Mapping[str, str | None]] = {
    **{country: ZONE_OF_CONTINENT[continent] for country, continent in CONTINENT_OF_COUNTRY.items()},
    **dict.fromkeys(("KZ", "TJ", "KG", "TM"), "central-asia"),
    **dict.fromkeys(("AM", "AZ", "BY", "GE", "MD", "RU", "UA"), "cis"),
    **dict.fromkeys(("BH", "SA", "SG", "TR", "MY"), "asia-2"),
    "UZ": None,
}
# Regions of the numbering plans that are no countries of ISO 3166-1: Ascension and Tristan da Cunha.
ISO_OF_REGION: Final = {"AC": "SH", "TA": "SH"}
REGIONS: Final = sorted(phonenumbers.SUPPORTED_REGIONS)
SHARING_REGIONS: Final = sorted(
    region for regions in COUNTRY_CODE_TO_REGION_CODE.values() if len(regions) > 1 for region in regions
)


def line(zone: str, *countries: str, continents: str = "", prefixes: str = "", tariff: str = "welcome") -> PriceLine:
    own = tuple(ZonePrefix(prefix, "Network") for prefix in prefixes.split())
    reach = frozenset(countries), frozenset(continents.split()), own
    return PriceLine(tariff, zone, zone.title(), Unit.MINUTE, 100, *reach)


def zone_of(number: str, *lines: PriceLine) -> str | None:
    """The zone by the lines given, or by the annex."""
    return zone_by(Rates.of(lines) if lines else WELCOME, number)


def zone_by(rates: Rates, number: str) -> str | None:
    match = resolve(number, rates)
    return match.zone_code if match else None


# The annex


@pytest.mark.rule("T-3")
def test_a_satellite_is_known_by_its_prefix() -> None:
    match = resolve("+881612345678", WELCOME)

    assert match is not None
    assert (match.zone_code, match.matched_prefix, match.country) == ("satellite-3", "8816", None)
    assert match.price_line.price_tiyin == 9_262_000


@pytest.mark.rule("T-3")
@pytest.mark.parametrize("own", [own for price in ANNEX.lines for own in price.prefixes], ids=lambda own: own.prefix)
def test_every_prefix_of_the_annex_leads_to_its_own_zone(own: ZonePrefix) -> None:
    match = resolve(f"+{own.prefix}".ljust(13, "4"), WELCOME)

    assert match is not None
    assert match.matched_prefix == own.prefix
    assert own in match.price_line.prefixes


@pytest.mark.rule("T-3")
@pytest.mark.parametrize("code", GLOBAL_CODES)
def test_a_number_of_no_country_outside_the_listed_prefixes_is_unknown(code: str) -> None:
    listed = {own.prefix for price in ANNEX.lines for own in price.prefixes}
    numbers = [f"+{code}{rest:02}123456" for rest in range(100)]

    unlisted = [number for number in numbers if not any(number[1:].startswith(prefix) for prefix in listed)]

    assert unlisted
    assert [number for number in unlisted if resolve(number, WELCOME) is not None] == []


@pytest.mark.rule("T-2")
@pytest.mark.parametrize(
    ("number", "country", "prefix", "zone"),
    [
        ("+79161234567", "RU", "7", "cis"),
        ("+73362212345", "RU", "7", "cis"),
        ("+77011234567", "KZ", "77", "central-asia"),
        ("+76001234567", "KZ", "76", "central-asia"),
        ("+12125551234", "US", "1", "america-africa"),
        ("+14165551234", "CA", "1416", "america-africa"),
        ("+12425551234", "BS", "1242", "america-africa"),
        ("+18765551234", "JM", "1876", "america-africa"),
        ("+17875551234", "PR", "1787", "america-africa"),
        ("+16715551234", "GU", "1671", "australia"),
        ("+16705551234", "MP", "1670", "australia"),
        ("+16845551234", "AS", "1684", "australia"),
        ("+442079460958", "GB", "44", "europe"),
        ("+441481960194", "GG", "441481", "europe"),
        ("+441534960194", "JE", "441534", "europe"),
        ("+441624960194", "IM", "441624", "europe"),
        ("+390612345678", "IT", "39", "europe"),
        ("+390669812345", "VA", "3906698", "europe"),
        ("+358912345678", "FI", "358", "europe"),
        ("+3581812345", "AX", "35818", "europe"),
        ("+4721234567", "NO", "47", "europe"),
        ("+4779123456", "SJ", "4779", "europe"),
        ("+61212345678", "AU", "61", "australia"),
        ("+61891641234", "CX", "6189164", "australia"),
        ("+61891621234", "CC", "6189162", "australia"),
        ("+212520123456", "MA", "212", "america-africa"),
        ("+212528812345", "EH", "2125288", "america-africa"),
        ("+262262161234", "RE", "262", "america-africa"),
        ("+262269601234", "YT", "262269", "america-africa"),
        ("+590590201234", "GP", "590", "america-africa"),
        ("+590590271234", "BL", "59059027", "america-africa"),
        ("+590590511234", "BL", "59059051", "america-africa"),
        ("+590590871234", "BL", "59059087", "america-africa"),
        ("+590590771234", "MF", "59059077", "america-africa"),
        ("+59994151234", "CW", "599", "america-africa"),
        ("+5997151234", "BQ", "5997", "america-africa"),
        ("+2472123", "SH", "247", "america-africa"),
        ("+2908123", "SH", "290", "america-africa"),
        ("+50031234", "FK", "500", "america-africa"),
        ("+672322123", "NF", "672", "australia"),
        ("+38328012345", "XK", "383", "europe"),
        ("+902123456789", "TR", "90", "asia-2"),
        ("+995322123456", "GE", "995", "cis"),
        ("+861012345678", "CN", "86", "asia-3"),
    ],
)
def test_the_country_is_told_by_the_longest_prefix(number: str, country: str, prefix: str, zone: str) -> None:
    match = resolve(number, WELCOME)

    assert match is not None
    assert (match.country, match.matched_prefix, match.zone_code) == (country, prefix, zone)


@pytest.mark.rule("T-2")
@pytest.mark.parametrize("number", ["+998901234567", "998901234567", "+672112345", "+999123456", "+210123456"])
def test_home_antarctica_and_codes_of_nobody_have_no_zone(number: str) -> None:
    assert resolve(number, WELCOME) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "+0123456",
        "+4420794609581234",
        "+44 20 7946 0958",
        "+44-2079460958",
        "++442079460958",
        "+44٢٠٧",
        "+44x",
    ],
)
def test_what_is_no_e164_number_has_no_zone(text: str) -> None:
    assert resolve(text, WELCOME) is None


# The world's numbering plans


def country_of(digits: str) -> str | None:
    lengths = range(15, 0, -1)
    return next((COUNTRY_OF_PREFIX[digits[:n]] for n in lengths if digits[:n] in COUNTRY_OF_PREFIX), None)


def test_countries_are_those_of_iso_3166_and_kosovo_each_on_a_continent() -> None:
    no_countries = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
    territories = {code for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))}

    assert set(CONTINENT_OF_COUNTRY) == territories - no_countries
    assert set(CONTINENT_OF_COUNTRY.values()) == CONTINENTS == set(ZONE_OF_CONTINENT)


def test_every_calling_code_is_a_countrys_or_of_no_country() -> None:
    codes = {str(code) for code in COUNTRY_CODE_TO_REGION_CODE}

    assert {code for code in codes if country_of(code) is None} == set(GLOBAL_CODES)
    assert set(COUNTRY_OF_PREFIX.values()) <= set(CONTINENT_OF_COUNTRY)


def planned_country(number: phonenumbers.PhoneNumber) -> str | None:
    """The country that the numbering plans give the number to; None for a number that no plan has."""
    if e164(number).startswith("+6721"):
        return "AQ"  # Antarctic stations, which the plans count to Norfolk Island.
    if phonenumbers.is_valid_number_for_region(number, "EH") and e164(number).startswith("+2125"):
        return "EH"  # Fixed lines of Western Sahara, which the plans count to Morocco too.
    region = phonenumbers.region_code_for_number(number)
    return ISO_OF_REGION.get(region, region) if region else None


def e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.rule("T-2")
@pytest.mark.parametrize("region", REGIONS)
def test_the_example_number_of_every_region_has_the_zone_of_its_country(region: str) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    country = planned_country(example)

    assert country is not None
    assert country_of(e164(example)[1:]) == country
    assert zone_of(e164(example)) == ZONE_OF_COUNTRY[country]


@st.composite
def dialled_numbers(draw: st.DrawFn) -> phonenumbers.PhoneNumber:
    """A fixed or mobile number of some region; the regions that share a code come up as often as the others."""
    region = draw(st.sampled_from(REGIONS) | st.sampled_from(SHARING_REGIONS))
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    kinds = (metadata.fixed_line, metadata.mobile)
    pattern = draw(st.sampled_from([found for kind in kinds if kind and (found := kind.national_number_pattern)]))
    national = draw(st.from_regex(re.compile(pattern), fullmatch=True, alphabet="0123456789"))
    # A few plans, such as the German one, run past the 15 digits of E.164.
    assume(len(f"{metadata.country_code}{national}") <= 15)
    return phonenumbers.parse(f"+{metadata.country_code}{national}")


@pytest.mark.rule("T-2")
@settings(max_examples=400)
@given(number=dialled_numbers())
def test_any_number_leads_to_the_country_that_its_numbering_plan_gives_it_to(number: phonenumbers.PhoneNumber) -> None:
    country = country_of(e164(number)[1:])

    assert country is not None
    assert country == (planned_country(number) or country)
    assert zone_of(e164(number)) == ZONE_OF_COUNTRY[country]


# The rule of the longest prefix


@pytest.mark.rule("T-2")
def test_a_country_that_is_named_wins_over_its_continent() -> None:
    lines = line("near", "TR"), line("asia", continents="AS")

    assert zone_of("+902123456789", *lines) == "near"
    assert zone_of("+902123456789", *reversed(lines)) == "near"
    assert zone_of("+861012345678", *lines) == "asia"


@pytest.mark.rule("T-2")
def test_a_zones_own_prefix_wins_over_a_shorter_or_equal_one_of_a_country() -> None:
    lines = line("russia", "RU"), line("moscow", prefixes="7495"), line("germany", "DE"), line("all-49", prefixes="49")

    assert zone_of("+74951234567", *lines) == "moscow"
    assert zone_of("+78121234567", *lines) == "russia"
    assert zone_of("+4930123456", *lines) == "all-49"


@pytest.mark.rule("T-2")
def test_a_zones_own_prefix_loses_to_a_longer_one_of_a_country() -> None:
    lines = line("seven", prefixes="7"), line("near", "KZ")

    assert zone_of("+77011234567", *lines) == "near"
    assert zone_of("+79161234567", *lines) == "seven"


@pytest.mark.rule("T-2")
def test_a_country_without_a_price_is_not_priced_as_the_one_whose_code_it_shares() -> None:
    assert zone_of("+12125551234", line("states", "US")) == "states"
    assert zone_of("+12425551234", line("states", "US")) is None


def test_a_prefix_within_a_country_still_tells_the_country() -> None:
    match = resolve("+77011234567", Rates.of([line("mobile", prefixes="7701")]))

    assert match == Match("mobile", line("mobile", prefixes="7701"), "7701", "KZ")


@pytest.mark.rule("T-2")
def test_home_is_not_abroad_even_where_a_price_list_names_it() -> None:
    lines = line("home", "UZ", prefixes="99890 998"), line("asia", continents="AS")

    assert zone_of("+998901234567", *lines) is None


def test_prices_of_other_units_do_not_price_calls() -> None:
    sms = PriceLine("welcome", "sms", "SMS", Unit.SMS, 5, frozenset({"KZ"}), frozenset({"EU"}), ())

    assert Rates.of([sms]).by_prefix.keys() == COUNTRY_OF_PREFIX.keys()
    assert zone_of("+77011234567", sms) is None


def test_lines_of_two_tariffs_do_not_make_rates() -> None:
    with pytest.raises(ValueError, match="one tariff"):
        Rates.of([line("near", "KZ"), line("near", "KZ", tariff="light")])


@pytest.mark.rule("T-2")
@given(
    prefixes=st.lists(st.text("0123456789", min_size=1, max_size=6).filter(lambda p: p[0] != "0"), unique=True),
    digits=st.text("0123456789", min_size=1, max_size=15),
)
def test_the_longest_of_all_prefixes_decides(prefixes: list[str], digits: str) -> None:
    lines = [line(f"zone-{prefix}", prefixes=prefix) for prefix in prefixes]
    matching = [prefix for prefix in {*prefixes, *COUNTRY_OF_PREFIX} if digits.startswith(prefix)]
    longest = max(matching, key=len, default="")
    abroad = longest in prefixes and not longest.startswith("998")

    assert zone_by(Rates.of(lines), digits) == (f"zone-{longest}" if abroad else None)


# Numbers as people dial them


@pytest.mark.parametrize(
    "text",
    [
        "+442079460958",
        "00442079460958",
        "00 44 20 7946 0958",
        "+44 (20) 7946-0958",
        "(+44) 20 7946 0958",
        "+44\u00a020\u20117946\u20130958",
        "810442079460958",
        "8-10-44-2079460958",
        "8 (10) 44 20 7946 0958",
        " +442079460958\n",
    ],
)
def test_an_international_number_is_read_as_people_dial_it(text: str) -> None:
    assert parse_international(text) == "442079460958"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "only digits"),
        ("+", "only digits"),
        ("+44 CALL ME", "only digits"),
        ("+44207946095٨", "only digits"),
        ("44+2079460958", "only digits"),
        ("++442079460958", "only digits"),
        ("+44.20.7946", "only digits"),
        ("+44 (0) 20 7946 0958", "without the \\(0\\)"),
        ("442079460958", "begins with \\+ or 00"),
        ("0442079460958", "begins with \\+ or 00"),
        ("8103012", "at least 5"),
        ("810999123456", "begins with \\+ or 00"),
        ("810012345678", "begins with \\+ or 00"),
        ("+0442079460958", "begins with 0"),
        ("000442079460958", "begins with 0"),
        ("00", "at least 5"),
        ("+4420", "at least 5"),
        ("+4420794609581234", "at most 15"),
    ],
)
def test_what_is_no_international_number_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_international(text)


def test_a_plus_makes_81_japan_and_without_it_8_10_is_the_old_prefix() -> None:
    assert parse_international("+81012345678") == "81012345678"
    assert parse_international("81012345678") == "12345678"
    assert parse_international("810881612345678") == "881612345678"


@given(
    digits=st.from_regex(r"[1-9][0-9]{4,14}", fullmatch=True, alphabet="0123456789"),
    prefix=st.sampled_from(("+", "00")),
    separators=st.lists(st.sampled_from(("", " ", "-", "(", ")")), min_size=17, max_size=17),
)
def test_separators_never_change_the_number(digits: str, prefix: str, separators: list[str]) -> None:
    spread = prefix + "".join(digit + mark for digit, mark in zip(digits, separators, strict=False))

    if "(0)" not in spread:
        assert parse_international(spread) == digits
