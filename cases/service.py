"""What happens to a case. Each function is part of the caller's transaction: the case, its event and its
outbox entries are kept together or not at all.

The hub, which has no upstream, moves cases. Any other station asks it (cases/requests.py) and takes its word."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sado.cases import conflicts, moving, pins, reference, statuses, terms, views
from sado.cases.audit import LONGEST
from sado.cases.authorisation import check_case, check_name, check_origin, check_room, check_sender
from sado.cases.conflicts import Rule
from sado.cases.errors import DoubledReferenceError, PassedOnError, UnknownCaseError, UnknownEventError
from sado.cases.filing_rate import FilingRate
from sado.cases.law import Law
from sado.cases.moving import Moving
from sado.cases.payloads import (
    CHANNEL,
    DECIDED,
    MOVED,
    NOTIFIED,
    OPENED,
    REQUESTED,
    RESIDENT,
    WITHDREW,
    Appeal,
    Filed,
    Move,
    Moved,
    Notified,
    Opened,
    agency_of,
    by_agency,
    by_operator,
)
from sado.cases.requests import Clash, Requests
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables import outbox as entries
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.events import Event
from sado.store.tables.identity import Identity
from sado.sync import outbox

WRONG_CLOCK_MS = 5 * 60 * 1000


class Cases:
    """The cases of one station. `has_upstream` says whether it has a hub that orders their moves, `rule` what becomes
    of a request at the hub. `law` gives the kinds of case and their terms as they are now: it is asked each time and
    never kept, since a pack with another law may come at any moment. `filing_rate` counts what is filed."""

    def __init__(
        self,
        identity: Identity,
        has_upstream: bool,
        law: Callable[[], Law],
        rule: Rule = conflicts.decide,
        filing_rate: FilingRate | None = None,
    ) -> None:
        self._identity = identity
        self._moving = Moving(identity, has_upstream, law)
        self._requests = Requests(self._moving, rule)
        self.has_upstream = has_upstream
        self.law = law
        self.filing_rate = filing_rate or FilingRate()

    @property
    def station(self) -> str:
        """A name for this life of this station: its number and its incarnation."""
        return f"{self._identity.number:03}-{self._identity.incarnation}"

    def open(self, tx: Transaction, appeal: Appeal, *, is_proven: bool = True) -> Filed:
        """Keep an appeal as a new case, and queue it for the upstream. Whether the law lets it be filed was asked by
        whoever made the form (Law.check), of the law that the form was made under; whether it has to wait, by who talks
        to the resident (channel/effects/rate_limited.py). A number that is not proven, as that of an SMS, is counted
        apart."""
        number = reference.issue(tx, self._identity.number)
        opened = Opened(
            **msgspec.structs.asdict(appeal),
            event=self.event_id(tx),
            reference=number,
            station=self._identity.number,
            received_at=tx.now,
        )
        _insert(tx, opened)
        self.filing_rate.note(tx, appeal.msisdn, is_proven)
        if self.has_upstream:
            moving.put(tx, outbox.UPSTREAM, OPENED, number, opened)
        return Filed(number, pins.first(tx, number))

    def record(
        self,
        tx: Transaction,
        agency: str,
        number: str,
        kind: str,
        text: str,
        *,
        to: str = "",
        is_short: bool = False,
        person: str = "",
    ) -> CaseRow:
        """The agency moves its case; where there is an upstream, it asks for the move. `is_short` chooses the short
        term when it registers, `to` the agency it passes the case on to; `person` is who does it. The same event a
        second time changes nothing. Returns the case as the agency now sees it.

        Raises UnknownCaseError, PassedOnError or one of moving.REFUSALS."""
        case, events = views.seen_by(tx, agency, number)
        self._change(tx, case, events, Move(kind, by_agency(agency), text, to, is_short, self._here(person)))
        return views.seen_by(tx, agency, number)[0]

    def wish(self, tx: Transaction, number: str, kind: str, to: str = "", person: str = "") -> None:
        """What an operator does: withdraw a case or have it reopened, for the resident, or have it passed on to the
        agency `to`. The same wish a second time changes nothing. Raises UnknownCaseError or one of moving.REFUSALS."""
        case = self.get(tx, number)
        actor = by_operator(self.stands(tx, case).agency) if kind == statuses.FORWARDED else RESIDENT
        self._change(tx, case, rows.events_of(tx, number), Move(kind, actor, agency=to, person=self._here(person)))

    def wishes(self, tx: Transaction, case: CaseRow) -> frozenset[str]:
        """What an operator may do now."""
        case = self.stands(tx, case)
        withdraw = frozenset[str]() if case.is_withdrawn else frozenset({statuses.WITHDRAWN})
        return withdraw | (self._allowed(tx, case) & {statuses.REOPENED, statuses.FORWARDED})

    def moves(self, tx: Transaction, case: CaseRow) -> frozenset[str]:
        """What the agency that holds the case may do now: the table's moves that the law allows of it. Nothing once it
        has asked for the case to be passed on."""
        stands = self.stands(tx, case)
        return self._allowed(tx, stands) if stands.agency == case.agency else frozenset()

    def stands(self, tx: Transaction, case: CaseRow) -> CaseRow:
        """The case as it will stand if the hub takes all that was asked for here; at the hub, the case."""
        return self._requests.stands(tx, case)

    def clashes(self, tx: Transaction, case: CaseRow) -> list[Clash]:
        """The requests about this case that a person has to decide."""
        return self._requests.clashes(tx, case)

    def resolve(
        self, tx: Transaction, number: str, request_id: str, is_taken: bool, agency: str = "", person: str = ""
    ) -> None:
        """A person at the hub decides on a request: an officer of the agency that holds the case or, without `agency`,
        an operator. Raises UnknownCaseError, DecidedError or one of moving.REFUSALS."""
        case = self.get(tx, number)
        if agency not in ("", case.agency):
            raise UnknownCaseError(number)
        self._requests.resolve(tx, case, request_id, is_taken, self._here(person))

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

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Take an event from another station. An event that is already here changes nothing.

        The upstream moves cases and decides on requests; a downstream station opens its own, tells of its notices and
        asks for moves. Raises msgspec.ValidationError, UnknownCaseError, CaseFullError, ForeignEventError or
        UnknownEventError: the caller keeps the event aside."""
        if event.kind == OPENED:
            opened = _at_our_time(msgspec.json.decode(event.body, type=Opened), event)
            check_origin(tx, peer, event, opened)
            if _insert(tx, opened):
                self.filing_rate.note_arrival(tx, peer)
        elif event.kind in (MOVED, WITHDREW):
            moved = msgspec.json.decode(event.body, type=Moved)
            check_sender(tx, peer, "")
            self._moving.take(tx, self.get(tx, moved.reference), moved, peer)
        elif event.kind == REQUESTED:
            self._requests.asked(tx, peer, event)
        elif event.kind == DECIDED:
            self._requests.decided(tx, peer, event)
        elif event.kind == NOTIFIED:
            told = msgspec.json.decode(event.body, type=Notified)
            check_case(tx, peer, event, told.reference)
            check_name(tx, peer, told.event)
            self.get(tx, told.reference)
            check_room(tx, told.reference)
            rows.add_event(tx, told.event, told.reference, statuses.NOTIFIED, CHANNEL, "", told.at)
        else:
            raise UnknownEventError(event.kind)

    def notified(self, tx: Transaction, number: str) -> None:
        """The gateway has the notice; the upstream learns that the resident was told."""
        told = Notified(self.event_id(tx), number, tx.now)
        rows.add_event(tx, told.event, number, statuses.NOTIFIED, CHANNEL, "", tx.now)
        if self.has_upstream:
            moving.put(tx, outbox.UPSTREAM, NOTIFIED, number, told, outbox.NORMAL)

    def event_id(self, tx: Transaction) -> str:
        """A name for a new event of this station, never given twice."""
        return self._moving.event_id(tx)

    def _here(self, person: str) -> str:
        """Somebody of this station: two stations may have an account of the same name."""
        return f"{person[:LONGEST]} {self._identity.number:03}" if person else ""

    def _change(self, tx: Transaction, case: CaseRow, events: list[EventRow], move: Move) -> None:
        """Make the move, or ask for it; one that brought the case where it stands, sent again, changes nothing."""
        if self._requests.has_it(tx, case, events, move):
            return
        stands = self.stands(tx, case)
        if agency_of(move.actor) not in ("", stands.agency):
            raise PassedOnError(f"Your agency passed this case on to {stands.agency}, which now answers it.")
        moving.check(self.law(), stands, move, self._moving.hub_time(tx))
        if self.has_upstream:
            self._requests.ask(tx, case, move)
        else:
            self._moving.order(tx, case, move, tx.now)

    def _allowed(self, tx: Transaction, case: CaseRow) -> frozenset[str]:
        law, now = self.law(), self._moving.hub_time(tx)
        moves = statuses.MOVES[case.status]
        return frozenset(kind for kind in moves if terms.fault(law, case, kind, False, now) is None)


def _insert(tx: Transaction, opened: Opened) -> bool:
    """Keep the case; False for one that is here. Raises DoubledReferenceError."""
    if rows.find(tx, opened.reference) is not None:
        if not rows.has_event(tx, opened.event):
            raise DoubledReferenceError(opened.reference)
        return False
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
    return True


def _at_our_time(opened: Opened, event: Event) -> Opened:
    """The appeal with the moment at which it was filed. A station whose clock was wrong says another than it was, and
    is known by it: how long ago it was is reckoned without its clock."""
    is_wrong = event.happened_at and abs(event.happened_at - opened.received_at) > WRONG_CLOCK_MS
    return msgspec.structs.replace(opened, received_at=event.happened_at) if is_wrong else opened
