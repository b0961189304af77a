"""Trees: the screens of a pack as frozen data, loaded from YAML and checked.

A screen is one of five kinds:

- choice: numbered options, each leading to a screen; without options it is a text to read;
- list: a choice whose options come from the last effect;
- prompt: asks for one typed answer;
- notice: the last thing shown, ends the session;
- do: shows nothing; asks the caller for an effect and goes on by its outcome.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Texts = Mapping[str, str]
PLACEHOLDER = re.compile(r"\{(\w+)\}")
FIELDS = ("text", "name", "digits")


class TreeError(Exception):
    """A pack that must not be used; the message lists every fault with its file and screen."""


@dataclass(frozen=True)
class Option:
    """One numbered line: `key` is typed, `value` is kept as the screen's answer, `language` is switched to."""

    key: str
    text: Texts
    go: str
    value: str = ""
    language: str = ""


@dataclass(frozen=True)
class Screen:
    """One screen; which of the fields count depends on `kind` (see the module)."""

    id: str
    kind: str
    text: Texts = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    answer: str = ""
    go: str = ""
    accepts: str = "text"
    length: int = 0
    otherwise: str = ""
    effect: str = ""
    takes: tuple[str, ...] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)

    def targets(self) -> set[str]:
        """Every screen that this one can lead to."""
        named = {self.go, self.otherwise, *self.outcomes.values(), *(option.go for option in self.options)}
        return named - {""}


@dataclass(frozen=True)
class Tree:
    """All screens of a pack. `version` names this content; `labels` gives an answer's words by its value,
    `placeholders` the longest value of each, `constants` those that are always the same."""

    version: str
    languages: tuple[str, ...]
    default_language: str
    start: str
    first_contact: str
    screens: Mapping[str, Screen]
    back: Texts
    more: Texts
    errors: Mapping[str, Texts]
    labels: Mapping[tuple[str, str], Texts]
    placeholders: Mapping[str, str]
    constants: Mapping[str, str]


def screen_from(screen_id: str, raw: Mapping[str, Any]) -> Screen:
    """One screen from its YAML mapping. Raises TreeError for a word that no screen has."""
    known = {"kind", "text", "options", "answer", "go", "field", "length", "otherwise", "do", "with"}
    if unknown := set(raw) - known:
        raise TreeError(f"unknown {', '.join(sorted(unknown))}")
    go = raw.get("go", "")
    return Screen(
        id=screen_id,
        kind=raw.get("kind", "do" if "do" in raw else ""),
        text=raw.get("text", {}),
        options=tuple(_option_from(number, one) for number, one in enumerate(raw.get("options", []), 1)),
        answer=raw.get("answer", ""),
        go=go if isinstance(go, str) else "",
        accepts=raw.get("field", "text"),
        length=raw.get("length", 0),
        otherwise=raw.get("otherwise", ""),
        effect=raw.get("do", ""),
        takes=tuple(raw.get("with", ())),
        outcomes={} if isinstance(go, str) else dict(go),
    )


def _option_from(number: int, raw: Mapping[str, Any]) -> Option:
    return Option(
        key=str(raw.get("key", number)),
        text=raw["text"],
        go=raw.get("go", ""),
        value=raw.get("value", ""),
        language=raw.get("language", ""),
    )


def labels_of(screens: Mapping[str, Screen]) -> dict[tuple[str, str], Texts]:
    """(answer, value) → the words of the option that gives it."""
    return {
        (screen.answer, option.value): option.text
        for screen in screens.values()
        for option in screen.options
        if screen.answer and option.value
    }


def faults(tree: Tree) -> list[str]:
    """Everything that makes the tree unusable, each with its screen; an empty list for a sound one."""
    found = [f"{name}: no such screen" for name in (tree.start, tree.first_contact) if name not in tree.screens]
    for screen in tree.screens.values():
        found += [f"{screen.id}: {fault}" for fault in _screen_faults(tree, screen)]
    return found


def _screen_faults(tree: Tree, screen: Screen) -> list[str]:
    found = [f"leads to {target}, which is no screen" for target in screen.targets() if target not in tree.screens]
    texts = [screen.text, *(option.text for option in screen.options)]
    for text in texts:
        if text and (missing := [language for language in tree.languages if not text.get(language)]):
            found.append(f"no text in {', '.join(missing)}")
    used = {name for text in texts for words in text.values() for name in PLACEHOLDER.findall(words)}
    found += [f"unknown placeholder {{{name}}}" for name in sorted(used - set(tree.placeholders))]
    return found + _kind_faults(screen)


def _kind_faults(screen: Screen) -> list[str]:
    keys = [option.key for option in screen.options]
    rules = {
        "a choice needs options or a text": screen.kind == "choice" and not (screen.options or screen.text),
        "every option needs go": screen.kind == "choice" and any(not (o.go or screen.go) for o in screen.options),
        "two options have one key": len(set(keys)) < len(keys),
        "more than 9 options": len(keys) > 9,
        "needs text, answer and go": screen.kind == "prompt" and not (screen.text and screen.answer and screen.go),
        "a list needs answer and go": screen.kind == "list" and not (screen.answer and screen.go),
        "a notice needs a text": screen.kind == "notice" and not screen.text,
        "an effect needs go: {outcome: screen}": screen.kind == "do" and not screen.outcomes,
        f"unknown field {screen.accepts}": screen.accepts not in FIELDS,
        "digits need a length": screen.accepts == "digits" and not screen.length,
        f"unknown kind {screen.kind!r}": screen.kind not in ("choice", "list", "prompt", "notice", "do"),
    }
    return [fault for fault, broken in rules.items() if broken]
