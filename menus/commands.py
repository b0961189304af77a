"""SMS commands: the word that somebody wrote, however it is spelt, and the answers that follow it.

A command is data of the pack: its words in each language, the screen of the tree that it enters, and the screens
whose questions it answers already. So an SMS does what the menu does, and asks only for what is missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sado.menus.fields import accepted
from sado.menus.invisible import clean
from sado.menus.language.folding import is_one_edit_apart
from sado.menus.language.languages import Languages
from sado.menus.reading.contract import Id, Name
from sado.menus.tree import Screen, Tree

# A shorter word is one edit away from half of the language.
SHORTEST_NEAR = 4
# Options of a choice have no longer names that somebody would type.
MOST_WORDS = 3

_LETTERS = r"[^\W\d_]+(?:['’‘`ʼ-][^\W\d_]+)*"
_SECOND = re.compile(rf"[\s_./,-]{{0,3}}({_LETTERS})")
_BETWEEN = " \t\n,.-/:;_#*"
_GROUP = re.compile(rf"[{re.escape(_BETWEEN)}]*(\d+)")
_OPTION = re.compile(rf"[{re.escape(_BETWEEN)}]*(\d+|{_LETTERS})")
# Before a number it says nothing: our own messages have it, and people send them back.
_NUMERO = re.compile(r"№|\bno\.? ?(?=\d)", re.IGNORECASE)
_DOUBLED = re.compile(r"(.)\1", re.IGNORECASE).search
_CYRILLIC = re.compile("[Ѐ-ӿ]").search
# All that is said by these fields is told by no end: they take the rest of the message.
FREE = ("text", "name", "place", "serial", "phone", "number", "date")


Fold = Callable[[str], str]
Does = Literal["choose", "more"]


class Keyword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command as `commands.yaml` has it."""

    words: Annotated[dict[str, list[str]], Meta(description="language: spellings; the answer is in that language")]
    go: Annotated[Id, Meta(description="the screen that the command enters")] | None = None
    go_with_inputs: (
        Annotated[Id, Meta(description="where it enters instead when something follows the word")] | None
    ) = None
    inputs: Annotated[list[Id], Meta(description="the screens that what follows the word answers, in its order")] = []
    constants: Annotated[dict[Name, str], Meta(description="answers that the command is in itself")] = {}
    choices: Annotated[
        dict[str, list[str]], Meta(description="number of an option: more words for it than the screen has")
    ] = {}
    does: Annotated[Does, Meta(description="no screen: the option that begins so, or the next page")] | None = None
    bare: Annotated[bool, Meta(description="a message of nothing but the number means this command")] = False
    destructive: Annotated[bool, Meta(description="never meant by a slip: it is spelt right and stands alone")] = False


@dataclass(frozen=True)
class Command:
    """What a message says: the command, the language of its word as it was spelt (empty for a bare number), what
    follows the word, and whether the word was one letter away."""

    name: str
    keyword: Keyword
    language: str
    rest: str
    is_near: bool = False


@dataclass(frozen=True)
class Arguments:
    """What follows the word: the input for each screen that it answers, and what is left over."""

    inputs: Mapping[str, str]
    left: str


@dataclass(frozen=True)
class _Word:
    name: str
    language: str
    spelling: str


