"""Every fault of a tree is found, with the screen that has it; the shipped pack has none."""

from dataclasses import replace
from typing import Any

import pytest

from menus import pack
from menus.tree import Tree, TreeError, faults, labels_of, screen_from

WORDS = {"tg": "Матн", "ru": "Текст", "en": "Text"}
OPTION = {"text": WORDS, "go": "end"}
SOUND: dict[str, Any] = {
    "root": {"kind": "choice", "options": [OPTION, {"text": WORDS, "go": "name"}]},
    "name": {"kind": "prompt", "text": WORDS, "answer": "name", "go": "save"},
    "save": {"do": "save", "with": ["name"], "go": {"saved": "end"}},
    "end": {"kind": "notice", "text": WORDS},
}


def tree(**changed: dict[str, Any]) -> Tree:
    """A small sound tree, with these screens put in."""
    screens = {name: screen_from(name, raw) for name, raw in {**SOUND, **changed}.items()}
    return Tree(
        version="1",
        languages=("tg", "ru", "en"),
        default_language="tg",
        start="root",
        first_contact="root",
        screens=screens,
        back=WORDS,
        more=WORDS,
        errors={},
        labels=labels_of(screens),
        placeholders={"ref": "0070000017"},
        constants={},
    )


def test_a_sound_tree_has_no_fault() -> None:
    assert faults(tree()) == []


def test_the_shipped_pack_has_no_fault() -> None:
    assert faults(pack.load("tajikistan").tree) == []


@pytest.mark.parametrize(
    ("screen", "fault"),
    [
        ({"kind": "choice", "options": [{"text": WORDS, "go": "gone"}]}, "leads to gone, which is no screen"),
        ({"do": "save", "go": {"saved": "gone"}}, "leads to gone, which is no screen"),
        ({"kind": "notice", "text": {"tg": "Матн", "en": "Text"}}, "no text in ru"),
        ({"kind": "notice", "text": WORDS | {"ru": ""}}, "no text in ru"),
        ({"kind": "choice", "options": [OPTION | {"text": {"tg": "Матн"}}]}, "no text in ru, en"),
        ({"kind": "notice", "text": WORDS | {"en": "Text {nothing}"}}, "unknown placeholder {nothing}"),
        ({"kind": "choice"}, "a choice needs options or a text"),
        ({"kind": "choice", "options": [{"text": WORDS}]}, "every option needs go"),
        ({"kind": "choice", "options": [OPTION | {"key": 1}, OPTION | {"key": 1}]}, "two options have one key"),
        ({"kind": "choice", "options": [OPTION] * 10}, "more than 9 options"),
        ({"kind": "prompt", "text": WORDS, "go": "end"}, "needs text, answer and go"),
        ({"kind": "list", "answer": "place"}, "a list needs answer and go"),
        ({"kind": "notice"}, "a notice needs a text"),
        ({"do": "save", "go": "end"}, "an effect needs go: {outcome: screen}"),
        ({"kind": "prompt", "text": WORDS, "answer": "a", "go": "end", "field": "date"}, "unknown field date"),
        ({"kind": "prompt", "text": WORDS, "answer": "a", "go": "end", "field": "digits"}, "digits need a length"),
        ({"kind": "page", "text": WORDS}, "unknown kind 'page'"),
        ({"text": WORDS}, "unknown kind ''"),
    ],
)
def test_a_fault_is_found_with_its_screen(screen: dict[str, Any], fault: str) -> None:
    assert f"odd: {fault}" in faults(tree(odd=screen))


def test_a_tree_without_its_first_screen_is_refused() -> None:
    assert faults(replace(tree(), start="nowhere")) == ["nowhere: no such screen"]


def test_several_faults_are_told_at_once() -> None:
    found = faults(tree(one={"kind": "notice"}, two={"kind": "choice", "options": [{"text": {}, "go": "gone"}]}))
    assert {fault.split(":")[0] for fault in found} == {"one", "two"}


def test_a_word_that_no_screen_has_is_refused() -> None:
    with pytest.raises(TreeError, match="unknown colour"):
        screen_from("end", {"kind": "notice", "text": WORDS, "colour": "red"})


def test_a_pack_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(TreeError, match="no pack 'atlantis'. The packs are: tajikistan"):
        pack.load("atlantis")
