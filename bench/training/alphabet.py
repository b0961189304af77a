"""The alphabet of the exchange: the letters beside ASCII that the invented texts are written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.training import texts
from sado.sync.wire import text


def write(seed: int, count: int, path: Path = text.FILE) -> int:
    """Make it of so many texts and write it; how many letters it has."""
    letters = alphabet(texts.texts(seed, count))
    path.write_text(letters + "\n", "utf-8")
    return len(letters)


def alphabet(written: Iterable[str]) -> str:
    """The letters of these texts, both capital and small, that are not in ASCII; the most frequent, where there are
    more than bytes for them."""
    cases = (case for text in written for letter in text for case in sorted({letter, letter.upper(), letter.lower()}))
    counts = Counter(letter for letter in cases if len(letter) == 1 and not letter.isascii())
    return "".join(sorted(letter for letter, _ in counts.most_common(text.MOST)))
