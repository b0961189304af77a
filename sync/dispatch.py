"""Sending entries one by one: claim, hand to the transport, note how it went."""

from __future__ import annotations

import logging
from typing import Protocol

from store import Store, Transaction
from store.entries import Entry
from sync import outbox
from sync.outbox import DeferredError, DestinationDownError, NothingToSendError, OutcomeUnknownError, RejectedError

log = logging.getLogger(__name__)


class Transport(Protocol):
    """How the entries of one destination leave."""

    def send(self, entry: Entry) -> None:
        """Return when the destination has the entry; otherwise raise an outbox.SendError."""

    def sent(self, tx: Transaction, entry: Entry) -> None:
        """Whatever follows from having sent it, in the transaction that acknowledges it."""


def step(store: Store, destination: str, transport: Transport) -> bool:
    """Send one entry; False when none is due."""
    entry = store.write(lambda tx: outbox.claim(tx, destination))
    if entry is None:
        return False
    try:
        transport.send(entry)
    except NothingToSendError:
        store.write(lambda tx: outbox.cancel(tx, entry))
    except RejectedError as error:
        reason = str(error)
        store.write(lambda tx: outbox.reject(tx, entry, reason))
    except OutcomeUnknownError as error:
        reason = str(error)
        store.write(lambda tx: outbox.leave_unknown(tx, entry, reason))
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
        store.write(lambda tx: _finish(tx, transport, entry))
    return True


def _finish(tx: Transaction, transport: Transport, entry: Entry) -> None:
    transport.sent(tx, entry)
    outbox.ack(tx, entry)
