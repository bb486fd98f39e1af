"""Uzbek in Cyrillic letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.transliteration import to_cyrillic


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("Oʻzbekiston yoʻnalishi", "Ўзбекистон йўналиши"),
        ("maʼlumot", "маълумот"),
        ("Elektron hamyon, ertaga eʼlon", "Электрон ҳамён, эртага эълон"),
        ("Yevropa, yetti, aeroport", "Европа, етти, аэропорт"),
        ("toʻgʻri, gʻalaba, shartnoma, chet, chegara", "тўғри, ғалаба, шартнома, чет, чегара"),
        ("yoshi, yil, yuz, yaxshi", "ёши, йил, юз, яхши"),
        ("PIN va SMS, {code}, W-4.5.1a, Kabinet", "PIN ва SMS, {code}, W-4.5.1a, Kabinet"),
        ("BHM, STIR", "БҲМ, СТИР"),
        ("SHARTNOMA Shahar", "ШАРТНОМА Шаҳар"),
    ],
)
def test_letters_of_the_official_alphabets(latin: str, cyrillic: str) -> None:
    assert to_cyrillic(latin) == cyrillic


@given(st.text(alphabet="абвгдеёжзийклмнопрстуфхцчшъэюяўқғҳ .,-!?0123456789"))
def test_what_is_in_cyrillic_letters_already_stays(text: str) -> None:
    assert to_cyrillic(text) == text
