"""What happens to a case. Each function is part of the caller's transaction: the case, its event and its
outbox entries are kept together or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cases import pins, reference, statuses
from store import Transaction, entries
from store import cases as rows
from store.cases import CaseRow
from store.identity import Identity
from sync import outbox

OPENED, MOVED, NOTIFIED = "case.opened", "case.moved", "case.notified"
LISTED = 9


class UnknownCaseError(Exception):
    """There is no such case, or not for this agency: the two read the same."""


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
    received_at: int


class Moved(msgspec.Struct, frozen=True):
    """The event that carries a new status to the station that filed the case."""

    event: str
    reference: str
    kind: str
    actor: str
    text: str
    at: int


class Notified(msgspec.Struct, frozen=True):
    """The event that tells the upstream that the resident was sent the news."""

    event: str
    reference: str
    at: int


@dataclass(frozen=True)
class Filed:
    """What the resident is shown at once."""

    reference: str
    pin: str


class Cases:
    """The cases of one station. `has_upstream` says whether what is filed here travels on."""

    def __init__(self, identity: Identity, has_upstream: bool) -> None:
        self._identity = identity
        self._has_upstream = has_upstream

    def open(self, tx: Transaction, appeal: Appeal) -> Filed:
        """Keep an appeal as a new case, and queue it for the upstream."""
        number = reference.issue(tx, self._identity.number)
        opened = Opened(
            **msgspec.structs.asdict(appeal),
            event=self._event_id(tx),
            reference=number,
            station=self._identity.number,
            received_at=tx.now,
        )
        self._insert(tx, opened)
        if self._has_upstream:
            _put(tx, outbox.UPSTREAM, OPENED, number, opened)
        return Filed(number, pins.pin_of(tx, number))

    def record(self, tx: Transaction, agency: str, number: str, kind: str, text: str) -> CaseRow:
        """The agency moves its case. The same event a second time changes nothing.

        Raises UnknownCaseError, statuses.IllegalMoveError, statuses.WordsMissingError."""
        case = rows.find(tx, number)
        if case is None or case.agency != agency:
            raise UnknownCaseError(number)
        if case.status == kind and (kind, text) in [(event.kind, event.text) for event in rows.events_of(tx, number)]:
            return case
        statuses.check_move(case.status, kind, text)
        moved = Moved(self._event_id(tx), number, kind, f"agency:{agency}", text, tx.now)
        self._move(tx, case, moved)
        return self.get(tx, number)

    def get(self, tx: Transaction, number: str) -> CaseRow:
        """The case. Raises UnknownCaseError."""
        case = rows.find(tx, number)
        if case is None:
            raise UnknownCaseError(number)
        return case

    def as_of(self, tx: Transaction, case: CaseRow) -> int:
        """Until when the status shown is known to be true: the upstream's last word, or now where there is none to
        wait for. Milliseconds since 1970 UTC."""
        if not self._has_upstream:
            return tx.now
        return max(case.updated_at, entries.destination(tx, outbox.UPSTREAM).ok_at or 0)

    def apply(self, tx: Transaction, peer: str, kind: str, body: str) -> None:
        """Take an event from another station. An event that is already here changes nothing.

        The upstream moves cases; a downstream station opens its own and tells of its notices, so that a stolen box
        can speak for nobody else. Raises msgspec.ValidationError, UnknownCaseError, ForeignEventError or
        UnknownEventError: the caller keeps the event aside."""
        if kind == OPENED:
            opened = msgspec.json.decode(body, type=Opened)
            _check_sender(peer, opened.reference)
            self._insert(tx, opened)
        elif kind == MOVED:
            moved = msgspec.json.decode(body, type=Moved)
            _check_sender(peer, "")
            self._move(tx, self.get(tx, moved.reference), moved)
        elif kind == NOTIFIED:
            told = msgspec.json.decode(body, type=Notified)
            _check_sender(peer, told.reference)
            self.get(tx, told.reference)
            rows.add_event(tx, told.event, told.reference, "notified", "channel", "", told.at)
        else:
            raise UnknownEventError(kind)

    def notified(self, tx: Transaction, number: str) -> None:
        """The gateway has the notice; the upstream learns that the resident was told."""
        told = Notified(self._event_id(tx), number, tx.now)
        rows.add_event(tx, told.event, number, "notified", "channel", "", tx.now)
        if self._has_upstream:
            _put(tx, outbox.UPSTREAM, NOTIFIED, number, told, outbox.NORMAL)

    def _insert(self, tx: Transaction, opened: Opened) -> None:
        if rows.find(tx, opened.reference) is not None:
            return
        rows.insert(
            tx,
            CaseRow(
                **msgspec.structs.asdict(Appeal(*(getattr(opened, name) for name in Appeal.__struct_fields__))),
                reference=opened.reference,
                number=tx.next_number("cases"),
                station=opened.station,
                status=statuses.RECEIVED,
                received_at=opened.received_at,
                registered_at=None,
                updated_at=tx.now,
            ),
        )
        rows.add_event(tx, opened.event, opened.reference, statuses.RECEIVED, "resident", "", opened.received_at)

    def _move(self, tx: Transaction, case: CaseRow, moved: Moved) -> None:
        if not rows.add_event(tx, moved.event, case.reference, moved.kind, moved.actor, moved.text, moved.at):
            return
        registered_at = moved.at if moved.kind == "registered" else None
        rows.set_status(tx, case.reference, moved.kind, registered_at)
        if case.station == self._identity.number:
            _put_notice(tx, case)
        else:
            _put(tx, outbox.station(case.station), MOVED, case.reference, moved)

    def _event_id(self, tx: Transaction) -> str:
        number = tx.next_number("events")
        return f"{self._identity.number:03}.{self._identity.incarnation}.{number}"


class UnknownEventError(Exception):
    """A kind of event that this release does not know."""


class ForeignEventError(Exception):
    """An event about a case that its sender has no say in."""


def _check_sender(peer: str, number: str) -> None:
    """A downstream station speaks of the references that begin with its own number; an event without one (`number`
    empty) comes from the upstream alone."""
    may_speak = peer == outbox.station(int(number[:3])) if number[:3].isdigit() else peer == outbox.UPSTREAM
    if not may_speak:
        raise ForeignEventError(f"{peer} has no say in this case.")


class Notice(msgspec.Struct, frozen=True):
    """A message to a resident, put into words only when it is sent. Its default says no more than that there
    is news: others at home may read the phone."""

    msisdn: str
    language: str
    reference: str
    message: str = "news"


def _put_notice(tx: Transaction, case: CaseRow) -> None:
    _put(tx, outbox.SMS, "notice", case.reference, Notice(case.msisdn, case.language, case.reference))


def _put(
    tx: Transaction, destination: str, kind: str, number: str, body: msgspec.Struct, lane: str = outbox.URGENT
) -> None:
    outbox.put(tx, destination, kind, number, msgspec.json.encode(body).decode(), lane)


def mine(tx: Transaction, msisdn: str) -> list[CaseRow]:
    """The latest cases filed from this phone, newest first."""
    return rows.of_subscriber(tx, msisdn, LISTED)


def last_words(tx: Transaction, number: str) -> str:
    """The latest text that the agency wrote to the resident, or nothing."""
    texts = [event.text for event in rows.events_of(tx, number) if event.text]
    return texts[-1] if texts else ""
