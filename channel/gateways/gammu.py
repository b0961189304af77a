"""Gammu SMSD: a GSM modem in the village, and no internet at all.

The daemon and we meet in its own SQLite database (schema 17, Gammu 1.42). It puts what came into `inbox`, takes what is
to leave from `outbox` into `sentitems`, and writes there what the network reports. Nothing calls us, so we look. That
SQL stands here and not in `store` is because the database is not ours.

Three habits of the daemon are allowed for:
- It compares the times in `outbox` with its local time, but their defaults are UTC: west of Greenwich a message would
  wait for hours. So we write a time that is long past.
- It joins the text of a long message in the first row only when every part came in time; each row's `Text` holds its
  own part in any case, so we join those.
- When the power goes between keeping a message and deleting it from the modem, it is kept twice. So a message is named
  by what it says and when the network took it, not by its row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.channel.contract import Context, Gateway, Received, Report, State, person_from
from sado.channel.gateways.concatenation import ConcatenatedSms, Part, headers, is_for_a_program, joined
from sado.menus.gsm import encoding, segments
from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError, RejectedError

NAME = "gammu"
SCHEMA = 17
BUSY_S = 3.0
# GSM_MAX_MULTI_SMS: the daemon reads no further.
MOST_PARTS = 50
# A modem sends some ten a minute. More than this would be out of our hands: no longer expiring, merging, or at an hour
# when people are awake.
MOST_WAITING = 20
CODINGS = {"GSM-7": "Default_No_Compression", "UCS-2": "Unicode_No_Compression"}

# What the daemon says of a part, the word that decides for the whole message first: a message with one failed part
# did not arrive, and one with a part underway has not arrived yet.
STATES: dict[str, State | None] = {
    "Error": "failed",
    "SendingError": "failed",
    "DeliveryFailed": "failed",
    "DeliveryUnknown": None,
    "SendingOK": "sent",
    "SendingOKNoReport": "sent",
    "DeliveryPending": "buffered",
    "DeliveryOK": "delivered",
}
_ORDER = list(STATES)
# CreatorID is for the program that wrote a message. Ours holds our key, and which state was told last.
_MARK, _UNTOLD = "sado", "-"

# The daemon keeps the parts of a message that is not whole one after another, with its own time-out between them.
_PARTS = """
    SELECT ID, SenderNumber, ReceivingDateTime, Coding, UDH, Text, TextDecoded,
        UpdatedInDB NOT BETWEEN datetime('now', '-2 minutes') AND datetime('now')
    FROM inbox WHERE Processed = 'false' ORDER BY ID"""
_PROCESSED = "UPDATE inbox SET Processed = 'true' WHERE ID = :row"
# The daemon writes its signal here every StatusFrequency seconds, 60 unless set otherwise.
_PHONE = """
    SELECT COUNT(*) FROM phones
    WHERE Send = 'yes' AND UpdatedInDB BETWEEN datetime('now', '-3 minutes') AND datetime('now')"""
_WAITING = "SELECT COUNT(*) FROM outbox"
_KNOWN = """
    SELECT CreatorID FROM outbox WHERE substr(CreatorID, 1, length(:mark)) = :mark
    UNION ALL SELECT CreatorID FROM sentitems WHERE substr(CreatorID, 1, length(:mark)) = :mark LIMIT 1"""
_FIRST_PART = """
    INSERT INTO outbox (DestinationNumber, Coding, Text, MultiPart, CreatorID, DeliveryReport,
        SendingDateTime, SendingTimeOut)
    VALUES (:number, :coding, :text, :has_more, :creator, 'yes', '2000-01-01 00:00:00', '2000-01-01 00:00:00')"""
_HEADER = "UPDATE outbox SET UDH = :header WHERE ID = :id"
_NEXT_PART = """
    INSERT INTO outbox_multipart (ID, SequencePosition, Coding, Text, UDH)
    VALUES (:id, :position, :coding, :text, :header)"""
# A message is told of when all its parts have left: until then its row is in the outbox.
_SENT = """
    SELECT CreatorID, Status FROM sentitems
    WHERE CreatorID LIKE 'sado %' AND ID NOT IN (SELECT ID FROM outbox) ORDER BY ID"""
_TOLD = "UPDATE sentitems SET CreatorID = :creator WHERE substr(CreatorID, 1, length(:mark)) = :mark"
_FORGET = (
    "DELETE FROM inbox WHERE Processed = 'true' AND UpdatedInDB < datetime('now', '-7 days')",
    "DELETE FROM sentitems WHERE CreatorID LIKE 'sado %' AND UpdatedInDB < datetime('now', '-7 days')",
)
_CAUSES = {
    "SQLITE_BUSY": Cause.GAMMU_LOCKED,
    "SQLITE_CANTOPEN": Cause.GAMMU_MISSING,
    "SQLITE_READONLY": Cause.GAMMU_READ_ONLY,
    "SQLITE_FULL": Cause.GAMMU_DISK_FULL,
    "SQLITE_NOTADB": Cause.GAMMU_NO_DATABASE,
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Without a database it is not used."""

    database: Annotated[
        str, Meta(description="SQLite database of the Gammu SMSD beside the station. Empty: no modem.")
    ] = ""


