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


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("O'zbekiston O‘ZBEK g’alaba", "Ўзбекистон ЎЗБЕК ғалаба"),
        ("YOʻL yolgʻiz Yangi CHOY", "ЙЎЛ ёлғиз Янги ЧОЙ"),
        ("yer qayerda ekran meva poezd", "ер қаерда экран мева поэзд"),
        ("MAʼLUMOT mavzuʼ Isʼhoq", "МАЪЛУМОТ мавзуъ Исҳоқ"),
        ("identifikatsiya litsenziya tsirk TSIRK", "идентификация лицензия цирк ЦИРК"),
        ("ketsa aytsin", "кетса айтсин"),
        ("Kvitansiyada aksiyalar", "Квитанцияда акциялар"),
        ("komissiya pensiya", "комиссия пенсия"),
        ("obyekt Obyekt premyera", "объект Объект премьера"),
        ("PINni SMS-xabar bilan yuboring", "PINни SMS-хабар билан юборинг"),
        ("'salom' — “Yaxshi”", "'салом' — “Яхши”"),
        ("2026-yil 15-yanvar, {count} so'm", "2026-йил 15-январ, {count} сўм"),
        ("Simkarta va Idora, 5 BHM", "Симкарта ва Идора, 5 БҲМ"),
    ],
)
def test_words_are_told_apart_from_their_marks_and_borrowed_ones_from_our_own(latin: str, cyrillic: str) -> None:
    assert to_cyrillic(latin) == cyrillic


@pytest.mark.parametrize(
    "text",
    [
        "Premium",
        "{tries_left}",
        "https://kabinet.uz/shartlar",
        "kabinet.uz",
        "yordam@kabinet.uz",
        "B2B",
        "<strong>",
        "%(count)s",
        "",
    ],
)
def test_what_is_no_uzbek_word_stays_as_it_is(text: str) -> None:
    assert to_cyrillic(text) == text


@given(st.text(alphabet="abdefghijklmnopqrstuvxyzʻʼ ", max_size=60))
def test_no_latin_letter_is_left_of_uzbek_words(text: str) -> None:
    assert not any(letter.isascii() and letter.isalpha() and letter != "c" for letter in to_cyrillic(text))
