"""Concatenated SMS, put together from the parts that came: 3GPP TS 23.040, section 9.2.3.24."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# In the place of parts that never came: what a reader of the text takes for words left out.
GAP = " […] "
_CONCATENATED_8, _CONCATENATED_16 = 0x00, 0x08
_PORTS = {0x04, 0x05}


class Concatenation(NamedTuple):
    """Where a part belongs: the `sequence`-th of `total`, counted from 1, of the message with this reference."""

    reference: int
    total: int
    sequence: int


@dataclass(frozen=True)
class Part:
    """One SMS as it came: `header` is its user data header, `units` are its letters in UTF-16, big end first, and
    `has_settled` says that no more parts are to be waited for."""

    row: int
    sender: str
    received: str
    header: bytes
    units: bytes
    has_settled: bool


@dataclass
class ConcatenatedSms:
    """A message of one part or of many, as far as it is there."""

    first: Part
    total: int
    rows: list[int] = field(default_factory=list)
    units: dict[int, bytes] = field(default_factory=dict)
    has_settled: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether every part is there."""
        return len(self.units) == self.total

    def takes(self, sequence: int, part: Part) -> bool:
        """Whether a part belongs here: none is there yet, or the same, as when a modem hands it over twice."""
        return self.units.get(sequence, part.units) == part.units

    def add(self, sequence: int, part: Part) -> None:
        """Take a part."""
        self.rows.append(part.row)
        self.units[sequence] = part.units
        self.has_settled &= part.has_settled

    def text(self) -> str:
        """The words, with a GAP for what is missing. A pair of surrogates may be cut between two parts, so they are
        joined before they are read."""
        return b"".join(self._pieces()).decode("utf-16-be", "replace").strip()

    def digest(self) -> str:
        """The same for the same message, whatever rows it lies in: who, when by the network's clock, and what."""
        content = [self.first.sender, self.first.received, self.text()]
        return hashlib.sha256("\0".join(content).encode()).hexdigest()[:32]

    def _pieces(self) -> Iterator[bytes]:
        for sequence in range(1, self.total + 1):
            if sequence in self.units:
                yield self.units[sequence]
            elif sequence == 1 or sequence - 1 in self.units:
                yield GAP.encode("utf-16-be")


def joined(parts: Iterable[Part]) -> list[ConcatenatedSms]:
    """The messages that these parts make, in the order in which the first part of each came."""
    messages: list[ConcatenatedSms] = []
    latest: dict[object, ConcatenatedSms] = {}
    for part in parts:
        place = concatenation(part.header)
        key = (part.sender, place.reference, place.total) if place else part.row
        sequence = place.sequence if place else 1
        message = latest.get(key)
        if message is None or not message.takes(sequence, part):
            message = latest[key] = ConcatenatedSms(part, place.total if place else 1)
            messages.append(message)
        message.add(sequence, part)
    return messages


def concatenation(header: bytes) -> Concatenation | None:
    """Where the part with this header belongs, or None when it is a message of its own. An impossible place is none,
    as the standard says."""
    elements = _elements(header)
    if len(short := elements.get(_CONCATENATED_8, b"")) == 3:
        place = Concatenation(*short)
    elif len(long := elements.get(_CONCATENATED_16, b"")) == 4:
        place = Concatenation(int.from_bytes(long[:2], "big"), *long[2:])
    else:
        return None
    return place if 1 <= place.sequence <= place.total else None


def is_for_a_program(header: bytes) -> bool:
    """Whether a message is addressed to a port, as settings and notices of pictures are: no person wrote it."""
    return not _PORTS.isdisjoint(_elements(header))


def headers(reference: int, parts: Sequence[str]) -> list[bytes]:
    """The header of each part of a message; nothing for a message of one."""
    if len(parts) == 1:
        return [b""]
    sequences = range(1, len(parts) + 1)
    return [bytes((5, _CONCATENATED_8, 3, reference % 256, len(parts), sequence)) for sequence in sequences]


def _elements(header: bytes) -> Mapping[int, bytes]:
    """The information elements, as far as the header holds together."""
    elements, rest = {}, header[1 : 1 + header[0]] if header else b""
    while len(rest) >= 2 and len(rest) >= 2 + rest[1]:
        elements[rest[0]] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    return elements
