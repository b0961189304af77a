"""Requests: a station with an upstream moves no case, it asks the hub. The hub decides when the request arrives, in the
transaction of its arrival, by the rule in cases/conflicts.py.

Until then the case shows at its station what was asked for as not yet decided, and the next request builds on it; the
case itself stays as the hub last said, and the resident is told nothing. So what she reads never goes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from sado.cases import conflicts, moving, statuses
from sado.cases.authorisation import check_case, check_name, check_room, check_sender
from sado.cases.conflicts import HARD, SET_ASIDE, TAKEN, Rule
from sado.cases.errors import DecidedError, ForeignEventError, UnknownCaseError
from sado.cases.moving import Moving
from sado.cases.payloads import DECIDED, REQUESTED, Decided, Move, Requested, by_agency
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables import requests
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.events import Event
from sado.store.tables.requests import RequestRow
from sado.sync import outbox


@dataclass(frozen=True)
class Clash:
    """A request that a person has to decide beside what came of the case since its author saw it. `can_take` says
    whether it may still follow."""

    request: RequestRow
    since: list[EventRow]
    can_take: bool


class Requests:
    """The requests that are made at one station, pass through it, or come to it as the hub."""

    def __init__(self, moves: Moving, rule: Rule = conflicts.decide) -> None:
        self._moves = moves
        self._rule = rule

    def stands(self, tx: Transaction, case: CaseRow) -> CaseRow:
        """The case as it will stand if the hub takes all that was asked for: what the next request builds on."""
        for request in requests.waiting(tx, case.reference) if self._moves.has_upstream else ():
            moved = self._moves.moved(case, _move(request), request.id, request.at)
            case = moving.after(case, moved, request.at)
        return case

    def has_it(self, tx: Transaction, case: CaseRow, events: list[EventRow], move: Move) -> bool:
        """Whether this is the move that brought the case where it stands, or was asked for last, sent again."""
        earlier = requests.waiting(tx, case.reference) if self._moves.has_upstream else []
        if move.kind == statuses.WITHDRAWN:
            return self.stands(tx, case).is_withdrawn
        return _move(earlier[-1]) == move if earlier else conflicts.has_it(case, events, move)

    def ask(self, tx: Transaction, case: CaseRow, move: Move) -> None:
        """Keep a request for this move, and queue it for the hub before all that is less urgent."""
        asked = Requested(
            event=self._moves.event_id(tx),
            reference=case.reference,
            station=self._moves.station,
            kind=move.kind,
            actor=move.actor,
            base=case.version,
            at=tx.now,
            text=move.text,
            to=move.agency,
            is_short=move.is_short,
            person=move.person,
        )
        requests.add(tx, _row(asked, tx.now))
        moving.put(tx, outbox.UPSTREAM, REQUESTED, case.reference, asked)

    def asked(self, tx: Transaction, peer: str, event: Event) -> None:
        """A request arrives. The hub decides it; a station on the way keeps it until it hears what the hub decided.

        Raises msgspec.ValidationError, UnknownCaseError, CaseFullError or ForeignEventError: the caller keeps the event
        aside."""
        asked = msgspec.json.decode(event.body, type=Requested)
        check_case(tx, peer, event, asked.reference)
        check_sender(tx, peer, f"{asked.station:03}")
        check_name(tx, peer, asked.event)
        if asked.kind not in conflicts.MAY_ASK.get(asked.actor.partition(":")[0], ()):
            raise ForeignEventError(f"{asked.actor} has no say in whether a case is {asked.kind}.")
        case = rows.find(tx, asked.reference)
        if case is None:
            raise UnknownCaseError(asked.reference)
        if requests.find(tx, asked.event) is not None:
            return
        check_room(tx, asked.reference)
        # How long ago it was, by no station's wall clock: the terms of the law count from then.
        request = _row(asked, max(event.happened_at or tx.now, case.received_at))
        requests.add(tx, request)
        if not self._moves.has_upstream:
            self._decide(tx, case, request)

    def decided(self, tx: Transaction, peer: str, event: Event) -> None:
        """The hub has decided. A request that is not known here was made elsewhere, or before the disk went back.

        Raises msgspec.ValidationError or ForeignEventError: the caller keeps the event aside."""
        said = msgspec.json.decode(event.body, type=Decided)
        check_sender(tx, peer, "")
        request = requests.find(tx, said.request)
        is_late = request is None or (said.outcome == HARD and request.outcome in (TAKEN, SET_ASIDE))
        if not is_late:
            requests.settle(tx, said.request, said.outcome, said.version)

    def clashes(self, tx: Transaction, case: CaseRow) -> list[Clash]:
        """The requests about this case that a person has to decide, the oldest first."""
        clashing = [request for request in requests.of_case(tx, case.reference) if request.outcome == HARD]
        law = self._moves.law()
        return [
            Clash(
                request,
                rows.moves_since(tx, case.reference, request.base),
                not self._moves.has_upstream and moving.is_legal(law, case, _taken(case, request), tx.now),
            )
            for request in clashing
        ]

    def resolve(self, tx: Transaction, case: CaseRow, request_id: str, is_taken: bool, person: str = "") -> None:
        """A person at the hub decides on a request that was kept beside the case: it is taken after all, as a move of
        the agency that holds the case, or set aside. The same decision again changes nothing.

        Raises UnknownCaseError, DecidedError or one of moving.REFUSALS."""
        request = requests.find(tx, request_id)
        if request is None or request.reference != case.reference:
            raise UnknownCaseError(case.reference)
        outcome = TAKEN if is_taken else SET_ASIDE
        if request.outcome == outcome:
            return
        if request.outcome != HARD or self._moves.has_upstream:
            raise DecidedError("This request does not wait for a decision here. Read the case again.")
        version = 0
        if is_taken:
            move = replace(_taken(case, request), person=person or request.person)
            moving.check(self._moves.law(), case, move, tx.now)
            version = self._moves.order(tx, case, move, tx.now)
        self._settle(tx, request, outcome, version)

    def _decide(self, tx: Transaction, case: CaseRow, request: RequestRow) -> None:
        move = _move(request)
        has_it = conflicts.has_it(case, rows.events_of(tx, case.reference), move)
        is_legal = moving.is_legal(self._moves.law(), case, move, request.at)
        between = _between(tx, request)
        outcome = self._rule(case, between, move, request.base, has_it=has_it, is_legal=is_legal)
        is_moving = outcome != HARD and not has_it
        self._settle(tx, request, outcome, self._moves.order(tx, case, move, request.at) if is_moving else 0)

    def _settle(self, tx: Transaction, request: RequestRow, outcome: str, version: int) -> None:
        requests.settle(tx, request.id, outcome, version)
        decided = Decided(self._moves.event_id(tx), request.reference, request.id, outcome, version)
        moving.put(tx, outbox.way_to(tx, request.station), DECIDED, request.reference, decided)


def _between(tx: Transaction, request: RequestRow) -> list[EventRow]:
    """The moves that the author of the request cannot have seen: those since, but for what was asked at her station
    before, which stood there as not yet decided."""
    own = {
        other.version
        for other in requests.of_case(tx, request.reference)
        if other.station == request.station and other.outcome in (conflicts.APPLIED, conflicts.SOFT)
    }
    return [move for move in rows.moves_since(tx, request.reference, request.base) if move.version not in own]


def _row(asked: Requested, at: int) -> RequestRow:
    return RequestRow(
        id=asked.event,
        reference=asked.reference,
        station=asked.station,
        kind=asked.kind,
        text=asked.text,
        agency=asked.to,
        is_short=asked.is_short,
        actor=asked.actor,
        base=asked.base,
        at=at,
        person=asked.person,
    )


def _move(request: RequestRow) -> Move:
    return Move(request.kind, request.actor, request.text, request.agency, request.is_short, request.person)


def _taken(case: CaseRow, request: RequestRow) -> Move:
    """The move that it becomes when the holder takes it after all."""
    is_wish = request.kind == statuses.WITHDRAWN
    return _move(request) if is_wish else replace(_move(request), actor=by_agency(case.agency))
