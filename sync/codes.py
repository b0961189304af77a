"""What is stored, and told between stations, as a code: the kinds of entries in the outbox, and why something did not
leave or could not be taken. The lists are closed: the desk has a word for each code in each of its languages, and a
test fails where one is missing (tests/desk/test_words.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, unique
from typing import Self


@unique
class EntryKind(StrEnum):
    """What an entry tells of. The part before the dot says whose event it is."""

    CASE_OPENED = "case.opened"
    CASE_MOVED = "case.moved"
    # A move that leaves the status as it is. An earlier release would take its name for a status, and keeps it aside.
    CASE_WITHDRAWN = "case.withdrawn"
    CASE_REQUESTED = "case.requested"
    CASE_DECIDED = "case.decided"
    CASE_NOTIFIED = "case.notified"
    ADDITION_ADDED = "addition.added"
    TALLY_COUNTED = "tally.counted"
    PRIVACY_FORGOTTEN = "privacy.forgotten"
    AUDIT_WRITTEN = "audit.written"
    BLOB_OFFERED = "blob.offered"
    BLOB_TAKEN = "blob.taken"
    BLOB_REFUSED = "blob.refused"
    # Its words were damaged by the disk of the station that it waited at.
    DAMAGED = "damaged"
    NOTICE = "notice"
    REPLY = "reply"
    ALERT = "alert"
    ANNOUNCEMENT = "announcement"


@unique
class Cause(Enum):
    """Why something did not leave, or could not be taken. The name is the code: it is stored, so it never comes to mean
    another thing. The value says it in English, as part of a sentence; the desk finds its own languages by it."""

    # The line to the upstream.
    UPSTREAM_SILENT = "the upstream does not answer in time"
    UPSTREAM_UNREACHABLE = "the upstream cannot be reached"
    UPSTREAM_UNTRUSTED = "the upstream's certificate is not trusted here"
    UPSTREAM_REFUSES = "the upstream refuses"
    UPSTREAM_HTTP_ERROR = "the upstream answers with HTTP status"
    UPSTREAM_STORE_FAILED = "the upstream cannot read or write its disk"
    UPSTREAM_FAULTS = "the upstream answers with one fault after another"
    LINE_CUT = "the line was cut"
    STATION_UNKNOWN = "the upstream has not admitted this station: run `sado station add` there"
    ANSWER_TO_ANOTHER = "the answer belongs to another exchange"
    # A frame, and a request for a part of a blob.
    NOT_A_FRAME = "these bytes are not a frame of this protocol"
    MAC_WRONG = (
        "the MAC is wrong: the frame was cut or changed on the way, or upstream.key is not the key that"
        " `sado station add` printed at the upstream"
    )
    FRAME_TOO_LARGE = "the frame is too large"
    FRAME_UNREADABLE = "the frame's content cannot be read"
    MEMORY_LOST = "it is compressed with events that are not here"
    OTHER_STATION = "it is of another station"
    OTHER_VERSION = (
        "the two stations speak different versions of the exchange, update the upstream first and then its stations"
    )
    BLOB_REQUEST_UNREADABLE = "this is no request for a part of a menu or register"
    BLOB_REPLACED = "the menu or register was replaced just now"
    # The hours and budgets of the line; {amount} is the limit.
    WINDOW_CLOSED = "the window is closed"
    DAY_BYTES = "today's {amount} are used up"
    DAY_MONEY = "today's {amount} are spent"
    MONTH_BYTES = "this month's {amount} are used up"
    MONTH_MONEY = "this month's {amount} are spent"
    # SMS gateways, whichever it is.
    GATEWAY_SILENT = "the SMS gateway does not answer"
    GATEWAY_UNREACHABLE = "the SMS gateway cannot be reached"
    GATEWAY_SAID_NOTHING = "the SMS gateway took the message but did not say what became of it"
    GATEWAY_LINE_BROKE = "the line broke before the SMS gateway said what became of the message"
    GATEWAY_UNREADABLE = "the SMS gateway's answer cannot be read"
    GATEWAY_ERROR = "the SMS gateway answers with an error"
    GATEWAY_REFUSES_US = "the SMS gateway refuses our user name, password, key or address"
    GATEWAY_REFUSES_NUMBER = "the SMS gateway refuses this number"
    GATEWAY_REFUSES_MESSAGE = "the SMS gateway refuses this number or text"
    GATEWAY_HAS_NO_ROUTE = "the SMS gateway has no route to this number"
    GATEWAY_HAS_NO_SENDER = "the SMS gateway has no sender for our messages: set its global-sender, or give one"
    GATEWAY_TOOK_NOTHING = "the SMS gateway took nothing"
    GATEWAY_TAKES_NOTHING = "the SMS gateway takes nothing now"
    GATEWAY_DID_NOT_TAKE_IT = "the SMS gateway did not take it"
    GATEWAY_SETTINGS = "the settings of the SMS gateway cannot be used: its address, user name, password or key"
    NO_GATEWAY = "no SMS gateway is well"
    # Gammu SMSD, which is met in its database.
    GAMMU_LOCKED = "the database of Gammu SMSD is locked by another program"
    GAMMU_MISSING = "the database of Gammu SMSD is not there, or its folder is closed to us"
    GAMMU_READ_ONLY = "the database of Gammu SMSD may only be read by us: let us write to it and its folder"
    GAMMU_DISK_FULL = "the database of Gammu SMSD is on a disk that is full"
    GAMMU_NO_DATABASE = "the database of Gammu SMSD is no database"
    GAMMU_FAILS = "the database of Gammu SMSD fails"
    GAMMU_SCHEMA = "the database of Gammu SMSD has another schema: make it with the sqlite.sql of a Gammu with schema"
    GAMMU_ASLEEP = "Gammu SMSD does not run, or has no modem"
    GAMMU_BUSY = "Gammu SMSD has enough to send for now"
    # A message to a resident.
    TEXT_TOO_LONG = "the text is too long for an SMS"
    NIGHT = "nothing is sent at night but what was asked for"
    SMS_MONEY_SPENT = "the money of the day is spent"
    STATION_NOTICES_SPENT = "as many notices as may leave in a day because of one station have left"
    TOO_OLD = "it is too old to be of use"
    NOT_WANTED = "the resident does not want it any more"
    SAID_LATER = "a later notice of the case says the same"
    SPREAD = "the alerts are in the outbox in its place"
    # An event of another station that is kept aside.
    EVENT_UNKNOWN = "this release does not know events of this kind"
    EVENT_FOREIGN = "the station that it came from has no say in this"
    EVENT_UNREADABLE = "what it says cannot be read"
    CASE_FULL = "there is more about this case than any case has"
    EVENT_TOO_LARGE = "it is larger than any event"
    GOES_IN_A_CIRCLE = "it was passed on too often: it goes in a circle"
    ASIDE_FULL = "so much of the upstream is kept aside here that no more is taken: look at it, release it or delete it"
    UPSTREAM_ASIDE_FULL = (
        "so much of this station is kept aside at the upstream that no more is taken: somebody there has to look at it"
    )
    DISK_DAMAGED = "the disk of this station has damaged its words"
    CASE_UNKNOWN = "there is no such case here"
    REFERENCE_DOUBLED = "two appeals have the same number: a person has to look at both"
    # Ours.
    OWN_ERROR = "an error in this program, which the log describes"
    UNKNOWN = "this release does not know this cause"


# Those whose limit is money.
MONEY = (Cause.DAY_MONEY, Cause.MONTH_MONEY)


@dataclass(frozen=True)
class Reason:
    """A cause, and the other side's own word for it: a status, never a number or a text."""

    cause: Cause
    detail: str = ""

    def __str__(self) -> str:
        """In English."""
        return f"{self.cause.value}: {self.detail}" if self.detail else self.cause.value

    @property
    def stored(self) -> str:
        """As the store keeps it; `read` gets it back."""
        return f"{self.cause.name} {self.detail}".rstrip()

    @classmethod
    def read(cls, stored: str) -> Self:
        """The reason that is stored so. A code of another release is UNKNOWN, with all that is stored as its detail."""
        name, _, detail = stored.partition(" ")
        return cls(Cause[name], detail) if name in Cause.__members__ else cls(Cause.UNKNOWN, stored)


class CausedError(Exception):
    """An error that the pages tell of. Its message is in English, for logs and the command line."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        self.reason = Reason(cause, detail)
        super().__init__(str(self.reason))
