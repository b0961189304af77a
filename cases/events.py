"""Events from other stations, each brought to the handler of its kind."""

from __future__ import annotations

from collections.abc import Mapping

from sado.cases.errors import UnknownEventError
from sado.store import Transaction
from sado.store.tables import retention
from sado.store.tables.events import Apply, Event


class Events:
    """Hands an event on by the part of its kind before the dot: `case.moved` goes to the handler of `case`."""

    def __init__(self, handlers: Mapping[str, Apply]) -> None:
        self._handlers = handlers

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Take an event. One about a case that was deleted when its time was over changes nothing.

        Raises UnknownEventError, or what its handler raises: the caller keeps the event aside."""
        if event.reference and retention.was_deleted(tx, event.reference):
            return
        handler = self._handlers.get(event.kind.partition(".")[0])
        if handler is None:
            raise UnknownEventError(event.kind)
        handler(tx, peer, event)
