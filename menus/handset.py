"""What a handset shows of a screen: a network may cut its end off, and a phone may lack letters."""

from dataclasses import dataclass
from enum import StrEnum

from sado.menus.gsm import encoding, widths

UNKNOWN = "□"


class Letters(StrEnum):
    """Which letters a phone has."""

    ALL = "all"
    RUSSIAN = "russian"
    LATIN = "latin"


@dataclass(frozen=True)
class Shown:
    """`text` is on the display; `lost` is the end of the screen, which never came."""

    text: str
    lost: str


@dataclass(frozen=True)
class Handset:
    """A phone and the network before it. `cut` is how many units of a screen get through, septets or UCS-2 units
    as the whole screen is encoded; 0 lets all of it through."""

    cut: int = 0
    letters: Letters = Letters.ALL

    def show(self, screen: str) -> Shown:
        """The screen as it is seen. A cut leaves no half of an escaped letter or of a surrogate pair."""
        end = _end(screen, self.cut) if self.cut else len(screen)
        text = "".join(letter if self._has(letter) else UNKNOWN for letter in screen[:end])
        return Shown(text, screen[end:])

    def _has(self, letter: str) -> bool:
        if self.letters is Letters.ALL or encoding(letter) == "GSM-7":
            return True
        return self.letters is Letters.RUSSIAN and _is_russian(letter)


def _end(screen: str, limit: int) -> int:
    used = 0
    for at, width in enumerate(widths(screen)):
        used += width
        if used > limit:
            return at
    return len(screen)


def _is_russian(letter: str) -> bool:
    """Whether a phone made for Russian has it. Windows-1251 stands for such a phone: it has «», № and, of Cyrillic, the
    letters of the Slavic alphabets alone."""
    try:
        letter.encode("cp1251")
    except UnicodeEncodeError:
        return False
    return True
