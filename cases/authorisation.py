"""Who may speak of a case, and how much: a stolen box can speak for nobody else's, and not without end."""

from __future__ import annotations

from sado.cases.errors import CaseFullError, ForeignEventError
from sado.cases.payloads import Opened
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables import requests
from sado.store.tables.events import Event
from sado.sync import outbox

# How much of a case there may be, many times what one ever had: its page shows all of it. A station stops its own
# residents at half of that, so that what it took is taken above.
MOST_EVENTS, MOST_ADDED_HERE, MOST_REQUESTS = 1000, 500, 200
MOST_BYTES, MOST_BYTES_HERE = 1 << 20, 1 << 19


def check_sender(tx: Transaction, peer: str, number: str) -> None:
    """A downstream station speaks of the references that begin with its own number, or with that of a station which is
    reached through it; an event without one (`number` empty) comes from the upstream alone. Raises ForeignEventError.
    """
    may_speak = peer == outbox.way_to(tx, int(number[:3])) if number[:3].isdigit() else peer == outbox.UPSTREAM
    if not may_speak:
        raise ForeignEventError(f"{peer} has no say in this case.")


def check_name(tx: Transaction, peer: str, name: str) -> None:
    """An event bears the number of the station that made it, and the sender has to speak for that one: who gave an
    event the name that another's next will have would make that one look as if it had come before. Raises
    ForeignEventError."""
    check_sender(tx, peer, name.partition(".")[0])


def check_origin(tx: Transaction, peer: str, event: Event, opened: Opened) -> None:
    """A case is of the station that its reference begins with: a case of another would have that one send SMS, and
    its news. Raises ForeignEventError."""
    check_case(tx, peer, event, opened.reference)
    check_name(tx, peer, opened.event)
    if opened.station != int(opened.reference[:3]):
        raise ForeignEventError("The case is of another station than its reference says.")


def check_case(tx: Transaction, peer: str, event: Event, number: str) -> None:
    """As `check_sender`, for an event whose body is about the case with this number: it has to say the same openly,
    which is all that a station in between can see of it (sync/exchange/relay.py). Raises ForeignEventError."""
    if event.reference != number:
        raise ForeignEventError("The event is about another case than it says.")
    check_sender(tx, peer, number)


def check_room(tx: Transaction, number: str) -> None:
    """A case takes from below no more events and requests, and no longer ones, than a page can show. Raises
    CaseFullError."""
    asked = requests.history_size(tx, number)
    _check_size(tx, number, MOST_EVENTS, MOST_BYTES - asked.bytes)
    if asked.entries >= MOST_REQUESTS:
        raise CaseFullError(number)


def check_room_here(tx: Transaction, number: str) -> None:
    """A case takes no more words from a resident. Raises CaseFullError."""
    _check_size(tx, number, MOST_ADDED_HERE, MOST_BYTES_HERE)


def _check_size(tx: Transaction, number: str, entries: int, size: int) -> None:
    history = rows.history_size(tx, number)
    if history.entries >= entries or history.bytes >= size:
        raise CaseFullError(number)
