"""YAML that is meant to do harm: it is a fault with its line, at once, and what is only large is read."""

import subprocess
import sys

import pytest
import yaml

from sado.menus.reading import yaml_data
from tests.support.packs import faults, small

DEEP = 50_000
NINE = 9


def bomb(levels: int) -> str:
    """Nine aliases to nine aliases, and so on: 9 to the power of `levels` values in a few lines."""
    lines = ["a0: &a0 [" + "x, " * NINE + "]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * NINE)}]" for n in range(1, levels)]
    return "\n".join(lines)


def chain(length: int) -> str:
    """Each line one deeper than the line before, by an alias to it."""
    return "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, length))])


HOSTILE = {
    "brackets": ("[" * DEEP, "lies more than 30 deep"),
    "dashes": ("- " * DEEP, "lies more than 30 deep"),
    "braces": ("{a: " * DEEP, "lies more than 30 deep"),
    "questions": ("? " * DEEP, "lies more than 30 deep"),
    "aliases": (bomb(20), "grows beyond"),
    "a chain of aliases": (chain(40), "lies more than 30 deep"),
    "a part of itself": ("a: &a {b: [*a]}", "a part of itself"),
    "values": ("- a\n" * (yaml_data.MOST_NODES + 1), "grows beyond"),
    "a number": ("a: " + "9" * 100_000, "no text has at most"),
    "a number by sixties": ("a: 1" + ":1" * 100_000, "no text has at most"),
    "no day": ("a: 2026-02-31", "this is no timestamp"),
    "no truth": ("a: !!bool perhaps", "this is no bool"),
    "two documents": ("a: 1\n--- \nb: 1", "holds one"),
}


@pytest.mark.parametrize("which", HOSTILE)
def test_what_would_end_or_hold_up_the_process_is_a_fault(which: str) -> None:
    text, says = HOSTILE[which]
    with pytest.raises(yaml.YAMLError, match=says):
        yaml_data.read(text)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("- a\n" * 100_000, ["a"] * 100_000),
        ("a: " + "9" * 40, {"a": int("9" * 40)}),
        ("a: '" + "9" * 5000 + "'", {"a": "9" * 5000}),
        ("a: &a {b: c}\nd: *a\n", {"a": {"b": "c"}, "d": {"b": "c"}}),
        ("# nothing", {}),
    ],
)
def test_what_is_large_or_shared_is_read(text: str, data: object) -> None:
    assert yaml_data.read(text) == data


@pytest.mark.parametrize("text", ["[" * 30 + "]" * 30, chain(28), bomb(5)])
def test_what_is_just_within_the_bounds_is_read(text: str) -> None:
    assert yaml_data.read(text)


@pytest.mark.parametrize("file", ["trees/base.yaml", "pack.yaml", "commands.yaml", "law.yaml", "registers.yaml"])
@pytest.mark.parametrize("which", ["brackets", "aliases"])
def test_no_file_of_a_pack_can_do_it(file: str, which: str) -> None:
    text, says = HOSTILE[which]
    found = [fault for fault in faults(small() | {file: text.encode()}) if fault.file == file]
    assert [says in fault.says for fault in found] == [True]


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML is without its part in C")
def test_the_composer_that_is_kept_from_it_dies_of_the_same_brackets() -> None:
    program = f"import yaml; yaml.compose('[' * {DEEP}, Loader=yaml.CSafeLoader)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode < 0
