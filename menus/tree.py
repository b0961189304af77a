"""The tree as the engine walks it: screens as frozen data, of few types. A screen's own fields say which it is:

- an action has an `effect`: it shows nothing, asks the caller for it and goes on by its outcome;
- a prompt `accepts` something: it asks for one typed answer;
- a list (`is_list`) is a choice whose options come from the last effect;
- a notice (`is_last`) is the last thing shown and ends the session;
- a go-to (`is_goto`) is another name for a screen; nothing leads to it any more once the tree is put together;
- any other is a choice: numbered options, each leading to a screen; without options it is a text to read.

What an administrator writes has more types (menus/reading/screen_types.py); they are made of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sado.menus.language.languages import Languages

# Words, or their plural forms by CLDR category with `by` naming the placeholder that holds the number.
Form = str | Mapping[str, str]
Texts = Mapping[str, Form]
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class TreeError(ValueError):
    """A pack that must not be used; the message lists every fault with its file and line."""


@dataclass(frozen=True, slots=True)
class Option:
    """One numbered line: `key` is typed, `value` is kept as the screen's answer, `language` is switched to; `constants`
    are more answers that it gives."""

    key: str
    text: Texts
    go: str
    value: str = ""
    language: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen; the module tells its types.

    An action hands to its effect the answers named by `inputs`, and the `constants` that stand in the tree. As `text`
    goes the screen's own text in the resident's language, or `note` in the language of the agencies. A screen with a
    `title` begins a form that is offered again until it is finished. A prompt that `expects` something takes only the
    value under this name, which it shows: whoever dials blindly, or ahead, does not know it.
    """

    id: str
    text: Texts = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    answer: str = ""
    go: str = ""
    accepts: str = ""
    length: int = 0
    otherwise: str = ""
    expects: str = ""
    effect: str = ""
    inputs: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    outcomes: Mapping[str, str] = field(default_factory=dict)
    title: Texts = field(default_factory=dict)
    is_paged: bool = False
    is_list: bool = False
    is_last: bool = False
    is_goto: bool = False

    @property
    def is_choice(self) -> bool:
        """Whether it is of none of the other types."""
        return not (self.effect or self.accepts or self.is_list or self.is_last or self.is_goto)

    def targets(self) -> list[str]:
        """Every screen that this one can lead to, in the order in which a reader meets them."""
        named = [*(option.go for option in self.options), self.go, self.otherwise, *self.outcomes.values()]
        return [target for target in dict.fromkeys(named) if target]

    def texts(self) -> list[Texts]:
        """Everything that this screen says."""
        return [text for text in (self.text, *(option.text for option in self.options), self.title) if text]


@dataclass(frozen=True)
class Tree:
    """All screens of a pack. `version` names this content; `resume` is the screen that offers an unfinished form;
    `labels` gives an answer's words by its value, `placeholders` the longest value of each,
    `fixed_placeholders` those that are always the same; `refusals` are the keys of words that are said in place of a
    name; `entered` are the screens that SMS commands enter, and `is_by_sms` says that each line is paid for."""

    version: str
    languages: Languages
    start: str
    first_contact: str
    resume: str
    screens: Mapping[str, Screen]
    back: Texts
    more: Texts
    errors: Mapping[str, Texts]
    labels: Mapping[tuple[str, str], Texts]
    placeholders: Mapping[str, Texts]
    fixed_placeholders: Mapping[str, str]
    refusals: frozenset[str] = frozenset()
    entered: tuple[str, ...] = ()
    is_by_sms: bool = False


def filled(text: str, value_of: Callable[[str], str]) -> str:
    """`text` with its placeholders filled in one pass: a value cannot bring in another placeholder. A value that ends
    in a full stop, such as "109 сом.", brings none where the text has one of its own."""

    def value(match: re.Match[str]) -> str:
        words = value_of(match[1])
        return words.removesuffix(".") if match.string.startswith(".", match.end()) else words

    return PLACEHOLDER.sub(value, text)


def without_sms(tree: Tree) -> Tree:
    """The tree as it is walked by SMS: without the options to get the same words by SMS. The numbers of the others stay
    as they are: a form may change between a call and SMS at any screen."""

    def sends(target: str) -> bool:
        return target in tree.screens and tree.screens[target].effect == "send_sms"

    changed = {
        name: replace(screen, options=tuple(option for option in screen.options if not sends(option.go)))
        for name, screen in tree.screens.items()
        if any(sends(option.go) for option in screen.options)
    }
    return replace(tree, screens={**tree.screens, **changed}, is_by_sms=True)


def labels_of(screens: Mapping[str, Screen]) -> dict[tuple[str, str], Texts]:
    """(answer, value) → the words of the option that gives it. A value with a placeholder is known only later."""
    return {
        (screen.answer, option.value): option.text
        for screen in screens.values()
        for option in screen.options
        if screen.answer and option.value and not PLACEHOLDER.search(option.value)
    }


def completed(languages: Languages, texts: Texts) -> Texts:
    """With the words of each romanised language; plural forms stay with the languages that have them."""
    plain = {code: words for code, words in texts.items() if isinstance(words, str)}
    return {**languages.complete(plain), **texts} if texts else {}


def without_gotos(screens: Mapping[str, Screen]) -> dict[str, Screen]:
    """The screens with every go-to replaced by where it leads in the end; the go-tos stay, for `faults` to tell of."""
    return {name: _retargeted(screen, partial(end_of, screens)) for name, screen in screens.items()}


def end_of(screens: Mapping[str, Screen], target: str) -> str:
    """Where a target leads in the end, go-tos followed. One that leads back to itself stays as it is."""
    seen = {target}
    while target in screens and screens[target].is_goto and screens[target].go not in seen:
        target = screens[target].go
        seen.add(target)
    return target


def _retargeted(screen: Screen, end: Callable[[str], str]) -> Screen:
    return replace(
        screen,
        options=tuple(replace(option, go=end(option.go)) for option in screen.options),
        go=end(screen.go),
        otherwise=end(screen.otherwise),
        outcomes={outcome: end(target) for outcome, target in screen.outcomes.items()},
    )
