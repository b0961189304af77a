"""What the events of a case say, as they travel between stations, and the words that name who did something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from sado.sync.codes import EntryKind

OPENED, MOVED, NOTIFIED = EntryKind.CASE_OPENED, EntryKind.CASE_MOVED, EntryKind.CASE_NOTIFIED
WITHDREW = EntryKind.CASE_WITHDRAWN
REQUESTED, DECIDED = EntryKind.CASE_REQUESTED, EntryKind.CASE_DECIDED
# Who opens a case, adds to it and withdraws it, as its history says.
RESIDENT, CHANNEL = "resident", "channel"
# A time that a station says, in milliseconds since 1970 UTC: one that a page can show, from the year 855 to 6429.
Moment = Annotated[int, msgspec.Meta(ge=-(1 << 45), lt=1 << 47)]


def by_agency(code: str) -> str:
    """The agency as the history names it."""
    return f"agency:{code}"


def by_operator(code: str) -> str:
    """An operator who did something about a case that this agency held."""
    return f"operator:{code}"


def agency_of(actor: str) -> str:
    """The agency whose case the actor saw; empty for the resident."""
    return actor.partition(":")[2]


@dataclass(frozen=True)
class Move:
    """What somebody wants to become of a case: the event, its words, the `agency` that a case is passed on to, the
    short term for a registration."""

    kind: str
    actor: str
    text: str = ""
    agency: str = ""
    is_short: bool = False


class Appeal(msgspec.Struct, frozen=True):
    """What a resident files."""

    kind: str
    topic: str
    place: str
    agency: str
    language: str
    msisdn: str
    name: str
    text: str


class Opened(Appeal, frozen=True):
    """The event that carries a new case to the upstream."""

    event: str
    reference: str
    station: int
    received_at: Moment


class Moved(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that carries a move, in the hub's order, to the station that filed the case.

    `due_at` is the end of the last day for the answer as it stands after the event; `agency` is who holds a case that
    was passed on; `version` that of the case after the move. A release before these existed sends none of them, and
    understands an event that has them."""

    event: str
    reference: str
    kind: str
    actor: str
    text: str
    at: Moment
    due_at: Moment | None = None
    agency: str = ""
    is_short: bool = False
    version: int = 0


class Requested(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that asks the hub for a move. `base` is the version of the case that its author saw, `station` the one
    where she sat; `at` is its time there, for people to read."""

    event: str
    reference: str
    station: int
    kind: str
    actor: str
    base: int
    at: Moment
    text: str = ""
    to: str = ""
    is_short: bool = False


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that tells the station where it was asked what became of a request: `applied`, `soft` or `hard`, and
    after `hard`, once a person has decided, `taken` or `set_aside`. `version` is that of the case after the move that
    came of it, 0 where none did."""

    event: str
    reference: str
    request: str
    outcome: str
    version: int = 0


class Notified(msgspec.Struct, frozen=True):
    """The event that tells the upstream that the resident was sent the news."""

    event: str
    reference: str
    at: Moment


class Notice(msgspec.Struct, frozen=True):
    """A message to a resident, put into words only when it is sent. Its default says no more than that there
    is news: others at home may read the phone."""

    msisdn: str
    language: str
    reference: str
    message: str = "news"


@dataclass(frozen=True)
class Filed:
    """What the resident is shown at once."""

    reference: str
    pin: str
