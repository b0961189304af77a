"""Trees as written: whatever is wrong with a file is told with its line, and everything at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.reading import pack, yaml_files
from sado.menus.reading.faults import Fault
from tests.support.packs import BASE, ODD, faults, small

LINE = BASE.count("\n") + 1
TEXT = "{en: A, ru: Я}"


def told(found: list[Fault]) -> list[str]:
    return [str(one) for one in found]


@pytest.mark.parametrize(
    ("odd", "line", "says"),
    [
        ("odd: [\n", 1, "a bracket, brace or quotation mark is not closed"),
        ("odd: {type: notice, text: {en: A, ru: 'Я}}\n", 1, "a quotation mark is not closed"),
        ("odd:\n\tkind: notice\n", 1, "indent with spaces, not tabs"),
        ("odd: {type: notice, text: {en: A: B, ru: Я}}\n", 0, "quotes around words that hold a colon or a comma"),
        ("odd:\n  type: a: b\n", 1, "put quotes around words that hold a colon, and indent"),
        ("odd: &a {type: *b}\n", 0, "found undefined alias"),
        ("odd: {type: notice, text: {en: A, en: B, ru: Я}}\n", 0, "en is defined twice"),
        ("odd: {type: !!python/name:os.system x}\n", 0, "could not determine a constructor for the tag"),
        ("odd: &a {type: *a}\n", None, "something here is a part of itself"),
        ("1: {type: notice}\n", None, "this must be names and their values"),
    ],
)
def test_a_file_that_is_no_yaml_of_ours_is_told_with_its_line(odd: str, line: int | None, says: str) -> None:
    (fault,) = faults(small(odd))
    assert says in fault.says
    assert fault.file == "trees/base.yaml"
    assert line is None or LINE <= fault.line <= LINE + 1


@pytest.mark.parametrize("file", ["trees/base.yaml", "pack.yaml", "law.yaml"])
@pytest.mark.parametrize(("content", "says"), [(b"a: [", "expected"), (b"a: \xff", "not UTF-8"), (b"7", "names and")])
def test_a_file_that_cannot_be_read_is_the_one_fault(file: str, content: bytes, says: str) -> None:
    (fault,) = faults(small() | {file: content})
    assert (fault.file, says in fault.says) == (file, True)


def test_a_name_written_twice_in_one_file_is_a_fault() -> None:
    assert told(faults(small(ODD + ODD))) == [f"trees/base.yaml:{LINE + 1}: odd is defined twice"]


def test_a_name_written_in_two_files_is_a_fault_that_names_both() -> None:
    assert told(faults(small(other="# a note\n" + ODD))) == [
        "trees/other.yaml:2: odd: is defined twice, first in trees/base.yaml: rename one"
    ]


def test_a_name_that_is_made_for_another_screen_is_a_fault() -> None:
    place = f"odd: {{type: prompt, field: place, answer: place, go: end, text: {TEXT}}}\n"
    found = faults(small(place + f"odd.find: {{type: notice, text: {TEXT}}}\n"))
    assert f"trees/base.yaml:{LINE + 1}: odd.find: is also made for odd: rename this one" in told(found)
    assert faults(small(place)) == []


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ("odd: 7\n", "a screen is a mapping with a `type`"),
        ("odd: {}\n", "`type` is missing; the types are: choice, prompt, "),
        ("odd: {type: page}\n", "there is no type 'page'; the types are: choice, prompt, "),
        ("odd: {type: [choice]}\n", "there is no type ['choice']; the types are: "),
        (f"odd: {{type: notice, text: {TEXT}, colour: red}}\n", "there is no `colour` here; there can be: "),
        (f"odd: {{type: notice, texts: {TEXT}}}\n", "there is no `texts` here; did you mean `text`?"),
        (f"odd: {{type: prompt, text: {TEXT}, go: end}}\n", "`answer` is missing: where the answer is kept"),
        (f"odd: {{type: prompt, text: {TEXT}, answer: a, go: End}}\n", "Expected `str` matching regex"),
        (f"odd: {{type: prompt, text: {TEXT}, answer: a, go: end, field: ''}}\n", "Expected `str` of length >= 1"),
        (f"odd: {{type: choice, text: {TEXT}, options: {{go: end}}}}\n", "write a list: lines that begin with a dash"),
        ("odd: {type: notice, text: Words}\n", "Expected `object`, got `str`"),
        ("odd: {type: notice, text: {en: 7, ru: Я}}\n", "Expected `str | object`"),
        ("odd: {type: notice, text: {en: No, ru: Я}}\n", "quotes around words such as yes, no"),
        ("odd: {type: notice, text: {no: A, ru: Я}}\n", "quotes around words such as yes, no"),
        ("odd: {type: choice, options: [{text: {en: 1}, key: 0}]}\n", "Expected `int` >= 1"),
        ("Odd: {type: notice, text: {en: A, ru: Я}}\n", "a screen's name has small Latin letters"),
    ],
)
def test_what_is_no_screen_is_told_with_what_to_do(odd: str, says: str) -> None:
    found = [one for one in faults(small(odd)) if says in one.says]
    assert [(one.file, one.line) for one in found] == [("trees/base.yaml", LINE)]


def test_every_fault_of_every_file_is_told_at_once_each_at_its_line() -> None:
    odd = """\
odd:
  type: choice
  text: {en: A, ru: 5}
  options:
    - {text: {en: A, ru: Я}, goo: end}
    - text: {en: A, ru: Я}
      key: ten
two: {type: nothing}
"""
    other = "\n\nthree: {type: notice}\nodd: {type: goto, go: end}\n"
    found = faults(small(odd, other=other, third="a: [\n"))
    assert [(one.file, one.line - LINE * (one.file == "trees/base.yaml"), one.screen) for one in found] == [
        ("trees/base.yaml", 2, "odd"),
        ("trees/base.yaml", 4, "odd"),
        ("trees/base.yaml", 6, "odd"),
        ("trees/base.yaml", 7, "two"),
        ("trees/other.yaml", 3, "three"),
        ("trees/other.yaml", 4, "odd"),
        ("trees/third.yaml", 2, ""),
    ]


def test_a_pack_without_any_tree_says_which_screens_it_begins_with() -> None:
    files = {name: content for name, content in small().items() if not name.startswith("trees/")}
    assert [(one.file, one.says) for one in faults(files)] == [
        ("pack.yaml", "there is no screen root"),
        ("pack.yaml", "there is no screen lang"),
        ("pack.yaml", "there is no screen resume"),
    ]


def test_what_is_written_once_may_be_used_twice() -> None:
    shared = "odd: &a {type: notice, text: {en: A, ru: Я}}\nodd2: *a\n"
    written = yaml_files.read({"trees/a.yaml": shared.encode()})
    assert (written.faults, written.screens["odd"]) == ([], written.screens["odd2"])


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_file_makes_the_reading_fail(content: bytes) -> None:
    examined = pack.examine("small", small() | {"trees/odd.yaml": content})
    assert examined.faults or examined.pack is not None


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)))
def test_whatever_a_screen_is_made_of_it_is_read_or_told(raw: object) -> None:
    for words in ("type: choice, options", "type: notice, text", "type"):
        content = f"odd: {{{words}: {raw!r}}}"
        written = yaml_files.read({"trees/odd.yaml": content.encode("utf-8", "replace")})
        assert written.faults or list(written.screens) == ["odd"]
