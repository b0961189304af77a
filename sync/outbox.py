"""The outbox: what waits to leave, for other stations, agencies and phones alike.

An entry is put in the transaction of the change that it tells of. The events for another station leave in numbered
lanes, by the exchange. What is for a phone or an agency leaves one by one: an entry is claimed under a lease, and
acked (the destination has it for good), deferred (later), rejected (never), given up on (dead letter), or its
outcome is unknown: it may have arrived, so it is not sent again unless a person says so. `put` is
how other packages get something into it.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from enum import Enum

from sado.store import Transaction
from sado.store.tables import line_usage, outbox, stations
from sado.store.tables.events import Event
from sado.store.tables.lanes import LANES
from sado.store.tables.outbox import Entry, State
from sado.sync.backoff import LONGEST_MS, wait_ms
from sado.sync.codes import Cause, CausedError, EntryKind, Reason
from sado.sync.wire.records import MOST_BYTES_OF_ONE, text_size

UPSTREAM = "upstream"
SMS = "sms"
URGENT, NORMAL, BULK = LANES
LEASE_MS = 60_000
REPORT_MS = 24 * 3600 * 1000
MOST_ATTEMPTS = 12
WAITING: tuple[State, ...] = ("queued", "awaiting")
GIVEN_UP: tuple[State, ...] = ("dead", "rejected", "unknown")

_chance = random.Random()  # noqa: S311 - spreads retries, guards nothing


class Kind(Enum):
    """How what is put into the outbox leaves for a destination."""

    PEER = "in numbered lanes, by the exchange with a station"
    SINGLE = "one by one, by a transport"


# A destination's name says its kind.
NAMES = {
    Kind.PEER: re.compile(r"upstream|station:[0-9]{3}"),
    Kind.SINGLE: re.compile(r"sms|agency:\S+"),
}


class DestinationError(ValueError):
    """A name that is no destination's, or that of one whose entries leave in another way."""


class EventTooLargeError(ValueError):
    """An event that fits no frame. What is so large is no event: publish it as a blob (sync/blobs/publish.py)."""


def kind_of(destination: str) -> Kind:
    """How entries leave for the destination with this name. Raises DestinationError."""
    for kind, names in NAMES.items():
        if names.fullmatch(destination):
            return kind
    raise DestinationError(f"{destination!r} is no destination: write upstream, station:NNN, sms or agency:CODE.")


def check_single(destination: str) -> None:
    """Let the name of a destination pass that takes entries one by one. Raises DestinationError for another."""
    if kind_of(destination) is not Kind.SINGLE:
        raise DestinationError(f"{destination} is a station: its events leave by the exchange, not by a transport.")


def station(number: int) -> str:
    """The destination that is this downstream station."""
    return f"station:{number:03}"


def way_to(tx: Transaction, number: int) -> str:
    """The destination that leads to this station: itself, or the one that it is reached through."""
    return station(stations.through(tx, number))


def put(
    tx: Transaction,
    destination: str,
    kind: EntryKind,
    reference: str,
    body: str,
    lane: str = URGENT,
    subscriber: bytes | None = None,
) -> int:
    """Queue `body` (JSON) for a destination; its id. It leaves only if the transaction is committed. An SMS about no
    case names its `subscriber`, by whom it is found when her number is deleted. Raises DestinationError or
    EventTooLargeError."""
    if kind_of(destination) is Kind.SINGLE:
        return outbox.insert(tx, destination, lane, kind, reference, body, subscriber)
    if (size := text_size(kind, reference, body)) > MOST_BYTES_OF_ONE:
        raise EventTooLargeError(f"An event of {size} bytes fits no frame; {MOST_BYTES_OF_ONE} at most do.")
    return outbox.append(tx, destination, lane, Event(kind, reference, body))


def pass_on(tx: Transaction, destination: str, lane: str, event: Event) -> None:
    """Queue an event of another station for the next, as it is."""
    outbox.append(tx, destination, lane, replace(event, hops=event.hops + 1))


def rests(tx: Transaction, destination: str) -> bool:
    """Whether a destination is being left alone. Not where its next try lies further ahead than any: the clock was set
    since."""
    return 0 < outbox.destination(tx, destination).due_at - tx.now <= LONGEST_MS


def claim(tx: Transaction, destination: str) -> Entry | None:
    """Lease the next entry that is due, or None: nothing waits, or the destination is being left alone. Raises
    DestinationError for a station: whoever acked one of its events alone would leave a hole in its lane."""
    check_single(destination)
    if rests(tx, destination):
        return None
    return outbox.claim_one(tx, destination, tx.now + LEASE_MS)


def ack(tx: Transaction, entry: Entry) -> None:
    """The destination has the entry for good."""
    outbox.finish(tx, entry, "acked", "")
    destination_ok(tx, entry.destination)


