"""What residents add to their cases after they filed them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from sado.cases import statuses
from sado.cases.authorisation import check_case, check_name, check_room, check_room_here
from sado.cases.errors import UnknownEventError
from sado.cases.payloads import LONGEST_TEXT, RESIDENT, EventName, Moment, Reference
from sado.cases.service import Cases
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables.cases import CaseRow
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import EntryKind

ADDED = EntryKind.ADDITION_ADDED


class Added(msgspec.Struct, frozen=True):
    """The event that carries a resident's further words to the upstream."""

    event: EventName
    reference: Reference
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    at: Moment


class Additions:
    """The additions to the cases of one station."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def add(self, tx: Transaction, case: CaseRow, text: str) -> bool:
        """Keep more words with a case, and queue them for the upstream. False, and nothing is kept, once the case is
        over: nobody would read them. Raises CaseFullError."""
        if case.status in statuses.DONE:
            return False
        check_room_here(tx, case.reference)
        added = Added(self._cases.event_id(tx), case.reference, text, tx.now)
        _keep(tx, added)
        if self._cases.has_upstream:
            outbox.put(tx, outbox.UPSTREAM, ADDED, case.reference, msgspec.json.encode(added).decode())
        return True

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Take words that a downstream station was given for its own case; a second time changes nothing. They are
        kept also where the agency has meanwhile answered: the resident could not know.

        Raises msgspec.ValidationError, UnknownCaseError, CaseFullError, ForeignEventError or UnknownEventError: the
        caller keeps the event aside."""
        if event.kind != ADDED:
            raise UnknownEventError(event.kind)
        added = msgspec.json.decode(event.body, type=Added)
        check_case(tx, peer, event, added.reference)
        check_name(tx, peer, added.event)
        self._cases.get(tx, added.reference)
        check_room(tx, added.reference)
        _keep(tx, added)


def _keep(tx: Transaction, added: Added) -> None:
    rows.add_event(tx, added.event, added.reference, statuses.ADDED, RESIDENT, added.text, added.at)
