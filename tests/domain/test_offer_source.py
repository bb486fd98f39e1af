"""Offers' source files: what is read, and that every fault of every file is told at once (A-0)."""

from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.language import Language
from domain.offer_source import LARGEST_FILE_BYTES, BadOffer, ParsedOffer, SourceFault, parse_offer

BODY = "# 1. First\n1.1. One. {rule=W-4.4.1}\n1.2. Two.\n# 2. Second\n2.1. Three:\na) this;\nb) that."


def source(body: str = BODY, **changes: str | None) -> bytes:
    head: dict[str, str | None] = {
        "code": "wallet",
        "edition": "2026-01",
        "published": "2026-01-15",
        "notice_days": "0",
        "language": "en",
        "title": "Wallet",
    }
    lines = [f"{name}: {value}" for name, value in {**head, **changes}.items() if value is not None]
    return "\n".join(["---", *lines, "---", body]).encode()


def reasons(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(BadOffer) as refused:
        parse_offer(files)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.rule("A-0")
def test_sections_clauses_and_lists_keep_their_numbers() -> None:
    parsed = parse_offer({"en.md": source()})

    clauses = parsed.texts[0].clauses
    assert [(c.number, c.depth, c.heading) for c in clauses] == [
        ("1", 1, True),
        ("1.1", 2, False),
        ("1.2", 2, False),
        ("2", 1, True),
        ("2.1", 2, False),
        ("2.1.a)", 3, False),
        ("2.1.b)", 3, False),
    ]
    assert clauses[1].content == "One."
    assert clauses[1].rules == ("W-4.4.1",)


def test_the_front_matter_is_read() -> None:
    parsed = parse_offer({"en.md": source(effective="2026-02-01", notice_days="10")})

    assert (parsed.code, parsed.edition, parsed.notice_days) == ("wallet", "2026-01", 10)
    assert (parsed.published, parsed.effective) == (date(2026, 1, 15), date(2026, 2, 1))


def test_a_line_without_a_number_goes_on_with_its_clause() -> None:
    parsed = parse_offer({"en.md": source("# 1. First\n1.1. One\nand more. {rule=A-1}")})

    (_, clause) = parsed.texts[0].clauses
    assert clause.content == "One and more."
    assert clause.rules == ("A-1",)


@pytest.mark.parametrize("rules", ["{rule=W-4.6.1b W-6.4}", "{rule=W-4.6.1b, W-6.4}"])
def test_a_clause_may_state_several_rules(rules: str) -> None:
    parsed = parse_offer({"en.md": source(f"# 1. First\n1.1. One. {rules}")})

    assert parsed.texts[0].clauses[1].rules == ("W-4.6.1b", "W-6.4")


def test_marks_that_windows_editors_leave_are_no_fault() -> None:
    windows = b"\xef\xbb\xbf" + source().replace(b"\n", b"\r\n")

    assert parse_offer({"en.md": windows}).hash == parse_offer({"en.md": source()}).hash


def test_cyrillic_uzbek_is_made_from_latin_where_there_is_no_file() -> None:
    parsed = parse_offer({"uz.md": source("# 1. Hamyon\n1.1. Pul. {rule=W-4.4.1}", language="uz", title="Hamyon")})

    assert [text.language for text in parsed.texts] == [Language.UZ, Language.UZ_CYRL]
    assert [(c.number, c.content) for c in parsed.texts[1].clauses] == [("1", "Ҳамён"), ("1.1", "Пул.")]


def test_a_file_in_cyrillic_uzbek_is_used_as_it_is() -> None:
    body = "# 1. Ҳамён\n1.1. Ўз сўзимиз."
    parsed = parse_offer(
        {
            "uz.md": source("# 1. Hamyon\n1.1. Pul.", language="uz"),
            "uz-Cyrl.md": source(body, language="uz-Cyrl"),
        }
    )

    assert parsed.texts[1].clauses[1].content == "Ўз сўзимиз."


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (source("# 1. First\n1.1. One.\n1.1. Two."), "en.md:11: number 1.1 stands at line 10 already"),
        (source("# 1. First\n2.1. One."), "en.md:10: clause 2.1 has no section 2 before it"),
        (source("No number.\n# 1. First"), "en.md:9: a heading is"),
        (source("# First"), "en.md:9: a heading is"),
        (source("## 1. First"), "en.md:9: a heading is"),
        (source(""), "the offer has no clauses"),
        (source("# 1. <b>First</b>"), "en.md:9: no HTML"),
        (source("# 1. First\n1.1. <script>alert(1)</script>"), "en.md:10: no HTML"),
        (source("# 1. First\n1.1. <!-- x -->"), "en.md:10: no HTML"),
        (source("# 1. First\n1.1. One\0"), "en.md:10: no HTML and no NUL"),
        (source(title="<b>Wallet</b>"), "title is not valid"),
        (source(title=None), "title is missing"),
        (source(code="Wallet!"), "code is not valid"),
        (source(edition="../x"), "edition is not valid"),
        (source(published="15.01.2026"), "published is not valid"),
        (source(published="2026-02-30"), "published is not valid"),
        (source(published="20260115"), "published is not valid"),
        (source(effective="soon"), "effective is not valid"),
        (source(notice_days="-1"), "notice_days is not valid"),
        (source(notice_days="٣"), "notice_days is not valid"),
        (source(notice_days="9" * 5000), "notice_days is not valid"),
        (source(language="de"), "language is not valid"),
        (source(author="somebody"), "a front matter's line is one of"),
        (source().replace(b"---\ncode", b"code"), "en.md:1: the file begins with a line of three dashes"),
        (b"---\ncode: wallet", "the front matter has no end"),
        (b"", "en.md:1: the file begins"),
        (source().replace(b"Two", b"Tw\xff"), "en.md:11: this is not UTF-8"),
        (b"a" * (LARGEST_FILE_BYTES + 1), "the file is larger than 500,000 bytes"),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_reason(content: bytes, told: str) -> None:
    assert any(told in reason for reason in reasons({"en.md": content}))


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (source(), "there are two files in en"),
        (source(language="ru", code="operator"), "code is another than in en.md"),
        (source(language="ru", edition="2026-02"), "edition is another than in en.md"),
        (source(language="ru", published="2026-01-16"), "published is another than in en.md"),
        (source(language="ru", notice_days="15"), "notice_days is another than in en.md"),
        (source("# 1. Первое\n1.1. Один.", language="ru"), "its clauses are not those of en.md: see 1.2"),
        (source(BODY + "\n2.2. Four.", language="ru"), "its clauses are not those of en.md: see 2.2"),
    ],
)
def test_files_that_are_not_one_offer_are_refused(second: bytes, told: str) -> None:
    assert any(told in reason for reason in reasons({"en.md": source(), "ru.md": second}))


