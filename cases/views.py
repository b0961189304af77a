"""What is seen of cases, and by whom."""

from __future__ import annotations

from dataclasses import replace

from sado.cases import statuses
from sado.cases.errors import UnknownCaseError
from sado.cases.payloads import RESIDENT, agency_of, by_agency, by_operator
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables.cases import CaseRow, EventRow

LISTED = 9


def mine(tx: Transaction, msisdn: str) -> list[CaseRow]:
    """The latest cases filed from this phone, newest first."""
    return filed_from(tx, tx.lookup(msisdn))


def filed_from(tx: Transaction, subscriber: bytes) -> list[CaseRow]:
    """The same for the phone whose number has this hash."""
    return rows.of_subscriber(tx, subscriber, LISTED)


def seen_by(tx: Transaction, agency: str, number: str) -> tuple[CaseRow, list[EventRow]]:
    """The case and its history as this agency sees them: whole where it holds the case, and up to the forward that
    took the case from it. Raises UnknownCaseError."""
    case = rows.find(tx, number)
    events = rows.events_of(tx, number)
    if case is None:
        raise UnknownCaseError(number)
    if case.agency == agency:
        return case, events
    ends = [at for at, event in enumerate(events, 1) if event.agency and agency_of(event.actor) == agency]
    if not ends:
        raise UnknownCaseError(number)
    seen = events[: ends[-1]]
    last = seen[-1]
    left = replace(case, status=statuses.FORWARDED, agency=last.agency, registered_at=None, due_at=None)
    return replace(left, updated_at=last.at, version=last.version), seen


def passed_on(tx: Transaction, agency: str, limit: int) -> list[EventRow]:
    """The forwards of cases that went from this agency to another and are not back, latest first."""
    return rows.passed_on(tx, (by_agency(agency), by_operator(agency)), agency, limit)


def late(tx: Transaction, limit: int) -> list[CaseRow]:
    """The cases at this station that wait for an answer past their last day, the longest overdue first."""
    return rows.late(tx, statuses.IN_WORK, limit)


def last_words(tx: Transaction, number: str) -> str:
    """The latest text that the agency wrote to the resident, or nothing."""
    texts = [event.text for event in rows.events_of(tx, number) if event.text and event.actor != RESIDENT]
    return texts[-1] if texts else ""
