"""One key for every way people spell a name or a word in Cyrillic or Latin letters."""

import re
import unicodedata
from collections.abc import Set

# One table for all packs: sounds that the languages here share. A letter it does not have stands for itself.
# Cyrillic: Tajik letters as typed without them, the old "Times New Roman Tj" font codes (њ ќ ў ї
# љ ѓ; the accented ones lose their mark before this table), and sounds that people write either way.
# Latin: everyday romanisation, with chat habits (w and 6 for ш, 4 for ч, x for х).
_LETTERS = str.maketrans(
    "ҳњқҷљжғцщыэіabcdefghijklmnopqrstuvwxyz46",
    "ххкчччгсшиеиабчдефгхичклмнопкрстувшхизчш",
    "ъь",
)
_GROUPS = {
    "dzh": "ч", "дж": "ч", "dj": "ч", "zh": "ч", "ch": "ч", "sh": "ш", "kh": "х", "gh": "г",
    "ya": "я", "ia": "я", "yu": "ю", "yo": "е",
}  # fmt: skip
_group = re.compile("|".join(_GROUPS))
_split_words = re.compile(r"[\s.,;:/()]+").split
_doubled = re.compile(r"(.)\1+")
_cyrillic = re.compile("[Ѐ-ӿ]").search
_LOOK_ALIKES = str.maketrans("AaBCcEeHKMOoPpTXxYy", "АаВСсЕеНКМОоРрТХхУу")


def fold(text: str, drop: Set[str] = frozenset()) -> str:
    """Give one key for every spelling of a name: national letters, without them, old fonts, Latin.

    The key is lossy on purpose (х is х or ҳ): it is for finding, never for showing. Words whose own key is in
    `drop`, such as those for "city" and "district", are left out, unless there is nothing else.
    """
    words = [_fold_word(word) for word in _split_words(text)]
    names = [word for word in words if _doubled.sub(r"\1", word) not in drop]
    return _doubled.sub(r"\1", "".join(names or words))


def is_one_edit_apart(one: str, other: str) -> bool:
    """Tell whether one letter changed, added or left out turns one key into the other."""
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return len(long) - len(short) == 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _fold_word(word: str) -> str:
    """Fold one word; Latin letters among Cyrillic ones are read by their looks, not their sound."""
    composed = unicodedata.normalize("NFC", word)
    if _cyrillic(composed):
        composed = composed.translate(_LOOK_ALIKES)
    apart = unicodedata.normalize("NFD", composed.lower())
    sounds = _group.sub(lambda found: _GROUPS[found[0]], apart).translate(_LETTERS)
    # Marks go with the apostrophes and hyphens: ӣ is и, ё is е, ў is у, "Mu'minobod" is one word.
    return "".join(letter for letter in sounds if letter.isalnum())
