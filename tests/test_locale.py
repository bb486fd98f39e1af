"""Everything that people read is said in all four languages (C-6): no text of the code lacks a translation.

The texts are collected from the code itself, so that a new refusal or a new page fails here until it is translated.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from domain.refusal import Refusal, RequestFault
from resolvers.texts import CATALOGUES, FOLDERS

ROOT = CATALOGUES.parent
CODE = ("domain", "gateways", "resolvers", "schema", "admin", "callbacks", "papers", "server")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS = {".py": "python", ".html": "jinja2"}
FOLDER = pytest.mark.parametrize("folder", FOLDERS.values())
# What English letters may stand for in Cyrillic texts: names, commands, the API's own words, %(places)s and {places}.
LATIN = re.compile(
    r"%\(\w+\)\w|\{\w+\}|\b(?:UTF-8|CSV|JSON|GetStatement|Light|Premium|Payme|Click|PIN|QR|SMS|first|last"
    r"|kabinet (?:price-list import|offer import|partner add))\b"
)

Text = str | tuple[str, ...]


def kinds_of(kind: type[Exception]) -> Iterator[type[Exception]]:
    """The kind and everything derived from it by the product (not by tests)."""
    if kind.__module__.partition(".")[0] in CODE:
        yield kind
    for one in kind.__subclasses__():
        yield from kinds_of(one)


def refusal_texts() -> Iterator[tuple[Text, str]]:
    for package in CODE:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for kind in (*kinds_of(Refusal), *kinds_of(RequestFault)):
        for name, value in vars(kind).items():
            if name.startswith("text") and isinstance(value, str):
                yield value, f"{kind.__module__}.{kind.__name__}.{name}"


def marked_texts() -> Iterator[tuple[Text, str]]:
    for package in CODE:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix not in METHODS:
                continue
            for line, text, _, _ in extract_from_file(METHODS[path.suffix], path, keywords=KEYWORDS):
                yield text, f"{path.relative_to(ROOT)}:{line}"


@cache
def texts_of_the_code() -> dict[Text, str]:
    """Every text that is to be translated, a plural one as a pair, and a place where it stands."""
    return dict([*refusal_texts(), *marked_texts()])


@cache
def catalogue(folder: str) -> dict[Text, Message]:
    with (CATALOGUES / folder / "LC_MESSAGES" / "kabinet.po").open("rb") as file:
        messages = read_po(file, abort_invalid=True)
    return {(tuple(one.id) if isinstance(one.id, list | tuple) else one.id): one for one in messages if one.id}


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def places(text: str) -> set[str]:
    """What is put into a text: {facts} of refusals, %(values)s of pages."""
    return {name for _, name, _, _ in Formatter().parse(text) if name} | set(re.findall(r"%\(\w+\)[sd]", text))


def test_the_code_s_texts_are_found() -> None:
    texts = texts_of_the_code()

    assert "Sign in first." in texts
    assert "Not enough money on the account: {needed} is needed." in texts
    assert "Top-up" in texts
    assert ("%(num)d month", "%(num)d months") in texts


@FOLDER
@pytest.mark.rule("C-6")
def test_every_text_has_a_translation(folder: str) -> None:
    known = catalogue(folder)

    missing = {
        where: text
        for text, where in texts_of_the_code().items()
        if text not in known or not all(forms(known[text])) or known[text].fuzzy
    }

    assert not missing


@FOLDER
def test_a_translation_has_the_places_of_its_text(folder: str) -> None:
    wrong = {
        text: message.string
        for text, message in catalogue(folder).items()
        for expected in [places(text if isinstance(text, str) else text[-1])]
        if any(places(form) != expected for form in forms(message))
    }

    assert not wrong


@FOLDER
def test_no_translation_is_of_a_text_that_is_gone(folder: str) -> None:
    assert not set(catalogue(folder)) - set(texts_of_the_code())


@pytest.mark.parametrize("folder", ["uz_Cyrl", "ru"])
def test_cyrillic_texts_have_latin_letters_only_in_names(folder: str) -> None:
    odd = {
        form
        for message in catalogue(folder).values()
        for form in forms(message)
        if re.search("[A-Za-z]", LATIN.sub("", form))
    }

    assert not odd


def test_uzbek_letters_have_their_own_marks() -> None:
    odd = {form for message in catalogue("uz").values() for form in forms(message) if re.search("['‘’`]", form)}

    assert not odd


def test_each_language_has_a_folder_and_no_other_is_there() -> None:
    assert {path.name for path in Path(CATALOGUES).iterdir() if path.is_dir()} == set(FOLDERS.values())
