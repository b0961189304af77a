"""One key for every way people spell a name or a word. Which letters sound alike is a table of the pack."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from sado.menus.language import csv_rows
from sado.menus.misfits import Misfit

FILE = "folding.csv"
_split_words = re.compile(r"[\s.,;:/()]+").split
_doubled = re.compile(r"(.)\1+")
_cyrillic = re.compile("[Ѐ-ӿ]").search
# Signs of two alphabets that look the same, whatever the language.
_LOOK_ALIKES = str.maketrans("AaBCcEeHKMOoPpTXxYy", "АаВСсЕеНКМОоРрТХхУу")


@dataclass(frozen=True)
class Folding:
    """What letters, and groups of letters, sound like. One that the table does not have stands for itself."""

    sounds: Mapping[str, str]

    @classmethod
    def read(cls, csv_text: str) -> Folding:
        """Take a table without misfits: `written` (small letters) and `sound` (a letter, or nothing)."""
        return cls({row["written"]: row["sound"] for _, row in csv_rows.read(csv_text)})

    def fold(self, text: str, drop: Set[str] = frozenset()) -> str:
        """Give one key for every spelling of a name: national letters, without them, old fonts, another alphabet.

        The key is lossy on purpose (х is х or ҳ): it is for finding, never for showing. Words whose own key is in
        `drop`, such as those for "city" and "district", are left out, unless there is nothing else.
        """
        words = [self._fold_word(word) for word in _split_words(text)]
        names = [word for word in words if _doubled.sub(r"\1", word) not in drop]
        return _doubled.sub(r"\1", "".join(names or words))

    def _fold_word(self, word: str) -> str:
        """Fold one word; Latin letters among Cyrillic ones are read by their looks, not their sound."""
        composed = unicodedata.normalize("NFC", word)
        if _cyrillic(composed):
            composed = composed.translate(_LOOK_ALIKES)
        apart = self._groups.sub(lambda group: self.sounds[group[0]], unicodedata.normalize("NFD", composed.lower()))
        # Marks go with the apostrophes and hyphens: ӣ is и, ё is е, ў is у, "Mu'minobod" is one word.
        return "".join(letter for letter in apart.translate(self._letters) if letter.isalnum())

    @cached_property
    def _groups(self) -> re.Pattern[str]:
        groups = sorted((written for written in self.sounds if len(written) > 1), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, groups)) or "(?!)")

    @cached_property
    def _letters(self) -> dict[int, str]:
        return {ord(written): sound for written, sound in self.sounds.items() if len(written) == 1}


def misfits(csv_text: str) -> Iterator[Misfit]:
    """What is wrong with a table."""
    rows = csv_rows.read(csv_text)
    if not rows or not rows[0][1].keys() >= {"written", "sound"}:
        yield FILE, (1,), "the table needs rows with the columns written, sound"
        return
    seen: set[str] = set()
    for line, row in rows:
        if not row["written"] or row["written"] != unicodedata.normalize("NFD", row["written"].lower()):
            yield FILE, (line,), "written must be small letters, without marks of their own"
        if row["written"] in seen:
            yield FILE, (line,), f"{row['written']} stands in two rows"
        seen.add(row["written"])


def is_one_edit_apart(key: str, other: str) -> bool:
    """Tell whether one letter changed, added or left out turns one key into the other."""
    short, long = sorted((key, other), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return len(long) - len(short) == 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
