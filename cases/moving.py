"""Moving a case. The hub gives each move its place in the order; every other station takes the hub's word."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

import msgspec

from sado.cases import statuses, terms
from sado.cases.errors import NoOtherAgencyError
from sado.cases.law import Law
from sado.cases.payloads import MOVED, WITHDREW, Move, Moved, Notice
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables import lanes, requests, subscribers
from sado.store.tables.cases import CaseRow
from sado.store.tables.identity import Identity
from sado.sync import outbox
from sado.sync.codes import EntryKind

REFUSALS = (statuses.IllegalMoveError, statuses.WordsMissingError, terms.TermError, NoOtherAgencyError)


def check(law: Law, case: CaseRow, move: Move, now: int) -> None:
    """Whether this move may follow now (milliseconds since 1970 UTC); both ends of a request ask it. Raises one of
    REFUSALS."""
    if move.kind == statuses.WITHDRAWN:
        return
    statuses.check_move(case.status, move.kind, move.text)
    if fault := terms.fault(law, case, move.kind, move.is_short, now):
        raise fault
    if move.kind == statuses.FORWARDED and move.agency in ("", case.agency):
        raise NoOtherAgencyError("Say which other agency the case goes to.")


def is_legal(law: Law, case: CaseRow, move: Move, now: int) -> bool:
    """Whether `check` lets it pass."""
    try:
        check(law, case, move, now)
    except REFUSALS:
        return False
    return True


def after(case: CaseRow, moved: Moved, now: int) -> CaseRow:
    """The case as the move leaves it. A case that is passed on or reopened has no term until it is registered."""
    case = replace(case, version=moved.version or case.version + 1)
    if moved.kind == statuses.WITHDRAWN:
        return replace(case, is_withdrawn=True)
    case = replace(case, status=moved.kind, agency=moved.agency or case.agency, updated_at=now)
    if moved.kind == statuses.REOPENED:
        case = replace(case, is_withdrawn=False)
    if moved.kind in (statuses.FORWARDED, statuses.REOPENED):
        return replace(case, registered_at=None, due_at=None, is_short=False, extensions=0)
    case = replace(case, due_at=moved.due_at or case.due_at)
    if moved.kind == statuses.REGISTERED:
        return replace(case, registered_at=moved.at, is_short=moved.is_short)
    return replace(case, extensions=case.extensions + (moved.kind == statuses.EXTENDED))


class Moving:
    """Moves of the cases at one station; `law` gives the law of now, as in `Cases`."""

    def __init__(self, identity: Identity, has_upstream: bool, law: Callable[[], Law]) -> None:
        self._life = secrets.token_hex(4)
        self.station = identity.number
        self.has_upstream = has_upstream
        self.law = law

    def event_id(self, tx: Transaction) -> str:
        """A name for a new event of this station, never given twice: also where the disk went back in time, and the
        counter with it, since each start of the program has a mark of its own."""
        return f"{self.station:03}.{self._life}.{tx.next_number('events')}"

    def hub_time(self, tx: Transaction) -> int:
        """What the hub's clock says now, as far as the last exchange told. Milliseconds since 1970 UTC."""
        peers = lanes.peers(tx) if self.has_upstream else []
        return tx.now + next((peer.ahead_ms for peer in peers if peer.name == outbox.UPSTREAM), 0)

    def moved(self, case: CaseRow, move: Move, event: str, at: int) -> Moved:
        """The event that this move of the case, made at this moment, would be."""
        return Moved(
            event=event,
            reference=case.reference,
            kind=move.kind,
            actor=move.actor,
            text=move.text,
            at=at,
            due_at=terms.due_at(self.law(), case, move.kind, move.is_short, at),
            agency=move.agency if move.kind == statuses.FORWARDED else "",
            is_short=move.is_short and move.kind == statuses.REGISTERED,
            version=case.version + 1,
            person=move.person,
        )

    def order(self, tx: Transaction, case: CaseRow, move: Move, at: int) -> int:
        """Make a move that may follow, at the hub: it is next in the order of its case, and the station that filed it
        is told. Returns the case's version."""
        moved = self.moved(case, move, self.event_id(tx), at)
        self.take(tx, case, moved)
        if case.station != self.station:
            kind = WITHDREW if move.kind == statuses.WITHDRAWN else MOVED
            put(tx, outbox.way_to(tx, case.station), kind, case.reference, moved)
        return moved.version

    def take(self, tx: Transaction, case: CaseRow, moved: Moved, peer: str = "") -> None:
        """Let the case be as the hub says, by an event of this peer or here; a second time changes nothing. The
        resident is told where she filed, of the steps that matter to her."""
        told = (moved.event, case.reference, moved.kind, moved.actor, moved.text, moved.at, moved.agency)
        moved_on = after(case, moved, tx.now)
        if not rows.add_event(tx, *told, moved_on.version, moved.person):
            return
        rows.move(tx, moved_on)
        if case.station == self.station and moved.kind in statuses.TOLD and not moved_on.is_withdrawn:
            _put_notice(tx, case, peer)


def _put_notice(tx: Transaction, case: CaseRow, peer: str) -> None:
    """Nothing is put for a case whose number was deleted, for one that the resident asked here to withdraw, or for a
    number that wants no SMS."""
    is_unwanted = any(request.kind == statuses.WITHDRAWN for request in requests.waiting(tx, case.reference))
    if case.msisdn and not is_unwanted and not subscribers.is_muted(tx, case.msisdn):
        notice = Notice(case.msisdn, case.language, case.reference, peer=peer)
        put(tx, outbox.SMS, EntryKind.NOTICE, case.reference, notice)


def put(
    tx: Transaction, destination: str, kind: EntryKind, number: str, body: msgspec.Struct, lane: str = outbox.URGENT
) -> None:
    """Queue an event or a message about a case."""
    outbox.put(tx, destination, kind, number, msgspec.json.encode(body).decode(), lane)
