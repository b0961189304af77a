"""Texts as villagers type them, made up, to train the dictionary of the exchange with (sync/wire/dictionary.zstd).

Real appeals are private and would leak from a dictionary that every station ships, so it is trained on these. They are
spoken by a grammar of nested choices, whose phrases stand in bench/training/phrases, one file a language, to be
corrected by whoever speaks it. Nothing here runs in a station.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PHRASES = Path(__file__).with_name("phrases")
PACK = Path(__file__).parents[2] / "menus" / "packs" / "tajikistan"
SHORTEST, LONGEST = 60, 300
# Of a hundred messages: Tajik as it is written, on a phone without its six letters, in Latin letters; the others.
SHARES = {"tajik": 30, "plain": 30, "latin": 8, "russian": 30, "english": 2}
DEEPEST = 50

SECTION = re.compile(r"\[([\w ]+)\]")
ONE_OF = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{([^{}]+)\}")
NUMBER = re.compile(r"(\d+)-(\d+)")
STARTS = re.compile(r"(?:^|(?<=[.!?] ))\w")
STOPS = re.compile(r"[.,:;]+(?=\s|$)")

Lists = dict[str, list[str]]
Spelling = dict[str, str]

PLAIN: Spelling = dict(zip("ғӣқӯҳҷ", "гикухч", strict=True))
RUSSIAN: Spelling = {**PLAIN, "ҷ": "дж", "ъ": ""}
LATIN: Spelling = {
    **dict(zip("абвгдезийклмнопрстуфэыӣқӯҳҷғь№", "abvgdeziyklmnoprstufeyiquhjg'N", strict=True)),
    **{"ё": "yo", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ю": "yu", "я": "ya"},
}
# What some type instead, in Latin letters; a writer keeps to it through a message.
ALTERNATIVES = {"х": "h", "қ": "k", "ғ": "gh", "ҷ": "dj", "ж": "j", "й": "i", "ё": "io", "ъ": "'", "ш": "w", "ч": "4"}


def texts(seed: int, count: int) -> list[str]:
    """So many made-up appeals of 60 to 300 letters, in the languages and spellings of `SHARES`.

    The same seed makes the same texts, so that anybody can train the same dictionary again."""
    chance = random.Random(seed)  # noqa: S311 - makes sentences, guards nothing
    writers = _writers()
    kinds = chance.choices(list(SHARES), list(SHARES.values()), k=count)
    return [writers[kind](chance) for kind in kinds]


@dataclass(frozen=True)
class Writer:
    """One who writes in a language: what she has to say, and how she spells it."""

    lists: Lists
    spell: Callable[[str, random.Random], str]

    def __call__(self, chance: random.Random) -> str:
        """A text of a length that we want. What is too short or long is not mended but said anew, so that each stays
        whole."""
        while True:
            text = self._typed(_message(self.lists, chance), chance)
            if SHORTEST <= len(text) <= LONGEST:
                return text

    def _typed(self, text: str, chance: random.Random) -> str:
        """The text with the habits of one who types on keys: half use no capitals, many no stops."""
        text = self._shortened(text, chance)
        habit = chance.random()
        if habit < 0.4:
            text = STARTS.sub(lambda start: start[0].upper(), text)
        elif habit < 0.95:
            text = text.lower() if habit < 0.85 else text
        else:
            text = text.upper()
        return _punctuated(self.spell(text, chance), chance)

    def _shortened(self, text: str, chance: random.Random) -> str:
        """The text with the contractions of an SMS, in one message of three."""
        if chance.random() < 0.35:
            for line in self.lists["short"]:
                long, short = line.split(" = ")
                if chance.random() < 0.5:
                    text = re.sub(rf"\b{long}\b", short, text)
        return text


def name(chance: random.Random) -> str:
    """The name of somebody who does not exist, as she types it."""
    return _said("{person}", languages()["tajik"], chance)


@cache
def languages() -> dict[str, Lists]:
    """The lists of each language. Names of people and villages are written once, in Tajik, and spelled for the
    others; districts and agencies are those of the pack."""
    names = _read("names")
    return {
        "tajik": {**_read("tajik"), **_places("tg"), **names},
        "russian": {**_read("russian"), **_places("ru"), **_respelled(names, RUSSIAN)},
        "english": {**_read("english"), **_places("en"), **_respelled(names, LATIN)},
    }


def _writers() -> dict[str, Writer]:
    lists = languages()
    return {
        "tajik": Writer(lists["tajik"], _as_is),
        "plain": Writer(lists["tajik"], lambda text, _: _spelled(text, PLAIN)),
        "latin": Writer(lists["tajik"], _in_latin),
        "russian": Writer(lists["russian"], _as_is),
        "english": Writer(lists["english"], _as_is),
    }


def _message(lists: Lists, chance: random.Random) -> str:
    """One message, about one topic: all that it says of {topic} comes from the lists of that topic."""
    topic = chance.choice(lists["topic"])
    pattern = chance.choice(lists["message"]).replace("{topic ask}", f"{{{topic} ask}}")
    for sentence in chance.sample(lists[topic], pattern.count("{topic}")):
        pattern = pattern.replace("{topic}", sentence, 1)
    return re.sub(r"(?<=[?!:])[.,]", "", _said(pattern, lists, chance) + chance.choice(("", ".", ".")))


def _said(phrase: str, lists: Lists, chance: random.Random) -> str:
    """The phrase with every choice in it made, and in what was chosen, until none is left."""
    for _ in range(DEEPEST):
        if "(" in phrase:
            phrase = ONE_OF.sub(lambda group: chance.choice(group[1].split("|")), phrase)
        elif "{" in phrase:
            phrase = SLOT.sub(lambda slot: _filled(slot[1], lists, chance), phrase)
        else:
            return phrase
    raise ValueError(f"This phrase never ends: {phrase[:80]}")


def _filled(slot: str, lists: Lists, chance: random.Random) -> str:
    if number := NUMBER.fullmatch(slot):
        return str(chance.randint(int(number[1]), int(number[2])))
    return chance.choice(lists[slot])


def _punctuated(text: str, chance: random.Random) -> str:
    """The text with stops as she sets them: all, none, no space after them, or too many."""
    habit = chance.random()
    if habit < 0.3:
        text = STOPS.sub("", text)
    elif habit < 0.4:
        text = re.sub(r"(?<=\D)([.,!?]) (?=\D)", r"\1", text)
    elif habit < 0.5:
        text = text.replace(". ", chance.choice(("! ", " ", "... ", " . ")))
    if chance.random() < 0.12:
        text = text.rstrip(".,?!") + chance.choice(("!", "!", "!!!", ".."))
    return text


def _as_is(text: str, _: random.Random) -> str:
    return text


def _in_latin(text: str, chance: random.Random) -> str:
    """Tajik in Latin letters, which everybody spells in a way of their own."""
    return _spelled(text, {**LATIN, **{k: v for k, v in ALTERNATIVES.items() if chance.random() < 0.3}})


def _spelled(text: str, spelling: Spelling) -> str:
    """The text in other letters; a capital stays one."""
    capitals = {letter.upper(): other.capitalize() for letter, other in spelling.items()}
    letters = {**spelling, **capitals}
    return "".join(letters.get(letter, letter) for letter in text)


def _respelled(lists: Lists, spelling: Spelling) -> Lists:
    """The lists in other letters. What stands between braces is not touched: it is in English."""
    return {name: [_spelled(line, spelling) for line in lines] for name, lines in lists.items()}


def _read(language: str) -> Lists:
    """The lists of a file of phrases."""
    lists: Lists = {}
    for line in (PHRASES / f"{language}.txt").read_text("utf-8").splitlines():
        if section := SECTION.fullmatch(line):
            lists[section[1]] = []
        elif line and not line.startswith("#"):
            lists[list(lists)[-1]].append(line)
    return lists


def _places(language: str) -> Lists:
    """The districts, cities and agencies of the pack, as this language names them."""
    lists: Lists = {"district": [], "city": [], "agency": []}
    for row in _rows("districts"):
        lists["district" if row["type"].endswith("district") else "city"].append(row[f"short_{language}"])
    for row in _rows("agencies"):
        lists["agency"] += [name.strip() for name in re.split(r"[/()]", row[f"name_{language}"]) if name.strip()]
    return lists


def _rows(table: str) -> Iterator[dict[str, str]]:
    with (PACK / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