def test_all_faults_of_all_files_are_told_at_once() -> None:
    told = reasons({"a.md": source("# 1. <i>x</i>", published="never"), "b.md": source(language="de")})

    assert {reason.partition(":")[0] for reason in told} == {"a.md", "b.md"}
    assert len(told) >= 3


def test_no_file_is_a_fault() -> None:
    assert reasons({}) == [":1: no file was given"]


def hash_of(**changes: Any) -> str:
    return parse_offer({"en.md": source(**changes)}).hash


@pytest.mark.rule("A-0")
@pytest.mark.parametrize(
    "change",
    [{"title": "Purse"}, {"body": BODY.replace("Two.", "Two!")}, {"body": BODY.replace("1.2.", "1.3.")}],
)
def test_whatever_people_read_changes_the_hash(change: dict[str, str]) -> None:
    assert hash_of(**change) != hash_of()


def test_another_language_changes_the_editions_hash_and_not_the_texts() -> None:
    one = parse_offer({"en.md": source()})
    both = parse_offer({"en.md": source(), "ru.md": source(language="ru", title="Кошелёк")})

    assert one.hash != both.hash
    assert one.texts[0].hash in {text.hash for text in both.texts}


def outcome(files: dict[str, bytes]) -> ParsedOffer | list[SourceFault]:
    try:
        return parse_offer(files)
    except BadOffer as refused:
        return refused.faults


@given(st.binary(max_size=400))
def test_any_bytes_give_an_offer_or_its_faults(content: bytes) -> None:
    assert isinstance(outcome({"any.md": content}), ParsedOffer | list)


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_body_gives_an_offer_or_its_faults(body: str) -> None:
    found = outcome({"any.md": source(body)})

    if isinstance(found, ParsedOffer):
        numbers = [clause.number for clause in found.texts[0].clauses]
        assert len(numbers) == len(set(numbers)) > 0
    else:
        assert found
        assert all(fault.line >= 1 and fault.reason for fault in found)


@pytest.mark.parametrize("code", ["wallet", "operator"])
def test_our_own_offers_are_sound_in_four_languages(code: str) -> None:
    folder = files("domain") / "offer_texts"
    sources = {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(f"{code}.")}

    parsed = parse_offer(sources)

    assert {text.language for text in parsed.texts} == set(Language)
    rules = [[clause.rules for clause in text.clauses] for text in parsed.texts]
    assert all(of_one == rules[0] for of_one in rules)
