"""The JSON Schema that editors check trees by is made of the program's own types, and refuses what it refuses."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from sado.menus.reading import yaml_files
from sado.menus.reading.pack import PACKS
from sado.menus.reading.schema import PUBLISHED, tree_schema
from sado.menus.reading.screen_types import SCREEN_TYPES

FILE = Path(__file__).parents[3] / PUBLISHED
TREES = sorted(PACKS.glob("*/trees/*.yaml"))
TEXT = "{en: A, ru: Я}"
OPTIONS = f"options: [{{text: {TEXT}, go: end}}]"
POLL = f"options: [{{text: {TEXT}, value: a}}, {{text: {TEXT}, value: b}}]"
SOUND = [
    f"odd: {{type: choice, {OPTIONS}}}",
    f"odd: {{type: choice, text: {TEXT}, paged: true}}",
    f"odd: {{type: choice, text: {{en: {{by: n, one: A, other: B}}, ru: Я}}, {OPTIONS}}}",
    f"odd: {{type: prompt, text: {TEXT}, answer: a, go: end, field: digits, length: 4}}",
    f"odd: {{type: notice, text: {TEXT}, title: {TEXT}}}",
    f"odd: {{type: poll, text: {TEXT}, go: end, again: end, {POLL}}}",
    "odd: {type: action, effect: stop_sms, go: {done: end}}",
    "odd: {type: lookup, register: r, go: {found: a, none: b, missing: c}}",
]
REFUSED = [
    "odd: 7",
    "odd: {}",
    "odd: {type: page}",
    f"odd: {{type: notice, text: {TEXT}, colour: red}}",
    "odd: {type: notice}",
    "odd: {type: notice, text: Words}",
    "odd: {type: notice, text: {en: 7}}",
    "odd: {type: notice, text: {en: yes}}",
    f"odd: {{type: prompt, text: {TEXT}, answer: a}}",
    f"odd: {{type: prompt, text: {TEXT}, answer: A, go: end}}",
    f"odd: {{type: prompt, text: {TEXT}, answer: a, go: 'the end'}}",
    f"odd: {{type: prompt, text: {TEXT}, answer: a, go: end, length: 21}}",
    f"odd: {{type: choice, options: [{{text: {TEXT}, go: end, key: 10}}]}}",
    f"odd: {{type: choice, options: [{{text: {TEXT}, goo: end}}]}}",
    f"odd: {{type: choice, options: {{text: {TEXT}}}}}",
    "odd: {type: choice, options: [{go: end}]}",
    f"odd: {{type: poll, text: {TEXT}, go: end, again: end, {OPTIONS}}}",
    "odd: {type: action, effect: stop_sms, go: {}}",
    "odd: {type: action, effect: stop_sms, go: end}",
    "odd: {type: lookup, register: r, go: {found: a}}",
    "odd: {type: lookup, register: r, go: {found: a, none: b, missing: c, lost: d}}",
    f"Odd: {{type: notice, text: {TEXT}}}",
    f"'o d': {{type: notice, text: {TEXT}}}",
]


def published() -> str:
    return json.dumps(tree_schema(), indent=2, ensure_ascii=False) + "\n"


def is_valid(content: str) -> bool:
    return bool(jsonschema_rs.validator_for(tree_schema()).is_valid(yaml.safe_load(content)))


def test_the_published_schema_is_the_one_of_this_release(update: bool) -> None:
    if update:
        FILE.write_text(published(), "utf-8")
    assert FILE.read_text("utf-8") == published()


@pytest.mark.parametrize("file", TREES, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_every_shipped_tree_is_valid(file: Path) -> None:
    assert is_valid(file.read_text("utf-8"))


@pytest.mark.parametrize("file", TREES, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_every_shipped_tree_tells_editors_where_the_schema_is(file: Path) -> None:
    word, _, path = file.read_text("utf-8").partition("\n")[0].partition("$schema=")
    assert word == "# yaml-language-server: "
    assert (file.parent / path).resolve() == FILE


@pytest.mark.parametrize("content", SOUND)
def test_what_the_program_takes_the_schema_takes(content: str) -> None:
    assert yaml_files.read({"trees/odd.yaml": content.encode()}).faults == []
    assert is_valid(content)


@pytest.mark.parametrize("content", REFUSED)
def test_what_the_program_refuses_the_schema_refuses(content: str) -> None:
    assert yaml_files.read({"trees/odd.yaml": content.encode()}).faults
    assert not is_valid(content)


def test_the_schema_knows_every_kind_and_says_what_each_field_is() -> None:
    known = [
        one["properties"]["type"]["enum"] for one in tree_schema()["$defs"].values() if "title" in one["properties"]
    ]
    assert sorted(known) == sorted([name] for name in SCREEN_TYPES)
    assert "where the answer is kept" in published()
