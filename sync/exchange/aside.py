"""Events that cannot be applied are kept aside, whole, for a person: she has them tried again, or deletes them.

Of each peer so many are kept and no more (store/tables/quarantine.py). Then nothing is dropped, neither the newest nor
the oldest, for it may be an appeal of a release that is ahead of ours: the lane stops at the next that cannot be
applied, its sender keeps that and all behind it, and both sides say so to a person.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import msgspec

from sado.store import Transaction
from sado.store.tables import quarantine
from sado.store.tables.events import Apply, Event
from sado.sync.codes import Cause, CausedError, Reason

log = logging.getLogger(__name__)

# No kind and no reference is longer, in this release or another.
LONGEST_NAME = 60
# Why an event was kept aside that was applied here all the same, and could not be passed on: it would count twice.
APPLIED_HERE = (Cause.GOES_IN_A_CIRCLE, Cause.EVENT_TOO_LARGE)


def apply_one(tx: Transaction, peer: str, event: Event, apply: Apply) -> bool:
    """Apply an event, or keep it aside where it cannot be applied. False where neither is possible: nothing changed."""
    reason = _tried(tx, peer, event, apply)
    if reason is None:
        return True
    if quarantine.is_full(tx, peer):
        log.error("nothing more of %s is taken: as much of it is kept aside as may be", peer)
        return False
    short = replace(event, kind=event.kind[:LONGEST_NAME], reference=event.reference[:LONGEST_NAME])
    quarantine.keep(tx, peer, short, reason.stored)
    return True


def release(tx: Transaction, number: int, apply: Apply) -> bool:
    """Try what is kept aside under this number again; it goes when it is applied. False where it stays."""
    kept = quarantine.find(tx, number)
    if kept is None or Reason.read(kept.reason).cause in APPLIED_HERE:
        return False
    reason = _tried(tx, kept.peer, kept.event, apply)
    if reason is None:
        return quarantine.delete(tx, number)
    quarantine.set_reason(tx, number, reason.stored)
    return False


def _tried(tx: Transaction, peer: str, event: Event, apply: Apply) -> Reason | None:
    """Apply an event; why it cannot be, or None."""
    if max(len(event.kind), len(event.reference)) > LONGEST_NAME:
        return Reason(Cause.EVENT_UNREADABLE, event.reference[:LONGEST_NAME])
    error = tx.part(lambda: apply(tx, peer, event))
    return None if error is None else _reason(error, event)


def _reason(error: Exception, event: Event) -> Reason:
    """Why an event is kept aside. What an error says beside its cause may be from the event: it is not for the page."""
    if isinstance(error, CausedError):
        return Reason(error.reason.cause, event.reference)
    if isinstance(error, msgspec.DecodeError | ValueError):
        return Reason(Cause.EVENT_UNREADABLE, event.reference)
    log.error("an event of the kind %s failed in our own code", event.kind, exc_info=error)
    return Reason(Cause.OWN_ERROR, f"{type(error).__name__} {event.reference}".rstrip())
