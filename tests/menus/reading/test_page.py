"""docs/menus.md: its examples are a sound tree, and its tables are those of the program."""

import re
from pathlib import Path

import pytest
import yaml

from sado.menus.effects import EFFECTS
from sado.menus.reading.screen_types import SCREEN_TYPES
from sado.menus.reading.showing import WRITTEN
from tests.support.packs import faults, small

PAGE = Path(__file__).parents[3] / "docs" / "menus.md"
BEGIN, END = "<!-- effects: written by `pytest tests/menus/reading/test_page.py --update` -->\n", "<!-- end -->"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def effects() -> str:
    """The table of effects."""
    rows = [
        f"| `{name}` | {one.does} | {_words(one.needs)} | {_words(one.outcomes)} | {_words(one.fills)} |"
        for name, one in EFFECTS.items()
    ]
    return "\n".join(["| effect | what it does | needs | ends as | fills |", "|---|---|---|---|---|", *rows, ""])


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def test_the_table_of_effects_is_that_of_the_program(update: bool) -> None:
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    written, after = rest.split(END)
    if update:
        PAGE.write_text(f"{before}{BEGIN}{effects()}{END}{after}", "utf-8")
    else:
        assert written == effects()


def example_pack(*examples: str) -> dict[str, bytes]:
    return small() | {"trees/base.yaml": "\n".join(examples).encode()}


def test_the_examples_together_are_a_sound_tree() -> None:
    assert [*map(str, faults(example_pack(*EXAMPLES)))] == []


@pytest.mark.parametrize("at", range(len(EXAMPLES)))
def test_no_example_could_be_left_out(at: int) -> None:
    assert faults(example_pack(*EXAMPLES[:at], *EXAMPLES[at + 1 :])) or "goto" in EXAMPLES[at]


def test_every_kind_has_an_example_and_a_word() -> None:
    shown = {screen["type"] for example in EXAMPLES for screen in yaml.safe_load(example).values()}
    assert shown == set(SCREEN_TYPES)
    assert [name for name in SCREEN_TYPES if f"**{name}**" not in PAGE.read_text("utf-8")] == []


@pytest.mark.parametrize("field", WRITTEN)
def test_every_field_is_in_the_table(field: str) -> None:
    assert re.search(rf"^\|.*`{field}`.*\|", PAGE.read_text("utf-8"), re.MULTILINE)
