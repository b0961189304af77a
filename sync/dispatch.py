"""Sending entries one by one: claim, hand to the transport, note how it went."""

from __future__ import annotations

import logging
from typing import Protocol

from sado.store import Store, Transaction
from sado.store.tables.outbox import Entry
from sado.sync import outbox
from sado.sync.outbox import (
    DeferredError,
    DestinationDownError,
    LaterError,
    NothingToSendError,
    OutcomeUnknownError,
    RejectedError,
)

log = logging.getLogger(__name__)


class Transport(Protocol):
    """How the entries of one destination leave."""

    def send(self, entry: Entry) -> object:
        """Return when the destination has the entry, with its receipt; otherwise raise an outbox.SendError."""

    def sent(self, tx: Transaction, entry: Entry, receipt: object, is_certain: bool) -> None:
        """Whatever follows from having sent it, in the transaction that acknowledges it; where it is not certain, in
        the one that says so."""


def step(store: Store, destination: str, transport: Transport) -> bool:
    """Send one entry; False when none is due."""
    entry = store.write(lambda tx: outbox.claim(tx, destination))
    if entry is None:
        return False
    try:
        receipt = transport.send(entry)
    except LaterError as error:
        until, reason = error.until, str(error)
        store.write(lambda tx: outbox.postpone(tx, entry, until, reason))
    except NothingToSendError:
        store.write(lambda tx: outbox.cancel(tx, entry))
    except RejectedError as error:
        reason = str(error)
        store.write(lambda tx: outbox.reject(tx, entry, reason))
    except OutcomeUnknownError as error:
        reason, receipt = str(error), error.receipt
        store.write(lambda tx: _leave(tx, transport, entry, receipt, reason))
    except DestinationDownError as error:
        reason = str(error)
        store.write(lambda tx: outbox.put_back(tx, entry, reason))
        return False
    except DeferredError as error:
        reason = str(error)
        store.write(lambda tx: outbox.defer(tx, entry, reason))
    except Exception as error:
        log.exception("sending entry %s failed in our own code", entry.id)
        reason = f"an error of our own ({type(error).__name__}); see the log"
        store.write(lambda tx: outbox.defer(tx, entry, reason))
    else:
        store.write(lambda tx: _finish(tx, transport, entry, receipt))
    return True


def _finish(tx: Transaction, transport: Transport, entry: Entry, receipt: object) -> None:
    transport.sent(tx, entry, receipt, is_certain=True)
    outbox.ack(tx, entry)


def _leave(tx: Transaction, transport: Transport, entry: Entry, receipt: object, reason: str) -> None:
    # In this order: a report that came before our time-out settles the entry at once.
    outbox.await_report(tx, entry, reason)
    transport.sent(tx, entry, receipt, is_certain=False)
