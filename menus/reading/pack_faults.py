"""Faults that a pack has as a whole: what its files say of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sado.menus.fields import FIELDS
from sado.menus.pack import Pack
from sado.menus.reading import check
from sado.menus.reading.contract import SHARED_WORDS
from sado.menus.reading.faults import Fault
from sado.menus.reading.source import SHARED, PackFile, PackSource
from sado.menus.reading.yaml_files import File, Written
from sado.menus.tree import PLACEHOLDER, Screen, Texts, Tree, completed

ERRORS = (*FIELDS, "choice", "busy")
MESSAGES = ("news", "unknown")


def found(pack: Pack, made: Sequence[Screen], source: PackSource) -> Iterator[Fault]:
    """Every fault between the trees, pack.yaml, the law and the agencies; `made` are the engine's screens as each
    type made them."""
    shared, written = source.yaml[SHARED], source.trees
    yield from _missing_screens(pack.tree, shared)
    yield from _made_twice(made, written)
    yield from _shared_faults(pack, source.shared, shared)
    yield from _misrouted(pack, shared)
    yield from _unnamed(pack)
    yield from _misfiled(pack, written)
    yield from _nameless(pack, written)
    yield from _wordless(pack, shared)


def _missing_screens(tree: Tree, shared: File) -> Iterator[Fault]:
    for part, name in (("start", tree.start), ("first_contact", tree.first_contact), ("resume", tree.resume)):
        if name not in tree.screens:
            yield shared.fault((part,), f"there is no screen {name}", name)
        elif tree.screens[name].is_goto:
            yield shared.fault((part,), f"leads to {name}, a go-to that leads back to itself", name)


def _made_twice(made: Sequence[Screen], written: Written) -> Iterator[Fault]:
    """A type that makes several screens may take a name that is written elsewhere."""
    names = Counter(screen.id for screen in made)
    for name in sorted(name for name, count in names.items() if count > 1):
        yield written.fault(name, f"is also made for {name.rpartition('.')[0]}: rename this one")


def _shared_faults(pack: Pack, words: PackFile, shared: File) -> Iterator[Fault]:
    """What all screens lean on: the words that the program itself says, in every language."""
    groups: dict[str, Mapping[str, Texts]] = {
        "words": words.words,
        "errors": words.errors,
        "statuses": words.statuses,
        "messages": words.messages,
    }
    needed = {"words": SHARED_WORDS, "errors": ERRORS, "messages": MESSAGES}
    for group, names in needed.items():
        if absent := [name for name in names if name not in groups[group]]:
            yield shared.fault((group,), f"there is nothing for {', '.join(absent)}")
    texts: dict[tuple[str, ...], Texts] = {("back",): words.back, ("more",): words.more}
    texts |= {(group, name): phrase for group, named in groups.items() for name, phrase in named.items()}
    languages, placeholders = pack.languages, check.known_to(pack.tree)
    for path, phrase in texts.items():
        for language, says in check.text_faults(completed(languages, phrase), languages, placeholders):
            yield shared.fault((*path, language), says, language=language)


def _misrouted(pack: Pack, shared: File) -> Iterator[Fault]:
    for topic, code in pack.routing.items():
        if code not in pack.agencies:
            yield shared.fault(("routing", topic), f"goes to {code}, which is not in agencies.csv", topic)


def _wordless(pack: Pack, shared: File) -> Iterator[Fault]:
    """Cases whose kind or topic an officer would read as a code."""
    for part, codes in (("kind", _kinds(pack)), ("topic", pack.routing)):
        for code in codes:
            if (part, code) not in pack.case_words:
                yield shared.fault((f"{part}s",), f"nothing names the {part} {code!r}: give its words here", code)


def _unnamed(pack: Pack) -> Iterator[Fault]:
    for agency in pack.agencies.values():
        for language in pack.languages.codes:
            if not agency.names.get(language):
                yield Fault("agencies.csv", 1, agency.code, language, "this agency has no name in this language")


def _misfiled(pack: Pack, written: Written) -> Iterator[Fault]:
    """Forms that file what nobody would take: a kind that the law's file does not have, a topic without an agency."""
    allowed = {"kind": set(_kinds(pack)), "topic": set(pack.routing)}
    for screen in pack.tree.screens.values():
        for name in allowed if screen.effect == "open_case" else ():
            for value in sorted(_values(pack.tree, screen, name) - allowed[name]):
                yield written.fault(screen.id, f"files the {name} {value!r}: add it to law.yaml or to the routing")


def _kinds(pack: Pack) -> Mapping[str, Any]:
    """The kinds of the law's file. What is written there in a wrong way is told by the room that reads it."""
    kinds = pack.law.get("kinds")
    return kinds if isinstance(kinds, dict) else {}


def _nameless(pack: Pack, written: Written) -> Iterator[Fault]:
    """Forms that nobody could file: the law takes their kind only with a name, and they hand none over."""
    strict = {kind for kind, rules in _kinds(pack).items() if isinstance(rules, dict) and rules.get("needs_name")}
    for screen in pack.tree.screens.values():
        if screen.effect != "open_case" or "name" in (*screen.inputs, *screen.constants):
            continue
        for kind in sorted(_values(pack.tree, screen, "kind") & strict):
            yield written.fault(screen.id, f"the law wants a name for the kind {kind!r}: ask for it and hand it over")


def _values(tree: Tree, screen: Screen, name: str) -> set[str]:
    """What an effect may get as this answer: what is written, or the values of the choices that lead to it."""
    value = screen.constants.get(name, f"{{{name}}}")
    wanted = PLACEHOLDER.fullmatch(value)
    if wanted is None:
        return {value}
    forms = {screen_id: choice for screen_id, choice in tree.screens.items() if screen_id != tree.start}
    asked = [
        choice
        for choice in forms.values()
        if choice.answer == wanted[1] and screen.id in check.reached(forms, choice.targets())
    ]
    return {option.value for choice in asked for option in choice.options} - {""}
