"""The words of docs/glossary.md, held against the names in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, product_files

PAGE = ROOT / "docs" / "glossary.md"
HEAD = "| term | what it is | comes from | not used |"
WORDS_OF = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+")


def rows(page: str) -> list[list[str]]:
    """The four cells of each term."""
    lines = [line for line in page.splitlines() if line.startswith("| ") and line != HEAD]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def unused(page: str) -> set[str]:
    return {word.strip() for _term, _sense, _source, words in rows(page) for word in words.split(",") if word.strip()}


def names_in(file: Path) -> Iterator[str]:
    """The name of the module, and those of its classes."""
    yield file.stem
    yield from (node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ClassDef))


def back(page: str, names: dict[str, list[str]]) -> list[str]:
    """The names that hold a word which the page does not use."""
    return [
        f"{where}: {name}"
        for where, held in names.items()
        for name in held
        if {word.lower() for word in WORDS_OF.findall(name)} & unused(page)
    ]


def test_each_term_has_a_sentence_and_a_source_and_none_stands_twice() -> None:
    terms = rows(PAGE.read_text("utf-8"))
    assert [row for row in terms if len(row) != 4 or not all(row[:3]) or not row[1].endswith(".")] == []
    names = [term for row in terms for term in row[0].split(", ")]
    assert len(names) == len(set(names))


def test_no_word_that_is_not_used_names_a_module_or_a_class() -> None:
    names = {file.relative_to(ROOT).as_posix(): [*names_in(file)] for file in product_files()}
    assert back(PAGE.read_text("utf-8"), names) == []


@pytest.mark.parametrize("name", ["Courier", "courier", "FrameCourier", "old_courier"])
def test_a_word_that_comes_back_is_noticed(name: str) -> None:
    page = f"{HEAD}\n| file transfer | The exchange on a stick. | UUCP | courier, parcel |\n"
    assert back(page, {"sync/planted.py": [name, "Couriers"]}) == [f"sync/planted.py: {name}"]


def test_no_term_is_a_word_that_is_not_used() -> None:
    page = PAGE.read_text("utf-8")
    terms = {word.lower() for row in rows(page) for word in row[0].split(", ")}
    assert terms & unused(page) == set()
