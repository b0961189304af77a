"""Sending entries one by one: claim, hand to the transport, note how it went."""

from __future__ import annotations

import logging
from typing import Protocol

from sado.store import Store, Transaction
from sado.store.tables.outbox import Entry
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.outbox import DeferredError, SendError

log = logging.getLogger(__name__)


class Transport(Protocol):
    """How the entries of one destination leave."""

    def send(self, entry: Entry) -> object:
        """Return when the destination has the entry, with its receipt; otherwise raise an outbox.SendError, which
        decides what becomes of it."""

    def sent(self, tx: Transaction, entry: Entry, receipt: object, is_certain: bool) -> None:
        """Whatever follows from having sent it, in the transaction that acknowledges it; where it is not certain but
        the error had a receipt, in the one that says so."""


def step(store: Store, destination: str, transport: Transport) -> bool:
    """Send one entry; False when none is due."""
    entry = store.write(lambda tx: outbox.claim(tx, destination))
    if entry is None:
        return False
    failure: SendError
    try:
        receipt = transport.send(entry)
    except SendError as error:
        failure = error
    except Exception as error:
        log.exception("sending entry %s failed in our own code", entry.id)
        failure = DeferredError(Cause.OWN_ERROR, type(error).__name__)
    else:
        store.write(lambda tx: _finish(tx, transport, entry, receipt))
        return True
    store.write(lambda tx: _settle(tx, transport, entry, failure))
    return True


def _finish(tx: Transaction, transport: Transport, entry: Entry, receipt: object) -> None:
    transport.sent(tx, entry, receipt, is_certain=True)
    outbox.ack(tx, entry)


def _settle(tx: Transaction, transport: Transport, entry: Entry, failure: SendError) -> None:
    # In this order: a report that came before our time-out settles the entry at once.
    failure.settle(tx, entry)
    if failure.receipt is not None:
        transport.sent(tx, entry, failure.receipt, is_certain=False)
