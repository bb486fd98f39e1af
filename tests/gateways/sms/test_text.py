import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.sms.text import encode_gsm7, encode_ucs2, fits_one_part, is_gsm7, parts

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
basic_text = st.text(st.sampled_from(BASIC), max_size=700)
gsm_text = st.text(st.sampled_from(BASIC + EXTENSION), max_size=700)
any_text = st.text(max_size=400)
ucs2_text = any_text.map(lambda text: text + "ʻ")


def test_the_alphabet_has_127_characters_and_its_extension_ten() -> None:
    assert (len(set(BASIC)), len(set(EXTENSION))) == (127, 10)
    assert all(map(is_gsm7, BASIC + EXTENSION))


@pytest.mark.parametrize("text", ["oʻzbek", "o‘zbek", "oʼ", "код", "ў", "ç", "\x1b", "`", "\t", "🙂", "№", "—"])
def test_what_the_alphabet_lacks_makes_the_whole_text_ucs2(text: str) -> None:
    assert not is_gsm7("Code 1234 " + text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("@", b"\x00"),
        ("Az09", b"Az09"),
        ("_", b"\x11"),
        ("€", b"\x1b\x65"),
        ("[|]", b"\x1b\x3c\x1b\x40\x1b\x3e"),
        ("à", b"\x7f"),
    ],
)
def test_gsm7_octets_are_the_standards(text: str, octets: bytes) -> None:
    assert encode_gsm7(text) == octets


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("a" * 159 + "€", 2),
        # 153 septets hold 76 euro signs and a half, so a third part begins early.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("ў" * 70, 1),
        ("ў" * 71, 2),
        ("ў" * 134, 2),
        ("ў" * 135, 3),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("🙂" * 67, 3),
    ],
)
def test_parts_change_where_the_standard_says(text: str, count: int) -> None:
    assert parts(text) == count


def test_a_text_outside_gsm7_is_not_encoded_as_it() -> None:
    with pytest.raises(ValueError, match="GSM-7"):
        encode_gsm7("ʻ")


def test_half_a_surrogate_pair_is_sent_as_a_question_mark() -> None:
    assert encode_ucs2("ў\ud83d") == "ў?".encode("utf-16-be")


@given(gsm_text)
def test_gsm7_takes_one_septet_a_character_and_two_for_an_extension(text: str) -> None:
    assert len(encode_gsm7(text)) == len(text) + sum(c in EXTENSION for c in text)


@given(gsm_text)
def test_one_gsm7_part_is_160_septets(text: str) -> None:
    assert fits_one_part(text) == (len(encode_gsm7(text)) <= 160)


@given(ucs2_text)
def test_one_ucs2_part_is_70_code_units(text: str) -> None:
    assert fits_one_part(text) == (len(encode_ucs2(text)) <= 140)


@given(basic_text)
def test_without_extension_characters_parts_fill_up(text: str) -> None:
    assert parts(text) == (1 if len(text) <= 160 else -(-len(text) // 153))


@given(any_text, any_text)
def test_more_text_never_takes_fewer_parts(text: str, more: str) -> None:
    assert parts(text + more) >= parts(text)
