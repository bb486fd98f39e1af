"""Where a number leads and what a minute there costs: the longest matching dialling prefix wins (T-2, T-3)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from domain.tariff.countries import CONTINENT_OF_COUNTRY, COUNTRY_OF_PREFIX, GLOBAL_CODES, HOME_CODE, HOME_COUNTRY
from domain.tariff.price_list import PriceLine, Unit

_SEPARATORS: Final = re.compile(r"[\s()\-\u2010-\u2015\u2212]+")
_DIGITS: Final = re.compile(r"[0-9]+")
_FEWEST_DIGITS: Final = 5
_MOST_DIGITS: Final = 15
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Match:
    """The line that prices calls to a number, and the dialling prefix (digits) that decided.

    `country` is None for a network of no country, such as a satellite's.
    """

    zone_code: str
    price_line: PriceLine
    matched_prefix: str
    country: str | None


@dataclass(frozen=True, slots=True)
class Rates:
    """The calls of one tariff in one edition, by dialling prefix. Made once, asked for every call."""

    by_prefix: Mapping[str, Match | None]
    """None stands for a country that the tariff has no price for, so that a shorter prefix is not taken instead."""

    @classmethod
    def of(cls, lines: Iterable[PriceLine]) -> "Rates":
        """Rates of a tariff's lines; those not priced per minute are left aside.

        A country that a line names wins over its continent's line, and a line's own prefix over a country's.
        """
        per_minute = [line for line in lines if line.unit is Unit.MINUTE]
        if len({line.tariff for line in per_minute}) > 1:
            raise ValueError("rates are made from the lines of one tariff")
        return cls(_of_countries(per_minute) | _of_own_prefixes(per_minute))


def resolve(number: str, rates: Rates) -> Match | None:
    """The zone and price of a call to an E.164 number, with or without its plus.

    None for an unknown destination, for what is no such number, and for Uzbekistan, which is not abroad.
    """
    digits = number.removeprefix("+")
    if not _DIGITS.fullmatch(digits) or len(digits) > _MOST_DIGITS:
        return None
    return _longest(digits, rates.by_prefix)


def parse_international(text: str) -> str:
    """The digits, calling code first, of an international number as people dial it: +…, 00… or the older 8 10 ….

    Spaces, dashes and brackets are let through. Raises ValueError, whose text says what is wrong.
    """
    dialled = _SEPARATORS.sub("", text)
    if "(0)" in text:
        raise ValueError("write the number without the (0)")
    if not _DIGITS.fullmatch(dialled.removeprefix("+")):
        raise ValueError("a number has only digits, after a plus or 00")
    digits = _without_prefix(dialled)
    if digits.startswith("0"):
        raise ValueError("no calling code begins with 0")
    if len(digits) < _FEWEST_DIGITS:
        raise ValueError(f"an international number has at least {_FEWEST_DIGITS} digits")
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"an international number has at most {_MOST_DIGITS} digits")
    return digits


def _without_prefix(dialled: str) -> str:
    for prefix in ("+", "00"):
        if dialled.startswith(prefix):
            return dialled.removeprefix(prefix)
    # Without a plus, 81… is the old prefix 8 10 only when what follows is a calling code.
    after = dialled.removeprefix("810")
    if after != dialled and (after.startswith(GLOBAL_CODES) or _longest(after, COUNTRY_OF_PREFIX) is not None):
        return after
    raise ValueError("an international number begins with + or 00")


def _of_countries(lines: Iterable[PriceLine]) -> dict[str, Match | None]:
    by_country = {country: line for line in lines for country in line.countries}
    by_continent = {continent: line for line in lines for continent in line.continents}
    table: dict[str, Match | None] = {}
    for prefix, country in COUNTRY_OF_PREFIX.items():
        line = by_country.get(country) or by_continent.get(CONTINENT_OF_COUNTRY[country])
        abroad = country != HOME_COUNTRY
        table[prefix] = Match(line.zone_code, line, prefix, country) if line is not None and abroad else None
    return table


def _of_own_prefixes(lines: Iterable[PriceLine]) -> dict[str, Match | None]:
    return {
        own.prefix: Match(line.zone_code, line, own.prefix, _longest(own.prefix, COUNTRY_OF_PREFIX))
        for line in lines
        for own in line.prefixes
        if not own.prefix.startswith(HOME_CODE)
    }


def _longest(digits: str, table: Mapping[str, T]) -> T | None:
    """What the table has for the longest beginning of `digits`: at most 15 look-ups, however large the table."""
    for length in range(min(len(digits), _MOST_DIGITS), 0, -1):
        if digits[:length] in table:
            return table[digits[:length]]
    return None
