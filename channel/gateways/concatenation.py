"""Long SMS, put together from the parts that came: 3GPP TS 23.040, section 9.2.3.24."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# In the place of parts that never came: what a reader of the text takes for words left out.
GAP = " […] "
_JOINED_8, _JOINED_16 = 0x00, 0x08
_PORTS = {0x04, 0x05}


@dataclass(frozen=True)
class Place:
    """Where a part stands: the `position`-th of `total`, counted from 1, of the message with this reference."""

    reference: int
    total: int
    position: int


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
class Letter:
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

    def takes(self, position: int, part: Part) -> bool:
        """Whether a part belongs here: its place is free, or holds the same, as when a modem hands it over twice."""
        return self.units.get(position, part.units) == part.units

    def add(self, position: int, part: Part) -> None:
        """Put a part in its place."""
        self.rows.append(part.row)
        self.units[position] = part.units
        self.has_settled &= part.has_settled

    def text(self) -> str:
        """The words, with a GAP for what is missing. A pair of surrogates may be cut between two parts, so they are
        joined before they are read."""
        return b"".join(self._pieces()).decode("utf-16-be", "replace").strip()

    def digest(self) -> str:
        """The same for the same message, whatever rows it lies in: who, when by the network's clock, and what."""
        said = [self.first.sender, self.first.received, self.text()]
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:32]

    def _pieces(self) -> Iterator[bytes]:
        for position in range(1, self.total + 1):
            if position in self.units:
                yield self.units[position]
            elif position == 1 or position - 1 in self.units:
                yield GAP.encode("utf-16-be")


def letters(parts: Iterable[Part]) -> list[Letter]:
    """The messages that these parts make, in the order in which the first part of each came."""
    found: list[Letter] = []
    latest: dict[object, Letter] = {}
    for part in parts:
        place = place_of(part.header)
        key = (part.sender, place.reference, place.total) if place else part.row
        position = place.position if place else 1
        letter = latest.get(key)
        if letter is None or not letter.takes(position, part):
            letter = latest[key] = Letter(part, place.total if place else 1)
            found.append(letter)
        letter.add(position, part)
    return found


def place_of(header: bytes) -> Place | None:
    """Where the part with this header stands, or None when it is a message of its own. An impossible place is none,
    as the standard says."""
    elements = _elements(header)
    if len(short := elements.get(_JOINED_8, b"")) == 3:
        place = Place(*short)
    elif len(long := elements.get(_JOINED_16, b"")) == 4:
        place = Place(int.from_bytes(long[:2], "big"), *long[2:])
    else:
        return None
    return place if 1 <= place.position <= place.total else None


def is_for_a_program(header: bytes) -> bool:
    """Whether a message is addressed to a port, as settings and notices of pictures are: no person wrote it."""
    return not _PORTS.isdisjoint(_elements(header))


def headers(reference: int, parts: Sequence[str]) -> list[bytes]:
    """The header of each part of a message; nothing for a message of one."""
    if len(parts) == 1:
        return [b""]
    return [bytes((5, _JOINED_8, 3, reference % 256, len(parts), position)) for position in range(1, len(parts) + 1)]


def _elements(header: bytes) -> Mapping[int, bytes]:
    """The information elements, as far as the header holds together."""
    found, rest = {}, header[1 : 1 + header[0]] if header else b""
    while len(rest) >= 2 and len(rest) >= 2 + rest[1]:
        found[rest[0]] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    return found
