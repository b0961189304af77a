"""Faults are told with their place and with what to do, in words that a person can act on."""

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from sado.menus.reading.faults import Fault, line_of, lines, misfits

FILE = """\
root:
  type: choice

  options:
    - {go: end}
    - go: end
      text: {en: A}
"""


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern="^[a-z]+$", description="what it is called")]
    many: list[int] = []


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    inner: Inner
    named: dict[str, Inner] = {}
    maybe: Inner | None = None
    size: Annotated[int, Meta(ge=1)] = 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("root",), 1),
        (("root", "type"), 2),
        (("root", "options"), 4),
        (("root", "options", 0), 5),
        (("root", "options", 1, "text"), 7),
        (("root", "options", 1, "text", "en"), 7),
        (("root", "options", 1, "text", "ru"), 7),
        (("root", "options", 9), 4),
        (("root", "nothing", "here"), 1),
        (("gone",), 1),
    ],
)
def test_a_line_is_found_as_far_as_the_path_goes(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(lines(FILE), path) == line


def test_an_empty_file_has_one_line() -> None:
    assert line_of(lines(""), ("root",)) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"inner": {"name": "a"}}, []),
        ({"inner": {"name": "a"}, "maybe": None}, []),
        ({}, [((), "`inner` is missing")]),
        ({"inner": {}}, [(("inner",), "`name` is missing: what it is called")]),
        ({"inner": {"name": "A"}}, [(("inner", "name"), "Expected `str` matching regex '^[a-z]+$'")]),
        ({"inner": {"name": "a", "nama": 1}}, [(("inner", "nama"), "there is no `nama` here; did you mean `name`?")]),
        ({"inner": {"name": "a", "x": 1}}, [(("inner", "x"), "there is no `x` here; there can be: name, many")]),
        ({"inner": {"name": "a", "many": [1, "b"]}}, [(("inner", "many", 1), "Expected `int`, got `str`")]),
        ({"inner": {"name": "a"}, "named": {"b": {}}}, [(("named", "b"), "`name` is missing: what it is called")]),
        ({"inner": {"name": "a"}, "maybe": {}}, [(("maybe",), "`name` is missing: what it is called")]),
        ({"inner": {"name": "a"}, "size": 0}, [(("size",), "Expected `int` >= 1")]),
        ([], [((), "Expected `object`, got `array`; write names with their values, such as {en: Words}")]),
        (
            {"inner": {"name": True}},
            [(("inner", "name"), "Expected `str`, got `bool`; put quotes around words such as yes, no, on and off")],
        ),
        (
            {"inner": {"name": "a"}, "named": {False: {"name": "a"}}},
            [(("named",), "False is no name: put quotes around words such as yes, no, on and off")],
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(value: object, expected: list[object]) -> None:
    assert list(misfits(value, Outer)) == expected


def test_all_that_does_not_fit_is_told_at_once() -> None:
    value = {"inner": {"name": 1, "many": ["a", "b"]}, "size": "big", "colour": "red"}
    assert [path for path, _ in misfits(value, Outer)] == [
        ("colour",), ("inner", "name"), ("inner", "many", 0), ("inner", "many", 1), ("size",)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("a.yaml", 3, "", "", "is wrong"), "a.yaml:3: is wrong"),
        (Fault("a.yaml", 3, "root", "", "is wrong"), "a.yaml:3: root: is wrong"),
        (Fault("a.yaml", 3, "root", "ru", "is wrong"), "a.yaml:3: root ru: is wrong"),
    ],
)
def test_a_fault_reads_as_a_compiler_writes_it(fault: Fault, words: str) -> None:
    assert str(fault) == words