def defer(tx: Transaction, entry: Entry, reason: Reason) -> None:
    """Try this entry again later; after the last attempt it becomes a dead letter."""
    if entry.attempts >= MOST_ATTEMPTS:
        outbox.finish(tx, entry, "dead", reason.stored)
    else:
        outbox.release(tx, entry, tx.now + wait_ms(entry.attempts, _chance), reason.stored, entry.attempts)


def reject(tx: Transaction, entry: Entry, reason: Reason) -> None:
    """The destination will never take this entry."""
    outbox.finish(tx, entry, "rejected", reason.stored)


def await_report(tx: Transaction, entry: Entry, reason: Reason) -> None:
    """The entry may have arrived; sending it again could double it. A report may still say what became of it."""
    outbox.finish(tx, entry, "awaiting", reason.stored)


def confirm(tx: Transaction, entry_id: int, has_arrived: bool) -> bool:
    """A report says what became of an entry that was awaiting one, or was given up on; one that failed and then arrived
    has arrived. False for any other entry: its outcome was known."""
    if has_arrived:
        return outbox.settle(tx, entry_id, ("awaiting", "unknown", "rejected"), "acked")
    return outbox.settle(tx, entry_id, ("awaiting", "unknown"), "rejected")


def give_up_waiting(tx: Transaction) -> int:
    """Say of the entries whose report did not come in a day that their outcome is unknown; how many."""
    return outbox.change_state(tx, "awaiting", "unknown", tx.now - REPORT_MS)


def postpone(tx: Transaction, entry: Entry, until: int, reason: Reason) -> None:
    """This entry has to wait until then; that is no failed attempt."""
    outbox.release(tx, entry, until, reason.stored, entry.attempts - 1)


def put_back(tx: Transaction, entry: Entry, reason: Reason) -> None:
    """The destination was down: the entry keeps its place and its attempts, and the destination backs off."""
    outbox.release(tx, entry, entry.due_at, reason.stored, entry.attempts - 1)
    destination_down(tx, entry.destination, reason)


def destination_ok(tx: Transaction, name: str) -> None:
    """Note that the destination answered."""
    outbox.save_destination(tx, outbox.Destination(name, 0, 0, None, tx.now, ""))


def destination_down(tx: Transaction, name: str, reason: Reason) -> None:
    """Note a failure of the destination as a whole; it is left alone a while, once for all its entries."""
    known = outbox.destination(tx, name)
    failures = known.failures + 1
    outbox.release_all(tx, name)
    outbox.save_destination(
        tx,
        replace(
            known,
            failures=failures,
            due_at=tx.now + wait_ms(failures, _chance),
            down_since=known.down_since or tx.now,
            reason=reason.stored,
        ),
    )


def retry_all_now(tx: Transaction) -> None:
    """Let everything that waits be tried at once, whatever the hour and the budgets say; and ask for what waits at the
    upstream. The scheduler does it within a second."""
    outbox.make_due(tx)
    line_usage.lift(tx)


class SendError(CausedError):
    """An entry did not leave; each kind of this error decides what becomes of it. Where the entry may have left,
    `receipt` is what a report will name it by."""

    receipt: object = None

    def settle(self, tx: Transaction, entry: Entry) -> None:
        """Note in the outbox what becomes of the entry: unless its kind says otherwise, it is tried again later."""
        defer(tx, entry, self.reason)


class DeferredError(SendError):
    """It may later: this entry was not taken now."""


class RejectedError(SendError):
    """It never will: the destination refuses this entry."""

    def settle(self, tx: Transaction, entry: Entry) -> None:
        """It is given up on until a person says so."""
        reject(tx, entry, self.reason)


class DestinationDownError(SendError):
    """Nothing leaves for this destination now."""

    def settle(self, tx: Transaction, entry: Entry) -> None:
        """It keeps its place, and the destination is left alone a while."""
        put_back(tx, entry, self.reason)


class OutcomeUnknownError(SendError):
    """It may have left: the request went out and no answer came."""

    def settle(self, tx: Transaction, entry: Entry) -> None:
        """It is not sent again: a report may still say what became of it."""
        await_report(tx, entry, self.reason)


class LaterError(SendError):
    """This entry has to wait until a moment that is known, in milliseconds since 1970 UTC."""

    def __init__(self, cause: Cause, until: int) -> None:
        super().__init__(cause)
        self.until = until

    def settle(self, tx: Transaction, entry: Entry) -> None:
        """It waits until then, which is no failed attempt."""
        postpone(tx, entry, self.until, self.reason)


class NothingToSendError(SendError):
    """There is nothing to send, or nobody wants it any more."""

    def settle(self, tx: Transaction, entry: Entry) -> None:
        """It goes as if it had not been put."""
        outbox.remove(tx, entry)
