"""Which of the four languages somebody is spoken to in (C-6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.language import Language, in_language, negotiate

TAGS = st.sampled_from(["uz", "uz-Cyrl", "ru", "en", "de", "*", "uz-Latn-UZ", "", ";", "q=", ",", " ; q=0.5", "\u0000"])


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, None),
        ("", None),
        ("de, fr;q=0.9", None),
        ("*", None),
        ("uz", Language.UZ),
        ("uz-UZ", Language.UZ),
        ("uz-Latn-UZ", Language.UZ),
        ("uz-Cyrl", Language.UZ_CYRL),
        ("UZ-CYRL-UZ", Language.UZ_CYRL),
        ("ru-RU,ru;q=0.9,en;q=0.8", Language.RU),
        ("de,en;q=0.4,ru;q=0.6", Language.RU),
        ("en ; q=0.4 , uz ; q=0.6", Language.UZ),
        ("ru;q=0, en;q=0.1", Language.EN),
        ("ru;q=0", None),
        ("ru;q=oops, en;q=0.1", Language.EN),
        ("ru;q=nan, en;q=0.1", Language.EN),
        ("ru, en", Language.RU),
        ("english", None),
    ],
)
def test_the_best_of_ours_is_chosen(header: str | None, language: Language | None) -> None:
    assert negotiate(header) == language


@given(header=st.one_of(st.text(), st.lists(TAGS).map(",".join)))
def test_no_header_breaks_it(header: str) -> None:
    assert negotiate(header) in (None, *Language)


def test_a_header_of_any_length_is_read_quickly() -> None:
    assert negotiate("de," * 1_000_000 + "ru") is None


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("texts", "language", "text"),
    [
        ({"uz": "Ha", "ru": "Да", "en": "Yes"}, Language.RU, "Да"),
        ({"uz": "Ha", "uz-Cyrl": "Ҳа"}, Language.UZ_CYRL, "Ҳа"),
        ({"uz": "Ha", "en": "Yes"}, Language.UZ_CYRL, "Ha"),
        ({"uz": "Ha", "ru": ""}, Language.RU, "Ha"),
        ({"en": "Yes", "ru": "Да"}, Language.UZ, "Yes"),
        ({"ru": "Да"}, Language.EN, "Да"),
        ({}, Language.UZ, ""),
    ],
)
def test_a_text_that_is_not_there_falls_back(texts: dict[str, str], language: Language, text: str) -> None:
    assert in_language(texts, language) == text
