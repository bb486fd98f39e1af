"""Refusals, counts, money and days as each of the four languages says them."""

from datetime import UTC, date, datetime

import pytest

from domain.access import ResendTooSoon
from domain.language import Language
from domain.ledger import InsufficientFunds
from domain.money import Money
from domain.refusal import Unauthenticated
from domain.tariff.catalogue import EditionExists
from domain.wallet.refusals import TopUpLimitReached
from resolvers.texts import day_text, instant_text, money_text, problem_text, translator

NO_BREAK, THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
EVENING = datetime(2026, 5, 17, 20, 5, tzinfo=UTC)  # the 18th in Tashkent
EVERY_LANGUAGE = pytest.mark.parametrize("language", Language)


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.UZ, "Avval tizimga kiring."),
        (Language.UZ_CYRL, "Аввал тизимга киринг."),
        (Language.RU, "Сначала войдите."),
        (Language.EN, "Sign in first."),
    ],
)
def test_a_fault_is_told_in_the_callers_language(language: Language, said: str) -> None:
    assert problem_text(Unauthenticated(), language) == said


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.UZ, "Mablagʻ yetarli emas: 25 000 soʻm kerak, 999,50 soʻm bor."),
        (Language.UZ_CYRL, "Маблағ етарли эмас: 25 000 сўм керак, 999,50 сўм бор."),
        (Language.RU, "Недостаточно денег: нужно 25 000 сум, доступно 999,50 сум."),
        (Language.EN, "Not enough money: 25,000 soʻm is needed, 999.50 soʻm is available."),
    ],
)
def test_a_refusal_says_its_amounts_as_the_language_writes_them(language: Language, said: str) -> None:
    refusal = InsufficientFunds(needed=Money.som(25_000), available=Money.som("999.50"))

    told = problem_text(refusal, language)

    assert told.replace(NO_BREAK, " ").replace(THIN, " ") == said


@EVERY_LANGUAGE
def test_a_balance_that_the_caller_may_not_see_is_not_told(language: Language) -> None:
    refusal = InsufficientFunds(needed=Money.som(25_000), available=None)

    told = problem_text(refusal, language)

    assert money_text(Money.som(25_000), language) in told
    assert not [mark for mark in ("{", "—", "None") if mark in told]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.UZ, "Yangisini 2026-yil 18-may, 01:05 dan keyin soʻrang."),
        (Language.UZ_CYRL, "Янгисини 2026-йил 18-май, 01:05 дан кейин сўранг."),
        (Language.RU, "Новый можно запросить после 18 мая 2026 г., 01:05."),
        (Language.EN, "Ask for another after 18 May 2026, 01:05."),
    ],
)
def test_a_refusal_says_its_moments_in_tashkents_time(language: Language, said: str) -> None:
    told = problem_text(ResendTooSoon(resend_at=EVENING), language)

    assert told.replace(THIN, " ").replace(NO_BREAK, " ").endswith(said)


@EVERY_LANGUAGE
def test_every_fact_of_a_long_refusal_finds_its_place(language: Language) -> None:
    refusal = TopUpLimitReached(
        limit=Money.som(1_875_000), used=Money.som(1_800_000), left=Money.som(75_000), resets_at=EVENING
    )

    told = problem_text(refusal, language)

    for value in (refusal.limit, refusal.used, refusal.left):
        assert money_text(value, language) in told


def test_braces_in_a_fact_are_left_as_they_are() -> None:
    assert "{0.__class__} tahriri" in problem_text(EditionExists(edition="{0.__class__}"), Language.UZ)


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        (Language.RU, 1, "%(num)d месяц"),
        (Language.RU, 3, "%(num)d месяца"),
        (Language.RU, 11, "%(num)d месяцев"),
        (Language.RU, 21, "%(num)d месяц"),
        (Language.UZ, 1, "%(num)d oy"),
        (Language.UZ, 5, "%(num)d oy"),
        (Language.UZ_CYRL, 5, "%(num)d ой"),
        (Language.EN, 1, "%(num)d month"),
        (Language.EN, 21, "%(num)d months"),
    ],
)
def test_a_count_takes_the_languages_form(language: Language, count: int, said: str) -> None:
    assert translator(language).ngettext("%(num)d month", "%(num)d months", count) == said


@EVERY_LANGUAGE
def test_a_text_without_a_translation_is_said_in_english(language: Language) -> None:
    texts = translator(language)

    assert texts.gettext("Not in any catalogue") == "Not in any catalogue"
    assert (texts.ngettext("one", "many", 1), texts.ngettext("one", "many", 2)) == ("one", "many")


def test_days_and_moments_are_written_out() -> None:
    assert day_text(date(2026, 12, 1), Language.UZ) == "2026-yil 1-dekabr"
    assert day_text(date(2026, 12, 1), Language.UZ_CYRL) == "2026-йил 1-декабр"
    assert instant_text(EVENING, Language.EN) == "18 May 2026, 01:05"
