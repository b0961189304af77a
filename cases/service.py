"""What happens to a case. Each function is part of the caller's transaction: the case, its event and its
outbox entries are kept together or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from cases import pins, reference, statuses, terms
from cases.law import Law
from store import Transaction, entries, subscribers
from store import cases as rows
from store.cases import CaseRow, EventRow
from store.identity import Identity
from sync import outbox

OPENED, MOVED, NOTIFIED = "case.opened", "case.moved", "case.notified"
# Who opens a case and adds to it, as its history says.
RESIDENT = "resident"
LISTED = 9


class UnknownCaseError(Exception):
    """There is no such case, or not for this agency: the two read the same."""


class NamelessError(ValueError):
    """An appeal without a name, of a kind that the law does not examine without one. Ask for the name."""


class NoOtherAgencyError(ValueError):
    """A case is passed on to another agency: it needs a code, and not that of the agency which holds it."""


class PassedOnError(Exception):
    """The agency passed this case on; what comes next is the other agency's to say."""


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


class Moved(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event that carries a new status to the station that filed the case.

    `due_at` is the end of the last day for the answer as it stands after the event; `agency` is who holds a case that
    was passed on. A release before these two existed sends neither, and understands an event that has them."""

    event: str
    reference: str
    kind: str
    actor: str
    text: str
    at: int
    due_at: int | None = None
    agency: str = ""
    is_short: bool = False


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
    """The cases of one station. `has_upstream` says whether what is filed here travels on; `law` has the kinds of
    case and their terms."""

    def __init__(self, identity: Identity, has_upstream: bool, law: Law) -> None:
        self._identity = identity
        self.has_upstream = has_upstream
        self.law = law

    @property
    def station(self) -> str:
        """A name for this life of this station: its number and its incarnation."""
        return f"{self._identity.number:03}-{self._identity.incarnation}"

    def open(self, tx: Transaction, appeal: Appeal) -> Filed:
        """Keep an appeal as a new case, and queue it for the upstream. Raises law.UnknownKindError, NamelessError."""
        if self.law.kind(appeal.kind).needs_name and not any(map(str.isalnum, appeal.name)):
            raise NamelessError(f"The law does not examine a {appeal.kind} without a name.")
        number = reference.issue(tx, self._identity.number)
        opened = Opened(
            **msgspec.structs.asdict(appeal),
            event=self.event_id(tx),
            reference=number,
            station=self._identity.number,
            received_at=tx.now,
        )
        self._insert(tx, opened)
        if self.has_upstream:
            _put(tx, outbox.UPSTREAM, OPENED, number, opened)
        return Filed(number, pins.pin_of(tx, number))

    def record(
        self, tx: Transaction, agency: str, number: str, kind: str, text: str, *, to: str = "", is_short: bool = False
    ) -> CaseRow:
        """The agency moves its case. `is_short` chooses the short term when it registers, `to` the agency it passes
        the case on to. The same event a second time changes nothing. Returns the case as the agency now sees it.

        Raises UnknownCaseError, PassedOnError, NoOtherAgencyError, terms.TermError, statuses.IllegalMoveError,
        statuses.WordsMissingError."""
        case, events = seen_by(tx, agency, number)
        if _is_repeat(case, events, kind, text, to, is_short):
            return case
        if case.agency != agency:
            raise PassedOnError(f"Your agency passed this case on to {case.agency}, which now answers it.")
        statuses.check_move(case.status, kind, text)
        if fault := terms.fault(self.law, case, kind, is_short, tx.now):
            raise fault
        if kind == statuses.FORWARDED and to in ("", agency):
            raise NoOtherAgencyError("Say which other agency the case goes to.")
        self._move(tx, case, self._moved(tx, case, kind, text, to, is_short))
        return seen_by(tx, agency, number)[0]

    def moves(self, tx: Transaction, case: CaseRow) -> frozenset[str]:
        """What the agency that holds the case may do now: the table's moves that the law allows of it."""
        return frozenset(
            kind for kind in statuses.MOVES[case.status] if terms.fault(self.law, case, kind, False, tx.now) is None
        )

    def get(self, tx: Transaction, number: str) -> CaseRow:
        """The case. Raises UnknownCaseError."""
        case = rows.find(tx, number)
        if case is None:
            raise UnknownCaseError(number)
        return case

    def as_of(self, tx: Transaction, case: CaseRow) -> int:
        """Until when the status shown is known to be true: the upstream's last word, or now where there is none to
        wait for. Milliseconds since 1970 UTC."""
        if not self.has_upstream:
            return tx.now
        return max(case.updated_at, entries.destination(tx, outbox.UPSTREAM).ok_at or 0)

    def apply(self, tx: Transaction, peer: str, kind: str, body: str) -> None:
        """Take an event from another station. An event that is already here changes nothing.

        The upstream moves cases; a downstream station opens its own and tells of its notices, so that a stolen box
        can speak for nobody else. Raises msgspec.ValidationError, UnknownCaseError, ForeignEventError or
        UnknownEventError: the caller keeps the event aside."""
        if kind == OPENED:
            opened = msgspec.json.decode(body, type=Opened)
            check_sender(peer, opened.reference)
            self._insert(tx, opened)
        elif kind == MOVED:
            moved = msgspec.json.decode(body, type=Moved)
            check_sender(peer, "")
            self._move(tx, self.get(tx, moved.reference), moved)
        elif kind == NOTIFIED:
            told = msgspec.json.decode(body, type=Notified)
            check_sender(peer, told.reference)
            self.get(tx, told.reference)
            rows.add_event(tx, told.event, told.reference, "notified", "channel", "", told.at)
        else:
            raise UnknownEventError(kind)

    def notified(self, tx: Transaction, number: str) -> None:
        """The gateway has the notice; the upstream learns that the resident was told."""
        told = Notified(self.event_id(tx), number, tx.now)
        rows.add_event(tx, told.event, number, "notified", "channel", "", tx.now)
        if self.has_upstream:
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
        rows.add_event(tx, opened.event, opened.reference, statuses.RECEIVED, RESIDENT, "", opened.received_at)

    def _moved(self, tx: Transaction, case: CaseRow, kind: str, text: str, to: str, is_short: bool) -> Moved:
        return Moved(
            event=self.event_id(tx),
            reference=case.reference,
            kind=kind,
            actor=_actor(case.agency),
            text=text,
            at=tx.now,
            due_at=terms.due_at(self.law, case, kind, is_short, tx.now),
            agency=to if kind == statuses.FORWARDED else "",
            is_short=is_short and kind == statuses.REGISTERED,
        )

    def _move(self, tx: Transaction, case: CaseRow, moved: Moved) -> None:
        told = (moved.event, case.reference, moved.kind, moved.actor, moved.text, moved.at, moved.agency)
        if not rows.add_event(tx, *told):
            return
        rows.move(tx, _after(case, moved, tx.now))
        if case.station == self._identity.number:
            _put_notice(tx, case)
        else:
            _put(tx, outbox.station(case.station), MOVED, case.reference, moved)

    def event_id(self, tx: Transaction) -> str:
        """A name for a new event of this station, never given twice."""
        number = tx.next_number("events")
        return f"{self._identity.number:03}.{self._identity.incarnation}.{number}"


class UnknownEventError(Exception):
    """A kind of event that this release does not know."""


class ForeignEventError(Exception):
    """An event about a case that its sender has no say in."""


def _after(case: CaseRow, moved: Moved, now: int) -> CaseRow:
    """The case as the event leaves it. A case that is passed on has no term until the other agency registers it."""
    case = replace(case, status=moved.kind, updated_at=now)
    if moved.kind == statuses.FORWARDED:
        agency = moved.agency or case.agency
        return replace(case, agency=agency, registered_at=None, due_at=None, is_short=False, extensions=0)
    case = replace(case, due_at=moved.due_at or case.due_at)
    if moved.kind == statuses.REGISTERED:
        return replace(case, registered_at=moved.at, is_short=moved.is_short)
    return replace(case, extensions=case.extensions + (moved.kind == statuses.EXTENDED))


def _actor(agency: str) -> str:
    return f"agency:{agency}"


def _is_repeat(case: CaseRow, events: list[EventRow], kind: str, text: str, to: str, is_short: bool) -> bool:
    """Whether this is the event that brought the case where it stands, sent again."""
    last = next((event for event in reversed(events) if event.kind == case.status), None)
    if last is None or (last.kind, last.text, last.agency) != (kind, text, to):
        return False
    return kind != statuses.REGISTERED or is_short == case.is_short


def check_sender(peer: str, number: str) -> None:
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
    """Nothing is put for a case whose number was deleted, or for a number that wants no SMS."""
    if case.msisdn and not subscribers.is_muted(tx, case.msisdn):
        _put(tx, outbox.SMS, "notice", case.reference, Notice(case.msisdn, case.language, case.reference))


def _put(
    tx: Transaction, destination: str, kind: str, number: str, body: msgspec.Struct, lane: str = outbox.URGENT
) -> None:
    outbox.put(tx, destination, kind, number, msgspec.json.encode(body).decode(), lane)


def mine(tx: Transaction, msisdn: str) -> list[CaseRow]:
    """The latest cases filed from this phone, newest first."""
    return rows.of_subscriber(tx, msisdn, LISTED)


def seen_by(tx: Transaction, agency: str, number: str) -> tuple[CaseRow, list[EventRow]]:
    """The case and its history as this agency sees them: whole where it holds the case, and up to its own forward
    where it passed the case on. Raises UnknownCaseError."""
    case = rows.find(tx, number)
    events = rows.events_of(tx, number)
    if case is None:
        raise UnknownCaseError(number)
    if case.agency == agency:
        return case, events
    ends = [at for at, event in enumerate(events, 1) if event.agency and event.actor == _actor(agency)]
    if not ends:
        raise UnknownCaseError(number)
    seen = events[: ends[-1]]
    agency, at = seen[-1].agency, seen[-1].at
    return replace(case, status=statuses.FORWARDED, agency=agency, registered_at=None, due_at=None, updated_at=at), seen


def passed_on(tx: Transaction, agency: str, limit: int) -> list[EventRow]:
    """The forwards of cases that this agency passed on and does not hold now, latest first."""
    return rows.passed_on(tx, _actor(agency), agency, limit)


def late(tx: Transaction, limit: int) -> list[CaseRow]:
    """The cases at this station that wait for an answer past their last day, the longest overdue first."""
    return rows.late(tx, statuses.IN_WORK, limit)


def last_words(tx: Transaction, number: str) -> str:
    """The latest text that the agency wrote to the resident, or nothing."""
    texts = [event.text for event in rows.events_of(tx, number) if event.text and event.actor != RESIDENT]
    return texts[-1] if texts else ""
