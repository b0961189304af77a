"""docs/security.md answers each requirement once, and names only tests and files that there are."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOC = (ROOT / "docs" / "security.md").read_text()
REQUIREMENTS = Path(__file__).parent / "support" / "asvs.txt"
STATES = ("met", "not applicable", "not met", "planned")
ROW = re.compile(r"\| (\d+\.\d+\.\d+) \| ([123]) \| (.+?) \| (.+?) \| (.*?) \|")
ROWS = [row.groups() for line in DOC.splitlines() if (row := ROW.fullmatch(line))]
# A word in code that has a folder, or an ending of ours, is a file of this repository.
FILE = re.compile(r"[\w./-]+\.(?:py|html|css|yaml|toml|txt|md)")


def required() -> dict[str, str]:
    """The level of each requirement of the first two."""
    lines = [line.split() for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    return {
        f"{section}.{one.rstrip('*')}": "1" if "*" in one else "2" for section, *numbers in lines for one in numbers
    }


def test_the_list_is_that_of_the_standard() -> None:
    assert Counter(required().values()) == {"1": 70, "2": 183}


def test_each_requirement_has_one_row() -> None:
    told = Counter(number for number, level, *_ in ROWS if level != "3")
    assert told == dict.fromkeys(required(), 1)
    assert all(required()[number] == level for number, level, *_ in ROWS if level != "3")


def test_what_is_chosen_of_level_3_is_told_once() -> None:
    chosen = [number for number, level, *_ in ROWS if level == "3"]
    assert len(set(chosen) - required().keys()) == len(chosen) > 5


def test_no_row_is_passed_over() -> None:
    assert len(ROWS) == len(re.findall(r"^\| \d", DOC, re.MULTILINE))


@pytest.mark.parametrize(("number", "_level", "asks", "state", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_says_its_state_and_shows_it(number: str, _level: str, asks: str, state: str, why: str) -> None:
    assert asks
    assert state in STATES
    assert why or state == "planned"
    assert state != "met" or "`" in why or "](" in why


def test_each_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOC)
    assert len(named) > 100
    missing = {f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text()}
    assert not missing


def test_each_file_that_is_named_exists() -> None:
    named = [one for one in re.findall(r"`([^`:\s]+)`", DOC) if FILE.fullmatch(one) and "/" in one]
    assert len(named) > 20
    assert not [one for one in named if not (ROOT / one).exists()]


def test_each_part_that_is_pointed_to_exists() -> None:
    titles = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", DOC, re.M)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", DOC)) <= titles
    assert all((ROOT / "docs" / one).exists() for one in re.findall(r"\]\(([\w./-]+\.md)\)", DOC))
