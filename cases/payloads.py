"""What the events of a case say, as they travel between stations, and the words that name who did something."""

from __future__ import annotations

from dataclasses import dataclass, field
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
# What a station says is as long as what a phone's form lets in (menus/fields.py, channel/request.py) and no longer.
LONGEST_TEXT = 20_000
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Name = Annotated[str, msgspec.Meta(max_length=80)]
# A number in E.164; empty once it was deleted.
Msisdn = Annotated[str, msgspec.Meta(pattern=r"^(\+[0-9]{5,15})?\Z")]
# What the pack has a code for: a kind, a topic, a place, an agency, a language; and who did something.
Code = Annotated[str, msgspec.Meta(max_length=60)]
Reference = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{10}\Z")]
# Who did something, as the audit log names her (cases/audit.py), and at which station.
Who = Annotated[str, msgspec.Meta(max_length=84)]
# The name of an event: its station, a life of that, a number.
EventName = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
StationNumber = Annotated[int, msgspec.Meta(ge=0, le=999)]
# How often a case was moved.
Version = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]


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
    short term for a registration. `actor` is for whom it is done, `person` who does it: by another it is the same
    move."""

    kind: str
    actor: str
    text: str = ""
    agency: str = ""
    is_short: bool = False
    person: str = field(default="", compare=False)


class Appeal(msgspec.Struct, frozen=True):
    """What a resident files."""

    kind: Code
    topic: Code
    place: Code
    agency: Code
    language: Code
    msisdn: Msisdn
    name: Name
    text: Text


class Opened(Appeal, frozen=True):
    """The event that carries a new case to the upstream."""

    event: EventName
    reference: Reference
    station: StationNumber
    received_at: Moment


class Moved(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that carries a move, in the hub's order, to the station that filed the case.

    `due_at` is the end of the last day for the answer as it stands after the event; `agency` is who holds a case that
    was passed on; `version` that of the case after the move; `person` who did it, which no resident is told. A release
    before these existed sends none of them, and understands an event that has them."""

    event: EventName
    reference: Reference
    kind: Code
    actor: Code
    text: Text
    at: Moment
    due_at: Moment | None = None
    agency: Code = ""
    is_short: bool = False
    version: Version = 0
    person: Who = ""


class Requested(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that asks the hub for a move. `base` is the version of the case that its author saw, `station` the one
    where she sat; `at` is its time there, for people to read."""

    event: EventName
    reference: Reference
    station: StationNumber
    kind: Code
    actor: Code
    base: Version
    at: Moment
    text: Text = ""
    to: Code = ""
    is_short: bool = False
    person: Who = ""


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that tells the station where it was asked what became of a request: `applied`, `soft` or `hard`, and
    after `hard`, once a person has decided, `taken` or `set_aside`. `version` is that of the case after the move that
    came of it, 0 where none did."""

    event: EventName
    reference: Reference
    request: EventName
    outcome: Code
    version: Version = 0


class Notified(msgspec.Struct, frozen=True):
    """The event that tells the upstream that the resident was sent the news."""

    event: EventName
    reference: Reference
    at: Moment


class Notice(msgspec.Struct, frozen=True):
    """A message to a resident, put into words only when it is sent. Its default says no more than that there
    is news: others at home may read the phone. `peer` is whose event it comes of; empty where somebody here moved the
    case."""

    msisdn: str
    language: str
    reference: str
    message: str = "news"
    peer: str = ""


@dataclass(frozen=True)
class Filed:
    """What the resident is shown at once."""

    reference: str
    pin: str
