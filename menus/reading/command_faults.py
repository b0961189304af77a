"""Faults of a pack's SMS commands: words that two of them claim, screens that are not there, deletion by a slip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sado.menus.commands import Keyword, words_of
from sado.menus.misfits import Path
from sado.menus.reading.faults import Fault
from sado.menus.reading.source import COMMANDS, PackSource
from sado.menus.tree import Tree

# What nobody must come to by a slip.
DESTROYING = {"forget", "forget_case", "stop_sms"}


def found(tree: Tree, source: PackSource) -> Iterator[Fault]:
    """Every fault of commands.yaml."""
    for path, says in _faults(source.keywords, tree):
        yield source.yaml[COMMANDS].fault(path, says, str(path[0]))


def _faults(keywords: Mapping[str, Keyword], tree: Tree) -> Iterator[tuple[Path, str]]:
    yield from _clashes(keywords, tree)
    for name, keyword in keywords.items():
        for language in keyword.words:
            if language not in tree.languages.codes:
                yield (name, "words", language), f"{language} is no language of pack.yaml"
        if (keyword.go is None) == (keyword.does is None):
            yield (name,), "a command needs either `go` or `does`"
        unknown = list(_unknown_screens(keyword, tree))
        yield from (((name, part), says) for part, says in unknown)
        if not unknown:
            yield from _misused(name, keyword, tree)


def _clashes(keywords: Mapping[str, Keyword], tree: Tree) -> Iterator[tuple[Path, str]]:
    owners: dict[str, str] = {}
    for word in words_of(keywords):
        key = tree.languages.fold(word.spelling)
        owner = owners.setdefault(key, word.name)
        path = (word.name, "words", word.language)
        if not key:
            yield path, f"{word.spelling!r} has no letters"
        elif owner != word.name:
            yield path, f"{word.spelling} is read as a word of `{owner}`: take it from one of the two"


def _unknown_screens(keyword: Keyword, tree: Tree) -> Iterator[tuple[str, str]]:
    named = [("go", keyword.go), ("go_with_inputs", keyword.go_with_inputs)]
    named += [("inputs", screen) for screen in keyword.inputs]
    for part, screen in named:
        if screen is not None and screen not in tree.screens:
            yield part, f"there is no screen {screen}"
        elif screen is not None and tree.screens[screen].is_goto:
            yield part, f"{screen} is another name for a screen: take the screen itself"


def _misused(name: str, keyword: Keyword, tree: Tree) -> Iterator[tuple[Path, str]]:
    answered = [tree.screens[screen] for screen in keyword.inputs]
    if odd := [screen.id for screen in answered if not (screen.accepts or screen.is_choice)]:
        yield (name, "inputs"), f"{', '.join(odd)} asks nothing that could be answered: only prompts and choices do"
    keys = {option.key for screen in answered for option in screen.options}
    if absent := [key for key in keyword.choices if key not in keys]:
        yield (name, "choices"), f"none of its `inputs` has an option {', '.join(absent)}"
    if keyword.bare and (not answered or answered[0].accepts != "digits"):
        yield (name, "bare"), "only a number can stand bare: let its `inputs` begin with a prompt for a field of digits"
    if not keyword.destructive and (effect := _destroys(keyword, tree)):
        yield (name,), f"it leads to {effect}: say `destructive: true`, so that no slip is taken for it"


def _destroys(keyword: Keyword, tree: Tree) -> str:
    """The destroying effect that is at most one answer away from where the command enters, or nothing."""
    near = [keyword.go, keyword.go_with_inputs]
    near += [target for name in near if name for target in tree.screens[name].targets()]
    return next((tree.screens[name].effect for name in near if name and tree.screens[name].effect in DESTROYING), "")
