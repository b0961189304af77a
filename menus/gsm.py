"""Text measured as the network carries it: 7-bit GSM letters, or 16-bit UCS-2 for everything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

# 3GPP TS 23.038 section 6.2.1, without the escape code itself: it is not a letter.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038 section 6.2.1.1: each of these is sent as an escape code and a letter.
_EXTENSION = "\f^{}\\[~]|€"

_all_basic = re.compile(f"[{re.escape(_BASIC)}]*").fullmatch
_all_gsm = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*").fullmatch
_extensions = re.compile(f"[{re.escape(_EXTENSION)}]").findall

# 3GPP TS 23.040 section 9.2.3.24.1: 140 octets, six of them taken by the joining header when split.
_SMS: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


def encoding(text: str) -> Encoding:
    """Say how the whole text travels: one letter outside GSM-7 makes all of it UCS-2."""
    return "GSM-7" if _all_gsm(text) else "UCS-2"


def units(text: str) -> int:
    """Count septets in GSM-7 (an escaped letter is two) or UTF-16 code units in UCS-2.

    Networks bill and cut by these units, so `len` would let a screen overflow.
    """
    if _all_basic(text):
        return len(text)
    if _all_gsm(text):
        return len(text) + len(_extensions(text))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True)
class Budget:
    """What one USSD screen holds: 160 octets, so 182 septets or 80 UCS-2 units.

    3GPP TS 23.038 section 6.1.2.3. Some gateways cut earlier: give those their own numbers.
    """

    septets: int = 182
    ucs2: int = 80

    def of(self, text: str) -> int:
        """Return the limit that applies to this text."""
        return self.septets if _all_gsm(text) else self.ucs2

    def fits(self, text: str) -> bool:
        """Promise that the text reaches the phone whole."""
        return units(text) <= self.of(text)


def segments(text: str) -> list[str]:
    """Cut a text into the SMS parts it is sent as, never inside an escaped letter or a surrogate pair.

    3GPP TS 23.040 section 9.2.3.24.1. Every part keeps the encoding of the whole message.
    """
    single, joined = _SMS[encoding(text)]
    if units(text) <= single:
        return [text]
    parts, start, used = [], 0, 0
    for at, width in enumerate(widths(text)):
        if used + width > joined:
            parts.append(text[start:at])
            start, used = at, 0
        used += width
    return [*parts, text[start:]]


def widths(text: str) -> Iterator[int]:
    """Give the units of each letter in the encoding of the whole text."""
    if encoding(text) == "GSM-7":
        return (2 if letter in _EXTENSION else 1 for letter in text)
    return (2 if letter > "\uffff" else 1 for letter in text)