def build(settings: Settings, context: Context) -> Gateway | None:
    """SMS both ways; what comes is fetched."""
    if not settings.database:
        return None
    sms = GammuSms(Path(settings.database), context.country)
    return Gateway(NAME, sender=sms, polled=sms)


class GammuSms:
    """Sends and collects SMS through the database of the SMSD at `path`. A sender without a country code is of
    `country` (ISO 3166). Every method raises DestinationDownError when the database cannot be used."""

    name = NAME

    def __init__(self, path: Path, country: str) -> None:
        self._path = path
        self._country = country

    def send(self, msisdn: str, text: str, key: str) -> str:
        """Hand over one message; its reports name it by `key`. The same key again sends nothing again: after a crash
        the message is found where it was put. Raises RejectedError, or DestinationDownError also when the daemon has
        said nothing for three minutes, or has enough to do."""
        parts = segments(text)
        if len(parts) > MOST_PARTS:
            raise RejectedError(Cause.TEXT_TOO_LONG)
        with self._change() as database:
            if not database.execute(_KNOWN, {"mark": _creator(key)}).fetchone():
                _check_daemon(database)
                _put(database, msisdn, parts, CODINGS[encoding(text)], _creator(key, _UNTOLD))
        return key

    def collect(self) -> list[Received]:
        """What came and is not marked as collected, oldest first. A long message waits for its parts; those that do
        not come leave a gap. What no person wrote is marked at once and nobody sees it."""
        with self._open() as database:
            rows = database.execute(_PARTS).fetchall()
        wanted = [part for row in rows if (part := self._part(row))]
        if others := {row[0] for row in rows} - {part.row for part in wanted}:
            self._mark(others)
        return [self._received(message) for message in joined(wanted) if message.is_whole or message.has_settled]

    def collected(self, messages: Sequence[Received]) -> None:
        """Mark messages as collected: to be called when they are kept on our side."""
        self._mark(row for message in messages for row in message.rows)

    def reports(self) -> list[Report]:
        """The states that were not told yet."""
        with self._open() as database:
            rows = database.execute(_SENT).fetchall()
        states: dict[str, list[str]] = {}
        for creator, word in rows:
            states.setdefault(creator, []).append(word)
        return [report for creator, words in states.items() if (report := _report(creator, words))]

    def told(self, reports: Sequence[Report]) -> None:
        """Mark states as told: to be called when they are kept on our side."""
        with self._change() as database:
            for report in reports:
                database.execute(_TOLD, {"mark": _creator(report.id), "creator": _creator(report.id, report.word)})

    def forget(self) -> None:
        """Delete what was collected, and what we sent, a week ago: here numbers and texts lie open."""
        with self._change() as database:
            for statement in _FORGET:
                database.execute(statement)

    def _part(self, row: tuple[int, str, str, str, str, str, str, int]) -> Part | None:
        """A row of the inbox, unless it comes from a short code or a name in letters, or is meant for a program."""
        number, sender, received, coding, header, text, decoded, has_settled = row
        udh = _bytes(header)
        msisdn = person_from(sender, self._country)
        if coding == "8bit" or is_for_a_program(udh) or msisdn is None:
            return None
        units = _bytes(text) or decoded.encode("utf-16-be", "replace")
        return Part(number, msisdn, received, udh, units, bool(has_settled))

    def _received(self, message: ConcatenatedSms) -> Received:
        return Received(message.digest(), message.first.sender, message.text(), tuple(message.rows))

    def _mark(self, rows: Iterable[int]) -> None:
        with self._change() as database:
            database.executemany(_PROCESSED, [{"row": row} for row in rows])

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; an error takes all of it back."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work: the daemon's database may be made anew while we run. It is never made by
        us, and letters that are broken in it do not stop us."""
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        database = None
        try:
            database = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            database.execute("PRAGMA secure_delete = ON")
            _check_schema(database)
            yield database
        except sqlite3.Error as error:
            raise _fault(error) from None
        finally:
            if database is not None:
                database.close()


def _check_schema(database: sqlite3.Connection) -> None:
    tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'gammu'").fetchall()
    versions = database.execute("SELECT Version FROM gammu").fetchall() if tables else []
    if versions != [(SCHEMA,)]:
        raise DestinationDownError(Cause.GAMMU_SCHEMA, str(SCHEMA))


def _check_daemon(database: sqlite3.Connection) -> None:
    """Raises DestinationDownError: what is put into the outbox of a daemon that sleeps leaves at any hour."""
    if not database.execute(_PHONE).fetchone()[0]:
        raise DestinationDownError(Cause.GAMMU_ASLEEP)
    if database.execute(_WAITING).fetchone()[0] >= MOST_WAITING:
        raise DestinationDownError(Cause.GAMMU_BUSY)


def _put(database: sqlite3.Connection, number: str, parts: Sequence[str], coding: str, creator: str) -> None:
    """The parts as rows of the outbox. The row's number is the reference in their headers: two messages that a phone
    puts together at the same time have different ones."""
    texts = [part.encode("utf-16-be", "surrogatepass").hex().upper() for part in parts]
    has_more = "true" if len(parts) > 1 else "false"
    first = {"number": number, "coding": coding, "text": texts[0], "has_more": has_more, "creator": creator}
    row = database.execute(_FIRST_PART, first).lastrowid or 0
    marks = [header.hex().upper() for header in headers(row, parts)]
    database.execute(_HEADER, {"id": row, "header": marks[0]})
    for position, (text, header) in enumerate(zip(texts[1:], marks[1:], strict=True), 2):
        part = {"id": row, "position": position, "coding": coding, "text": text, "header": header}
        database.execute(_NEXT_PART, part)


def _creator(key: str, told: str = "") -> str:
    """What stands in CreatorID; without a state, what it begins with."""
    return f"{_MARK} {key} {told}"


def _report(creator: str, words: Sequence[str]) -> Report | None:
    """What is to be told of a message whose parts have these states; None when that was told."""
    key, _, told = creator.removeprefix(f"{_MARK} ").rpartition(" ")
    word = min(words, key=lambda state: _ORDER.index(state) if state in STATES else -1)
    return None if word == told else Report(key, STATES.get(word), word)


def _bytes(digits: str) -> bytes:
    """Hexadecimal digits as the daemon writes them; nothing for what another program has written."""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _fault(error: sqlite3.Error) -> DestinationDownError:
    """What is wrong. SQLite's own words might hold what was to be written, so they are left out."""
    code = getattr(error, "sqlite_errorname", "")
    cause = next((cause for name, cause in _CAUSES.items() if code.startswith(name)), None)
    return DestinationDownError(cause) if cause else DestinationDownError(Cause.GAMMU_FAILS, code)