class Commands:
    """The commands of one pack, found by what people write."""

    def __init__(self, keywords: Mapping[str, Keyword], languages: Languages) -> None:
        self.keywords = keywords
        self._fold = languages.fold
        # Digits that people write for letters may begin a word: 6IKOYAT.
        digit = f"[{languages.digits}]?" if languages.digits else ""
        self._head = re.compile(rf"[\W_]*({digit}{_LETTERS})")
        self._words: dict[str, list[_Word]] = {}
        for word in words_of(keywords):
            self._words.setdefault(self._fold(word.spelling), []).append(word)

    def parse(self, text: str, tree: Tree) -> Command | None:
        """The command that this message is, or None. `tree` says how long the number is that may stand bare."""
        said = unicodedata.normalize("NFKC", clean(_NUMERO.sub(" ", text))).strip()
        return self._bare(said, tree) or self._worded(said)

    def is_word_of(self, name: str, word: str) -> bool:
        """Whether this is a word of the command."""
        return any(candidate.name == name for candidate in self._words.get(self._fold(word), ()))

    def _bare(self, said: str, tree: Tree) -> Command | None:
        for name, keyword in self.keywords.items():
            if keyword.bare and said[:1].isdigit():
                parted = arguments(tree, keyword, said)
                first = tree.screens[keyword.inputs[0]]
                number = parted.inputs.get(first.id, "")
                if not parted.left and accepted(first.accepts, first.length, number) is not None:
                    return Command(name, keyword, "", said)
        return None

    def _worded(self, said: str) -> Command | None:
        head = self._head.match(said)
        if head is None:
            return None
        second = _SECOND.match(said, head.end())
        for end in (second, head):
            if end and (word := self._known(said[head.start(1) : end.end()])):
                return self._command(word, said[end.end() :])
        near = self._near(head[1])
        return self._command(near, said[head.end() :], is_near=True) if near else None

    def _command(self, word: _Word, rest: str, is_near: bool = False) -> Command:
        return Command(word.name, self.keywords[word.name], word.language, _rest(rest), is_near)

    def _known(self, typed: str) -> _Word | None:
        """The word of this key; of those that share it the one that is spelt so, else one in the same alphabet: the
        answer goes to the language of the word."""
        words = [word for word in self._words.get(self._fold(typed), ()) if self._is_safe(word, typed)]
        exact = [word for word in words if word.spelling.casefold() == typed.casefold()]
        alike = [word for word in words if bool(_CYRILLIC(word.spelling)) == bool(_CYRILLIC(typed))]
        return next(iter((*exact, *alike, *words)), None)

    def _is_safe(self, word: _Word, typed: str) -> bool:
        """The key forgives a doubled letter; a word that destroys is not to be read out of a slip."""
        return not self.keywords[word.name].destructive or bool(_DOUBLED(word.spelling)) == bool(_DOUBLED(typed))

    def _near(self, typed: str) -> _Word | None:
        """The word one letter away, if all such words are of one command, and none of them destroys."""
        key = self._fold(typed)
        if len(key) < SHORTEST_NEAR:
            return None
        near = [word for folded in self._words for word in self._words[folded] if is_one_edit_apart(key, folded)]
        names = {word.name for word in near}
        is_short = any(len(self._fold(word.spelling)) < SHORTEST_NEAR for word in near)
        if len(names) != 1 or is_short or self.keywords[near[0].name].destructive:
            return None
        return next((word for word in near if bool(_CYRILLIC(word.spelling)) == bool(_CYRILLIC(typed))), near[0])


def _rest(text: str) -> str:
    """What follows, from its first sign that says something; nothing when none does."""
    return text.lstrip(_BETWEEN).rstrip() if any(map(str.isalnum, text)) else ""


def words_of(keywords: Mapping[str, Keyword]) -> Iterator[_Word]:
    """Every spelling of every command."""
    for name, keyword in keywords.items():
        for language, spellings in keyword.words.items():
            for spelling in spellings:
                yield _Word(name, language, spelling)


def arguments(tree: Tree, keyword: Keyword, rest: str) -> Arguments:
    """What follows the word, parted among the screens that the command answers. A number of the wrong length goes to
    the first of them, so that she is told."""
    inputs: dict[str, str] = {}
    left = _rest(rest)
    for at, name in enumerate(keyword.inputs):
        screen = tree.screens[name]
        following = tree.screens[keyword.inputs[at + 1]] if at + 1 < len(keyword.inputs) else None
        said, left = _taken(screen, following, keyword, left, tree.languages.fold, is_first=not at)
        if said:
            inputs[name] = said
    return Arguments(inputs, left)


def _taken(
    screen: Screen, following: Screen | None, keyword: Keyword, left: str, fold: Fold, is_first: bool
) -> tuple[str, str]:
    """What of `left` answers this screen, and what remains."""
    if not screen.accepts:
        return _option_in(screen, keyword, left, fold)
    if screen.accepts in FREE:
        return left, ""
    end = _number_end(left, _length(screen), _length(following) if following else 0)
    if not end and is_first and (group := _GROUP.match(left)):
        end = group.end()
    return left[:end].strip(_BETWEEN), _rest(left[end:])


def _length(screen: Screen) -> int:
    return 4 if screen.accepts == "year" else screen.length


def _number_end(left: str, length: int, then: int) -> int:
    """Where a number of this many digits ends, written in one or in groups; 0 when there is none. A run that is longer
    is cut only where the next number, of `then` digits, was glued to it."""
    count, at = 0, 0
    while count < length and (group := _GROUP.match(left, at)):
        glued = count + len(group[1]) - length
        if glued > 0:
            return group.end() - glued if glued == then else 0
        count, at = count + len(group[1]), group.end()
    return at if count == length else 0


def _option_in(screen: Screen, keyword: Keyword, left: str, fold: Fold) -> tuple[str, str]:
    """The key of the option that `left` begins with the words of, the longest first."""
    keys = {option.key for option in screen.options}
    key_of = {fold(str(words)): option.key for option in screen.options for words in option.text.values()}
    key_of |= {fold(word): key for key, words in keyword.choices.items() for word in words}
    ends: list[int] = []
    at = 0
    while len(ends) < MOST_WORDS and (match := _OPTION.match(left, at)):
        ends.append(at := match.end())
    for end in reversed(ends):
        typed = left[:end].strip(_BETWEEN)
        if key := typed if typed in keys else key_of.get(fold(typed)):
            return key, _rest(left[end:])
    return "", left
